package fake

import (
	"context"
	"slices"

	"github.com/gennaker/gennaker"
)

// Op names an operation.
type Op string

// The operations that a script can make fail. Read is every method of
// provider.Inventory but Watch, and Job of provider.Jobs.
const (
	Create             Op = "create"
	Resize             Op = "resize"
	Enable             Op = "enable"
	Disable            Op = "disable"
	Destroy            Op = "destroy"
	Terminate          Op = "terminate"
	UpsertLoadBalancer Op = "upsertLoadBalancer"
	DeleteLoadBalancer Op = "deleteLoadBalancer"
	RunJob             Op = "runJob"
	CancelJob          Op = "cancelJob"
	Deploy             Op = "deploy"
	Patch              Op = "patch"
	DeleteManifest     Op = "delete"
	Rollout            Op = "rollout"
	Attach             Op = "attach"
	Detach             Op = "detach"
	Shift              Op = "shift"
	Read               Op = "read"
)

// Effect is a change that an operation made. An operation that answers for a
// key that was done makes none.
type Effect struct {
	Op     Op
	Key    string // "" for load balancers and cancelJob, which have none
	Target string // name of the server group, load balancer or job
}

// fault is what happens to the next call of an operation.
type fault struct {
	kind gennaker.Kind // of the error; it did not act
	lose bool          // it acts, and its answer is lost
}

type block struct {
	entered chan struct{}
	release chan struct{}
	seen    bool
}

// Fail makes the next n calls of op fail with an error of a kind, without
// acting. Faults of one operation follow each other.
func (p *Provider) Fail(op Op, n int, kind gennaker.Kind) {
	p.script(op, n, fault{kind: kind})
}

// Lose makes the next n calls of op act and then answer Unavailable. Calls that
// fail anyway count.
func (p *Provider) Lose(op Op, n int) {
	p.script(op, n, fault{lose: true})
}

func (p *Provider) script(op Op, n int, f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[op] = append(p.faults[op], slices.Repeat([]fault{f}, n)...)
}

// Block makes calls of op wait, before they act, until release is called or
// their context ends. The channel is closed when the first call waits.
func (p *Provider) Block(op Op) (entered <-chan struct{}, release func()) {
	b := &block{entered: make(chan struct{}), release: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blocks[op] = b
	return b.entered, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.blocks[op] == b {
			delete(p.blocks, op)
			close(b.release)
		}
	}
}

// Effects returns the changes so far, in order.
func (p *Provider) Effects() []Effect {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.effects)
}

// Calls returns how often op was called, also when it failed.
func (p *Provider) Calls(op Op) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[op]
}

// enter counts a call and applies what is scripted for it.
func (p *Provider) enter(ctx context.Context, op Op) (lose bool, err error) {
	p.mu.Lock()
	p.calls[op]++
	var f fault
	if len(p.faults[op]) > 0 {
		f, p.faults[op] = p.faults[op][0], p.faults[op][1:]
	}
	b := p.blocks[op]
	if b != nil && !b.seen {
		b.seen = true
		close(b.entered)
	}
	p.mu.Unlock()

	if b != nil {
		select {
		case <-b.release:
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return false, context.Cause(ctx)
	}
	if f.kind != "" {
		return false, gennaker.Errorf(f.kind, "%s fails, as scripted", op)
	}
	return f.lose, nil
}

package balancer

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
)

// Balancer spreads the requests of its listeners over the targets of its table.
type Balancer struct {
	log       *slog.Logger
	http1     *http.Transport
	http2     *http.Transport
	buffers   buffers
	quiet     *log.Logger
	listening sync.Mutex     // held while a listener is put in place
	retiring  sync.WaitGroup // listeners that were moved and finish their requests
	closing   chan struct{}  // closed by Close

	mu        sync.Mutex // guards what follows, and everything in pools and targets
	closed    bool
	sets      int64
	pools     map[string]*pool
	targets   map[string]*target // listed, or with requests in flight, or awaited
	listeners map[string]*listener
	moved     map[*listener]struct{} // replaced ones that still finish requests
}

// New returns a Balancer that listens nowhere and knows no target.
func New(log *slog.Logger) *Balancer {
	return &Balancer{
		log:     log,
		http1:   newTransport(false),
		http2:   newTransport(true),
		buffers: newBuffers(), quiet: discard(),
		closing:   make(chan struct{}),
		pools:     map[string]*pool{},
		targets:   map[string]*target{},
		listeners: map[string]*listener{},
		moved:     map[*listener]struct{}{},
	}
}

// Set replaces all routing at once. When it has returned no request goes to a
// target that is not in table; those under way finish (Drained waits for them).
// The figures of groups and listeners that stay are kept.
//
// Shape: table is copied. A load balancer that is not in it has no targets.
func (b *Balancer) Set(table Table) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sets++
	for _, t := range b.targets {
		t.listed = 0
	}
	for name, p := range b.pools {
		if _, ok := table[name]; !ok {
			p.inTable = false
			b.route(p, nil)
			if b.listeners[name] == nil {
				delete(b.pools, name)
			}
		}
	}
	for name, groups := range table {
		p := b.pool(name)
		p.inTable = true
		b.route(p, groups)
	}
	for _, t := range b.targets {
		b.settle(t)
	}
}

// route makes groups all that p routes to. The caller holds b.mu.
func (b *Balancer) route(p *pool, groups []Group) {
	for _, g := range p.groups {
		g.endpoints = nil
		if g.unlisted == 0 {
			g.unlisted = b.sets
		}
	}
	p.active = nil
	for _, want := range groups {
		g := p.groups[want.Name]
		if g == nil {
			g = &group{name: want.Name}
			p.groups[want.Name] = g
		}
		g.unlisted = 0
		g.weight = min(want.Weight, maxWeight)
		for _, t := range want.Targets {
			e := endpoint{b.target(t.ID), t.Address}
			if slices.ContainsFunc(g.endpoints, func(o endpoint) bool { return o.target == e.target }) {
				continue
			}
			e.listed++
			g.endpoints = append(g.endpoints, e)
		}
		if len(g.endpoints) > 0 && g.weight > 0 && !slices.Contains(p.active, g) {
			p.active = append(p.active, g)
		}
	}
	p.forget()
}

// pool returns the pool of a load balancer. The caller holds b.mu.
func (b *Balancer) pool(name string) *pool {
	p := b.pools[name]
	if p == nil {
		p = &pool{name: name, groups: map[string]*group{}}
		b.pools[name] = p
	}
	return p
}

// target returns the target with that ID. The caller holds b.mu.
func (b *Balancer) target(id string) *target {
	t := b.targets[id]
	if t == nil {
		t = &target{id: id}
		b.targets[id] = t
	}
	return t
}

// settle forgets t if it is drained and tells those who wait for that. The
// caller holds b.mu.
func (b *Balancer) settle(t *target) {
	if !t.drained() {
		return
	}
	delete(b.targets, t.id)
	for _, w := range t.waiters {
		close(w)
	}
	t.waiters = nil
}

// Drained returns once the target is not in the table and has no request in
// flight. If ctx ends before, it returns an error; if that is because a deadline
// passed, connections that were upgraded (WebSocket) are closed first, and only
// a request that is still in flight after that makes it an error.
//
// Errors: Unavailable, which wraps the context's error, if ctx ended first.
func (b *Balancer) Drained(ctx context.Context, targetID string) error {
	b.mu.Lock()
	t := b.targets[targetID]
	if t == nil || t.drained() {
		b.mu.Unlock()
		return nil
	}
	drained := make(chan struct{})
	t.waiters = append(t.waiters, drained)
	b.mu.Unlock()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && b.cutUpgraded(t) {
		patience := time.NewTimer(cutPatience)
		defer patience.Stop()
		select {
		case <-drained:
			return nil
		case <-patience.C:
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.waiters = slices.DeleteFunc(t.waiters, func(w chan struct{}) bool { return w == drained })
	if t.drained() {
		return nil
	}
	if t.listed > 0 {
		return gennaker.Errorf(gennaker.Unavailable, "instance %s is still in service: %w", targetID, ctx.Err())
	}
	return gennaker.Errorf(gennaker.Unavailable, "instance %s still has %d requests in flight: %w", targetID, t.inFlight, ctx.Err()).
		WithHint("give it longer to drain, or stop it and let these requests fail")
}

// cutPatience bounds how long an upgraded connection may take to notice that it
// was closed.
const cutPatience = 2 * time.Second

// cutUpgraded closes the upgraded connections of t if it is out of the table,
// and reports whether these were all that t had in flight.
func (b *Balancer) cutUpgraded(t *target) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.listed > 0 {
		return false
	}
	for x := range t.upgraded {
		x.cancel()
	}
	return t.inFlight <= int64(len(t.upgraded))
}

// InFlight returns how many requests the target has at the moment, upgraded
// connections included.
func (b *Balancer) InFlight(targetID string) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.targets[targetID]; t != nil {
		return t.inFlight
	}
	return 0
}

// Traffic returns the figures of a group behind a load balancer since the group
// was first seen in a table; those of the load balancer as a whole, requests that
// found no target included, if group is "". A request that was retried counts
// where it went last. One whose client went away is not an error.
//
// Shape: zero for what is not known. A group that left the table is remembered
// while fewer than 1,000 left after it.
func (b *Balancer) Traffic(lb, group string) gennaker.Traffic {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pools[lb]
	switch {
	case p == nil:
		return gennaker.Traffic{}
	case group == "":
		return p.figures.traffic()
	}
	if g := p.groups[group]; g != nil {
		return g.figures.traffic()
	}
	return gennaker.Traffic{}
}

package node

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/balancer"
	"github.com/gennaker/gennaker/internal/node/health"
	"github.com/gennaker/gennaker/internal/node/process"
	"github.com/gennaker/gennaker/internal/node/state"
)

// group is a server group: its record and what runs of it.
type group struct {
	n *node

	// These never change.
	name      string
	cluster   string
	serial    int
	spec      gennaker.ServerGroupSpec
	files     state.Artifact
	drainTime time.Duration

	change sync.Mutex // held from reading the record to saving the changed one; before mu

	mu      sync.Mutex  // before the locks of the node
	rec     state.Group // durable, but for what carry brings up to date
	runs    map[int]*run
	outFrom map[int]time.Time // when instances went out of service
	gone    bool
	saving  bool // another save will be tried

	routed atomic.Pointer[routed]
}

// routed is what the balancer must know of a server group.
type routed struct {
	balancers []string
	weight    int
	targets   []balancer.Target
}

// saveAgain is how long to wait after a save that was not possible.
const saveAgain = 2 * time.Second

// errDone ends a change that was made before.
var errDone = errors.New("done before")

func newGroup(n *node, rec state.Group) *group {
	g := &group{
		n: n, name: rec.Name, cluster: rec.Cluster, serial: rec.Serial,
		spec: rec.Spec, files: rec.Artifact, drainTime: rec.DrainTime(),
		rec: rec, runs: map[int]*run{}, outFrom: map[int]time.Time{},
	}
	g.publish()
	return g
}

// do changes the record by f unless the operation with key was done.
//
// Errors: those of f; NotFound if the group is gone or being destroyed;
// Unavailable if the change could not be made durable. Then nothing changed.
func (g *group) do(key string, f func(*state.Group) error) error {
	err := g.update(func(rec *state.Group) error {
		if rec.Done(key) {
			return errDone
		}
		if rec.Destroying {
			return gennaker.Errorf(gennaker.NotFound, "server group %s is being destroyed", g.name)
		}
		if err := f(rec); err != nil {
			return err
		}
		rec.Remember(key)
		return nil
	})
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

// update changes the record by f, makes it durable, and acts on it. When it
// returns, no new request reaches an instance that went out of service.
func (g *group) update(f func(*state.Group) error) error {
	g.change.Lock()
	defer g.change.Unlock()
	g.mu.Lock()
	next, gone := g.rec.Clone(), g.gone
	g.carry(&next)
	g.mu.Unlock()
	if gone {
		return gennaker.Errorf(gennaker.NotFound, "there is no server group %s on this node", g.name)
	}
	if err := f(&next); err != nil {
		return err
	}
	if err := g.n.store.SaveGroup(next); err != nil {
		return err
	}
	g.mu.Lock()
	out := g.wentOut(next)
	g.rec = next
	g.publish()
	g.n.route() // with mu held: nobody sees the new state before it holds
	g.mu.Unlock()
	for _, instance := range out {
		g.n.work.Go(func() { g.drain(instance) })
	}
	g.tend()
	g.changed()
	return nil
}

// carry brings up to date what the record keeps of running processes. mu is
// held.
func (g *group) carry(rec *state.Group) {
	for suffix, r := range g.runs {
		in := rec.Find(suffix)
		if in == nil {
			continue
		}
		in.Healthy = r.verdict == health.Healthy
		if r.proc != nil {
			id := r.proc.ID()
			in.Boot, in.PID, in.StartTicks = id.Boot, id.PID, id.Ticks
			in.Port, in.Launched = r.port, gennaker.At(r.launched)
		}
	}
}

// publish computes what the balancer must know. mu is held, or g is new.
func (g *group) publish() {
	r := &routed{balancers: g.spec.LoadBalancers, weight: g.rec.Weight()}
	for _, in := range g.rec.Instances {
		if run := g.runs[in.Suffix]; run != nil && run.serves(in) {
			r.targets = append(r.targets, balancer.Target{ID: run.name, Address: run.address()})
		}
	}
	g.routed.Store(r)
}

// refresh makes a change of what runs visible.
func (g *group) refresh() {
	g.mu.Lock()
	g.publish()
	g.n.route()
	g.mu.Unlock()
	g.changed()
}

// has reports whether there is an instance with a name.
func (g *group) has(instance string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.rec.Instances, func(in state.Instance) bool { return g.rec.InstanceName(in.Suffix) == instance })
}

func (g *group) changed() { g.n.hub.publish(g.spec.Application, g.name) }

// wentOut notes which instances go out of service by the next record, and
// returns their names. mu is held.
func (g *group) wentOut(next state.Group) (names []string) {
	for _, in := range next.Instances {
		old := g.rec.Find(in.Suffix)
		switch {
		case old == nil || old.OutOfService == in.OutOfService:
		case in.OutOfService:
			g.outFrom[in.Suffix] = time.Now()
			names = append(names, next.InstanceName(in.Suffix))
		default:
			delete(g.outFrom, in.Suffix)
		}
	}
	return names
}

// drain tells watchers when the requests of an instance are done, or its time
// for them is over.
func (g *group) drain(instance string) {
	ctx, cancel := context.WithTimeout(g.n.ctx, g.drainTime)
	defer cancel()
	_ = g.n.bal.Drained(ctx, instance)
	g.changed()
}

// tend starts a goroutine for each instance that has none, and tells those that
// must leave to do so. A group that was destroyed is buried when it is empty.
func (g *group) tend() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rec.Destroying && len(g.rec.Instances) == 0 && !g.gone {
		g.gone = true
		g.n.work.Go(func() { g.n.bury(g) })
		return
	}
	if g.n.ctx.Err() != nil {
		return
	}
	halting := g.n.halting()
	for _, in := range g.rec.Instances {
		r := g.runs[in.Suffix]
		if r == nil && !halting {
			r = newRun(g, in)
			g.runs[in.Suffix] = r
		}
		if r == nil {
			continue
		}
		if !r.begun {
			r.begun = true
			g.n.work.Go(r.supervise)
		}
		if in.Leaving && !r.leaving {
			r.leaving = true
			close(r.leave)
		}
	}
}

// forget removes an instance that is gone from the record.
func (g *group) forget(suffix int) error {
	return g.update(func(rec *state.Group) error {
		g.mu.Lock()
		delete(g.runs, suffix)
		delete(g.outFrom, suffix)
		g.mu.Unlock()
		rec.Forget(suffix)
		return nil
	})
}

// save makes durable what runs now; if that is not possible, as soon as it is.
func (g *group) save() {
	err := g.update(func(*state.Group) error { return nil })
	if err == nil || gennaker.KindOf(err) == gennaker.NotFound {
		return
	}
	g.n.Log.Warn("the state of a server group could not be saved", "group", g.name, "error", err)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.saving {
		return
	}
	g.saving = true
	g.n.work.Go(func() {
		select {
		case <-g.n.ctx.Done():
		case <-time.After(saveAgain):
		}
		g.mu.Lock()
		g.saving = false
		g.mu.Unlock()
		if g.n.ctx.Err() == nil {
			g.save()
		}
	})
}

// adopt takes over the processes that run for g, of all marked ones, before
// anything else is done with g. Processes that forked away from an instance
// that ended are killed.
func (g *group) adopt(marked []process.Found) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, in := range g.rec.Instances {
		r := newRun(g, in)
		g.runs[in.Suffix] = r
		own := slices.DeleteFunc(slices.Clone(marked), func(f process.Found) bool { return f.Marks[markInstance] != r.name })
		id, port := process.ID{Boot: in.Boot, PID: in.PID, Ticks: in.StartTicks}, in.Port
		if in.PID == 0 {
			id, port = unrecorded(in, own)
		}
		p, err := process.Adopt(id)
		if err != nil {
			if len(own) > 0 {
				r.sweep()
			}
			continue
		}
		r.adopted(p, port, in)
		current := strconv.Itoa(in.Attempt)
		for _, f := range own {
			if f.Marks[markAttempt] != current {
				process.Kill(f.ID)
			}
		}
	}
	g.publish()
}

// unrecorded finds the process that was started for an instance but not written
// down: the first leader of a session of its attempt.
func unrecorded(in state.Instance, own []process.Found) (id process.ID, port int) {
	for _, f := range own {
		p, err := strconv.Atoi(f.Marks[markPort])
		if f.Leader && f.Marks[markCheck] == "" && f.Marks[markAttempt] == strconv.Itoa(in.Attempt) && err == nil {
			return f.ID, p
		}
	}
	return process.ID{}, 0
}

// halt tells all instances to stop, without forgetting them.
func (g *group) halt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.runs {
		if !r.leaving {
			r.leaving = true
			r.halt = true
			close(r.leave)
		}
	}
	g.publish()
}

// halted waits until no instance runs or the node ends.
func (g *group) halted() {
	g.mu.Lock()
	runs := slices.Collect(maps.Values(g.runs))
	g.mu.Unlock()
	for _, r := range runs {
		<-r.done
	}
}

package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

// Simulation is an engine whose time is told and whose storage is memory. It
// works in the goroutine that calls it, in one order: the same calls have the
// same effects. It is not safe for concurrent use, but tasks may call it.
//
//	s := engine.Simulate(cfg, start)
//	id, err := s.Submit(ctx, x) // everything that needs no time has happened
//	for !complete(id) && s.Advance(s.Next()) {}
//
// Config.Store and Config.Workers are not looked at.
type Simulation struct {
	*Engine

	clock      time.Time
	queue      []func()
	timers     []simulatedTimer
	committing bool
	working    bool
}

type simulatedTimer struct {
	at time.Time
	do func()
}

// Simulate returns a simulation in which it is start.
func Simulate(cfg Config, start time.Time) *Simulation {
	cfg.Store = &memory{stored: map[string]Stored{}}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Simulation{Engine: newEngine(context.Background(), cfg), clock: start.UTC()}
	s.now = func() time.Time { return s.clock }
	s.work = func(f func()) { s.queue = append(s.queue, f) }
	s.after = func(d time.Duration, f func()) { s.timers = append(s.timers, simulatedTimer{s.clock.Add(d), f}) }
	s.post = func(in input) {
		s.own = append(s.own, in)
		s.commitAll()
		s.settle()
	}
	return s
}

// commitAll folds what was posted, and what that posts.
func (s *Simulation) commitAll() {
	if s.committing {
		return // whoever commits goes on with it
	}
	s.committing = true
	defer func() { s.committing = false }()
	for len(s.own) > 0 {
		ins := s.own
		s.own = nil
		s.commit(ins)
	}
}

// settle does the work that is waiting, until there is none. A task that calls
// the engine is in the middle of that, and must not begin with the next.
func (s *Simulation) settle() {
	if s.working || s.committing {
		return
	}
	s.working = true
	defer func() { s.working = false }()
	for len(s.queue) > 0 {
		f := s.queue[0]
		s.queue = s.queue[1:]
		f()
	}
}

// Now returns the time in the simulation.
func (s *Simulation) Now() time.Time { return s.clock }

// Next returns when something happens by itself; zero for never.
func (s *Simulation) Next() time.Time {
	var next time.Time
	if len(s.Engine.timers.heap) > 0 {
		next = s.Engine.timers.heap[0].wake
	}
	for _, t := range s.timers {
		if next.IsZero() || t.at.Before(next) {
			next = t.at
		}
	}
	return next
}

// Advance lets time pass until to, with everything that happens on the way. It
// returns false if to is zero.
func (s *Simulation) Advance(to time.Time) bool {
	if to.IsZero() {
		return false
	}
	for next := s.Next(); !next.IsZero() && !next.After(to); next = s.Next() {
		if next.After(s.clock) {
			s.clock = next
		}
		s.tick()
	}
	if to.After(s.clock) {
		s.clock = to.UTC()
	}
	return true
}

// Look wakes every task that waits for something outside, again and again until
// none finds anything new, or for rounds times.
func (s *Simulation) Look(rounds int) {
	m, _ := s.cfg.Store.(*memory)
	for last := ""; rounds > 0; rounds-- {
		before := m.changes
		if s.SignalAll(); before == m.changes {
			return
		}
		now := s.snapshot()
		if now == last {
			return
		}
		last = now
	}
}

// snapshot is all that is stored of what runs: a task that looked, and waits as it did
// before, changed nothing.
func (s *Simulation) snapshot() string {
	var out strings.Builder
	m, _ := s.cfg.Store.(*memory)
	for _, id := range s.Running() {
		state, err := json.Marshal(m.stored[id].State)
		if err != nil {
			return fmt.Sprint(m.changes)
		}
		out.Write(state)
		docs := m.stored[id].Docs
		for _, k := range slices.Sorted(maps.Keys(docs)) {
			fmt.Fprintf(&out, "%s%s", docs[k].Context, docs[k].Outputs)
		}
	}
	return out.String()
}

// tick does what is due.
func (s *Simulation) tick() {
	var due []func()
	s.timers = slices.DeleteFunc(s.timers, func(t simulatedTimer) bool {
		if t.at.After(s.clock) {
			return false
		}
		due = append(due, t.do)
		return true
	})
	for _, f := range due {
		f()
	}
	s.post(input{apply: func(*batch) {}})
}

// Execution returns an execution as the API shows it. Errors: NotFound.
func (s *Simulation) Execution(ctx context.Context, id string) (gennaker.Execution, error) {
	if r := s.runs[id]; r != nil {
		if err := s.load(r); err != nil {
			return gennaker.Execution{}, err
		}
		return s.view(r)
	}
	stored, err := s.cfg.Store.Load(ctx, id)
	if err != nil {
		return gennaker.Execution{}, err
	}
	return stored.View(true)
}

// Running returns the IDs of the executions that are not settled, in the order
// in which they were made.
func (s *Simulation) Running() []string {
	return slices.DeleteFunc(s.Executions(), func(id string) bool { return s.runs[id] == nil })
}

// Executions returns the IDs of all executions, in the order in which they were
// made.
func (s *Simulation) Executions() []string {
	m, _ := s.cfg.Store.(*memory)
	return slices.Clone(m.order)
}

// memory is a Store that keeps what the simulation needs again.
type memory struct {
	stored  map[string]Stored
	order   []string
	changes int // commits that changed anything
}

// Commit keeps the newest form of each execution.
func (m *memory) Commit(_ context.Context, deltas []Delta) error {
	m.changes++
	for _, d := range deltas {
		if d.Deleted {
			delete(m.stored, d.ID)
			m.order = slices.DeleteFunc(m.order, func(id string) bool { return id == d.ID })
			continue
		}
		s, ok := m.stored[d.ID]
		if d.Create != nil {
			s = Stored{Execution: *d.Create, Docs: map[string]Doc{}}
			m.order = append(m.order, d.ID)
		} else if !ok {
			return fmt.Errorf("execution %s was not created", d.ID)
		}
		if d.Head != nil {
			s.State = d.Head // with its stages, which only this process changes
		}
		for _, row := range d.Docs {
			s.Docs[row.ID] = row.Doc
		}
		for _, id := range d.Removed {
			delete(s.Docs, id)
		}
		m.stored[d.ID] = s
	}
	return nil
}

// Open finds nothing to recover.
func (m *memory) Open(context.Context, func(Stored) error) error { return nil }

// Load returns one execution.
func (m *memory) Load(_ context.Context, id string) (Stored, error) {
	s, ok := m.stored[id]
	if !ok {
		return Stored{}, notFound(id)
	}
	return s, nil
}

var _ Store = (*memory)(nil)

package engine

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/flow"
	"github.com/gennaker/gennaker/internal/stage"
)

// input is something to fold into the state, in the writer's goroutine.
type input struct {
	apply  func(*batch)
	create string     // ID of the execution that it submits; it can be refused whole
	ack    chan error // answered when durable; may be nil
	err    *error     // what apply found wrong; the answer if set
}

// batch is what the inputs of one commit changed.
type batch struct {
	e        *Engine
	now      time.Time
	deltas   map[*run]*pending
	order    []*run
	commands []ordered
	events   []gennaker.Event
	topics   []string
	todo     []func() // after the commit
	touched  []*run   // every execution that saw an event
}

// later does f after the commit.
func (b *batch) later(f func()) { b.todo = append(b.todo, f) }

// pending is the delta of one execution, not yet encoded.
type pending struct {
	create  *gennaker.Execution
	head    bool
	stages  map[*flow.Stage]bool
	docs    map[string]bool
	removed []string
	deleted bool
	stored  bool // by itself, already
	started bool // it began to run
	ended   bool
	refused *error // what to set if the storage refuses it for good; may be nil
}

type ordered struct {
	r *run
	c flow.Command
}

// send is post: it hands an input to the writer.
func (e *Engine) send(in input) {
	select {
	case e.inputs <- in:
	case <-e.ctx.Done():
		if in.ack != nil {
			in.ack <- shutdown()
		}
	}
}

func shutdown() error {
	return gennaker.Errorf(gennaker.Unavailable, "the server is shutting down").WithHint("try again in a moment")
}

// call hands an input to the writer and waits until it is durable.
func (e *Engine) call(ctx context.Context, create string, apply func(*batch) error) error {
	if err := e.Health(); err != nil {
		return err
	}
	var failure error
	in := input{create: create, ack: make(chan error, 1), err: &failure}
	in.apply = func(b *batch) { failure = apply(b) }
	e.post(in)
	select {
	case err := <-in.ack:
		return err
	case <-e.done:
		return shutdown()
	case <-ctx.Done():
		return gennaker.Errorf(gennaker.Unavailable, "the change was not durable in time: %w", ctx.Err())
	}
}

// write is the writer: it owns the state of all executions.
func (e *Engine) write() {
	defer close(e.done)
	e.recover()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var ins []input
	for {
		ins = append(ins[:0], e.own...)
		e.own = e.own[:0]
		if len(ins) == 0 {
			timer.Reset(e.timers.wait(e.now()))
			select {
			case in := <-e.inputs:
				ins = append(ins, in)
				runtime.Gosched() // those who are about to post share the commit
			case <-timer.C:
			case <-e.ctx.Done():
				return
			}
		}
	drain:
		for len(ins) < e.cfg.MaxBatch {
			select {
			case in := <-e.inputs:
				ins = append(ins, in)
			default:
				break drain
			}
		}
		if !e.commit(ins) {
			return
		}
	}
}

// recover carries out what was outstanding when the last process ended.
func (e *Engine) recover() {
	b := e.newBatch()
	runs := make([]*run, 0, len(e.runs))
	for _, r := range e.runs {
		runs = append(runs, r)
	}
	slices.SortFunc(runs, oldest)
	for _, r := range runs {
		for _, c := range r.state.Outstanding() {
			b.commands = append(b.commands, ordered{r, c})
		}
		e.timers.set(r, r.state.NextWake())
	}
	for config := range e.lanes {
		b.release(config)
	}
	e.finish(b, nil)
}

func (e *Engine) newBatch() *batch {
	return &batch{e: e, now: e.now().UTC(), deltas: map[*run]*pending{}}
}

// commit folds ins and what is due, makes the result durable, and acts on it.
// It returns false when the engine shuts down.
func (e *Engine) commit(ins []input) bool {
	b := e.newBatch()
	for _, in := range ins {
		in.apply(b)
	}
	for _, r := range e.timers.due(b.now) {
		b.apply(r, flow.Event{Kind: flow.Tick})
	}
	return e.finish(b, ins)
}

func (e *Engine) finish(b *batch, ins []input) bool {
	b.planNow()
	err := e.store(b)
	for wait := 100 * time.Millisecond; err != nil; wait = min(2*wait, 5*time.Second) {
		e.degrade(err)
		ins = e.refuse(b, ins, err)
		select {
		case <-time.After(wait):
		case <-e.ctx.Done():
			return false
		}
		err = e.store(b)
	}
	e.degrade(nil)
	for _, in := range ins {
		if in.ack != nil {
			in.ack <- *in.err
		}
	}
	e.act(b)
	return true
}

// store commits what b changed. What the storage refuses for good, because it
// does not fit what is stored, is given up: the rest would wait for ever.
func (e *Engine) store(b *batch) error {
	ctx := context.WithoutCancel(e.ctx)
	deltas := make([]Delta, 0, len(b.order))
	for _, r := range b.order {
		if d := b.deltas[r]; !d.stored {
			deltas = append(deltas, r.encode(d))
		}
	}
	if len(deltas) == 0 {
		return nil
	}
	err := e.cfg.Store.Commit(ctx, deltas)
	if err == nil || !definite(err) {
		return err
	}
	for _, r := range slices.Clone(b.order) {
		d := b.deltas[r]
		if d.stored {
			continue
		}
		switch err := e.cfg.Store.Commit(ctx, []Delta{r.encode(d)}); {
		case err == nil:
			d.stored = true
		case !definite(err):
			return err
		default:
			e.cfg.Log.Error("an execution cannot be stored, and is given up", "execution", r.x.ID, "error", err)
			if d.refused != nil {
				*d.refused = err
			}
			e.giveUp(b, r)
		}
	}
	return nil
}

// giveUp takes an execution out of a batch, and out of memory.
func (e *Engine) giveUp(b *batch, r *run) {
	if e.runs[r.x.ID] == r {
		e.forget(r)
	}
	delete(b.deltas, r)
	b.order = slices.DeleteFunc(b.order, func(o *run) bool { return o == r })
	b.commands = slices.DeleteFunc(b.commands, func(o ordered) bool { return o.r == r })
	b.events = slices.DeleteFunc(b.events, func(ev gennaker.Event) bool { return ev.Execution == r.x.ID })
}

// refuse takes new executions out of a batch that cannot be stored, so that
// their callers know; everything else waits for the storage, and so does one
// that may have superseded others.
func (e *Engine) refuse(b *batch, ins []input, err error) []input {
	return slices.DeleteFunc(ins, func(in input) bool {
		r := e.runs[in.create]
		if in.create == "" || r == nil || b.deltas[r] == nil || b.deltas[r].create == nil || len(e.lanes[r.x.PipelineConfigID]) > 1 {
			return false
		}
		e.giveUp(b, r)
		in.ack <- err
		return true
	})
}

func (e *Engine) degrade(err error) {
	e.mu.Lock()
	changed := (err == nil) != (e.degraded == nil)
	e.degraded = err
	e.mu.Unlock()
	switch {
	case changed && err != nil:
		e.cfg.Log.Error("executions wait until the storage works again", "error", err)
	case changed:
		e.cfg.Log.Info("the storage works again")
	}
}

// act carries out what became durable.
func (e *Engine) act(b *batch) {
	for _, f := range b.todo {
		f()
	}
	for _, o := range b.commands {
		e.dispatch(o.r, o.c)
	}
	b.report()
	for _, r := range b.order {
		if b.deltas[r].deleted || r.state.Settled() {
			e.forget(r)
		}
	}
	for _, r := range b.touched {
		e.park(r)
	}
	for _, ev := range b.events {
		e.cfg.Publish(ev)
	}
	for _, topic := range b.topics {
		if e.signal.note(topic) { // not Signal: the writer must not wait for itself
			e.own = append(e.own, input{apply: func(b *batch) { b.wakeTopic(topic) }})
		}
	}
}

// encode returns what is to be stored of an execution.
func (r *run) encode(p *pending) Delta {
	d := Delta{ID: r.x.ID, Create: p.create, Removed: p.removed, Deleted: p.deleted}
	if p.deleted {
		return d
	}
	if p.head || p.create != nil {
		d.Head, d.Settled = r.state, r.state.Settled()
	}
	for st := range p.stages {
		d.Stages = append(d.Stages, StageRow{ID: st.ID, State: st.AppendJSON(make([]byte, 0, 768))})
	}
	for id := range p.docs {
		if doc := r.docs[id]; doc != nil && r.state.Stage(id) != nil {
			d.Docs = append(d.Docs, DocRow{ID: id, Doc: doc.Doc})
		}
	}
	return d
}

// apply folds an event into an execution and notes what follows.
func (b *batch) apply(r *run, ev flow.Event) {
	ev.At = b.now
	r.mu.Lock()
	was, ran := r.state.Settled(), r.state.Status
	fx := r.state.Apply(ev)
	r.mu.Unlock()
	b.touched = append(b.touched, r)
	for _, c := range fx.Commands {
		b.commands = append(b.commands, ordered{r, c})
	}
	b.e.timers.set(r, r.state.NextWake())
	if fx.Head || len(fx.Changed) > 0 || len(fx.Removed) > 0 {
		b.note(r, fx, was)
	}
	if fx.Head {
		d, runs := b.delta(r), r.state.Status == gennaker.Running || fx.Finished && !r.state.Start.IsZero()
		d.started = d.started || runs && (ran == gennaker.NotStarted || ran.Complete())
		d.ended = d.ended || fx.Finished
	}
	if fx.Finished {
		b.topics = append(b.topics, stage.ExecutionTopic(r.x.ID))
		b.release(r.x.PipelineConfigID)
	}
}

// note remembers what an event changed, to be stored and published.
func (b *batch) note(r *run, fx flow.Effects, settled bool) {
	d := b.delta(r)
	d.head = d.head || fx.Head || r.state.Settled() != settled
	for _, st := range fx.Changed {
		d.stages[st] = true
		b.events = append(b.events, stageEvent(r, st, b.now))
	}
	for _, id := range fx.Removed {
		d.removed = append(d.removed, id)
		maps.DeleteFunc(d.stages, func(st *flow.Stage, _ bool) bool { return st.ID == id })
	}
	if len(fx.Removed) > 0 {
		r.mu.Lock()
		for _, id := range fx.Removed {
			delete(r.docs, id)
		}
		r.mu.Unlock()
	}
	if fx.Head {
		b.events = append(b.events, executionEvent(r, b.now))
	}
}

// delta returns what b changed in r so far.
func (b *batch) delta(r *run) *pending {
	d := b.deltas[r]
	if d == nil {
		d = &pending{stages: map[*flow.Stage]bool{}, docs: map[string]bool{}}
		b.deltas[r] = d
		b.order = append(b.order, r)
	}
	return d
}

func executionEvent(r *run, now time.Time) gennaker.Event {
	return gennaker.Event{
		Type: gennaker.ExecutionChanged, At: gennaker.At(now), Application: r.x.Application,
		Execution: r.x.ID, Status: r.state.Status, Name: r.x.Name,
	}
}

func stageEvent(r *run, st *flow.Stage, now time.Time) gennaker.Event {
	ev := gennaker.Event{
		Type: gennaker.ExecutionChanged, At: gennaker.At(now), Application: r.x.Application,
		Execution: r.x.ID, Stage: st.ID, Status: st.Status, Name: st.Name,
	}
	for _, t := range st.Tasks {
		if t.Status == gennaker.Running {
			ev.Task = t.Name
		}
	}
	return ev
}

func oldest(a, b *run) int {
	switch {
	case a.x.ID < b.x.ID:
		return -1
	case a.x.ID > b.x.ID:
		return 1
	}
	return 0
}

// release begins the executions of a pipeline that may run now.
func (b *batch) release(config string) {
	lane := b.e.lanes[config]
	if config == "" || len(lane) == 0 {
		return
	}
	var waiting []*run
	running := 0
	for r := range lane {
		switch r.state.Status {
		case gennaker.NotStarted:
			waiting = append(waiting, r)
		case gennaker.Running:
			running++
		default:
		}
	}
	slices.SortFunc(waiting, oldest)
	ids := make([]string, len(waiting))
	for i, r := range waiting {
		ids[i] = r.x.ID
	}
	if len(waiting) == 0 || !waiting[len(waiting)-1].state.Limits.Admits(running) {
		return
	}
	start, superseded := waiting[len(waiting)-1].state.Limits.Release(ids)
	for _, id := range superseded {
		b.apply(b.e.runs[id], flow.Event{Kind: flow.CancelAll, By: "spinnaker", Reason: supersededReason})
	}
	if r := b.e.runs[start]; r != nil && r.state.Status == gennaker.NotStarted {
		b.apply(r, flow.Event{Kind: flow.Begin})
	}
}

// supersededReason is Spinnaker's sentence, spelling included: tools match it.
const supersededReason = "This execution was queued but then canceled because a newer queued execution superceded it. " +
	"This pipeline is configured to automatically cancel waiting executions."

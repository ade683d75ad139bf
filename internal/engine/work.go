package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/flow"
	"github.com/gennaker/gennaker/internal/stage"
)

// attempt is work that is under way: a planner or a task, or its undoing.
type attempt struct {
	cancel context.CancelCauseFunc
	since  uint64       // mark of the signals when it began
	again  bool         // woken while it ran
	undo   flow.Command // DoCancel or DoExpire: what to do when it returned
	undoes bool         // it is itself such an undoing
	drop   bool         // its result does not count
	tries  int          // of planning
}

// maxPlanTries bounds how often planning is tried again.
//
// Source: execution model, section 5, StartStage.
const maxPlanTries = 40

// An undoing that cannot tell is tried again, for some seconds in all: what it
// needs may be restarting.
const (
	undoTries      = 8
	firstUndoPause = 50 * time.Millisecond
)

var (
	errCanceled = errors.New("the stage is canceled")
	errExpired  = errors.New("the stage timed out")
)

// dispatch begins to carry out a command. It runs in the writer's goroutine.
func (e *Engine) dispatch(r *run, c flow.Command) {
	p := place{stage: c.Stage, run: c.Run, task: c.Task}
	if c.Kind == flow.DoPlan {
		p.task, p.phase = -1, c.Phase
	}
	if topics := r.topics[p]; topics != nil {
		e.signal.unlisten(r, p, topics)
		delete(r.topics, p)
	}
	a := r.inflight[p]
	switch c.Kind {
	case flow.DoPlan:
		if a == nil {
			e.begin(r, p, &attempt{}, func(ctx context.Context, a *attempt) func(*batch) { return e.planStage(ctx, r, p, a) })
		}
	case flow.DoRun:
		if a != nil {
			a.again = true
			return
		}
		e.begin(r, p, &attempt{}, func(ctx context.Context, a *attempt) func(*batch) { return e.runTask(ctx, r, p, c, a) })
	case flow.DoCancel, flow.DoExpire:
		switch {
		case a == nil:
			e.undo(r, p, c)
		case !a.undoes:
			a.undo = c
			a.cancel(causeOf(c.Kind))
		case c.Kind == flow.DoCancel && a.undo.Kind != flow.DoCancel:
			a.undo = c // canceled while it expires: answer as canceled
		}
	case flow.DoDrop:
		if a != nil {
			a.drop = true
			a.cancel(errCanceled)
		}
	}
}

func causeOf(k flow.CommandKind) error {
	if k == flow.DoExpire {
		return errExpired
	}
	return errCanceled
}

// begin runs work on a worker; what it returns is folded by the writer.
func (e *Engine) begin(r *run, p place, a *attempt, work func(context.Context, *attempt) func(*batch)) {
	ctx, cancel := context.WithCancelCause(e.ctx)
	a.cancel, a.since = cancel, e.signal.now()
	r.began(p, a)
	ready := e.now()
	e.work(func() {
		e.cfg.Observer.TaskWaited(e.now().Sub(ready))
		apply := func(*batch) {}
		if ctx.Err() == nil { // else it was interrupted before it began
			apply = work(ctx, a)
		}
		if context.Cause(e.ctx) != nil {
			cancel(nil)
			return // it will be done again by the next process
		}
		e.post(input{apply: func(b *batch) {
			cancel(nil)
			delete(r.inflight, p)
			switch {
			case a.drop:
			case a.undo.Kind != "" && !a.undoes:
				b.later(func() { e.undo(r, p, a.undo) })
			default:
				apply(b)
			}
		}})
	})
}

// began notes work that is under way.
func (r *run) began(p place, a *attempt) {
	if r.inflight == nil {
		r.inflight = map[place]*attempt{}
	}
	r.inflight[p] = a
}

// undo lets a task that is canceled or expired clean up, and answers.
func (e *Engine) undo(r *run, p place, c flow.Command) {
	a := &attempt{undoes: true, undo: c}
	e.begin(r, p, a, func(ctx context.Context, a *attempt) func(*batch) { return e.undoTask(ctx, r, p, a) })
}

// planStage calls a planner.
func (e *Engine) planStage(ctx context.Context, r *run, p place, a *attempt) func(*batch) {
	pl, err := e.plan(ctx, r, p)
	if err != nil && !definite(err) && a.tries < maxPlanTries && context.Cause(ctx) == nil {
		return func(*batch) { e.planAgain(r, p, a) }
	}
	if err != nil {
		e.cfg.Log.Warn("a stage could not be planned", "execution", r.x.ID, "stage", p.stage, "phase", p.phase, "error", err)
		operation := "plan"
		if p.phase == flow.PlanAfter {
			operation = "ConstructAfterStages"
		}
		pl = planned{flow: flow.Plan{Phase: p.phase, Failed: true, Policy: pl.flow.Policy, Failure: pl.flow.Failure}}
		if p.phase != flow.PlanFailure { // which must not hide why the stage failed
			pl.context = map[string]any{"exception": exception(operation, e.now(), err.Error(), gennaker.HintOf(err), nil), "beforeStagePlanningFailed": true}
		}
	}
	return func(b *batch) {
		ev := flow.Event{Kind: flow.Planned, Stage: p.stage, Run: p.run, Plan: pl.flow}
		if !r.state.Answers(ev) {
			return
		}
		for id, d := range pl.children {
			b.setDoc(r, id, d)
		}
		b.merge(r, p.stage, pl.context, nil, pl.drop...)
		b.apply(r, ev)
	}
}

// planNow plans the stages to which no planner gives children: that is only
// deciding, so it can be part of the commit that starts them.
func (b *batch) planNow() {
	kept := b.commands[:0:0]
	for i := 0; i < len(b.commands); i++ { // grows: what is planned starts
		r, c := b.commands[i].r, b.commands[i].c
		if st := r.state.Stage(c.Stage); c.Kind == flow.DoPlan && c.Phase == flow.PlanStart && st != nil && r.docs != nil {
			if def, err := b.e.cfg.Registry.Find(st.Type); err == nil && def.Before == nil && decides(r.docs[c.Stage].Context) {
				p := place{stage: c.Stage, run: c.Run, task: -1, phase: c.Phase}
				b.e.planStage(b.e.ctx, r, p, &attempt{tries: maxPlanTries})(b)
				continue
			}
		}
		kept = append(kept, b.commands[i])
	}
	b.commands = kept
}

// planAgain plans later, without holding a worker.
func (e *Engine) planAgain(r *run, p place, a *attempt) {
	next := &attempt{tries: a.tries + 1}
	next.cancel = func(error) {}
	r.began(p, next)
	e.after(min(100*time.Millisecond<<min(a.tries, 8), 15*time.Second), func() {
		e.post(input{apply: func(b *batch) {
			if r.inflight[p] != next || next.drop {
				return
			}
			b.later(func() {
				e.begin(r, p, next, func(ctx context.Context, a *attempt) func(*batch) { return e.planStage(ctx, r, p, a) })
			})
		}})
	})
}

// definite reports whether trying again cannot mend err.
func definite(err error) bool {
	switch gennaker.KindOf(err) {
	case gennaker.Invalid, gennaker.Denied, gennaker.NotFound, gennaker.Conflict, gennaker.TooLarge:
		return true
	case gennaker.TooMany, gennaker.Unavailable, gennaker.Internal:
		return false
	}
	return false
}

// runTask runs a task once.
func (e *Engine) runTask(ctx context.Context, r *run, p place, c flow.Command, a *attempt) func(*batch) {
	in, task, err := e.input(ctx, r, p, c.Attempt)
	var out stage.Outcome
	var was change
	var unresolved bool
	if err == nil {
		was.from, was.to, unresolved, err = e.evaluated(r, p, &in)
	}
	if err == nil {
		out, err = guard(func() (stage.Outcome, error) { return task.Run(ctx, in) })
	}
	if err == nil && out.Status() == "" {
		err = gennaker.Errorf(gennaker.Invalid, "task %s returned no outcome", in.Task)
	}
	ev := flow.Event{Stage: p.stage, Run: p.run, Task: p.task, Unresolved: unresolved}
	switch {
	case err != nil && definite(err):
		out = stage.Fail("%s", err.Error()).WithHint("%s", gennaker.HintOf(err))
		fallthrough
	case err == nil && out.Final():
		ev.Kind, ev.Status = flow.TaskEnded, out.Status()
		if ev.Status == gennaker.Terminal {
			reason, hint, details := out.Reason()
			out = out.WithContext(map[string]any{"exception": exception(in.Task, e.now(), reason, hint, details)})
		}
	case err != nil:
		e.cfg.Log.Warn("a task could not tell, and is run again", "execution", r.x.ID, "stage", in.Stage.Name, "task", in.Task, "attempt", c.Attempt, "error", err)
		ev.Kind, out = flow.TaskUnsure, stage.Outcome{}
	default:
		ev.Kind, ev.Until = flow.TaskWaits, out.Due(e.now())
	}
	next, err := was.with(out)
	if err != nil {
		e.cfg.Log.Error("a stage's values cannot be stored", "execution", r.x.ID, "stage", in.Stage.Name, "error", err)
	}
	return func(b *batch) { e.ran(b, r, p, a, ev, out, next) }
}

// change is a stage's open JSON before and after a task.
type change struct{ from, to *doc }

// with encodes what a task changed, so that the writer need not.
func (c change) with(out stage.Outcome) (change, error) {
	if c.to == nil {
		return change{}, nil
	}
	to, err := c.to.with(out.Context(), out.Outputs())
	return change{c.from, to}, err
}

// ran folds what a task returned.
func (e *Engine) ran(b *batch, r *run, p place, a *attempt, ev flow.Event, out stage.Outcome, c change) {
	if !r.state.Answers(ev) {
		return
	}
	switch {
	case c.to == nil || r.docs[p.stage] != c.from: // changed by hand in the meantime
		b.merge(r, p.stage, out.Context(), out.Outputs())
	case c.to != c.from:
		b.setDoc(r, p.stage, c.to)
		if st := r.state.Stage(p.stage); ev.Kind == flow.TaskWaits { // nothing else tells of its progress
			b.events = append(b.events, stageEvent(r, st, b.now))
		}
	}
	b.apply(r, ev)
	if ev.Kind != flow.TaskWaits {
		return
	}
	if a.again || !e.signal.listen(r, p, out.Topics(), a.since) {
		b.apply(r, flow.Event{Kind: flow.Woken, Stage: p.stage, Task: p.task})
		return
	}
	if len(out.Topics()) > 0 {
		r.topics[p] = out.Topics()
	}
}

// undoTask calls a task's Cancel, and explains a timeout.
func (e *Engine) undoTask(ctx context.Context, r *run, p place, a *attempt) func(*batch) {
	var out stage.Outcome
	in, task, err := e.input(ctx, r, p, 1)
	if err == nil {
		_, _, _, err = e.evaluated(r, p, &in)
	}
	if undo, ok := task.(stage.Canceler); ok && err == nil {
		for try := range undoTries {
			if try > 0 && !pause(ctx, firstUndoPause<<(try-1)) {
				break
			}
			if out, err = guard(func() (stage.Outcome, error) { return undo.Cancel(ctx, in) }); err == nil || definite(err) {
				break
			}
		}
	}
	if err != nil {
		e.cfg.Log.Warn("a task could not be undone", "execution", r.x.ID, "stage", p.stage, "task", in.Task, "error", err)
	}
	return func(b *batch) {
		ev := flow.Event{Kind: flow.TaskCanceled, Stage: p.stage, Run: p.run, Task: p.task}
		if a.undo.Kind == flow.DoExpire {
			ev.Kind, ev.Status = flow.TaskExpired, gennaker.Terminal
			out = out.WithContext(map[string]any{"exception": e.timeout(r, p, in, out)})
		}
		if !r.state.Answers(ev) {
			return
		}
		b.merge(r, p.stage, out.Context(), out.Outputs())
		b.apply(r, ev)
	}
}

// pause waits; it returns false if ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// timeout is the exception of a task that expired.
func (e *Engine) timeout(r *run, p place, in stage.Input, out stage.Outcome) map[string]any {
	st := r.state.Stage(p.stage)
	msg := fmt.Sprintf("%s of stage %s timed out after %s", in.Task, in.Stage.Name, r.state.TimedOutAfter(st, p.task).Round(time.Millisecond))
	reason, hint, details := out.Reason()
	if reason != "" {
		msg += ": " + reason
	}
	return exception(in.Task, e.now(), msg, hint, details)
}

// exception is the map that a failed stage has in its context.
//
// Source: execution model, section 7, exception shape.
func exception(task string, now time.Time, reason, hint string, more map[string]any) map[string]any {
	details := map[string]any{"error": "Unexpected Task Failure", "errors": []any{reason}}
	maps.Copy(details, more)
	if hint != "" {
		details["hint"] = hint
	}
	return map[string]any{
		"timestamp": now.UnixMilli(), "exceptionType": "TaskFailure", "operation": task,
		"shouldRetry": false, "details": details,
	}
}

// guard turns a panic of a task into a failure.
func guard(f func() (stage.Outcome, error)) (out stage.Outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "the task panicked: %v", v).
				WithHint("this is a defect of Gennaker; please report it with: %s", debug.Stack())
		}
	}()
	return f()
}

// wakeTopic wakes the tasks that wait for topic.
func (b *batch) wakeTopic(topic string) {
	for _, w := range b.e.signal.waiters(topic) {
		b.apply(w.r, flow.Event{Kind: flow.Woken, Stage: w.p.stage, Task: w.p.task})
	}
}

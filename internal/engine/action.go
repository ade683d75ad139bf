package engine

import (
	"context"
	"encoding/json"
	"errors"
	"maps"

	"github.com/oklog/ulid/v2"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/flow"
)

// NewID returns a new ID for an execution or a stage: a ULID.
func NewID() string { return ulid.Make().String() }

// Submit stores an execution and starts it, or queues it if its pipeline is
// limited. It returns the ID once that is durable.
//
// An execution with an ID, or with the correlation ID of one that is not
// complete, is submitted once: the second call returns the first one's ID.
// Shape: Stages need RefID, Type and Context; IDs are given here.
// Errors: Unavailable if it could not be stored; then it does not exist.
func (e *Engine) Submit(ctx context.Context, x gennaker.Execution) (string, error) {
	return e.submit(ctx, x, flow.Event{Kind: flow.Begin})
}

// Refuse stores an execution that cannot start, as one that failed, with the
// reason. Otherwise it is as Submit.
func (e *Engine) Refuse(ctx context.Context, x gennaker.Execution, reason string) (string, error) {
	return e.submit(ctx, x, flow.Event{Kind: flow.Refuse, Reason: "Failed on startup: " + reason})
}

func (e *Engine) submit(ctx context.Context, x gennaker.Execution, first flow.Event) (string, error) {
	given := x.ID != ""
	if !given {
		x.ID = NewID()
	}
	if x.RootID == "" {
		x.RootID = x.ID
	}
	docs := make(map[string]*doc, len(x.Stages))
	for i := range x.Stages {
		st := &x.Stages[i]
		st.ID = NewID()
		d, err := newDoc(values{context: st.Context, outputs: st.Outputs})
		if err != nil {
			return "", gennaker.Errorf(gennaker.Invalid, "stage %s: %w", st.RefID, err)
		}
		docs[st.ID] = d
	}
	r := newRun(Stored{Execution: x, State: flow.New(x)})
	r.docs = docs
	id := x.ID
	var refused error
	err := e.call(ctx, x.ID, func(b *batch) error {
		if first := e.corr[correlation(r.x)]; first != "" && r.x.Trigger.CorrelationID != "" {
			id = first
			return nil
		}
		if e.runs[x.ID] != nil {
			return nil
		}
		if given { // asked here, where nothing can come between
			if found, err := e.known(ctx, x.ID); err != nil || found {
				return err
			}
		}
		e.track(r)
		d := b.delta(r)
		d.create, d.head, d.refused = &r.x, true, &refused
		for _, st := range r.state.Stages {
			d.stages[st], d.docs[st.ID] = true, true
		}
		if r.x.PipelineConfigID == "" || first.Kind != flow.Begin {
			b.apply(r, first)
		} else {
			b.release(r.x.PipelineConfigID)
		}
		b.events = append(b.events, executionEvent(r, b.now))
		return nil
	})
	if err == nil {
		err = refused
	}
	return id, err
}

// known reports whether an execution exists.
func (e *Engine) known(ctx context.Context, id string) (bool, error) {
	_, err := e.cfg.Store.Load(ctx, id)
	switch {
	case err == nil:
		return true, nil
	case gennaker.KindOf(err) == gennaker.NotFound:
		return false, nil
	}
	return false, err
}

func notFound(id string) error {
	return gennaker.Errorf(gennaker.NotFound, "Pipeline not found (id: %s)", id)
}

// active folds an event into an active execution. change may say what is wrong
// with it, before; a complete execution is Conflict.
func (e *Engine) active(ctx context.Context, id, what string, change func(*batch, *run) error) error {
	err := e.call(ctx, "", func(b *batch) error {
		r := e.runs[id]
		if r == nil || r.state.Status.Complete() {
			return errNotActive
		}
		return change(b, r)
	})
	if err == errNotActive { //nolint:errorlint // it is ours and never wrapped
		return e.inactive(ctx, id, what)
	}
	return err
}

var errNotActive = errors.New("not active")

func (e *Engine) inactive(ctx context.Context, id, what string) error {
	s, err := e.cfg.Store.Load(ctx, id)
	switch {
	case gennaker.KindOf(err) == gennaker.NotFound:
		return notFound(id)
	case err != nil:
		return err
	}
	return gennaker.Errorf(gennaker.Conflict, "execution %s cannot be %s: it is %s", id, what, s.State.Status)
}

// Cancel ends an execution. One that is complete already stays as it is.
// Errors: NotFound.
func (e *Engine) Cancel(ctx context.Context, id, user, reason string) error {
	err := e.active(ctx, id, "canceled", func(b *batch, r *run) error {
		b.apply(r, flow.Event{Kind: flow.CancelAll, By: user, Reason: reason})
		return nil
	})
	if gennaker.KindOf(err) == gennaker.Conflict {
		return nil
	}
	return err
}

// Pause keeps an execution from going on. Errors: NotFound, Conflict unless it
// is RUNNING.
func (e *Engine) Pause(ctx context.Context, id, user string) error {
	return e.active(ctx, id, "paused", func(b *batch, r *run) error {
		if r.state.Status != gennaker.Running {
			return gennaker.Errorf(gennaker.Conflict, "Unable to pause pipeline that is not RUNNING (executionId: %s, currentStatus: %s)", id, r.state.Status)
		}
		b.apply(r, flow.Event{Kind: flow.PauseAll, By: user})
		return nil
	})
}

// Resume lets a paused execution go on. Errors: NotFound, Conflict unless it is
// PAUSED.
func (e *Engine) Resume(ctx context.Context, id, user string) error {
	return e.active(ctx, id, "resumed", func(b *batch, r *run) error {
		if r.state.Status != gennaker.Paused {
			return gennaker.Errorf(gennaker.Conflict, "Unable to resume pipeline that is not PAUSED (executionId: %s, currentStatus: %s)", id, r.state.Status)
		}
		b.apply(r, flow.Event{Kind: flow.ResumeAll, By: user})
		return nil
	})
}

// Patch puts values into a stage's context and wakes its task: a judgment, or
// the skip of a wait. Errors: NotFound for the stage, Conflict for a complete
// execution or a stage that cannot be skipped by hand.
func (e *Engine) Patch(ctx context.Context, id, stageID, user string, changes map[string]any) error {
	return e.active(ctx, id, "changed", func(b *batch, r *run) error {
		st := r.state.Stage(stageID)
		if st == nil {
			return gennaker.Errorf(gennaker.NotFound, "there is no stage %s in execution %s", stageID, id)
		}
		if err := e.load(r); err != nil {
			return err
		}
		v, err := r.docs[stageID].read()
		if err != nil {
			return err
		}
		if truth(changes["manualSkip"]) && !truth(v.context["canManuallySkip"]) {
			return gennaker.Errorf(gennaker.Conflict, "stage %s cannot be skipped by hand", st.Name)
		}
		changes = maps.Clone(changes)
		changes["lastModifiedBy"] = user
		d, err := r.docs[stageID].with(changes, nil)
		if err != nil {
			return err
		}
		changed := &doc{Doc: d.Doc}
		if changed.LastModified, err = json.Marshal(gennaker.LastModified{User: user, Time: gennaker.At(b.now)}); err != nil {
			return err
		}
		b.setDoc(r, stageID, changed)
		if truth(changes["manualSkip"]) {
			b.apply(r, flow.Event{Kind: flow.SkipStage, Stage: stageID})
			return nil
		}
		for i, t := range st.Tasks {
			if t.Status == gennaker.Running {
				b.apply(r, flow.Event{Kind: flow.Woken, Stage: stageID, Task: i})
			}
		}
		b.events = append(b.events, stageEvent(r, st, b.now))
		return nil
	})
}

// Restart runs a stage and everything behind it again; of a synthetic stage,
// the top-level one around it. values holds what is put into the contexts of
// stages that run again, by their IDs; it may be nil. Errors: NotFound, Conflict
// while it runs.
func (e *Engine) Restart(ctx context.Context, id, stageID, user string, values map[string]map[string]any) error {
	var refused error
	err := e.call(ctx, "", func(b *batch) error {
		r := e.runs[id]
		if r == nil {
			var err error
			if r, err = b.settled(ctx, id); err != nil {
				return err
			}
		} else if err := e.load(r); err != nil {
			return err
		}
		st := r.state.Top(stageID)
		switch {
		case st == nil:
			return gennaker.Errorf(gennaker.NotFound, "there is no stage %s in execution %s", stageID, id)
		case !r.state.CanRestart(st.ID):
			return gennaker.Errorf(gennaker.Conflict, "stage %s cannot be restarted now: it, or a stage behind it, still runs", st.Name)
		}
		if e.runs[id] == nil {
			e.track(r)
		}
		b.restart(r, st, user, values)
		b.delta(r).refused = &refused
		return nil
	})
	if err == nil && refused != nil {
		err = notFound(id) // it was pruned a moment ago
	}
	return err
}

// settled reads an execution that is not active, in the writer's goroutine: so
// it is what the batches before made of it. Errors: NotFound.
func (b *batch) settled(ctx context.Context, id string) (*run, error) {
	for r, d := range b.deltas {
		if d.deleted && r.x.ID == id {
			return nil, notFound(id)
		}
	}
	stored, err := b.e.cfg.Store.Load(ctx, id)
	if gennaker.KindOf(err) == gennaker.NotFound {
		return nil, notFound(id)
	} else if err != nil {
		return nil, err
	}
	return newRun(stored), nil
}

func (b *batch) restart(r *run, st *flow.Stage, user string, values map[string]map[string]any) {
	b.delta(r).head = true
	before := map[string]int{}
	for _, s := range r.state.TopLevel() {
		before[s.ID] = s.Run
	}
	b.apply(r, flow.Event{Kind: flow.Restart, Stage: st.ID})
	for _, s := range r.state.TopLevel() {
		if s.Run == before[s.ID] {
			continue
		}
		var details map[string]any
		if s == st {
			details = map[string]any{"restartedBy": user, "restartTime": b.now.UnixMilli()}
		}
		b.prepareRestart(r, s, values[s.ID], details)
	}
	if r.x.PipelineConfigID == "" {
		b.apply(r, flow.Event{Kind: flow.Begin})
		return
	}
	b.release(r.x.PipelineConfigID)
}

// prepareRestart takes out of a stage's context what its last run put there,
// and puts others there. The details are those of the stage that was asked for.
func (b *batch) prepareRestart(r *run, st *flow.Stage, put, details map[string]any) {
	old := r.docs[st.ID]
	if old == nil {
		return
	}
	v, err := old.read()
	if err != nil {
		b.e.cfg.Log.Error("a stage's values cannot be read", "execution", r.x.ID, "stage", st.ID, "error", err)
		return
	}
	context := maps.Clone(v.context)
	maps.Copy(context, put)
	if details != nil {
		details["previousException"] = context["exception"]
		context["restartDetails"] = details
	}
	for _, k := range []string{"exception", "beforeStagePlanningFailed", "manualSkip", "skipReason"} {
		delete(context, k)
	}
	if def, err := b.e.cfg.Registry.Resolve(st.Type, context); err == nil && def.Restart != nil {
		def.Restart(context)
	}
	d, err := newDoc(values{context: context, outputs: v.outputs})
	if err != nil {
		b.e.cfg.Log.Error("a stage's values cannot be stored", "execution", r.x.ID, "stage", st.ID, "error", err)
		return
	}
	b.setDoc(r, st.ID, d)
}

// Delete forgets a settled execution. Errors: NotFound, Conflict while it runs.
func (e *Engine) Delete(ctx context.Context, id string) error {
	return e.call(ctx, "", func(b *batch) error {
		r, err := e.runs[id], error(nil)
		if r == nil {
			r, err = b.settled(ctx, id)
		}
		switch {
		case err != nil:
			return err
		case e.runs[id] != nil || !r.state.Settled():
			return gennaker.Errorf(gennaker.Conflict, "execution %s is still active", id).WithHint("cancel it first")
		}
		b.delta(r).deleted = true
		gone := executionEvent(r, b.now)
		gone.Status = "" // it has none any more
		b.events = append(b.events, gone)
		return nil
	})
}

package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/flow"
	"github.com/gennaker/gennaker/internal/stage"
)

// load makes sure that the open JSON of an execution is in memory. It may be
// called from any goroutine.
func (e *Engine) load(r *run) error {
	r.mu.RLock()
	loaded := r.docs != nil
	r.mu.RUnlock()
	if loaded {
		return nil
	}
	s, err := e.cfg.Store.Load(e.ctx, r.x.ID)
	if err != nil {
		return fmt.Errorf("load execution %s: %w", r.x.ID, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.docs == nil {
		r.docs = docsOf(s)
	}
	return nil
}

// park lets go of the open JSON of an execution that waits: a parked execution
// is its skeleton. It runs in the writer's goroutine, after a commit.
func (e *Engine) park(r *run) {
	const soon = 5 * time.Second
	if len(r.inflight) > 0 || r.docs == nil || r.slot >= 0 && r.wake.Sub(e.now()) < soon {
		return
	}
	r.inflight = nil // an empty map keeps its space
	r.mu.Lock()
	r.docs = nil
	r.mu.Unlock()
}

// input is what a task, or a planner for p.task -1, may know.
func (e *Engine) input(ctx context.Context, r *run, p place, attemptNo int) (stage.Input, stage.Task, error) {
	if err := e.load(r); err != nil {
		return stage.Input{}, nil, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	st := r.state.Stage(p.stage)
	if st == nil {
		return stage.Input{}, nil, gennaker.Errorf(gennaker.Invalid, "stage %s is gone", p.stage)
	}
	wire, err := r.wire(st)
	if err != nil {
		return stage.Input{}, nil, err
	}
	in := stage.Input{
		Execution: r.x, Stage: wire, Attempt: attemptNo, Now: e.now().UTC(),
		Upstream: func() []gennaker.Stage { return r.wires(func() []*flow.Stage { return r.state.Ancestors(p.stage) }) },
		Children: func() []gennaker.Stage { return r.wires(func() []*flow.Stage { return r.state.Around(p.stage) }) },
	}
	in.Execution.Status, in.Execution.StartTime = r.state.Status, r.state.Start
	in.Evaluate = e.evaluator(ctx, r, p).evaluate
	in.Key = r.x.ID + "/" + st.ID + "/" + strconv.Itoa(p.run)
	if p.task < 0 {
		return in, nil, nil
	}
	if p.run != st.Run || p.task >= len(st.Tasks) { // skipped and restarted while this waited for a worker
		return in, nil, gennaker.Errorf(gennaker.Invalid, "stage %s runs anew", st.Name)
	}
	t := st.Tasks[p.task]
	in.Task, in.TaskStart = t.Name, t.Start.Time
	in.Key += "/" + t.Name
	if t.Round > 0 {
		in.Key += "/" + strconv.Itoa(t.Round)
	}
	def, err := e.cfg.Registry.Resolve(st.Type, in.Stage.Context)
	if err != nil {
		return in, nil, err
	}
	step := def.Step(t.Name)
	if step == nil {
		return in, nil, gennaker.Errorf(gennaker.Invalid, "stage type %s has no task %q any more", st.Type, t.Name).
			WithHint("restart the stage")
	}
	return in, step.Task, nil
}

// wire returns a stage as tasks see it. The caller holds r.mu.
func (r *run) wire(st *flow.Stage) (gennaker.Stage, error) {
	out := gennaker.Stage{
		ID: st.ID, RefID: st.Ref, Type: st.Type, Name: st.Name, Requires: st.Requires, Status: st.Status,
		StartTime: st.Start, EndTime: st.End, ParentStageID: st.Parent,
	}
	if st.Parent != "" {
		out.Owner = gennaker.After
		if st.Side == flow.Before {
			out.Owner = gennaker.Before
		}
	}
	d := r.docs[st.ID]
	if d == nil {
		return out, gennaker.Errorf(gennaker.Internal, "stage %s has no context", st.ID)
	}
	v, err := d.read()
	out.Context, out.Outputs = v.context, v.outputs
	if len(d.LastModified) > 0 && err == nil {
		out.LastModified = &gennaker.LastModified{}
		err = json.Unmarshal(d.LastModified, out.LastModified)
	}
	return out, err
}

// wires returns the stages that find names, as tasks see them.
func (r *run) wires(find func() []*flow.Stage) []gennaker.Stage {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []gennaker.Stage
	for _, st := range find() {
		if w, err := r.wire(st); err == nil {
			out = append(out, w)
		}
	}
	return out
}

// planned is the result of planning a stage.
type planned struct {
	flow     flow.Plan
	context  map[string]any // over the stage's own
	drop     []string       // keys to take out of it
	children map[string]*doc
}

// plan calls one planner of a stage.
func (e *Engine) plan(ctx context.Context, r *run, p place) (out planned, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = gennaker.Errorf(gennaker.Invalid, "planning the stage panicked: %v", v)
		}
	}()
	out.flow.Phase = p.phase
	in, _, err := e.input(ctx, r, p, 1)
	if err != nil {
		return out, err
	}
	def, err := e.cfg.Registry.Resolve(in.Stage.Type, in.Stage.Context)
	out.flow.Policy = policy(in.Stage.Context)
	if err != nil {
		return out, err
	}
	if p.phase == flow.PlanStart {
		return e.prepare(ctx, r, in, def, out)
	}
	planner := def.After
	if p.phase == flow.PlanFailure {
		planner = def.OnFailure
	}
	if planner == nil {
		return out, nil
	}
	configs, err := planner(ctx, in)
	if err != nil {
		return out, err
	}
	return out, out.add(configs)
}

// prepare plans a stage that starts.
func (e *Engine) prepare(ctx context.Context, r *run, in stage.Input, def *stage.Definition, out planned) (planned, error) {
	r.mu.RLock()
	d := r.docs[in.Stage.ID]
	r.mu.RUnlock()
	trivial := def.Start == nil && def.ManualSkip == nil && decides(d.Context)
	if !trivial { // what is evaluated sees numbers as they are written
		var err error
		if in.Stage.Context, err = decodeObject(d.Context); err != nil {
			return out, err
		}
	}
	p, err := def.Prepare(ctx, in)
	if p.Context != nil {
		out.flow.Policy = policy(p.Context)
	}
	if !trivial {
		out.context, out.drop = p.Context, p.Drop
	}
	if err != nil {
		return out, err
	}
	out.flow.Skip, out.flow.Windowed, out.flow.Unresolved = p.Skip, p.Windowed, p.Unresolved
	out.flow.After, out.flow.Failure = def.After != nil, def.OnFailure != nil
	for _, s := range p.Steps {
		out.flow.Tasks = append(out.flow.Tasks, flow.Task{
			Name: s.Name, TimeoutMS: s.Timeout.Milliseconds(), LoopStart: s.LoopStart, LoopEnd: s.LoopEnd,
		})
	}
	return out, out.add(p.Before)
}

// add makes children of what a planner returned.
func (out *planned) add(configs []gennaker.StageConfig) error {
	out.children = map[string]*doc{}
	for i, c := range configs {
		child := flow.Child{ID: ulid.Make().String(), Ref: c.RefID, Requires: c.Requires, Type: c.Type, Name: c.Name, Expiry: c.StartExpiry}
		if child.Ref == "" {
			child.Ref = strconv.Itoa(i + 1)
		}
		if child.Name == "" {
			child.Name = c.Type
		}
		context := maps.Clone(c.Context)
		if c.Type != stage.WindowType {
			delete(context, "restrictExecutionDuringTimeWindow")
			delete(context, "restrictedExecutionWindow")
		}
		d, err := newDoc(values{context: context})
		if err != nil {
			return err
		}
		out.children[child.ID] = d
		out.flow.Children = append(out.flow.Children, child)
	}
	return nil
}

// policy reads what a stage's configuration says about its end.
func policy(c map[string]any) flow.Policy {
	p := flow.Policy{
		Continue: truth(c["continuePipeline"]), FailAtEnd: truth(c["completeOtherBranchesThenFail"]),
		AllowSiblings: truth(c["allowSiblingStagesToContinueOnFailure"]), SucceedOnTimeout: truth(c["markSuccessfulOnTimeout"]),
		FailUnresolved: truth(c["failOnFailedExpressions"]),
	}
	if v, ok := c["failPipeline"]; ok && v != nil {
		p.StopBranch = !truth(v)
	}
	switch v := c["stageTimeoutMs"].(type) {
	case float64:
		p.TimeoutMS = int64(v)
	case string:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			p.TimeoutMS = n
		}
	}
	return p
}

func truth(v any) bool { return v == true || v == "true" }

// setDoc puts a stage's open JSON in memory, to be stored with the batch.
func (b *batch) setDoc(r *run, id string, d *doc) {
	r.mu.Lock()
	r.docs[id] = d
	r.mu.Unlock()
	b.delta(r).docs[id] = true
}

// merge puts values over a stage's context and outputs, if they change any.
func (b *batch) merge(r *run, id string, context, outputs map[string]any, drop ...string) {
	old := r.docs[id]
	if old == nil {
		return
	}
	d, err := old.with(context, outputs, drop...)
	if err != nil {
		b.e.cfg.Log.Error("a stage's values cannot be stored", "execution", r.x.ID, "stage", id, "error", err)
		return
	}
	if d != old {
		b.setDoc(r, id, d)
	}
}

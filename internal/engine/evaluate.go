package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"sync"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/flow"
	"github.com/gennaker/gennaker/internal/stage"
)

// hasExpression reports whether open JSON holds an expression.
func hasExpression(open json.RawMessage) bool { return bytes.Contains(open, []byte("${")) }

// decides reports whether to plan a stage is no more than to look at its type:
// nothing of it is to be evaluated, and it has no window.
func decides(open json.RawMessage) bool {
	return !hasExpression(open) && !bytes.Contains(open, []byte(`"stageEnabled"`)) && !bytes.Contains(open, []byte(stage.WindowType))
}

// evaluator evaluates the expressions of a stage. What it knows of the execution
// is read when it is first asked.
type evaluator struct {
	e    *Engine
	ctx  context.Context
	r    *run
	p    place
	root func() (map[string]any, error)
	// after are the refIds that a stage requires which is not there.
	after []string
}

func (e *Engine) evaluator(ctx context.Context, r *run, p place) *evaluator {
	v := &evaluator{e: e, ctx: ctx, r: r, p: p}
	v.root = sync.OnceValues(v.names)
	return v
}

// evaluate is stage.Input.Evaluate.
func (v *evaluator) evaluate(value any, more map[string]any) (any, expr.Summary) {
	root, err := v.root()
	if err != nil {
		v.e.cfg.Log.Error("a stage's expressions cannot be evaluated", "execution", v.r.x.ID, "stage", v.p.stage, "error", err)
		return value, expr.Summary{}
	}
	if len(more) > 0 {
		root = maps.Clone(root)
		maps.Copy(root, more)
	}
	env := v.e.env(v.ctx)
	env.Root, env.Execution, env.Stage = root, v.execution, v.stage
	env.Seed = seed(v.r.x.ID, v.p)
	return expr.Evaluate(value, env)
}

// env is what is the same for all expressions.
func (e *Engine) env(ctx context.Context) expr.Env {
	env := expr.Env{Now: e.now()}
	if e.cfg.Functions != nil {
		env.Functions = e.cfg.Functions(ctx)
	}
	if e.cfg.Fetch != nil {
		env.Fetch = func(url string) (string, error) { return e.cfg.Fetch(ctx, url) }
	}
	return env
}

// seed is where a stage's random values start: an evaluation that is repeated
// after a crash finds the same ones.
func seed(id string, p place) uint64 {
	h := fnv.New64a()
	for _, s := range []string{id, p.stage} {
		_, _ = h.Write([]byte(s))
	}
	return h.Sum64() + uint64(p.run) //nolint:gosec // a count
}

// names returns what the stage's expressions see: its context, over the outputs
// of the stages before it, nearest first, and what every execution has.
func (v *evaluator) names() (map[string]any, error) {
	v.r.mu.RLock()
	defer v.r.mu.RUnlock()
	all := map[string]any{}
	before := v.r.state.Ancestors(v.p.stage)
	switch {
	case len(v.after) > 0:
		before = v.behind()
	case v.p.stage == "": // behind all stages
		before = slices.Clone(v.r.state.Stages)
		slices.Reverse(before)
	}
	for _, st := range slices.Backward(before) {
		d := v.r.docs[st.ID]
		if d == nil || len(d.Outputs) <= len("{}") {
			continue
		}
		outputs, err := decodeObject(d.Outputs)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, outputs)
	}
	if d := v.r.docs[v.p.stage]; d != nil {
		own, err := decodeObject(d.Context)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, own)
	}
	if t := v.r.x.TemplateVariables; t != nil {
		all["templateVariables"] = t
	}
	trigger, err := open(v.r.x.Trigger)
	if err != nil {
		return nil, err
	}
	return expr.Root(all, trigger), nil
}

// behind returns the stages whose outputs a stage would see that requires after.
func (v *evaluator) behind() []*flow.Stage {
	var out []*flow.Stage
	for _, ref := range v.after {
		if st := v.r.state.ByRef(ref); st != nil {
			out = append(append(append(out, st), v.r.state.Around(st.ID)...), v.r.state.Ancestors(st.ID)...)
		}
	}
	return out
}

// execution returns the execution as the API shows it at this moment; nil for
// an operation, which has none.
func (v *evaluator) execution() map[string]any {
	if v.r.x.Type != gennaker.TypePipeline {
		return nil
	}
	x, err := v.e.view(v.r)
	if err != nil {
		v.e.cfg.Log.Error("an execution cannot be shown to its expressions", "execution", v.r.x.ID, "error", err)
		return nil
	}
	out, err := open(x)
	if err != nil {
		v.e.cfg.Log.Error("an execution cannot be shown to its expressions", "execution", v.r.x.ID, "error", err)
		return nil
	}
	return out
}

// view returns an active execution as the API shows it.
func (e *Engine) view(r *run) (gennaker.Execution, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	docs := make(map[string]Doc, len(r.docs))
	for id, d := range r.docs {
		docs[id] = d.Doc
	}
	return Stored{Execution: r.x, State: r.state, Docs: docs}.View(true)
}

// stage returns the stage as expressions see it.
func (v *evaluator) stage() map[string]any {
	v.r.mu.RLock()
	defer v.r.mu.RUnlock()
	st := v.r.state.Stage(v.p.stage)
	if st == nil || v.r.docs[v.p.stage] == nil {
		return nil
	}
	s, err := stageView(st, v.r.docs[v.p.stage].Doc)
	if err != nil {
		return nil
	}
	out, err := open(s)
	if err != nil {
		return nil
	}
	return out
}

// open returns a value as open JSON, with numbers as they are written.
func open(v any) (map[string]any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return decodeObject(text)
}

// evaluated evaluates what is left to evaluate in the context of a stage whose
// task is about to run. It returns the open JSON that the task sees, which is
// the stored one if there is nothing.
func (e *Engine) evaluated(r *run, p place, in *stage.Input) (from, to *doc, unresolved bool, err error) {
	r.mu.RLock()
	from = r.docs[p.stage]
	r.mu.RUnlock()
	if from == nil || !hasExpression(from.Context) {
		return from, from, false, nil
	}
	def, err := e.cfg.Registry.Resolve(in.Stage.Type, in.Stage.Context)
	if err != nil {
		return from, from, false, err
	}
	raw := *in
	if raw.Stage.Context, err = decodeObject(from.Context); err != nil {
		return from, from, false, err
	}
	context, unresolved := def.Evaluate(raw)
	v, err := from.read()
	if err != nil {
		return from, from, false, err
	}
	if to, err = newDoc(values{context: context, outputs: v.outputs}); err != nil {
		return from, from, false, err
	}
	to.LastModified, in.Stage.Context = from.LastModified, context
	return from, to, unresolved, nil
}

// Evaluate evaluates a text as a stage of an execution sees it; without a stage,
// as one that requires the stages after would, or else one behind all others.
// The execution may be complete.
//
// Errors: NotFound.
func (e *Engine) Evaluate(ctx context.Context, id, stageID string, after []string, text string, more map[string]any) (any, expr.Summary, error) {
	stored, err := e.cfg.Store.Load(ctx, id)
	if gennaker.KindOf(err) == gennaker.NotFound {
		return nil, expr.Summary{}, notFound(id)
	} else if err != nil {
		return nil, expr.Summary{}, err
	}
	if stageID != "" && stored.State.Stage(stageID) == nil {
		return nil, expr.Summary{}, gennaker.Errorf(gennaker.NotFound, "there is no stage %s in execution %s", stageID, id)
	}
	place := e.evaluator(ctx, newRun(stored), place{stage: stageID})
	place.after = after
	v, summary := place.evaluate(text, more)
	return v, summary, nil
}

// Package launch makes executions of pipelines: from a definition and a trigger
// to the stages that are going to run, or the reason why they cannot.
//
//	x, err := launcher.Execution(ctx, pipeline, trigger)
//	// with an error x is what is known of it, to be kept as a start that failed
package launch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/match"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/bind"
)

// Launcher makes executions, and starts them. Its fields must be set. Its
// methods are safe for concurrent use if those of its fields are.
type Launcher struct {
	Catalog  Catalog
	Runtime  Runtime
	Registry *stage.Registry
	// Resolve plans a definition that is made from a template; may be nil.
	Resolve Resolve
	Env     func(ctx context.Context) expr.Env // what all expressions have: functions, the time
	Now     func() time.Time
}

// Resolve returns the ordinary pipeline that a definition stands for, or nil if
// it is one itself. trigger opens the trigger, which only a template looks at.
type Resolve func(ctx context.Context, doc map[string]any, trigger func() (map[string]any, error)) (map[string]any, error)

// Catalog has the documents and executions that a start needs.
type Catalog interface {
	bind.History
	// Pipeline returns a pipeline by name, or else by ID. Errors: NotFound.
	Pipeline(ctx context.Context, application, nameOrID string) (gennaker.Pipeline, error)
}

// Runtime runs executions: an engine or a simulation.
type Runtime interface {
	Submit(ctx context.Context, x gennaker.Execution) (id string, err error)
	Refuse(ctx context.Context, x gennaker.Execution, reason string) (id string, err error)
	Cancel(ctx context.Context, id, user, reason string) error
}

// Execution returns the execution that a trigger makes of a pipeline. With an
// error it is what is known of it, to be shown as one that could not start.
//
// Source: execution model, section 3.
func (l *Launcher) Execution(ctx context.Context, p gennaker.Pipeline, trigger gennaker.Trigger) (gennaker.Execution, error) {
	trigger.Type, trigger.User = cmp.Or(trigger.Type, "manual"), cmp.Or(trigger.User, gennaker.Anonymous)
	x := gennaker.Execution{
		Type: gennaker.TypePipeline, Application: p.Application, Name: p.Name, PipelineConfigID: p.ID,
		BuildTime: gennaker.At(l.Now()), Trigger: trigger, Authentication: gennaker.Authentication{User: trigger.User},
	}
	if p.Disabled {
		return x, gennaker.Errorf(gennaker.Invalid, "Pipeline is disabled and cannot be started.").
			WithHint("enable pipeline %s of application %s first", p.Name, p.Application)
	}
	p, err := l.resolved(ctx, p, trigger)
	if err != nil {
		return x, err
	}
	x.LimitConcurrent, x.MaxConcurrent, x.KeepWaiting = p.LimitConcurrent, p.MaxConcurrent, p.KeepWaiting
	trigger.Parameters = withDefaults(trigger.Parameters, p.Parameters)
	x.Trigger = trigger
	x.SpelEvaluator, _ = p.Doc.Value["spelEvaluator"].(string)
	x.TemplateVariables, _ = p.Doc.Value["templateVariables"].(map[string]any)
	if x.Trigger, err = l.artifacts(ctx, p, x); err != nil {
		return x, err
	}
	if p, err = l.evaluated(ctx, p, x); err != nil {
		return x, err
	}
	doc := p.Doc.Value
	x.Name = p.Name
	x.Notifications = append(objects(doc["notifications"]), trigger.Notifications...)
	x.Source, _ = doc["source"].(map[string]any)
	if v := doc["startTimeExpiry"]; v != nil {
		if err := x.StartTimeExpiry.UnmarshalJSON(fmt.Append(nil, v)); err != nil {
			return x, gennaker.Errorf(gennaker.Invalid, "startTimeExpiry of pipeline %s: %w", p.Name, err)
		}
	}
	if unknown := l.Registry.Unknown(p.Stages); len(unknown) > 0 {
		return x, p.Doc.Invalid(unknown)
	}
	for _, s := range p.Stages {
		x.Stages = append(x.Stages, NewStage(s))
	}
	return x, nil
}

// artifacts returns the trigger of x with the artifacts that the pipeline
// expects, and the expressions in them evaluated.
//
// Source: execution model, sections 3, steps 5 and 10, and 8.
func (l *Launcher) artifacts(ctx context.Context, p gennaker.Pipeline, x gennaker.Execution) (gennaker.Trigger, error) {
	trigger, err := match.ForTrigger(p.Doc.Value, x.Trigger, func() ([]gennaker.Artifact, error) {
		return bind.Prior(ctx, l.Catalog, p.ID, "")
	})
	if err != nil {
		return x.Trigger, err
	}
	const found, expected, bound = "artifacts", "expectedArtifacts", "resolvedExpectedArtifacts"
	given := slices.ContainsFunc(trigger.Artifacts, func(a map[string]any) bool { return stage.HasExpression(a) })
	if !given && !stage.HasExpression(trigger.Other[bound]) {
		return trigger, nil
	}
	x.Trigger = trigger
	env, open, err := l.strict(ctx, x)
	if err != nil {
		return trigger, err
	}
	v, _ := expr.Evaluate(map[string]any{found: open[found], expected: open[expected], bound: open[bound]}, env)
	out, _ := v.(map[string]any)
	trigger.Artifacts = objects(out[found])
	trigger.Other = maps.Clone(trigger.Other)
	trigger.Other[expected], trigger.Other[bound] = out[expected], out[bound]
	return trigger, nil
}

// strict returns what the expressions of a start see of x, and its trigger as
// open JSON. A name that is not there is an error: the expression is left for
// later.
func (l *Launcher) strict(ctx context.Context, x gennaker.Execution) (expr.Env, map[string]any, error) {
	trigger, err := open(x.Trigger)
	if err != nil {
		return expr.Env{}, nil, err
	}
	env := l.Env(ctx)
	env.Strict = true
	env.Root = expr.Root(map[string]any{"templateVariables": x.TemplateVariables}, trigger)
	return env, trigger, nil
}

// resolved returns a pipeline as it is without its template, with the parameters
// of that.
//
// Source: pipeline templates reference, section 2.
func (l *Launcher) resolved(ctx context.Context, p gennaker.Pipeline, t gennaker.Trigger) (gennaker.Pipeline, error) {
	if l.Resolve == nil {
		return p, nil
	}
	doc, err := l.Resolve(ctx, p.Doc.Value, func() (map[string]any, error) { return open(t) })
	if err != nil {
		return p, fmt.Errorf("plan pipeline %s from its template: %w", p.Name, err)
	}
	if doc == nil {
		return p, nil
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return p, fmt.Errorf("write the planned pipeline %s: %w", p.Name, err)
	}
	after, err := gennaker.ParsePipeline(text)
	if err != nil {
		return p, fmt.Errorf("read the pipeline that %s and its template make: %w", p.Name, err)
	}
	after.ID = p.ID
	return after, nil
}

// withDefaults returns parameters with the defaults of those that are not
// there. A parameter that is null stays so.
func withDefaults(parameters map[string]any, declared []gennaker.Parameter) map[string]any {
	out := maps.Clone(parameters)
	if out == nil {
		out = map[string]any{}
	}
	for _, c := range declared {
		if _, ok := out[c.Name]; !ok {
			out[c.Name] = c.Default
		}
	}
	return out
}

// evaluated returns a pipeline with the expressions evaluated that only want
// what is known at the start; others stay as they are written.
//
// Source: execution model, section 3, step 10.
func (l *Launcher) evaluated(ctx context.Context, p gennaker.Pipeline, x gennaker.Execution) (gennaker.Pipeline, error) {
	if !stage.HasExpression(p.Doc.Value) {
		return p, nil
	}
	env, _, err := l.strict(ctx, x)
	if err != nil {
		return p, err
	}
	doc := maps.Clone(p.Doc.Value)
	var held []map[string]any
	if x.SpelEvaluator == "v4" { // stages are evaluated when they start; only their names are shown before
		delete(doc, "stages")
	} else {
		doc["stages"], held = l.hold(doc["stages"])
	}
	v, _ := expr.Evaluate(doc, env)
	out, ok := v.(map[string]any)
	if !ok {
		return p, nil
	}
	if x.SpelEvaluator == "v4" {
		out["stages"] = namedStages(p.Doc.Value["stages"], env)
	} else if stages, ok := out["stages"].([]any); ok && len(stages) == len(held) {
		for i, keep := range held {
			if st, ok := stages[i].(map[string]any); ok {
				maps.Copy(st, keep)
			}
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return p, fmt.Errorf("write the evaluated pipeline %s: %w", p.Name, err)
	}
	after, err := gennaker.ParsePipeline(text)
	if e, ok := errors.AsType[*gennaker.Error](err); ok && len(e.Problems) > 0 {
		return p, fmt.Errorf("evaluate the expressions of pipeline %s: %w", p.Name, p.Doc.Invalid(e.Problems)) // where they are written
	}
	return after, err
}

// hold takes out of stages what their tasks evaluate themselves, and returns it
// for each of them.
func (l *Launcher) hold(v any) (stages any, held []map[string]any) {
	list, ok := v.([]any)
	if !ok {
		return v, nil
	}
	list, held = slices.Clone(list), make([]map[string]any, len(list))
	for i := range list {
		st, _ := list[i].(map[string]any)
		kind, _ := st["type"].(string)
		d, err := l.Registry.Resolve(kind, st)
		if err != nil || d.Verbatim == nil {
			continue
		}
		st, held[i] = maps.Clone(st), map[string]any{}
		for _, key := range d.Verbatim(stage.Input{Stage: gennaker.Stage{Type: kind, Context: st}}) {
			if value, ok := st[key]; ok {
				held[i][key] = value
				delete(st, key)
			}
		}
		list[i] = st
	}
	return list, held
}

// namedStages returns stages with their names evaluated.
func namedStages(v any, env expr.Env) any {
	list, _ := v.([]any)
	out := slices.Clone(list)
	for i := range out {
		st, _ := out[i].(map[string]any)
		if name, ok := st["name"].(string); ok && stage.HasExpression(name) {
			st = maps.Clone(st)
			st["name"], _ = expr.Evaluate(name, env)
			out[i] = st
		}
	}
	return out
}

// open returns a value as open JSON, with numbers as they are written.
func open(v any) (map[string]any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write a %T: %w", v, err)
	}
	doc, err := gennaker.ParseDocument(text)
	if err != nil {
		return nil, fmt.Errorf("read a %T: %w", v, err)
	}
	return doc.Value, nil
}

// NewStage returns a stage of an execution as it is before it starts.
func NewStage(s gennaker.StageConfig) gennaker.Stage {
	return gennaker.Stage{
		RefID: s.RefID, Type: s.Type, Requires: s.Requires, StartTimeExpiry: s.StartExpiry, Context: s.Context, Name: s.Name,
	}
}

func objects(v any) []map[string]any {
	list, _ := v.([]any)
	var out []map[string]any
	for _, x := range list {
		if m, ok := x.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/control"
	"github.com/gennaker/gennaker/internal/store"
)

// launcher makes executions of pipelines and of ad-hoc operations.
type launcher struct {
	db       *store.DB
	registry *stage.Registry
	engine   *engine.Engine
	ready    chan struct{} // closed when engine is set; recovered tasks may be earlier
	env      func(ctx context.Context) expr.Env
}

// submit stores and starts an execution. One that failed to start is stored
// too, and its failure returned.
func (l *launcher) submit(ctx context.Context, x gennaker.Execution, failure error) (string, error) {
	select {
	case <-l.ready:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if failure == nil {
		return l.engine.Submit(ctx, x)
	}
	if _, err := l.engine.Refuse(ctx, x, failure.Error()); err != nil {
		return "", errors.Join(failure, err)
	}
	return "", failure
}

// StartPipeline starts a pipeline by hand.
func (l *launcher) StartPipeline(ctx context.Context, application, nameOrID string, trigger gennaker.Trigger, executionID string) (string, error) {
	if executionID != "" {
		if _, err := ulid.ParseStrict(executionID); err != nil {
			return "", gennaker.Errorf(gennaker.Invalid, "executionId %q is not a ULID", executionID)
		}
		if x, err := l.db.Execution(ctx, executionID); err == nil {
			if x.Application != application {
				return "", gennaker.Errorf(gennaker.Conflict, "execution %s belongs to application %s", executionID, x.Application)
			}
			return executionID, nil
		} else if gennaker.KindOf(err) != gennaker.NotFound {
			return "", err
		}
	}
	p, err := l.db.Pipeline(ctx, application, nameOrID)
	if err != nil {
		return "", err
	}
	x, failure := l.execution(ctx, p, trigger)
	x.ID, x.Origin = executionID, "api"
	return l.submit(ctx, x, failure)
}

// execution returns the execution that a trigger makes of a pipeline. With an
// error it is what is known of it, to be shown as one that could not start.
//
// Source: execution model, section 3.
func (l *launcher) execution(ctx context.Context, p gennaker.Pipeline, trigger gennaker.Trigger) (gennaker.Execution, error) {
	trigger.Type, trigger.User = cmp.Or(trigger.Type, "manual"), cmp.Or(trigger.User, gennaker.Anonymous)
	trigger.Parameters = withDefaults(trigger.Parameters, p.Parameters)
	x := gennaker.Execution{
		Type: gennaker.TypePipeline, Application: p.Application, Name: p.Name, PipelineConfigID: p.ID,
		BuildTime: gennaker.At(time.Now()), Trigger: trigger, Authentication: gennaker.Authentication{User: trigger.User},
		LimitConcurrent: p.LimitConcurrent, MaxConcurrent: p.MaxConcurrent, KeepWaiting: p.KeepWaiting,
	}
	if p.Disabled {
		return x, gennaker.Errorf(gennaker.Invalid, "Pipeline is disabled and cannot be started.").
			WithHint("enable pipeline %s of application %s first", p.Name, p.Application)
	}
	x.SpelEvaluator, _ = p.Doc.Value["spelEvaluator"].(string)
	x.TemplateVariables, _ = p.Doc.Value["templateVariables"].(map[string]any)
	p, err := l.evaluated(ctx, p, x)
	if err != nil {
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
	if unknown := l.registry.Unknown(p.Stages); len(unknown) > 0 {
		return x, p.Doc.Invalid(unknown)
	}
	for _, s := range p.Stages {
		x.Stages = append(x.Stages, newStage(s))
	}
	return x, nil
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
func (l *launcher) evaluated(ctx context.Context, p gennaker.Pipeline, x gennaker.Execution) (gennaker.Pipeline, error) {
	if !stage.HasExpression(p.Doc.Value) {
		return p, nil
	}
	trigger, err := open(x.Trigger)
	if err != nil {
		return p, err
	}
	env := l.env(ctx)
	env.Strict = true
	env.Root = expr.Root(map[string]any{"templateVariables": x.TemplateVariables}, trigger)
	doc := maps.Clone(p.Doc.Value)
	if x.SpelEvaluator == "v4" { // stages are evaluated when they start; only their names are shown before
		delete(doc, "stages")
	}
	v, _ := expr.Evaluate(doc, env)
	out, ok := v.(map[string]any)
	if !ok {
		return p, nil
	}
	if x.SpelEvaluator == "v4" {
		out["stages"] = namedStages(p.Doc.Value["stages"], env)
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

func newStage(s gennaker.StageConfig) gennaker.Stage {
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

// StartTask starts an ad-hoc operation: a stage for each job, one behind the
// other.
func (l *launcher) StartTask(ctx context.Context, op api.Operation, user string) (string, error) {
	x := gennaker.Execution{
		Type: gennaker.TypeOrchestration, Application: op.Application, Description: op.Description,
		BuildTime: gennaker.At(time.Now()), Origin: "api",
		Authentication: gennaker.Authentication{User: user},
		Trigger:        gennaker.Trigger{Type: "manual", User: user, Parameters: map[string]any{}},
	}
	var problems []gennaker.Problem
	for i, job := range op.Jobs {
		typ, _ := job["type"].(string)
		c := gennaker.StageConfig{RefID: fmt.Sprint(i), Type: typ, Name: typ, Context: maps.Clone(job)}
		delete(c.Context, "type")
		for _, p := range l.registry.CheckJob(c) {
			p.Path = strings.TrimSuffix(fmt.Sprintf("job[%d].%s", i, p.Path), ".")
			problems = append(problems, p)
		}
		st := newStage(c)
		if i > 0 {
			st.Requires = []string{fmt.Sprint(i - 1)}
		}
		x.Stages = append(x.Stages, st)
	}
	if len(problems) > 0 {
		return "", &gennaker.Error{Kind: gennaker.Invalid, Message: problems[0].String(), Problems: problems}
	}
	return l.submit(ctx, x, nil)
}

// children starts pipelines for pipeline stages: control.Pipelines.
type children struct{ *launcher }

// StartPipeline starts the child that key names, once.
func (c children) StartPipeline(ctx context.Context, r control.StartRequest) (string, error) {
	p, err := c.db.Pipeline(ctx, r.Application, r.Pipeline)
	if err != nil {
		return "", err
	}
	r.Trigger.CorrelationID = r.Key
	if p.Disabled {
		return "", gennaker.Errorf(gennaker.Invalid, "The referenced pipeline is disabled").
			WithHint("enable pipeline %s of application %s first", p.Name, p.Application)
	}
	x, failure := c.execution(ctx, p, r.Trigger)
	x.ID, x.Authentication, x.RootID = keyID(r.Key), r.Parent.Authentication, r.Parent.RootID
	return c.submit(ctx, x, failure)
}

// Started returns the child that was started with key.
func (c children) Started(ctx context.Context, key string) (string, error) {
	_, err := c.db.Execution(ctx, keyID(key))
	return keyID(key), err
}

// Execution returns an execution.
func (c children) Execution(ctx context.Context, id string) (gennaker.Execution, error) {
	return c.db.Execution(ctx, id)
}

// CancelExecution cancels an execution.
func (c children) CancelExecution(ctx context.Context, id, user, reason string) error {
	<-c.ready
	return c.engine.Cancel(ctx, id, user, reason)
}

// keyID returns the execution ID that belongs to a key. Keys begin with the ID
// of the parent, whose time it shares.
func keyID(key string) string {
	var id ulid.ULID
	parent, _, _ := strings.Cut(key, "/")
	if p, err := ulid.ParseStrict(parent); err == nil {
		id = p
	}
	sum := sha256.Sum256([]byte(key))
	copy(id[6:], sum[:10])
	return id.String()
}

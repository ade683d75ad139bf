package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
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
}

// submit stores and starts an execution.
func (l *launcher) submit(ctx context.Context, x gennaker.Execution) (string, error) {
	select {
	case <-l.ready:
		return l.engine.Submit(ctx, x)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
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
	x, err := newExecution(p, trigger)
	if err != nil {
		return "", err
	}
	x.ID, x.Origin = executionID, "api"
	return l.submit(ctx, x)
}

// newExecution returns the execution that a trigger makes of a pipeline.
//
// Source: execution model, section 3.
func newExecution(p gennaker.Pipeline, trigger gennaker.Trigger) (gennaker.Execution, error) {
	if p.Disabled {
		return gennaker.Execution{}, gennaker.Errorf(gennaker.Invalid, "Pipeline is disabled and cannot be started.").
			WithHint("enable pipeline %s of application %s first", p.Name, p.Application)
	}
	if trigger.Type == "" {
		trigger.Type = "manual"
	}
	if trigger.User == "" {
		trigger.User = gennaker.Anonymous
	}
	parameters := maps.Clone(trigger.Parameters)
	if parameters == nil {
		parameters = map[string]any{}
	}
	for _, c := range p.Parameters {
		if _, ok := parameters[c.Name]; ok {
			continue
		}
		if c.Required && c.Default == nil {
			return gennaker.Execution{}, gennaker.Errorf(gennaker.Invalid, "Required parameter %s is missing", c.Name).
				WithHint("give it a value, as in: gennaker pipeline run %s -p %s=…", p.Name, c.Name)
		}
		parameters[c.Name] = c.Default
	}
	trigger.Parameters = parameters
	doc := p.Doc.Value
	x := gennaker.Execution{
		Type: gennaker.TypePipeline, Application: p.Application, Name: p.Name, PipelineConfigID: p.ID,
		BuildTime: gennaker.At(time.Now()), LimitConcurrent: p.LimitConcurrent, MaxConcurrent: p.MaxConcurrent,
		KeepWaiting: p.KeepWaiting, Trigger: trigger, Authentication: gennaker.Authentication{User: trigger.User},
		Notifications: objects(doc["notifications"]),
	}
	x.Notifications = append(x.Notifications, trigger.Notifications...)
	x.SpelEvaluator, _ = doc["spelEvaluator"].(string)
	x.Source, _ = doc["source"].(map[string]any)
	if v := doc["startTimeExpiry"]; v != nil {
		if err := x.StartTimeExpiry.UnmarshalJSON(fmt.Append(nil, v)); err != nil {
			return x, gennaker.Errorf(gennaker.Invalid, "startTimeExpiry of pipeline %s: %w", p.Name, err)
		}
	}
	for i, s := range p.Stages {
		if err := supported(i, s); err != nil {
			return x, err
		}
		x.Stages = append(x.Stages, newStage(s, parameters))
	}
	return x, nil
}

// supported refuses a stage with a condition that could not be obeyed: to run it
// all the same would deploy what its author wanted left alone.
func supported(i int, s gennaker.StageConfig) error {
	condition, _ := s.Context["stageEnabled"].(map[string]any)
	var what string
	switch {
	case condition["type"] == "expression" && condition["expression"] != nil && condition["expression"] != "":
		what = "stageEnabled (conditional on expression)"
	case s.Context["restrictExecutionDuringTimeWindow"] == true || s.Context["restrictExecutionDuringTimeWindow"] == "true":
		what = "restrictExecutionDuringTimeWindow (execution window)"
	default:
		return nil
	}
	return gennaker.Errorf(gennaker.Invalid, "stages[%d] (%s) has %s, which this version cannot obey", i, s.Name, what).
		WithHint("take it out of the stage to run the stage always, or wait for a version that has it")
}

func newStage(s gennaker.StageConfig, parameters map[string]any) gennaker.Stage {
	st := gennaker.Stage{
		RefID: s.RefID, Type: s.Type, Requires: s.Requires, StartTimeExpiry: s.StartExpiry,
		Context: s.Context, Name: s.Name,
	}
	if c, ok := expr.Parameters(s.Context, parameters).(map[string]any); ok {
		st.Context = c
	}
	if name, ok := expr.Parameters(s.Name, parameters).(string); ok {
		st.Name = name
	}
	return st
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
		st := newStage(c, nil)
		if i > 0 {
			st.Requires = []string{fmt.Sprint(i - 1)}
		}
		x.Stages = append(x.Stages, st)
	}
	if len(problems) > 0 {
		return "", &gennaker.Error{Kind: gennaker.Invalid, Message: problems[0].String(), Problems: problems}
	}
	return l.submit(ctx, x)
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
	x, err := newExecution(p, r.Trigger)
	if err != nil {
		if p.Disabled {
			err = gennaker.Errorf(gennaker.Invalid, "The referenced pipeline is disabled")
		}
		return "", err
	}
	x.ID, x.Authentication, x.RootID = keyID(r.Key), r.Parent.Authentication, r.Parent.RootID
	return c.submit(ctx, x)
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

package launch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/match"
	"github.com/gennaker/gennaker/internal/stage/control"
)

// StartPipeline starts a pipeline, found by name first and then by ID, and
// returns the ID of its execution: executionID, unless that is empty. An
// execution that has that ID already is returned as it is; so is one that is not
// complete and has the correlation ID of trigger.
//
// Errors: NotFound; Invalid for what cannot run; Conflict if the ID is that of
// another application's execution, or of a task.
func (l *Launcher) StartPipeline(ctx context.Context, application, nameOrID string, trigger gennaker.Trigger, executionID string) (string, error) {
	if found, err := l.started(ctx, application, executionID); err != nil || found {
		return executionID, err
	}
	p, err := l.Catalog.Pipeline(ctx, application, nameOrID)
	if err != nil {
		return "", err
	}
	return l.start(ctx, p, trigger, executionID)
}

// Start starts a pipeline that need not be saved. Otherwise it is as
// StartPipeline.
func (l *Launcher) Start(ctx context.Context, p gennaker.Pipeline, trigger gennaker.Trigger, executionID string) (string, error) {
	if found, err := l.started(ctx, p.Application, executionID); err != nil || found {
		return executionID, err
	}
	return l.start(ctx, p, trigger, executionID)
}

// Preview returns a pipeline as Start would begin with it: without its template,
// and with its trigger, in which parameters have their defaults. Expressions and
// artifacts are as they are written.
//
// Errors: Invalid for what cannot be planned.
// Source: Spinnaker orca, POST /orchestrate with plan.
func (l *Launcher) Preview(ctx context.Context, p gennaker.Pipeline, trigger gennaker.Trigger) (map[string]any, error) {
	p, err := l.resolved(ctx, p, trigger)
	if err != nil {
		return nil, err
	}
	trigger.Parameters = withDefaults(trigger.Parameters, p.Parameters)
	doc := maps.Clone(p.Doc.Value)
	doc["trigger"], err = open(trigger)
	return doc, err
}

// started reports whether there is an execution of the application with that ID.
func (l *Launcher) started(ctx context.Context, application, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	if _, err := ulid.ParseStrict(id); err != nil {
		return false, gennaker.Errorf(gennaker.Invalid, "executionId %q is not a ULID", id)
	}
	x, err := l.Catalog.Execution(ctx, id)
	switch {
	case gennaker.KindOf(err) == gennaker.NotFound:
		return false, nil
	case err != nil:
		return false, err
	case x.Type != gennaker.TypePipeline:
		return false, gennaker.Errorf(gennaker.Conflict, "%s is the ID of a task", id)
	case !strings.EqualFold(x.Application, application):
		return false, gennaker.Errorf(gennaker.Conflict, "execution %s belongs to application %s", id, x.Application)
	}
	return true, nil
}

func (l *Launcher) start(ctx context.Context, p gennaker.Pipeline, trigger gennaker.Trigger, executionID string) (string, error) {
	// Artifacts that a person gives are for whatever expects them.
	trigger, err := match.ForChild(p.Doc.Value, "", trigger)
	if err != nil {
		return "", err
	}
	x, failure := l.Execution(ctx, p, trigger)
	x.ID, x.Origin = executionID, "api"
	return l.submit(ctx, x, failure)
}

// StartTask starts an ad-hoc operation: a stage for each job, one behind the
// other. With a key it is started once: another call of the user with the same
// key returns the first one's ID.
//
// Shape: each job holds a string "type" and the configuration of a stage of
// that type. Errors: Invalid, with every problem.
func (l *Launcher) StartTask(ctx context.Context, application, description string, jobs []map[string]any, user, key string) (string, error) {
	x := gennaker.Execution{
		Type: gennaker.TypeOrchestration, Application: application, Description: description,
		BuildTime: gennaker.At(l.Now()), Origin: "api",
		Authentication: gennaker.Authentication{User: user},
		Trigger:        gennaker.Trigger{Type: "manual", User: user, Parameters: map[string]any{}},
	}
	if key != "" {
		x.ID = keyID("task/" + user + "/" + key)
	}
	var problems []gennaker.Problem
	for i, job := range jobs {
		typ, _ := job["type"].(string)
		c := gennaker.StageConfig{RefID: fmt.Sprint(i), Type: typ, Name: typ, Context: maps.Clone(job)}
		delete(c.Context, "type")
		for _, p := range l.Registry.CheckJob(c) {
			p.Path = strings.TrimSuffix(fmt.Sprintf("job[%d].%s", i, p.Path), ".")
			problems = append(problems, p)
		}
		st := NewStage(c)
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

// submit stores and starts an execution. One that failed to start is stored
// too, and its failure returned.
func (l *Launcher) submit(ctx context.Context, x gennaker.Execution, failure error) (string, error) {
	if failure == nil {
		return l.Runtime.Submit(ctx, x)
	}
	if _, err := l.Runtime.Refuse(ctx, x, failure.Error()); err != nil {
		return "", errors.Join(failure, err)
	}
	return "", failure
}

// Children starts pipelines for pipeline stages: control.Pipelines.
type Children struct{ *Launcher }

// StartPipeline starts the child that key names, once.
func (c Children) StartPipeline(ctx context.Context, r control.StartRequest) (string, error) {
	p, err := c.Catalog.Pipeline(ctx, r.Application, r.Pipeline)
	if err != nil {
		return "", err
	}
	r.Trigger.CorrelationID = r.Key
	if p.Disabled {
		return "", gennaker.Errorf(gennaker.Invalid, "The referenced pipeline is disabled").
			WithHint("enable pipeline %s of application %s first", p.Name, p.Application)
	}
	if r.Trigger, err = match.ForChild(p.Doc.Value, r.Parent.PipelineConfigID, r.Trigger); err != nil {
		return "", err
	}
	x, failure := c.Launcher.Execution(ctx, p, r.Trigger)
	x.ID, x.Authentication, x.RootID = keyID(r.Key), r.Parent.Authentication, r.Parent.RootID
	return c.submit(ctx, x, failure)
}

// Started returns the child that was started with key.
func (c Children) Started(ctx context.Context, key string) (string, error) {
	_, err := c.Catalog.Execution(ctx, keyID(key))
	return keyID(key), err
}

// Execution returns an execution.
func (c Children) Execution(ctx context.Context, id string) (gennaker.Execution, error) {
	return c.Catalog.Execution(ctx, id)
}

// CancelExecution cancels an execution.
func (c Children) CancelExecution(ctx context.Context, id, user, reason string) error {
	return c.Runtime.Cancel(ctx, id, user, reason)
}

// keyID returns the execution ID that belongs to a key. Keys of children begin
// with the ID of the parent, whose time it shares.
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

package control

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Pipelines starts executions of pipelines, and watches them.
type Pipelines interface {
	// StartPipeline starts an execution. Called again with the same key it
	// returns the same one.
	// Errors: NotFound for the pipeline; Invalid if it is disabled or a required
	// parameter is missing.
	StartPipeline(ctx context.Context, r StartRequest) (id string, err error)
	// Started returns the execution that was started with a key.
	// Errors: NotFound.
	Started(ctx context.Context, key string) (id string, err error)
	// Execution returns an execution with its stages. Errors: NotFound.
	Execution(ctx context.Context, id string) (gennaker.Execution, error)
	// CancelExecution cancels an execution. One that is complete stays as it is,
	// without an error or with Conflict. Errors: NotFound.
	CancelExecution(ctx context.Context, id, user, reason string) error
}

// StartRequest asks for an execution of a pipeline.
type StartRequest struct {
	Key         string // also Trigger.CorrelationID
	Application string
	Pipeline    string // ID or name
	// Trigger has the type "pipeline" and the parent, without its stages, under
	// parentExecution. Parameters are those that the stage sets.
	Trigger gennaker.Trigger
	// Parent is the execution that asks, without its stages: the new one has its
	// RootID and its Authentication.
	Parent gennaker.Execution
}

// pipelineConfig is the configuration of a pipeline stage.
type pipelineConfig struct {
	Application string           `json:"application"`          // default the parent's
	Pipeline    string           `json:"pipeline"`             // ID or name
	PipelineID  string           `json:"pipelineId"`           // of a strategy
	Parameters  map[string]any   `json:"pipelineParameters"`   // parameters of the execution
	Wait        *bool            `json:"waitForCompletion"`    // default true
	Skippable   bool             `json:"skippable"`            // a user may skip the stage while it runs
	SkipOutputs bool             `json:"skipDownstreamOutput"` // do not show the outputs of the child to the stages behind
	Expected    []map[string]any `json:"expectedArtifacts"`    // artifacts that the child makes
}

// Values in the context of a pipeline stage.
const (
	executionID   = "executionId"
	executionName = "executionName"
	childStatus   = "status"
	keepChild     = "_skipPipelineRestart" // a restart attaches to the same child
	artifactsKey  = "artifacts"
	resolvedKey   = "resolvedExpectedArtifacts"
)

// MaxNesting bounds how deep pipelines that start each other may be nested.
const MaxNesting = 25

const (
	// monitorTimeout is Spinnaker's.
	monitorTimeout = 12 * time.Hour
	// canceledBy is who cancels a child, in Spinnaker.
	canceledBy = "parent pipeline"
)

// pipeline runs another pipeline.
//
// Source: Spinnaker orca PipelineStage, DependentPipelineStarter,
// MonitorPipelineTask.
func pipeline(p Pipelines, bind stage.Step) stage.Definition {
	steps := []stage.Step{
		{Name: "startPipeline", Task: startPipeline{p}},
		{Name: "monitorPipeline", Task: monitorPipeline{p}, If: waits, Timeout: monitorTimeout},
	}
	if bind.Task != nil {
		if bind.If == nil {
			bind.If = promises
		}
		steps = append(steps, bind)
	}
	return stage.Definition{
		Type:       "pipeline",
		Steps:      steps,
		ManualSkip: func(context map[string]any) bool { return truth(context["skippable"]) },
		RunsDry:    always,
		Restart: func(context map[string]any) {
			if keep, _ := context[keepChild].(bool); !keep {
				delete(context, childStatus)
				delete(context, executionName)
				delete(context, executionID)
			}
			delete(context, keepChild)
			if _, bound := context[resolvedKey]; bound { // those of the child before
				delete(context, resolvedKey)
				delete(context, artifactsKey)
			}
		},
	}
}

func waits(in stage.Input) bool {
	c, err := stage.Decode[pipelineConfig](in.Stage.Context)
	return err != nil || c.Wait == nil || *c.Wait
}

// promises reports whether the stage names artifacts that it makes.
func promises(in stage.Input) bool {
	list, _ := in.Stage.Context["expectedArtifacts"].([]any)
	return len(list) > 0
}

type startPipeline struct{ pipelines Pipelines }

// Run starts the child, unless a restart kept it.
func (t startPipeline) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	if childOf(in) != "" {
		return stage.Skip(), nil
	}
	c, err := stage.Decode[pipelineConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	name := cmp.Or(c.PipelineID, c.Pipeline)
	if name == "" {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "pipeline is missing").
			WithHint("set pipeline to the ID or the name of the pipeline to run")
	}
	trigger, err := childTrigger(in, c.Parameters)
	if err != nil {
		return stage.Outcome{}, err
	}
	id, err := start(ctx, t.pipelines, in, StartRequest{
		Key: in.Key, Application: c.Application, Pipeline: name, Trigger: trigger,
	})
	if err != nil {
		return stage.Outcome{}, err
	}
	child, err := t.pipelines.Execution(ctx, id)
	if err != nil {
		return stage.Outcome{}, fmt.Errorf("read child execution %s: %w", id, err)
	}
	return stage.Done().WithContext(map[string]any{executionID: id, executionName: child.Name}), nil
}

// start starts a child for the stage; an empty application is its own.
func start(ctx context.Context, p Pipelines, in stage.Input, r StartRequest) (id string, err error) {
	if nesting(in.Execution.Trigger) >= MaxNesting {
		return "", gennaker.Errorf(gennaker.Invalid, "pipelines are nested more than %d deep", MaxNesting).
			WithHint("look for pipelines that start each other")
	}
	r.Application, r.Parent = cmp.Or(r.Application, in.Execution.Application), in.Execution
	r.Trigger.CorrelationID = r.Key
	id, err = p.StartPipeline(ctx, r)
	if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
		what := "pipeline"
		if r.Trigger.Other["strategy"] == true {
			what = "custom strategy"
		}
		return "", gennaker.Errorf(gennaker.NotFound, "The referenced %s cannot be located (%s)", what, r.Pipeline).
			WithHint("application %s has no pipeline of that ID or name", r.Application)
	}
	if err != nil {
		return "", fmt.Errorf("start pipeline %s of %s: %w", r.Pipeline, r.Application, err)
	}
	return id, nil
}

// Cancel cancels the child if it was started and its answer was lost.
func (t startPipeline) Cancel(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	id := childOf(in)
	if id == "" {
		var err error
		switch id, err = t.pipelines.Started(ctx, in.Key); {
		case gennaker.KindOf(err) == gennaker.NotFound:
			return stage.Done(), nil
		case err != nil:
			return stage.Outcome{}, fmt.Errorf("look for a child execution: %w", err)
		}
	}
	return canceled(ctx, t.pipelines, in, id)
}

func childOf(in stage.Input) string {
	id, _ := in.Stage.Context[executionID].(string)
	return id
}

// childTrigger returns the trigger of the child.
func childTrigger(in stage.Input, parameters map[string]any) (gennaker.Trigger, error) {
	parent := in.Execution
	parent.Stages = []gennaker.Stage{}
	other, err := object(parent)
	if err != nil {
		return gennaker.Trigger{}, err
	}
	if parameters == nil {
		parameters = map[string]any{}
	}
	trigger := gennaker.Trigger{
		Type:       "pipeline",
		User:       cmp.Or(parent.Authentication.User, parent.Trigger.User, gennaker.Anonymous),
		Parameters: parameters,
		Artifacts:  artifacts(in),
		DryRun:     parent.Trigger.DryRun,
		Other:      map[string]any{"parentExecution": other, "parentPipelineStageId": in.Stage.ID},
	}
	if parameters["strategy"] == true {
		trigger.Other["strategy"] = true
	}
	return trigger, nil
}

// object returns e as it stands in a trigger.
func object(e gennaker.Execution) (map[string]any, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write parent execution: %w", err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("read parent execution: %w", err)
	}
	return out, nil
}

// artifacts returns the artifacts that the stage sees, each once: its own, those
// upstream, nearest first, and the trigger's.
func artifacts(in stage.Input) []map[string]any {
	var out []map[string]any
	add := func(v any) {
		list, _ := v.([]any)
		for _, a := range list {
			m, ok := a.(map[string]any)
			if ok && !slices.ContainsFunc(out, func(o map[string]any) bool { return reflect.DeepEqual(o, m) }) {
				out = append(out, m)
			}
		}
	}
	add(in.Stage.Context[artifactsKey])
	if in.Upstream != nil {
		for _, s := range in.Upstream() {
			add(s.Outputs[artifactsKey])
		}
	}
	for _, a := range in.Execution.Trigger.Artifacts {
		add([]any{a})
	}
	return out
}

// nesting returns how many executions are above the one that t started.
func nesting(t gennaker.Trigger) int {
	n := 0
	for parent, ok := t.Other["parentExecution"].(map[string]any); ok && n < MaxNesting; n++ {
		above, _ := parent["trigger"].(map[string]any)
		parent, ok = above["parentExecution"].(map[string]any)
	}
	return n
}

// Package control has the stages that steer a pipeline and touch nothing
// outside Gennaker: they wait, ask, check, compute, and run other pipelines.
//
// They wait for events and deadlines, never in a loop.
package control

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/internal/stage"
)

// Config is what the stages need of others.
type Config struct {
	Pipelines Pipelines
	Clusters  Clusters // for preconditions of type clusterSize; nil refuses them
	// BindProduced is the step that binds the artifacts a stage promised; without
	// an If it is planned for stages that promise some. The zero value leaves them
	// unbound.
	BindProduced stage.Step
	// Location is the place whose clock execution windows go by; nil is
	// window.DefaultZone.
	Location *time.Location
}

// Register adds the stages of this package to r.
func Register(r *stage.Registry, c Config) {
	stage.Add[waitConfig](r, wait())
	stage.Add[waitUntilConfig](r, waitUntil())
	stage.Add[conditionConfig](r, waitForCondition())
	stage.Add[dependsConfig](r, dependsOnExecution(c.Pipelines))
	stage.Add[windowConfig](r, executionWindow(c.Location))
	stage.Add[judgmentConfig](r, manualJudgment())
	stage.Add[preconditionsConfig](r, checkPreconditions(c.Clusters))
	stage.Add[variablesConfig](r, evaluateVariables())
	stage.Add[pipelineConfig](r, pipeline(c.Pipelines, c.BindProduced))
	stage.Add[monitorConfig](r, monitor(c.Pipelines))
	stage.Add[multipleConfig](r, runMultiplePipelines(c.Pipelines))
	stage.Add[struct{}](r, stage.Definition{
		Type:  "noop",
		Steps: []stage.Step{{Name: "noop", Task: stage.TaskFunc(succeed)}},
	})
}

func succeed(context.Context, stage.Input) (stage.Outcome, error) { return stage.Done(), nil }

// always is a Definition.RunsDry.
func always(stage.Input) bool { return true }

// truth reports whether v is true, as JSON or as a string.
func truth(v any) bool { return v == true || v == "true" }

// Package control has the stages that steer a pipeline and touch nothing
// outside Gennaker: wait, manualJudgment, pipeline and noop.
//
// They wait for events and deadlines, never in a loop.
package control

import (
	"context"

	"github.com/gennaker/gennaker/internal/stage"
)

// Register adds the stages of this package to r.
func Register(r *stage.Registry, p Pipelines) {
	stage.Add[waitConfig](r, wait())
	stage.Add[judgmentConfig](r, manualJudgment())
	stage.Add[pipelineConfig](r, pipeline(p))
	stage.Add[struct{}](r, stage.Definition{
		Type: "noop",
		Steps: []stage.Step{{
			Name: "noop",
			Task: stage.TaskFunc(func(context.Context, stage.Input) (stage.Outcome, error) { return stage.Done(), nil }),
		}},
	})
}

// Package document has the stages that change the documents users write:
// applications and pipelines. They are mostly jobs of ad-hoc operations.
//
// A stage that already did its work, or finds that there is nothing to delete,
// succeeds again: its answer may have been lost.
package document

import (
	"cmp"
	"context"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Catalog keeps the documents. Names of applications match without case.
type Catalog interface {
	// Application returns one application. Errors: NotFound.
	Application(ctx context.Context, name string) (gennaker.Application, error)
	// SaveApplication makes or replaces an application.
	SaveApplication(ctx context.Context, a gennaker.Application, user string) error
	// DeleteApplication deletes an application. Errors: NotFound.
	DeleteApplication(ctx context.Context, name, user string) error
	// Pipelines returns the pipelines of an application.
	Pipelines(ctx context.Context, application string) ([]gennaker.Pipeline, error)
	// SavePipeline makes or replaces the pipeline with p's ID and returns it as
	// it was stored. With staleCheck it refuses a document that was not made
	// from the stored one. Errors: Invalid or Conflict for a name that is taken
	// in the application, and for a stale document.
	SavePipeline(ctx context.Context, p gennaker.Pipeline, user string, staleCheck bool) (gennaker.Pipeline, error)
	// DeletePipeline deletes a pipeline. Errors: NotFound.
	DeletePipeline(ctx context.Context, application, nameOrID, user string) error
}

// Inventory tells what is deployed, in all accounts.
type Inventory interface {
	// ServerGroups returns the server groups of an application, or of all for "".
	ServerGroups(ctx context.Context, application string) ([]gennaker.ServerGroup, error)
}

// Register adds the stages of this package to r. Pipelines that are saved may
// hold the stage types that r has when they are saved.
func Register(r *stage.Registry, c Catalog, inv Inventory) {
	for _, name := range []string{"createApplication", "updateApplication", "upsertApplication"} {
		stage.Add[applicationConfig](r, stage.Definition{
			Type: name, Steps: []stage.Step{{Name: name, Task: upsertApplication{c}}},
		})
	}
	stage.Add[applicationConfig](r, stage.Definition{
		Type: "deleteApplication",
		Steps: []stage.Step{
			{Name: "verifyNoDependencies", Task: verifyNoDependencies{inv}},
			{Name: "deleteApplication", Task: deleteApplication{c}},
		},
	})
	stage.Add[pipelineConfig](r, stage.Definition{
		Type: "savePipeline", Aliases: []string{"updatePipeline"},
		Steps: []stage.Step{{Name: "savePipeline", Task: savePipeline{c, r.Check}}},
	})
	stage.Add[pipelineConfig](r, stage.Definition{
		Type: "deletePipeline", Steps: []stage.Step{{Name: "deletePipeline", Task: deletePipeline{c}}},
	})
}

// author returns who asked for a change. What a job says of its user is not
// believed.
func author(in stage.Input) string {
	return cmp.Or(in.Execution.Authentication.User, in.Execution.Trigger.User, gennaker.Anonymous)
}

// done is success with values that show in the operation's variables, and are
// seen downstream.
func done(values map[string]any) stage.Outcome {
	return stage.Done().WithContext(values).WithOutputs(values)
}

// Package document has the stages that change the documents users write:
// applications, projects, pipelines and pipeline templates. They are mostly jobs of ad-hoc
// operations.
//
// A stage that already did its work, or finds that there is nothing to delete,
// succeeds again: its answer may have been lost.
package document

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/template"
)

// Catalog keeps the documents. Names of applications match without case.
type Catalog interface {
	// Application returns one application. Errors: NotFound.
	Application(ctx context.Context, name string) (gennaker.Application, error)
	// SaveApplication makes or replaces an application.
	SaveApplication(ctx context.Context, a gennaker.Application, user string) error
	// DeleteApplication deletes an application. Errors: NotFound.
	DeleteApplication(ctx context.Context, name, user string) error
	// Pipelines returns the pipelines of an application, or of all for "".
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

// Templates keeps pipeline templates.
type Templates interface {
	// Template returns one copy. Errors: NotFound.
	Template(ctx context.Context, v template.Version) (map[string]any, error)
	// CreateTemplate stores a new template. Errors: Invalid; Conflict if there
	// is one already.
	CreateTemplate(ctx context.Context, doc map[string]any, tag, user string) (template.Version, error)
	// UpdateTemplate replaces a template. Errors: Invalid; NotFound.
	UpdateTemplate(ctx context.Context, doc map[string]any, tag, user string) (template.Version, error)
	// DeleteTemplate deletes one copy. Errors: NotFound; Conflict while
	// pipelines refer to it.
	DeleteTemplate(ctx context.Context, v template.Version, user string) error
}

// Config is what the stages work with. All but Artifacts must be set.
type Config struct {
	Catalog   Catalog
	Projects  Projects
	Inventory Inventory
	Templates Templates
	Artifacts template.Fetcher // for savePipelinesFromArtifact; nil refuses it
	Evaluate  template.Evaluator
}

// Register adds the stages of this package to r. Pipelines that are saved may
// hold the stage types that r has when they are saved.
func Register(r *stage.Registry, c Config) {
	for _, name := range []string{"createApplication", "updateApplication", "upsertApplication"} {
		stage.Add[applicationConfig](r, stage.Definition{
			Type: name, Steps: []stage.Step{{Name: name, Task: upsertApplication{c.Catalog}}},
		})
	}
	stage.Add[applicationConfig](r, stage.Definition{
		Type: "deleteApplication",
		Steps: []stage.Step{
			{Name: "verifyNoDependencies", Task: verifyNoDependencies{c.Inventory}},
			{Name: "deleteApplication", Task: deleteApplication{c.Catalog}},
		},
	})
	for _, name := range []string{"savePipeline", "updatePipeline"} {
		stage.Add[pipelineConfig](r, stage.Definition{
			Type: name, Verbatim: verbatim("pipeline"),
			Steps: []stage.Step{
				{Name: name, Task: savePipeline{c.Catalog, r.Check}},
				{Name: "waitForPipelineSave", Task: waitForPipelineSave{c.Catalog}},
			},
		})
	}
	stage.Add[pipelineConfig](r, stage.Definition{
		Type: "deletePipeline", Verbatim: verbatim("pipeline"),
		Steps: []stage.Step{{Name: "deletePipeline", Task: deletePipeline{c.Catalog}}},
	})
	stage.Add[reorderConfig](r, stage.Definition{
		Type: "reorderPipelines", Steps: []stage.Step{{Name: "reorderPipelines", Task: reorderPipelines{c.Catalog}}},
	})
	registerProjects(r, c)
	registerFromArtifact(r, c)
	registerTemplates(r, c)
}

// verbatim keeps the expressions of documents that are saved.
func verbatim(keys ...string) func(stage.Input) []string {
	return func(stage.Input) []string { return keys }
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

// textOf returns the JSON of a part of a job that is an object, or its JSON in
// base64; what names it in messages.
//
// Errors: TooLarge; Invalid.
func textOf(v any, what string) ([]byte, error) {
	const hint = "give it as an object, or as JSON in base64"
	switch v := v.(type) {
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "%s is not JSON: %w", what, err)
		}
		return text, nil
	case string:
		if base64.StdEncoding.DecodedLen(len(v)) > gennaker.MaxDocumentBytes+2 {
			return nil, gennaker.Errorf(gennaker.TooLarge, "%s has more than %d bytes", what, gennaker.MaxDocumentBytes)
		}
		text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(v))
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "%s is not base64: %w", what, err).WithHint(hint)
		}
		return text, nil
	}
	return nil, gennaker.Errorf(gennaker.Invalid, "%s is missing", what).WithHint(hint)
}

// Package document serves what users write: pipelines, their templates, and what
// belongs to writing them. Its routes are Gate's, and some of ours.
package document

import (
	"context"
	"net/http"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/execution"
)

// Catalog keeps the documents that users write.
//
// Names of applications match without case everywhere.
type Catalog interface {
	// Application returns one application. Errors: NotFound.
	Application(ctx context.Context, name string) (gennaker.Application, error)
	// Pipelines returns the pipelines of an application, or of all for "".
	Pipelines(ctx context.Context, application string) ([]gennaker.Pipeline, error)
	// Pipeline returns one pipeline, by exact name first and then by ID.
	// Errors: NotFound.
	Pipeline(ctx context.Context, application, nameOrID string) (gennaker.Pipeline, error)
	// SavePipeline makes or replaces the pipeline with p's ID, and returns it
	// as it was stored: with ID, index, lastModifiedBy and updateTs. With
	// staleCheck it refuses a document that was not made from the stored one.
	// Errors: Invalid for a name that is taken in the application, and for a
	// stale document.
	SavePipeline(ctx context.Context, p gennaker.Pipeline, user string, staleCheck bool) (gennaker.Pipeline, error)
	// DeletePipeline deletes a pipeline; its name matches without case and
	// surrounding space. Errors: NotFound.
	DeletePipeline(ctx context.Context, application, nameOrID, user string) error
	// PipelineHistory returns at most limit revisions of the pipeline with that
	// ID, newest first; none for one that never was.
	PipelineHistory(ctx context.Context, id string, limit int) ([]gennaker.Revision, error)
}

// Config is what the routes are made of. All interfaces must be set.
type Config struct {
	Catalog       Catalog
	Templates     Templates
	Planner       Planner
	Linter        Linter
	Artifacts     Artifacts
	Preconfigured Preconfigured
	Access        api.Access
	Tasks         execution.Runner
}

type handlers struct{ Config }

// Routes returns the rows of the table that are about documents.
func Routes(c Config) []api.Route {
	h := handlers{c}
	missing := []gennaker.Kind{gennaker.NotFound}
	return []api.Route{
		api.Row("GET", "/applications/{app}/pipelineConfigs", api.Read, "An application's pipelines, in their order.", api.Returns(h.pipelines)).Reads("pipelineNameFilter", "pipelineLimit"),
		api.Row("GET", "/applications/{app}/pipelineConfigs/{name}", api.Read, "A pipeline, by name or ID.", api.Returns(h.pipeline)).Fails(missing...),
		api.Row("GET", "/pipelineConfigs/{id}/history", api.Read, "What a pipeline was, newest first.", api.Returns(h.pipelineHistory)).Reads("limit"),
		api.Row("POST", "/pipelines", api.Write, "Saves a pipeline; says what is doubtful in it.", api.Takes(h.savePipeline)).Reads("staleCheck", "strict"),
		api.Row("PUT", "/pipelines/{id}", api.Write, "Replaces a pipeline.", api.Takes(h.updatePipeline)).Reads("strict"),
		api.Row("DELETE", "/pipelines/{app}/{name}", api.Write, "Deletes a pipeline.", api.Returns(h.deletePipeline)),
		api.Row("POST", "/actions/pipelines/reorder", api.Write, "Changes the order of pipelines.", api.Takes(h.reorderPipelines)),
		api.Row("POST", "/actions/strategies/reorder", api.Write, "Changes the order of strategies.", api.Takes(h.reorderStrategies)),

		api.Row("GET", "/v2/pipelineTemplates", api.Read, "All pipeline templates.", api.Returns(h.templates)).Reads("scopes"),
		api.Row("GET", "/v2/pipelineTemplates/versions", api.Read, "The copies of each pipeline template.", api.Returns(h.templateVersions)).Reads("scopes"),
		api.Row("GET", "/v2/pipelineTemplates/{id}", api.Read, "A copy of a pipeline template.", api.Returns(h.template)).Reads("tag", "digest").Fails(gennaker.NotFound, gennaker.Invalid),
		api.Row("GET", "/v2/pipelineTemplates/{id}/dependents", api.Read, "The pipelines that use a template.", api.Returns(h.templateDependents)),
		api.Row("POST", "/v2/pipelineTemplates/create", api.Write, "Makes a pipeline template.", api.Takes(h.createTemplate).As(http.StatusAccepted, "")).Reads("tag", "digest"),
		api.Row("POST", "/v2/pipelineTemplates/update/{id}", api.Write, "Replaces a copy of a pipeline template.", api.Takes(h.updateTemplate).As(http.StatusAccepted, "")).Reads("tag", "digest", "skipPlanDependents"),
		api.Row("POST", "/v2/pipelineTemplates/plan", api.Execute, "The pipeline that a template and its variables make.", api.Takes(h.planTemplate)).Answers(http.StatusBadRequest, planErrorBody{}),
		api.Row("DELETE", "/v2/pipelineTemplates/{id}", api.Write, "Deletes a copy of a pipeline template.", api.Returns(h.deleteTemplate).As(http.StatusAccepted, "")).Reads("tag", "digest", "application").Fails(gennaker.Invalid),

		api.Row("GET", "/artifacts/credentials", api.Read, "The accounts that artifacts are fetched with.", api.Returns(h.artifactAccounts)),
		api.Row("PUT", "/artifacts/fetch", api.Execute, "The content of an artifact.", api.Takes(h.fetchArtifact).As(http.StatusOK, "application/octet-stream")).Fails(gennaker.NotFound, gennaker.Unavailable),
		api.Row("GET", "/webhooks/preconfigured", api.Read, "The webhook stages that the configuration makes.", api.Returns(h.preconfiguredWebhooks)),
		api.Row("GET", "/jobs/preconfigured", api.Read, "The job stages that the configuration makes.", api.Returns(h.preconfiguredJobs)),

		api.Row("POST", "/api/v1/pipelines/lint", api.Write, "What is doubtful in a pipeline, which is not saved.", api.Takes(h.lintPipeline)).Reads("strict"),
		api.Row("POST", "/api/v1/pipelines/plan", api.Execute, "What a run of a pipeline would do now.", api.Takes(h.planPipeline)).Fails(missing...),
	}
}

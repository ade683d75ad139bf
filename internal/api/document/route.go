// Package document serves what users write: pipelines, strategies, templates,
// projects, canary configs, notifications, and what belongs to writing them. Its routes are Gate's, and some of ours.
package document

import (
	"context"
	"net/http"
	"slices"

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
	// Pipelines returns the pipelines and strategies of an application, or of
	// all for "".
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
	// ReplacePipeline is SavePipeline, but only of what is there, and has that
	// updateTs; "" is any. Errors: Conflict.
	ReplacePipeline(ctx context.Context, p gennaker.Pipeline, user, updateTs string) (gennaker.Pipeline, error)
	// DeletePipeline deletes a pipeline; its name matches without case and
	// surrounding space. Errors: NotFound.
	DeletePipeline(ctx context.Context, application, nameOrID, user string) error
	// PipelineHistory returns at most limit revisions of the pipeline with that
	// ID, newest first; none for one that never was.
	PipelineHistory(ctx context.Context, id string, limit int) ([]gennaker.Revision, error)
}

// Config is what the routes are made of. All fields must be set.
type Config struct {
	Catalog       Catalog
	Runs          Runs
	Revisions     Revisions
	Templates     Templates
	Projects      Projects
	CanaryConfigs CanaryConfigs
	Notifications Notifications
	Planner       Planner
	Linter        Linter
	Artifacts     Artifacts
	Inventory     Inventory
	Preconfigured Preconfigured
	Access        api.Access
	Tasks         execution.Runner
	// YAML writes what is JSON for people.
	YAML func(v any) ([]byte, error)
}

type handlers struct{ Config }

// Routes returns the rows of the table that are about documents.
func Routes(c Config) []api.Route {
	h := handlers{c}
	return slices.Concat(h.pipelineRoutes(), h.strategyRoutes(), h.templateRoutes(), h.projectRoutes(), h.canaryRoutes(), h.otherRoutes())
}

func (h handlers) pipelineRoutes() []api.Route {
	missing := []gennaker.Kind{gennaker.NotFound}
	return []api.Route{
		api.Row("GET", "/applications/{app}/pipelineConfigs", api.Read, "An application's pipelines, in their order.", api.Returns(h.pipelines)).Reads("pipelineNameFilter", "pipelineLimit"),
		api.Row("GET", "/applications/{app}/pipelineConfigs/{name}", api.Read, "A pipeline, by name or ID.", api.Returns(h.pipeline)).Fails(missing...),
		api.Row("GET", "/pipelineConfigs", api.Read, "The pipelines of all applications.", api.Returns(h.allPipelines)),
		api.Row("GET", "/pipelineConfigs/{id}/history", api.Read, "What a pipeline was, newest first.", api.Returns(h.pipelineHistory)).Reads("limit"),
		api.Row("GET", "/pipelineConfigs/{id}/convertToTemplate", api.Read, "A template that makes the pipeline.", api.Returns(h.convertToTemplate).As(http.StatusOK, "text/x-yaml")).Fails(gennaker.NotFound, gennaker.Invalid),
		api.Row("POST", "/pipelines", api.Write, "Saves a pipeline; says what is doubtful in it.", api.Takes(h.savePipeline)).Reads("staleCheck", "strict").Fails(gennaker.Conflict),
		api.Row("PUT", "/pipelines/{id}", api.Write, "Replaces a pipeline, also under another name.", api.Takes(h.updatePipeline)).Reads("strict").Fails(gennaker.NotFound, gennaker.Conflict),
		api.Row("DELETE", "/pipelines/{app}/{name}", api.Write, "Deletes a pipeline.", api.Returns(h.deletePipeline)),
		api.Row("POST", "/pipelines/bulksave", api.Write, "Saves pipelines, as many of them as can be.", api.Takes(h.savePipelines)),
		api.Row("POST", "/pipelines/move", api.Write, "Gives a pipeline another name.", api.Takes(h.movePipeline)).Fails(gennaker.NotFound, gennaker.Conflict),
		api.Row("POST", "/actions/pipelines/reorder", api.Write, "Changes the order of pipelines.", api.Takes(h.reorderPipelines)),

		api.Row("GET", "/api/v1/pipelines", api.Read, "All pipelines with their newest runs, page by page.", api.Returns(h.pipelineRows)).Reads("application", "after", "limit"),
		api.Row("POST", "/api/v1/pipelines/lint", api.Write, "What is doubtful in a pipeline, which is not saved.", api.Takes(h.lintPipeline)).Reads("strict"),
		api.Row("POST", "/api/v1/pipelines/plan", api.Execute, "What a run of a pipeline would do now.", api.Takes(h.planPipeline)).Fails(missing...),
		api.Row("GET", "/api/v1/pipelines/{id}/revisions", api.Read, "The saves of a pipeline or strategy, newest first.", api.Returns(h.pipelineRevisions)).Reads("before", "limit"),
		api.Row("GET", "/api/v1/pipelines/{id}/revisions/{number}", api.Read, "One save of a pipeline or strategy.", api.Returns(h.pipelineRevision)).Fails(gennaker.Invalid, gennaker.NotFound),
		api.Row("GET", "/api/v1/pipelines/{id}/revisions/{a}/diff/{b}", api.Read, "How a save differs from another one.", api.Returns(h.comparePipelines)).Fails(gennaker.Invalid, gennaker.NotFound),
	}
}

func (h handlers) strategyRoutes() []api.Route {
	missing := []gennaker.Kind{gennaker.NotFound}
	return []api.Route{
		api.Row("GET", "/applications/{app}/strategyConfigs", api.Read, "An application's strategies.", api.Returns(h.strategies)),
		api.Row("GET", "/applications/{app}/strategyConfigs/{name}", api.Read, "A strategy, by name or ID.", api.Returns(h.strategy)).Fails(missing...),
		api.Row("GET", "/strategyConfigs", api.Read, "The strategies of all applications.", api.Returns(h.allStrategies)),
		api.Row("GET", "/strategyConfigs/{id}/history", api.Read, "What a strategy was, newest first.", api.Returns(h.pipelineHistory)).Reads("limit"),
		api.Row("POST", "/strategies", api.Write, "Saves a strategy.", api.Takes(h.saveStrategy)).Fails(gennaker.Conflict),
		api.Row("PUT", "/strategies/{id}", api.Write, "Replaces a strategy, also under another name.", api.Takes(h.updateStrategy)).Fails(gennaker.NotFound, gennaker.Conflict),
		api.Row("DELETE", "/strategies/{app}/{name}", api.Write, "Deletes a strategy.", api.Returns(h.deleteStrategy)).Fails(missing...),
		api.Row("POST", "/strategies/move", api.Write, "Gives a strategy another name.", api.Takes(h.moveStrategy)).Fails(gennaker.NotFound, gennaker.Conflict),
		api.Row("POST", "/actions/strategies/reorder", api.Write, "Changes the order of strategies.", api.Takes(h.reorderStrategies)),
	}
}

func (h handlers) templateRoutes() []api.Route {
	return []api.Route{
		api.Row("GET", "/v2/pipelineTemplates", api.Read, "All pipeline templates.", api.Returns(h.templates)).Reads("scopes"),
		api.Row("GET", "/v2/pipelineTemplates/versions", api.Read, "The copies of each pipeline template.", api.Returns(h.templateVersions)).Reads("scopes"),
		api.Row("GET", "/v2/pipelineTemplates/{id}", api.Read, "A copy of a pipeline template.", api.Returns(h.template)).Reads("tag", "digest").Fails(gennaker.NotFound, gennaker.Invalid),
		api.Row("GET", "/v2/pipelineTemplates/{id}/dependents", api.Read, "The pipelines that use a template.", api.Returns(h.templateDependents)),
		api.Row("POST", "/v2/pipelineTemplates/create", api.Write, "Makes a pipeline template.", api.Takes(h.createTemplate).As(http.StatusAccepted, "")).Reads("tag", "digest"),
		api.Row("POST", "/v2/pipelineTemplates/update/{id}", api.Write, "Replaces a copy of a pipeline template.", api.Takes(h.updateTemplate).As(http.StatusAccepted, "")).Reads("tag", "digest", "skipPlanDependents"),
		api.Row("POST", "/v2/pipelineTemplates/plan", api.Execute, "The pipeline that a template and its variables make.", api.Takes(h.planTemplate)).Answers(http.StatusBadRequest, planErrorBody{}),
		api.Row("DELETE", "/v2/pipelineTemplates/{id}", api.Write, "Deletes a copy of a pipeline template.", api.Returns(h.deleteTemplate).As(http.StatusAccepted, "")).Reads("tag", "digest", "application").Fails(gennaker.Invalid),
	}
}

func (h handlers) projectRoutes() []api.Route {
	return []api.Route{
		api.Row("GET", "/projects", api.Read, "All projects.", api.Returns(h.projects)),
		api.Row("GET", "/projects/{id}", api.Read, "A project, by name or ID.", api.Returns(h.project)).Fails(gennaker.NotFound),
		api.Row("GET", "/projects/{id}/pipelines", api.Read, "Recent executions of a project's pipelines, oldest first.", api.Returns(h.projectPipelines)).Reads("limit", "statuses", "expand").Fails(gennaker.NotFound),
		api.Row("GET", "/projects/{id}/clusters", api.Read, "What runs in a project's clusters.", api.Returns(h.projectClusters)).Fails(gennaker.NotFound, gennaker.Unavailable),
	}
}

func (h handlers) canaryRoutes() []api.Route {
	return []api.Route{
		api.Row("GET", "/v2/canaryConfig", api.Read, "All canary configs, or those of applications.", api.Returns(h.canaryConfigs)).Reads("application"),
		api.Row("GET", "/v2/canaryConfig/{id}", api.Read, "A canary config.", api.Returns(h.canaryConfig)).Fails(gennaker.NotFound),
		api.Row("POST", "/v2/canaryConfig", api.Write, "Makes a canary config.", api.Takes(h.createCanaryConfig)),
		api.Row("PUT", "/v2/canaryConfig/{id}", api.Write, "Replaces a canary config.", api.Takes(h.updateCanaryConfig)),
		api.Row("DELETE", "/v2/canaryConfig/{id}", api.Write, "Deletes a canary config.", api.Returns(h.deleteCanaryConfig)).Fails(gennaker.NotFound),
		api.Row("GET", "/v2/canaries/judges", api.Read, "What canary configs may name as their judge.", api.Returns(h.canaryJudges)),
		api.Row("GET", "/v2/canaries/credentials", api.Read, "The accounts that canaries are measured with.", api.Returns(h.canaryAccounts)),
		api.Row("GET", "/v2/canaries/{rest...}", api.Read, "Nothing: canaries are not judged here.", api.Returns(h.noCanaries)).Fails(gennaker.NotFound),
		api.Row("POST", "/v2/canaries/{rest...}", api.Execute, "Nothing: canaries are not judged here.", api.Returns(h.noCanaries)).Fails(gennaker.NotFound),
	}
}

func (h handlers) otherRoutes() []api.Route {
	return []api.Route{
		api.Row("GET", "/notifications/metadata", api.Read, "The ways of notifying that were added.", api.Returns(h.notificationTypes)),
		api.Row("GET", "/notifications/application/{app}", api.Read, "Who is notified of what happens in an application.", api.Returns(h.notifications)),
		api.Row("POST", "/notifications/application/{app}", api.Write, "Replaces who is notified.", api.Takes(h.saveNotifications)),
		api.Row("DELETE", "/notifications/application/{app}", api.Write, "Notifies nobody any more.", api.Returns(h.deleteNotifications)),

		api.Row("GET", "/artifacts/credentials", api.Read, "The accounts that artifacts are fetched with.", api.Returns(h.artifactAccounts)),
		api.Row("PUT", "/artifacts/fetch", api.Execute, "The content of an artifact.", api.Takes(h.fetchArtifact).As(http.StatusOK, "application/octet-stream")).Fails(gennaker.NotFound, gennaker.Unavailable),
		api.Row("GET", "/webhooks/preconfigured", api.Read, "The webhook stages that the configuration makes.", api.Returns(h.preconfiguredWebhooks)),
		api.Row("GET", "/jobs/preconfigured", api.Read, "The job stages that the configuration makes.", api.Returns(h.preconfiguredJobs)),
	}
}

// Package execution serves what runs: pipelines from their start on, tasks, what
// expressions are worth in them, and the stream of events. Its routes are
// Gate's, and some of ours.
package execution

import (
	"net/http"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// Config is what the routes are made of. All fields must be set.
type Config struct {
	Runner
	Executions  Executions
	Checker     Checker
	Expressions Expressions
	Pipelines   Pipelines
	Access      api.Access // to applications that only a body names
}

type handlers struct{ Config }

// Routes returns the rows of the table that are about executions.
func Routes(c Config) []api.Route {
	h := handlers{c}
	missing := []gennaker.Kind{gennaker.NotFound}
	state := []gennaker.Kind{gennaker.NotFound, gennaker.Conflict}
	listed := []string{"expand", "limit", "statuses"}
	return slices.Concat(h.starts(), []api.Route{
		api.Row("GET", "/pipelines/{id}", api.Read, "An execution of a pipeline.", api.Returns(h.execution)).Fails(missing...),
		api.Row("DELETE", "/pipelines/{id}", api.Execute, "Forgets an execution that ended.", api.Returns(h.deleteExecution)).Fails(state...),
		api.Row("PUT", "/pipelines/{id}/cancel", api.Execute, "Cancels an execution.", api.Returns(h.cancelExecution)).Reads("reason", "force").Fails(missing...),
		api.Row("PUT", "/pipelines/{id}/pause", api.Execute, "Holds an execution before its next tasks.", api.Returns(h.pauseExecution)).Fails(state...),
		api.Row("PUT", "/pipelines/{id}/resume", api.Execute, "Lets a held execution go on.", api.Returns(h.resumeExecution)).Fails(state...),
		api.Row("PATCH", "/pipelines/{id}/stages/{stage}", api.Execute, "Adds to the context of a stage: a judgment, a wait to skip.", api.Takes(h.patchStage)).Fails(state...).Answers(http.StatusMethodNotAllowed, api.ErrorBody{}),
		api.Row("PUT", "/pipelines/{id}/stages/{stage}/restart", api.Execute, "Runs a stage again, and those behind it.", api.Returns(h.restartStage)).Fails(state...),
		api.Row("GET", "/pipelines/{id}/evaluateExpression", api.Execute, "What a text with expressions is behind all stages of an execution.", api.Returns(h.evaluateExpression)).Reads("expression").Fails(gennaker.NotFound, gennaker.Invalid),
		api.Row("GET", "/pipelines/{id}/{stage}/evaluateExpression", api.Execute, "What a text with expressions is in a stage.", api.Returns(h.evaluateExpression)).Reads("expression").Fails(gennaker.NotFound, gennaker.Invalid),
		api.Row("POST", "/pipelines/{id}/evaluateExpression", api.Execute, "What the text in the body is behind all stages of an execution.", api.Takes(h.evaluateBody)).Fails(missing...),
		api.Row("POST", "/pipelines/{id}/evaluateVariables", api.Execute, "What variables are in an execution.", api.Takes(h.evaluateVariables)).Reads("executionId", "requisiteStageRefIds", "spelVersion").Fails(missing...),
		api.Row("GET", "/executions", api.Read, "Executions by their IDs or those of their pipelines, newest first.", api.Returns(h.executions)).Reads("pipelineConfigIds", "executionIds").Reads(listed...).Fails(gennaker.TooLarge, gennaker.Invalid),
		api.Row("GET", "/executions/failedStages", api.Read, "The stages that made an execution fail, also in those that it started.", api.Returns(h.failedStages)).Reads("executionId", "deckOrigin", "limit"),
		api.Row("GET", "/applications/{app}/executions/search", api.Read, "Executions that were triggered in some way, newest first.", api.Returns(h.searchExecutions)).
			Reads("triggerTypes", "pipelineName", "eventId", "trigger", "triggerTimeStartBoundary", "triggerTimeEndBoundary", "statuses", "startIndex", "size", "reverse", "expand"),
		api.Row("GET", "/applications/{app}/pipelines", api.Read, "Recent executions of an application's pipelines, oldest first.", api.Returns(h.applicationExecutions)).Reads("pipelineConfigIds", "pipelineLimit", "pipelineNameFilter").Reads(listed...),
		// spin sends the words "{application}" for the application.
		api.Row("PUT", "/applications/{ignored}/pipelines/{id}/cancel", api.Execute, "Cancels an execution.", api.Returns(h.cancelExecution)).Reads("reason", "force").Fails(missing...),

		api.Row("POST", "/tasks", api.Write, "Starts an operation.", api.Takes(h.startTask)),
		api.Row("GET", "/tasks/{id}", api.Read, "An operation.", api.Returns(h.task)).Fails(missing...),
		api.Row("GET", "/tasks/{id}/details/{details}", api.Read, "What became of an operation of Clouddriver: there are none.", api.Returns(h.taskDetails)).Fails(missing...),
		api.Row("DELETE", "/tasks/{id}", api.Write, "Forgets an operation that ended.", api.Returns(h.deleteTask)).Fails(state...),
		api.Row("PUT", "/tasks/{id}/cancel", api.Execute, "Cancels an operation.", api.Returns(h.cancelTask)).Reads("reason").Fails(missing...),
		api.Row("PUT", "/tasks/cancel", api.Execute, "Cancels several operations.", api.Returns(h.cancelTasks)).Reads("ids", "reason").Fails(gennaker.NotFound, gennaker.Invalid, gennaker.TooLarge),
		api.Row("GET", "/applications/{app}/tasks", api.Read, "An application's operations, newest first.", api.Returns(h.applicationTasks)).Reads("page").Reads(listed...),
		api.Row("POST", "/applications/{app}/tasks", api.Write, "Starts an operation.", api.Takes(h.startTask)),
		api.Row("GET", "/applications/{app}/tasks/{id}", api.Read, "An operation.", api.Returns(h.task)).Fails(missing...),
		api.Row("PUT", "/applications/{app}/tasks/{id}/cancel", api.Execute, "Cancels an operation.", api.Returns(h.cancelTask)).Reads("reason").Fails(missing...),

		api.Row("GET", "/api/v1/events", api.Read, "What changes, as server-sent events.", api.Returns(h.events).As(http.StatusOK, "text/event-stream")).Reads("application", "execution", "lastEventId").Fails(gennaker.Unavailable, gennaker.Invalid),
		api.Row("GET", "/api/v1/executions", api.Read, "A page of the executions of pipelines, newest first.", api.Returns(h.executionPage)).Reads("after", "application", "name", "pipelineConfigIds").Reads(listed...).Fails(gennaker.NotFound, gennaker.TooLarge),
		api.Row("GET", "/api/v1/expressions", api.Read, "What expressions can name.", api.Returns(h.language)),
	})
}

// starts are the rows that start pipelines.
func (h handlers) starts() []api.Route {
	state := []gennaker.Kind{gennaker.NotFound, gennaker.Conflict}
	return []api.Route{
		api.Row("POST", "/pipelines/{app}/{name}", api.Execute, "Starts a pipeline, by name or ID.", api.Takes(h.startPipeline).As(http.StatusAccepted, "")).Fails(state...),
		api.Row("POST", "/pipelines/v2/{app}/{name}", api.Execute, "Starts a pipeline, by name or ID, with an event.", api.Takes(h.startByEvent).As(http.StatusAccepted, "")).Fails(state...),
		api.Row("POST", "/applications/{app}/pipelineConfigs/{name}", api.Execute, "Starts a pipeline, by name or ID; the older path.", api.Takes(h.startPipeline).As(http.StatusAccepted, "")).Fails(state...),
		api.Row("POST", "/pipelines/start", api.Execute, "Starts the pipeline in the body, or shows with what it would begin.", api.Takes(h.startGiven)).Fails(gennaker.Conflict),
	}
}

// Ref says where what was started is found.
type Ref struct {
	Ref string `json:"ref"`
}

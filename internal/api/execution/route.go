// Package execution serves what runs: pipelines from their start on, tasks, what
// expressions are worth in them, and the stream of events. Its routes are
// Gate's, and some of ours.
package execution

import (
	"net/http"

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
}

type handlers struct{ Config }

// Routes returns the rows of the table that are about executions.
func Routes(c Config) []api.Route {
	h := handlers{c}
	missing := []gennaker.Kind{gennaker.NotFound}
	state := []gennaker.Kind{gennaker.NotFound, gennaker.Conflict}
	listed := []string{"expand", "limit", "statuses"}
	return []api.Route{
		api.Row("POST", "/pipelines/{app}/{name}", api.Execute, "Starts a pipeline, by name or ID.", api.Takes(h.startPipeline).As(http.StatusAccepted, "")).Fails(state...),
		api.Row("GET", "/pipelines/{id}", api.Read, "An execution of a pipeline.", api.Returns(h.execution)).Fails(missing...),
		api.Row("DELETE", "/pipelines/{id}", api.Execute, "Forgets an execution that ended.", api.Returns(h.deleteExecution)).Fails(state...),
		api.Row("PUT", "/pipelines/{id}/cancel", api.Execute, "Cancels an execution.", api.Returns(h.cancelExecution)).Reads("reason").Fails(missing...),
		api.Row("PUT", "/pipelines/{id}/pause", api.Execute, "Holds an execution before its next tasks.", api.Returns(h.pauseExecution)).Fails(state...),
		api.Row("PUT", "/pipelines/{id}/resume", api.Execute, "Lets a held execution go on.", api.Returns(h.resumeExecution)).Fails(state...),
		api.Row("PATCH", "/pipelines/{id}/stages/{stage}", api.Execute, "Adds to the context of a stage: a judgment, a wait to skip.", api.Takes(h.patchStage)).Fails(state...).Answers(http.StatusMethodNotAllowed, api.ErrorBody{}),
		api.Row("PUT", "/pipelines/{id}/stages/{stage}/restart", api.Execute, "Runs a stage again, and those behind it.", api.Returns(h.restartStage)).Fails(state...),
		api.Row("GET", "/pipelines/{id}/evaluateExpression", api.Execute, "What a text with expressions is behind all stages of an execution.", api.Returns(h.evaluateExpression)).Reads("expression").Fails(gennaker.NotFound, gennaker.Invalid),
		api.Row("GET", "/pipelines/{id}/{stage}/evaluateExpression", api.Execute, "What a text with expressions is in a stage.", api.Returns(h.evaluateExpression)).Reads("expression").Fails(gennaker.NotFound, gennaker.Invalid),
		api.Row("POST", "/pipelines/{id}/evaluateExpression", api.Execute, "What the text in the body is behind all stages of an execution.", api.Takes(h.evaluateBody)).Fails(missing...),
		api.Row("POST", "/pipelines/{id}/evaluateVariables", api.Execute, "What variables are in an execution.", api.Takes(h.evaluateVariables)).Reads("executionId", "requisiteStageRefIds", "spelVersion").Fails(missing...),
		api.Row("GET", "/executions", api.Read, "Executions by their IDs or those of their pipelines, newest first.", api.Returns(h.executions)).Reads("pipelineConfigIds", "executionIds").Reads(listed...),
		api.Row("GET", "/applications/{app}/pipelines", api.Read, "Recent executions of an application's pipelines, oldest first.", api.Returns(h.applicationExecutions)).Reads("pipelineConfigIds", "pipelineLimit", "pipelineNameFilter").Reads(listed...),
		// spin sends the words "{application}" for the application.
		api.Row("PUT", "/applications/{ignored}/pipelines/{id}/cancel", api.Execute, "Cancels an execution.", api.Returns(h.cancelExecution)).Reads("reason").Fails(missing...),

		api.Row("POST", "/tasks", api.Write, "Starts an operation.", api.Takes(h.startTask)),
		api.Row("GET", "/tasks/{id}", api.Read, "An operation.", api.Returns(h.task)).Fails(missing...),
		api.Row("PUT", "/tasks/{id}/cancel", api.Execute, "Cancels an operation.", api.Returns(h.cancelExecution)).Reads("reason").Fails(missing...),
		api.Row("GET", "/applications/{app}/tasks", api.Read, "An application's operations, newest first.", api.Returns(h.applicationTasks)).Reads("page").Reads(listed...),

		api.Row("GET", "/api/v1/events", api.Read, "What changes, as server-sent events.", api.Returns(h.events).As(http.StatusOK, "text/event-stream")).Reads("application", "execution").Fails(gennaker.Unavailable),
		api.Row("GET", "/api/v1/expressions", api.Read, "What expressions can name.", api.Returns(h.language)),
	}
}

// Ref says where what was started is found.
type Ref struct {
	Ref string `json:"ref"`
}

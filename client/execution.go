package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
)

// ExecutionQuery chooses executions of pipelines. Either Application is set or
// PipelineIDs are.
type ExecutionQuery struct {
	Application string
	PipelineIDs []string
	Statuses    []gennaker.Status // none means all
	Limit       int               // of each pipeline; 0 leaves it to the server
	Expand      bool              // with the contexts, outputs and tasks of the stages
}

// Executions returns executions of pipelines: those of an application oldest
// first, those of PipelineIDs newest first, as Spinnaker does.
func (c *Client) Executions(ctx context.Context, q ExecutionQuery) ([]gennaker.Execution, error) {
	query := url.Values{"expand": {strconv.FormatBool(q.Expand)}}
	if q.Limit > 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	if len(q.Statuses) > 0 {
		names := make([]string, len(q.Statuses))
		for i, s := range q.Statuses {
			names[i] = string(s)
		}
		query.Set("statuses", strings.Join(names, ","))
	}
	at := path("applications", q.Application, "pipelines")
	if len(q.PipelineIDs) > 0 {
		at = "/executions"
		query.Set("pipelineConfigIds", strings.Join(q.PipelineIDs, ","))
	}
	var out []gennaker.Execution
	err := c.get(ctx, at, query, &out)
	return out, err
}

// Execution returns an execution of a pipeline.
//
// Errors: NotFound.
func (c *Client) Execution(ctx context.Context, id string) (gennaker.Execution, error) {
	var e gennaker.Execution
	err := c.get(ctx, path("pipelines", id), nil, &e)
	return e, err
}

// CancelExecution cancels an execution; reason may be empty.
func (c *Client) CancelExecution(ctx context.Context, id, reason string) error {
	var query url.Values
	if reason != "" {
		query = url.Values{"reason": {reason}}
	}
	return c.call(ctx, http.MethodPut, path("pipelines", id, "cancel"), query, nil, nil)
}

// PauseExecution keeps an execution from starting more tasks.
func (c *Client) PauseExecution(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPut, path("pipelines", id, "pause"), nil, nil, nil)
}

// ResumeExecution lets a paused execution go on.
func (c *Client) ResumeExecution(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPut, path("pipelines", id, "resume"), nil, nil, nil)
}

// DeleteExecution forgets an execution.
//
// Errors: NotFound; Invalid or Conflict while it runs.
func (c *Client) DeleteExecution(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, path("pipelines", id), nil, nil, nil)
}

// RestartStage runs a stage again, and all that comes behind it.
func (c *Client) RestartStage(ctx context.Context, id, stageID string) (gennaker.Execution, error) {
	var e gennaker.Execution
	err := c.call(ctx, http.MethodPut, path("pipelines", id, "stages", stageID, "restart"), nil, struct{}{}, &e)
	return e, err
}

// PatchStage merges values into the context of a stage.
func (c *Client) PatchStage(ctx context.Context, id, stageID string, values map[string]any) (gennaker.Execution, error) {
	var e gennaker.Execution
	err := c.call(ctx, http.MethodPatch, path("pipelines", id, "stages", stageID), nil, values, &e)
	return e, err
}

// Judgment answers a manualJudgment stage.
type Judgment struct {
	Continue bool   // otherwise the stage stops
	Input    string // one of the stage's judgmentInputs; may be empty
}

// Judge answers a manualJudgment stage.
func (c *Client) Judge(ctx context.Context, id, stageID string, j Judgment) (gennaker.Execution, error) {
	values := map[string]any{"judgmentStatus": "stop"}
	if j.Continue {
		values["judgmentStatus"] = "continue"
	}
	if j.Input != "" {
		values["judgmentInput"] = j.Input
	}
	return c.PatchStage(ctx, id, stageID, values)
}

package client

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/gennaker/gennaker"
)

// PlanRequest asks what a run of a pipeline would do: of Pipeline, a definition,
// or of the stored one that Application and Name tell.
type PlanRequest struct {
	Pipeline    json.RawMessage `json:"pipeline,omitempty"`
	Application string          `json:"application,omitempty"`
	Name        string          `json:"name,omitempty"` // or ID
	Trigger     Start           `json:"trigger"`
}

// PlanPipeline returns what a run would do now. Nothing is done or saved. A
// pipeline that would not start is a plan that says so.
//
// Errors: NotFound for a stored pipeline; Invalid for what is none.
func (c *Client) PlanPipeline(ctx context.Context, r PlanRequest) (gennaker.Plan, error) {
	var out gennaker.Plan
	err := c.call(ctx, http.MethodPost, "/api/v1/pipelines/plan", nil, r, &out)
	return out, err
}

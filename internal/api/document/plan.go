package document

import (
	"encoding/json"
	"fmt"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// planBody is the body of POST /api/v1/pipelines/plan: a definition, or which
// stored one, and how it would be started.
type planBody struct {
	Pipeline    json.RawMessage `json:"pipeline"`
	Application string          `json:"application"`
	Name        string          `json:"name"` // or ID
	Trigger     json.RawMessage `json:"trigger"`
}

// planPipeline says what a run of a pipeline would do now. Nothing is done, and
// nothing is saved.
func (h handlers) planPipeline(r *api.Request, _ planBody) (*gennaker.Plan, error) {
	body, doc, err := api.Decode[planBody](r)
	if err != nil {
		return nil, err
	}
	var trigger gennaker.Trigger
	if len(body.Trigger) > 0 {
		if err := api.Unmarshal(doc, "trigger", body.Trigger, &trigger); err != nil {
			return nil, err
		}
	}
	trigger.User = r.Caller.User
	var p gennaker.Pipeline
	switch {
	case len(body.Pipeline) > 0:
		if p, err = gennaker.ParsePipeline(body.Pipeline); err != nil {
			return nil, err
		}
	case body.Application == "" || body.Name == "":
		return nil, doc.Invalid([]gennaker.Problem{{Message: "either pipeline is needed, or application and name"}})
	default:
		p, err = h.Catalog.Pipeline(r.Context(), body.Application, body.Name)
		if err != nil {
			return nil, api.OrNotFound(err, "Pipeline configuration not found (nameOrId: %s)", body.Name)
		}
	}
	if err := h.Access.Allow(r.Caller, api.Execute, p.Application); err != nil {
		return nil, err
	}
	plan, err := h.Planner.PlanPipeline(r.Context(), p, trigger)
	if err != nil {
		return nil, fmt.Errorf("plan pipeline %s: %w", p.Name, err)
	}
	return &plan, nil
}

package execution

import (
	"encoding/json"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

func (h handlers) startPipeline(r *api.Request, _ api.Text) (*Ref, error) {
	trigger, executionID, err := readTrigger(r)
	if err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	p, err := h.Pipelines.Pipeline(r.Context(), r.PathValue("app"), name)
	if err != nil {
		return nil, api.OrNotFound(err, "Pipeline configuration not found (nameOrId: %s)", name)
	}
	for _, param := range p.Parameters {
		if _, ok := trigger.Parameters[param.Name]; !ok && param.Required && param.Default == nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "Required parameter %s is missing", param.Name)
		}
	}
	id, err := h.Launcher.StartPipeline(r.Context(), r.PathValue("app"), name, trigger, executionID)
	if err != nil {
		return nil, err
	}
	return &Ref{"/pipelines/" + id}, nil
}

// startBody is the part of a start's body that is not the trigger.
type startBody struct {
	ExecutionID string          `json:"executionId"`
	Trigger     json.RawMessage `json:"trigger"`
}

// readTrigger reads the body of a start, which is a trigger or, from newer
// versions of spin, an object with a trigger in it. It may be empty.
func readTrigger(r *api.Request) (trigger gennaker.Trigger, executionID string, err error) {
	if !r.Blank() {
		body, doc, err := api.Decode[startBody](r)
		if err != nil {
			return trigger, "", err
		}
		path, text := "", r.Text
		if doc.Value["trigger"] != nil {
			path, text = "trigger", body.Trigger
		}
		if err := api.Unmarshal(doc, path, text, &trigger); err != nil {
			return trigger, "", err
		}
		executionID = body.ExecutionID
	}
	if delete(trigger.Other, "executionId"); len(trigger.Other) == 0 {
		trigger.Other = nil
	}
	if trigger.Type == "" {
		trigger.Type = "manual"
	}
	if trigger.Parameters == nil {
		trigger.Parameters = map[string]any{}
	}
	trigger.User = r.Caller.User
	return trigger, executionID, nil
}

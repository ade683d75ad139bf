package execution

import (
	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// restartStage runs a stage again. As in Gate what is in the body does not
// matter: the preconditions of the stages that run again become those that the
// pipeline has now.
//
// Source: Gate's PipelineController, restartStage; Spinnaker orca's
// CompoundExecutionOperator, updatePreconditionStageExpression.
func (h handlers) restartStage(r *api.Request) (*gennaker.Execution, error) {
	id := r.PathValue("id")
	values, err := h.preconditions(r, id)
	if err != nil {
		return nil, err
	}
	if err := h.Executions.Restart(r.Context(), id, r.PathValue("stage"), r.Caller.User, values); err != nil {
		return nil, err
	}
	return h.changed(r)
}

// preconditions returns what the checkPreconditions stages of an execution's
// pipeline are now, by refId; none if there is no such pipeline any more.
func (h handlers) preconditions(r *api.Request, id string) (map[string]map[string]any, error) {
	x, err := h.History.Execution(r.Context(), id)
	if err != nil {
		return nil, api.OrNotFound(err, "Pipeline not found (id: %s)", id)
	}
	if x.Type != gennaker.TypePipeline {
		return nil, nil
	}
	p, err := h.Pipelines.Pipeline(r.Context(), x.Application, x.Name)
	if gennaker.KindOf(err) == gennaker.NotFound {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	out := map[string]map[string]any{}
	for _, st := range p.Stages {
		if v, ok := st.Context["preconditions"]; ok && st.Type == "checkPreconditions" {
			out[st.RefID] = map[string]any{"preconditions": v}
		}
	}
	return out, nil
}

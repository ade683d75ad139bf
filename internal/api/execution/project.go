package execution

import (
	"cmp"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// projectLimit is how many executions of each pipeline a project shows unless
// asked.
const projectLimit = 5

// OfProject returns the newest executions of the pipelines of a project, oldest
// first, as the query parameters limit, statuses and expand say.
//
// Source: Spinnaker orca, GET /projects/{id}/pipelines.
func OfProject(r *api.Request, from History, pipelines []gennaker.ProjectPipeline) ([]gennaker.Execution, error) {
	q, err := query(r, gennaker.TypePipeline, projectLimit)
	if err != nil {
		return nil, err
	}
	for _, p := range pipelines {
		if p.ID != "" && !slices.Contains(q.PipelineConfigIDs, p.ID) {
			q.PipelineConfigIDs = append(q.PipelineConfigIDs, p.ID)
		}
	}
	if len(q.PipelineConfigIDs) == 0 || r.Query("limit") == "0" {
		return []gennaker.Execution{}, nil
	}
	q.PerPipeline = true
	list, err := from.Executions(r.Context(), q)
	if err != nil {
		return nil, err
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b gennaker.Execution) int {
		return cmp.Or(cmp.Compare(a.StartTime.Epoch(), b.StartTime.Epoch()), cmp.Compare(b.ID, a.ID))
	})
	return present(list, q.Expand), nil
}

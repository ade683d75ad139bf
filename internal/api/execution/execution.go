package execution

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// What listings of executions hold unless asked.
const (
	executionsLimit  = 1  // per pipeline, of GET /executions
	applicationLimit = 10 // per pipeline, of GET /applications/{app}/pipelines
	// Of each pipeline an application's listing shows the executions of the last
	// recentDays, or else the newest oldExecutions.
	recentDays    = 14
	oldExecutions = 2
	maxIDs        = 1000
)

// find returns an execution of a type, whole; where the path names an
// application, one of that.
func (h handlers) find(r *api.Request, id string, t gennaker.ExecutionType) (gennaker.Execution, error) {
	what := "Pipeline"
	if t == gennaker.TypeOrchestration {
		what = "Task"
	}
	e, err := h.History.Execution(r.Context(), id)
	if app := r.PathValue("app"); err == nil && (e.Type != t || app != "" && !strings.EqualFold(app, e.Application)) {
		err = gennaker.Errorf(gennaker.NotFound, "it is a %s of %s", e.Type, e.Application)
	}
	if err != nil {
		return e, api.OrNotFound(err, "%s not found (id: %s)", what, id)
	}
	return complete(e), nil
}

// complete returns e with empty lists and maps where it has none: clients do
// not expect null there.
func complete(e gennaker.Execution) gennaker.Execution {
	stages := make([]gennaker.Stage, len(e.Stages))
	for i, st := range e.Stages {
		st.Requires = api.OrEmpty(st.Requires)
		st.Tasks = api.OrEmpty(st.Tasks)
		st.Context, st.Outputs = orEmptyMap(st.Context), orEmptyMap(st.Outputs)
		stages[i] = st
	}
	e.Stages = stages
	e.Trigger.Parameters = orEmptyMap(e.Trigger.Parameters)
	return e
}

func orEmptyMap(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// present returns executions as a listing shows them.
func present(list []gennaker.Execution, expand bool) []gennaker.Execution {
	out := make([]gennaker.Execution, len(list))
	for i, e := range list {
		if !expand {
			e = e.Unexpanded()
		}
		out[i] = complete(e)
	}
	return out
}

func (h handlers) execution(r *api.Request) (*gennaker.Execution, error) {
	e, err := h.find(r, r.PathValue("id"), gennaker.TypePipeline)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

func (h handlers) deleteExecution(r *api.Request) (api.Nothing, error) {
	return api.Nothing{}, h.Executions.Delete(r.Context(), r.PathValue("id"))
}

// cancelExecution cancels an execution. There is nothing left to force: one that
// is canceled ends, whatever its tasks do.
func (h handlers) cancelExecution(r *api.Request) (api.Nothing, error) {
	if _, err := r.Flag("force", false); err != nil {
		return api.Nothing{}, err
	}
	return api.Nothing{}, h.Executions.Cancel(r.Context(), r.PathValue("id"), r.Caller.User, r.Query("reason"))
}

func (h handlers) pauseExecution(r *api.Request) (api.Nothing, error) {
	return api.Nothing{}, h.Executions.Pause(r.Context(), r.PathValue("id"), r.Caller.User)
}

func (h handlers) resumeExecution(r *api.Request) (api.Nothing, error) {
	return api.Nothing{}, h.Executions.Resume(r.Context(), r.PathValue("id"), r.Caller.User)
}

func (h handlers) patchStage(r *api.Request, doc *gennaker.Document) (*gennaker.Execution, error) {
	err := h.Executions.Patch(r.Context(), r.PathValue("id"), r.PathValue("stage"), r.Caller.User, doc.Value)
	if skip := doc.Value["manualSkip"]; gennaker.KindOf(err) == gennaker.Conflict && (skip == true || skip == "true") {
		return nil, &api.Failure{Status: http.StatusMethodNotAllowed, Body: api.NewErrorBody(http.StatusMethodNotAllowed, err.Error())} // as Orca
	}
	if err != nil {
		return nil, err
	}
	return h.changed(r)
}

// changed returns the execution of {id}, of whatever kind it is, after a change.
func (h handlers) changed(r *api.Request) (*gennaker.Execution, error) {
	e, err := h.History.Execution(r.Context(), r.PathValue("id"))
	return new(complete(e)), err
}

// statuses reads the query parameter of that name.
func statuses(r *api.Request) ([]gennaker.Status, error) {
	var out []gennaker.Status
	for _, v := range r.List("statuses") {
		st := gennaker.Status(v)
		if !slices.Contains(gennaker.Statuses(), st) {
			return nil, api.ErrQuery("statuses", "there is no status %.40q; known are %v", v, gennaker.Statuses())
		}
		out = append(out, st)
	}
	return out, nil
}

// query reads the query parameters that all listings have.
func query(r *api.Request, t gennaker.ExecutionType, limit int) (q gennaker.ExecutionQuery, err error) {
	q.Type = t
	if q.Statuses, err = statuses(r); err != nil {
		return q, err
	}
	if q.Expand, err = r.Flag("expand", true); err != nil {
		return q, err
	}
	q.Limit, err = r.Count("limit", limit, gennaker.MaxExecutionQuery)
	return q, err
}

// executions lists by pipeline or by execution, newest first.
func (h handlers) executions(r *api.Request) ([]gennaker.Execution, error) {
	q, err := query(r, gennaker.TypePipeline, executionsLimit)
	if err != nil {
		return nil, err
	}
	q.PipelineConfigIDs, q.IDs = r.List("pipelineConfigIds"), r.List("executionIds")
	switch configs, ids := len(q.PipelineConfigIDs), len(q.IDs); {
	case configs > 0 && ids > 0:
		return nil, api.ErrQuery("executionIds", "cannot be asked for together with pipelineConfigIds")
	case configs == 0 && ids == 0:
		return []gennaker.Execution{}, nil
	case configs > maxIDs || ids > maxIDs:
		return nil, gennaker.Errorf(gennaker.TooLarge, "more than %d IDs are asked for", maxIDs)
	case ids > 0:
		q.Limit = ids // each is asked for by name
	default:
		q.PerPipeline = true
	}
	list, err := h.History.Executions(r.Context(), q)
	if err != nil {
		return nil, err
	}
	return present(list, q.Expand), nil
}

// applicationExecutions lists the recent executions of an application's
// pipelines, oldest first; those that have not started yet are the newest.
//
// Source: Spinnaker orca, GET /applications/{application}/pipelines.
func (h handlers) applicationExecutions(r *api.Request) ([]gennaker.Execution, error) {
	q, err := query(r, gennaker.TypePipeline, applicationLimit)
	if err != nil {
		return nil, err
	}
	configs, err := PipelinesOf(r, h.Pipelines)
	if err != nil {
		return nil, err
	}
	most, err := r.Count("pipelineLimit", len(configs), len(configs))
	if err != nil {
		return nil, err
	}
	wanted := r.List("pipelineConfigIds")
	for _, p := range configs[:min(most, len(configs))] {
		if len(wanted) == 0 || slices.Contains(wanted, p.ID) {
			q.PipelineConfigIDs = append(q.PipelineConfigIDs, p.ID)
		}
	}
	if len(q.PipelineConfigIDs) == 0 {
		return []gennaker.Execution{}, nil
	}
	q.PerPipeline = true
	list, err := h.History.Executions(r.Context(), q)
	if err != nil {
		return nil, err
	}
	list = recent(list, time.Now().AddDate(0, 0, -recentDays))
	slices.SortStableFunc(list, func(a, b gennaker.Execution) int {
		if a.StartTime.IsZero() != b.StartTime.IsZero() {
			if a.StartTime.IsZero() {
				return 1
			}
			return -1
		}
		return cmp.Or(a.StartTime.Compare(b.StartTime.Time), cmp.Compare(a.ID, b.ID))
	})
	return present(list, q.Expand), nil
}

// recent returns of each pipeline the executions that started after since or
// have not started, or else the newest oldExecutions. list is newest first.
func recent(list []gennaker.Execution, since time.Time) []gennaker.Execution {
	fresh := func(e gennaker.Execution) bool { return e.StartTime.IsZero() || e.StartTime.After(since) }
	hasFresh, old := map[string]bool{}, map[string]int{}
	for _, e := range list {
		hasFresh[e.PipelineConfigID] = hasFresh[e.PipelineConfigID] || fresh(e)
	}
	var out []gennaker.Execution
	for _, e := range list {
		switch {
		case fresh(e):
			out = append(out, e)
		case !hasFresh[e.PipelineConfigID] && old[e.PipelineConfigID] < oldExecutions:
			old[e.PipelineConfigID]++
			out = append(out, e)
		}
	}
	return out
}

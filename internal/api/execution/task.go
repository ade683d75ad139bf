package execution

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

const (
	tasksLimit = 100
	maxJobs    = 100 // of one operation
	maxKey     = 255 // bytes of an Idempotency-Key
	// defaultApplication is that of operations that name none.
	//
	// Source: Spinnaker orca's default-application.
	defaultApplication = "spinnaker"
)

// TaskBody is the view of an ad-hoc operation.
//
// Source: Spinnaker orca's OrchestrationViewModel.
type TaskBody struct {
	ID          string             `json:"id"`
	Name        string             `json:"name"`
	Application string             `json:"application"`
	Status      gennaker.Status    `json:"status"`
	Variables   []Variable         `json:"variables"` // of all stages' contexts, by key
	Steps       []gennaker.Task    `json:"steps"`     // of all stages
	BuildTime   gennaker.Time      `json:"buildTime,omitzero"`
	StartTime   gennaker.Time      `json:"startTime,omitzero"`
	EndTime     gennaker.Time      `json:"endTime,omitzero"`
	Execution   gennaker.Execution `json:"execution"`
}

// Variable is a value in the context of an operation's stages.
type Variable struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// taskBody makes the view. Of a key that several stages have the last value
// counts that is not empty.
func bodyOf(e gennaker.Execution) TaskBody {
	e = complete(e)
	t := TaskBody{
		ID: e.ID, Name: e.Description, Application: e.Application, Status: e.Status, Execution: e,
		BuildTime: e.BuildTime, StartTime: e.StartTime, EndTime: e.EndTime,
		Variables: []Variable{}, Steps: []gennaker.Task{},
	}
	values := map[string]any{}
	for _, st := range e.Stages {
		t.Steps = append(t.Steps, st.Tasks...)
		for k, v := range st.Context {
			if old, ok := values[k]; !ok || empty(old) || !empty(v) {
				values[k] = v
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		t.Variables = append(t.Variables, Variable{Key: k, Value: values[k]})
	}
	return t
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func (h handlers) task(r *api.Request) (*TaskBody, error) {
	e, err := h.find(r, r.PathValue("id"), gennaker.TypeOrchestration)
	if err != nil {
		return nil, err
	}
	return new(bodyOf(e)), nil
}

// cancelTask cancels an operation.
func (h handlers) cancelTask(r *api.Request) (api.Nothing, error) {
	return api.Nothing{}, h.cancelOne(r, r.PathValue("id"))
}

func (h handlers) cancelOne(r *api.Request, id string) error {
	if _, err := h.find(r, id, gennaker.TypeOrchestration); err != nil {
		return err
	}
	return h.Executions.Cancel(r.Context(), id, r.Caller.User, r.Query("reason"))
}

// cancelTasks cancels all operations that are named. One that does not exist
// keeps none of the others from being canceled.
func (h handlers) cancelTasks(r *api.Request) (api.Nothing, error) {
	ids := r.List("ids")
	switch {
	case len(ids) == 0:
		return api.Nothing{}, api.ErrQuery("ids", "is missing")
	case len(ids) > maxIDs:
		return api.Nothing{}, gennaker.Errorf(gennaker.TooLarge, "more than %d IDs are given", maxIDs)
	}
	var first error
	for _, id := range ids {
		if err := h.cancelOne(r, id); err != nil && first == nil {
			first = err
		}
	}
	return api.Nothing{}, first
}

func (h handlers) deleteTask(r *api.Request) (api.Nothing, error) {
	id := r.PathValue("id")
	if _, err := h.find(r, id, gennaker.TypeOrchestration); err != nil {
		return api.Nothing{}, err
	}
	return api.Nothing{}, h.Executions.Delete(r.Context(), id)
}

// taskDetails answers for the operations of Spinnaker's Clouddriver, which has
// tasks of its own: there are none, and no stage names any.
func (h handlers) taskDetails(r *api.Request) (map[string]any, error) {
	if _, err := h.find(r, r.PathValue("id"), gennaker.TypeOrchestration); err != nil {
		return nil, err
	}
	return nil, gennaker.Errorf(gennaker.NotFound, "Task details not found (id: %s)", r.PathValue("details")).
		WithHint("what a task did is in its steps and stages: GET /tasks/%s", r.PathValue("id"))
}

// applicationTasks lists the operations of an application, newest first.
func (h handlers) applicationTasks(r *api.Request) ([]TaskBody, error) {
	q, err := query(r, gennaker.TypeOrchestration, tasksLimit)
	if err != nil {
		return nil, err
	}
	page, err := r.Count("page", 1, gennaker.MaxExecutionQuery)
	if err != nil {
		return nil, err
	}
	skip := (page - 1) * q.Limit
	if q.Limit += skip; q.Limit > gennaker.MaxExecutionQuery {
		return nil, api.ErrQuery("page", "only the first %d tasks have pages", gennaker.MaxExecutionQuery)
	}
	q.Application, q.Expand = r.PathValue("app"), true // the view is made of tasks and contexts
	list, err := h.History.Executions(r.Context(), q)
	if err != nil {
		return nil, err
	}
	out := []TaskBody{}
	for _, e := range list[min(skip, len(list)):] {
		out = append(out, bodyOf(e))
	}
	return out, nil
}

// operationBody is the body of POST /tasks.
type operationBody struct {
	Application string           `json:"application"`
	Description string           `json:"description"`
	Job         []map[string]any `json:"job"`
}

// startTask starts the operation in the body, which belongs to the application in
// the path if that names one.
func (h handlers) startTask(r *api.Request, body operationBody) (*Ref, error) {
	switch app := r.PathValue("app"); {
	case app == "":
	case body.Application == "":
		body.Application = app
	case !strings.EqualFold(body.Application, app):
		return nil, gennaker.Errorf(gennaker.Invalid, "the application is %q in the body and %q in the path", body.Application, app)
	}
	op, err := h.readOperation(r, body)
	if err != nil {
		return nil, err
	}
	if op.Key = r.Header.Get("Idempotency-Key"); len(op.Key) > maxKey {
		return nil, gennaker.Errorf(gennaker.Invalid, "the Idempotency-Key has %d bytes, more than %d", len(op.Key), maxKey)
	}
	id, err := h.Launcher.StartTask(r.Context(), op, r.Caller.User)
	if err != nil {
		return nil, err
	}
	return &Ref{"/tasks/" + id}, nil
}

// readOperation reads the body of POST /tasks and checks its jobs.
func (h handlers) readOperation(r *api.Request, body operationBody) (Operation, error) {
	doc, err := r.Document()
	if err != nil {
		return Operation{}, err
	}
	if _, named := doc.Value["application"]; !named && body.Application == "" {
		body.Application = defaultApplication
	}
	var problems []gennaker.Problem
	if body.Application == "" {
		problems = append(problems, gennaker.Problem{Path: "application", Message: "is missing"})
	}
	switch n := len(body.Job); {
	case n == 0:
		problems = append(problems, gennaker.Problem{Path: "job", Message: "must hold at least one job"})
	case n > maxJobs:
		return Operation{}, doc.Invalid([]gennaker.Problem{{Path: "job", Message: fmt.Sprintf("may hold at most %d jobs, not %d", maxJobs, n)}})
	}
	op := Operation{Application: body.Application, Description: body.Description}
	jobs, _ := doc.Value["job"].([]any)
	var stages []gennaker.StageConfig
	for i, v := range jobs {
		path := fmt.Sprintf("job[%d]", i)
		job, _ := v.(map[string]any)
		kind, _ := job["type"].(string)
		if kind == "" {
			problems = append(problems, gennaker.Problem{Path: path, Message: "a job requires a type"})
		}
		problems = append(problems, capacityProblems(path, job["capacity"])...)
		if kind == "createApplication" {
			problems = append(problems, applicationProblems(path, job["application"])...)
		}
		op.Jobs = append(op.Jobs, job)
		stages = append(stages, gennaker.StageConfig{RefID: fmt.Sprint(i), Type: kind, Name: kind, Context: job})
	}
	for _, p := range h.Checker.Check(stages) {
		p.Path = "job" + strings.TrimPrefix(p.Path, "stages")
		if job, _, _ := strings.Cut(p.Path, "."); !slices.ContainsFunc(problems, func(q gennaker.Problem) bool { return q.Path == job }) {
			problems = append(problems, p)
		}
	}
	if len(problems) > 0 {
		return Operation{}, doc.Invalid(problems)
	}
	return op, nil
}

// applicationProblems checks the attributes of a new application now, rather
// than in a task that fails.
func applicationProblems(path string, v any) []gennaker.Problem {
	attrs, ok := v.(map[string]any)
	if !ok {
		return []gennaker.Problem{{Path: path + ".application", Message: "must be an object with the attributes of the application"}}
	}
	var out []gennaker.Problem
	if _, err := gennaker.NewApplication(attrs); err != nil {
		e, _ := errors.AsType[*gennaker.Error](err)
		for _, p := range e.Problems {
			p.Path = path + ".application." + p.Path
			out = append(out, p)
		}
	}
	return out
}

// capacityProblems checks what no kind of job can have: fewer instances than
// none, or more than a server group may.
func capacityProblems(path string, v any) []gennaker.Problem {
	capacity, _ := v.(map[string]any)
	var out []gennaker.Problem
	for _, key := range []string{"min", "desired", "max"} {
		v, ok := capacity[key]
		if !ok || v == nil {
			continue
		}
		if n, err := strconv.Atoi(fmt.Sprint(v)); err != nil || n < 0 || n > gennaker.MaxInstances {
			out = append(out, gennaker.Problem{
				Path:    path + ".capacity." + key,
				Message: fmt.Sprintf("must be a number from 0 to %d, not %v", gennaker.MaxInstances, v),
			})
		}
	}
	return out
}

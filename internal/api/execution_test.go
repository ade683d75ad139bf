package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/execution"
)

func TestActionsReachTheEngine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := api.New(w.config())
	for _, c := range [][3]string{
		{"PUT", "/pipelines/01E2/cancel?reason=too+slow&force=false", ""},
		{"PUT", "/applications/{application}/pipelines/01E2/cancel?reason=why", ""},
		{"PUT", "/tasks/01T1/cancel", "{}"},
		{"PUT", "/pipelines/01E2/pause", ""},
		{"PUT", "/pipelines/01E2/resume", ""},
		{"DELETE", "/pipelines/01E2", ""},
	} {
		if res := call(s, c[0], c[1], c[2]); res.Code != 200 || res.Body.Len() > 0 {
			t.Errorf("%s: status %d, body %q", c[1], res.Code, res.Body)
		}
	}
	for _, c := range [][3]string{
		{"PATCH", "/pipelines/01E2/stages/01S1", `{"n":12345678901234567890}`},
		{"PUT", "/pipelines/01E2/stages/01S1/restart", `not even JSON`},
	} {
		if res := call(s, c[0], c[1], c[2]); res.Code != 200 || !strings.Contains(res.Body.String(), `"id":"01E2"`) {
			t.Errorf("%s: status %d, body %q", c[1], res.Code, res.Body)
		}
	}
	if res := call(s, "PATCH", "/pipelines/01T1/stages/01S2", `{}`); res.Code != 200 || !strings.Contains(res.Body.String(), `"id":"01T1"`) {
		t.Errorf("stage of a task: status %d, body %q", res.Code, res.Body)
	}
	failure(t, call(s, "PATCH", "/pipelines/none/stages/01S1", `{}`), http.StatusNotFound)
	failure(t, call(s, "PUT", "/pipelines/none/stages/01S1/restart", ""), http.StatusNotFound)
	b := failure(t, call(s, "PATCH", "/pipelines/01E2/stages/01S1", `["x"]`), http.StatusBadRequest)
	if len(b.Problems) != 1 || b.Problems[0].Line != 1 {
		t.Errorf("problems %+v", b.Problems)
	}
	want := []string{
		"cancel 01E2 by [anonymous]: too slow",
		"cancel 01E2 by [anonymous]: why",
		"cancel 01T1 by [anonymous]: ",
		"pause 01E2 by [anonymous]",
		"resume 01E2 by [anonymous]",
		"delete execution 01E2",
		"patch 01S1 of 01E2 by [anonymous]: map[n:12345678901234567890]",
		"restart 01S1 of 01E2 by [anonymous]",
		"patch 01S2 of 01T1 by [anonymous]: map[]",
	}
	if diff := cmp.Diff(want, w.changes()); diff != "" {
		t.Error(diff)
	}
}

func TestExecutionsAreFoundByTheirKind(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	for target, message := range map[string]string{
		"/pipelines/01T1": "Pipeline not found (id: 01T1)",
		"/tasks/01E2":     "Task not found (id: 01E2)",
		"/pipelines/none": "Pipeline not found (id: none)",
	} {
		if b := failure(t, call(s, "GET", target, ""), 404); b.Message != message {
			t.Errorf("%s: %q", target, b.Message)
		}
	}
}

func TestExecutionHasNoNulls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.executions = append(w.executions, gennaker.Execution{ID: "bare", Type: gennaker.TypePipeline}, gennaker.Execution{ID: "stage", Type: gennaker.TypePipeline, Stages: make([]gennaker.Stage, 1)})
	s := api.New(w.config())
	for _, id := range []string{"bare", "stage"} {
		if res := call(s, "GET", "/pipelines/"+id, ""); strings.Contains(res.Body.String(), "null") {
			t.Errorf("got %s", res.Body)
		}
	}
}

func TestListingsAskForWhatTheyShow(t *testing.T) {
	t.Parallel()
	pipeline := gennaker.TypePipeline
	tests := map[string]struct {
		target string
		want   []gennaker.ExecutionQuery
		status int
	}{
		"by pipeline": {"/executions?pipelineConfigIds=a,b&pipelineConfigIds=c&limit=7&statuses=RUNNING,TERMINAL&expand=false", []gennaker.ExecutionQuery{
			{Type: pipeline, PipelineConfigIDs: []string{"a", "b", "c"}, Statuses: []gennaker.Status{gennaker.Running, gennaker.Terminal}, Limit: 7, PerPipeline: true},
		}, 200},
		"by execution":      {"/executions?executionIds=x,y&limit=1", []gennaker.ExecutionQuery{{Type: pipeline, IDs: []string{"x", "y"}, Limit: 2, Expand: true}}, 200},
		"by nothing":        {"/executions?statuses=", nil, 200},
		"by both":           {"/executions?executionIds=x&pipelineConfigIds=a", nil, 400},
		"too many":          {"/executions?executionIds=" + strings.Join(numbers(1001), ","), nil, 413},
		"bad status":        {"/executions?executionIds=x&statuses=GOOD", nil, 400},
		"bad limit":         {"/executions?executionIds=x&limit=-1", nil, 400},
		"limit is a text":   {"/executions?executionIds=x&limit=all", nil, 400},
		"bad expand":        {"/executions?executionIds=x&expand=yes", nil, 400},
		"limit is enormous": {"/executions?pipelineConfigIds=a&limit=999999", []gennaker.ExecutionQuery{{Type: pipeline, PipelineConfigIDs: []string{"a"}, Limit: 1000, PerPipeline: true, Expand: true}}, 200},
		"application": {"/applications/demo/pipelines?expand=&statuses=", []gennaker.ExecutionQuery{
			{Type: pipeline, PipelineConfigIDs: []string{"p1", "p2"}, Limit: 10, PerPipeline: true, Expand: true},
		}, 200},
		"application, one": {"/applications/demo/pipelines?pipelineConfigIds=p2,gone&limit=2", []gennaker.ExecutionQuery{
			{Type: pipeline, PipelineConfigIDs: []string{"p2"}, Limit: 2, PerPipeline: true, Expand: true},
		}, 200},
		"application, by name": {"/applications/demo/pipelines?pipelineNameFilter=DEPLOY", []gennaker.ExecutionQuery{
			{Type: pipeline, PipelineConfigIDs: []string{"p1"}, Limit: 10, PerPipeline: true, Expand: true},
		}, 200},
		"application, none": {"/applications/demo/pipelines?pipelineNameFilter=zzz", nil, 200},
		"tasks": {"/applications/demo/tasks?page=3&limit=20&expand=false", []gennaker.ExecutionQuery{
			{Type: gennaker.TypeOrchestration, Application: "demo", Limit: 60, Expand: true},
		}, 200},
		"tasks, too far": {"/applications/demo/tasks?page=900&limit=20", nil, 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			res := call(api.New(w.config()), "GET", tt.target, "")
			if tt.status >= 300 {
				failure(t, res, tt.status)
			} else if res.Code != tt.status || res.Body.String()[0] != '[' {
				t.Errorf("status %d, body %s", res.Code, res.Body)
			}
			if diff := cmp.Diff(tt.want, w.queries); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func numbers(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strings.Repeat("x", i%26+1) + string(rune('a'+i%26)) + time.Duration(i).String()
	}
	return out
}

func TestUnexpandedListing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := read[[]gennaker.Execution](t, api.New(w.config()), "/executions?executionIds=01E2&expand=false")
	st := got[0].Stages[0]
	if len(st.Tasks) != 0 || len(st.Outputs) != 0 || cmp.Diff(st.Context, map[string]any{"group": "g"}) != "" {
		t.Errorf("got %+v", st)
	}
	if len(w.executions[0].Stages[0].Tasks) != 1 {
		t.Error("the stored execution was changed")
	}
}

func TestApplicationShowsRecentExecutionsOldestFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.executions = nil
	add := func(id, config string, days int) {
		e := gennaker.Execution{Type: gennaker.TypePipeline, ID: id, PipelineConfigID: config}
		if days >= 0 {
			e.StartTime = gennaker.At(time.Now().AddDate(0, 0, -days))
		}
		w.executions = append(w.executions, e)
	}
	// Newest first, as the store answers.
	add("waiting", "p1", -1)
	add("today", "p1", 0)
	add("yesterday", "p1", 1)
	add("old1", "p2", 20)
	add("old2", "p2", 30)
	add("old3", "p2", 40)
	add("hidden", "p1", 50)
	var got []string
	for _, e := range read[[]gennaker.Execution](t, api.New(w.config()), "/applications/demo/pipelines") {
		got = append(got, e.ID)
	}
	if diff := cmp.Diff([]string{"old2", "old1", "yesterday", "today", "waiting"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTaskView(t *testing.T) {
	t.Parallel()
	got := read[execution.TaskBody](t, api.New(newWorld(t).config()), "/tasks/01T1")
	want := []execution.Variable{{Key: "a", Value: "x"}, {Key: "b", Value: "y"}}
	if diff := cmp.Diff(want, got.Variables); diff != "" {
		t.Error(diff)
	}
	if got.Name != "Create Application: demo" || got.Status != gennaker.Succeeded || len(got.Steps) != 1 || got.Execution.ID != "01T1" {
		t.Errorf("got %+v", got)
	}
}

func TestTaskPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.executions = append(w.executions, gennaker.Execution{ID: "01T0", Type: gennaker.TypeOrchestration})
	got := read[[]execution.TaskBody](t, api.New(w.config()), "/applications/demo/tasks?limit=1&page=2")
	if len(got) != 1 || got[0].ID != "01T0" {
		t.Errorf("got %+v", got)
	}
}

func TestStartTask(t *testing.T) {
	t.Parallel()
	job := func(more string) string {
		return `{"application":"demo","job":[{"type":"resizeServerGroup"` + more + `}]}`
	}
	tests := map[string]struct {
		body  string
		paths []string // of the problems; none is success
	}{
		"fine":                {job(`,"capacity":{"min":0,"desired":1,"max":null}`), nil},
		"no application":      {`{"job":[{"type":"wait"}]}`, nil},
		"empty application":   {`{"application":"","job":[{"type":"wait"}]}`, []string{"application"}},
		"no job":              {`{"application":"demo"}`, []string{"job"}},
		"nothing":             {`{}`, []string{"job"}},
		"job is a text":       {`{"application":"demo","job":"x"}`, []string{"job"}},
		"jobs are texts":      {`{"application":"demo","job":["x"]}`, []string{"job"}},
		"job is null":         {`{"application":"demo","job":[null]}`, []string{"job[0]"}},
		"job has no type":     {`{"application":"demo","job":[{}]}`, []string{"job[0]"}},
		"type is a number":    {`{"application":"demo","job":[{"type":7}]}`, []string{"job[0]"}},
		"type is unknown":     {`{"application":"demo","job":[{"type":"wait"},{"type":"format"}]}`, []string{"job[1].type"}},
		"application":         {`{"application":"demo","job":[{"type":"createApplication","application":{"name":"demo","email":"a@example.com"}}]}`, nil},
		"application's name":  {`{"application":"demo","job":[{"type":"createApplication","application":{"name":"de mo/x"}}]}`, []string{"job[0].application.name", "job[0].application.email"}},
		"application missing": {`{"application":"demo","job":[{"type":"createApplication"}]}`, []string{"job[0].application"}},
		"negative capacity":   {job(`,"capacity":{"min":-1,"desired":1,"max":2}`), []string{"job[0].capacity.min"}},
		"enormous capacity":   {job(`,"capacity":{"max":1e12}`), []string{"job[0].capacity.max"}},
		"capacity is a list":  {job(`,"capacity":{"desired":[1]}`), []string{"job[0].capacity.desired"}},
		"too many":            {`{"application":"demo","job":[` + strings.Repeat(`{"type":"createApplication"},`, 100) + `{}]}`, []string{"job"}},
		"wrong configuration": {job(`,"waitTime":-5`), []string{"job[0].waitTime"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			res := call(api.New(w.config()), "POST", "/tasks", tt.body)
			if tt.paths == nil {
				if res.Code != 200 || res.Body.String() != `{"ref":"/tasks/01TASK"}`+"\n" || len(w.changes()) != 1 {
					t.Errorf("status %d, body %s, did %v", res.Code, res.Body, w.changes())
				}
				return
			}
			var got []string
			for _, p := range failure(t, res, 400).Problems {
				got = append(got, p.Path)
				if p.Line == 0 {
					t.Errorf("%s has no line", p.Path)
				}
			}
			if diff := cmp.Diff(tt.paths, got); diff != "" {
				t.Errorf("%s\n%s", diff, res.Body)
			}
			if len(w.changes()) > 0 {
				t.Errorf("changed %v", w.changes())
			}
		})
	}
}

// TestApplicationOfTasks: the body names it, or the path, or it is Orca's default.
func TestApplicationOfTasks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ target, body, want string }{
		"body":         {"/tasks", `{"application":"demo","job":[{"type":"wait"}]}`, "demo"},
		"nowhere":      {"/tasks", `{"job":[{"type":"wait"}]}`, "spinnaker"},
		"path":         {"/applications/demo/tasks", `{"job":[{"type":"wait"}]}`, "demo"},
		"both":         {"/applications/demo/tasks", `{"application":"Demo","job":[{"type":"wait"}]}`, "Demo"},
		"two that are": {"/applications/demo/tasks", `{"application":"shop","job":[{"type":"wait"}]}`, ""},
	} {
		w := newWorld(t)
		res := call(api.New(w.config()), "POST", tt.target, tt.body)
		if tt.want == "" {
			failure(t, res, http.StatusBadRequest)
			continue
		}
		if res.Code != http.StatusOK || len(w.operations) != 1 || w.operations[0].Application != tt.want {
			t.Errorf("%s: %d %s, %+v", name, res.Code, res.Body, w.operations)
		}
	}
}

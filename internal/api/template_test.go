package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/execution"
	"github.com/gennaker/gennaker/internal/template"
)

// lastTask returns the execution of the last operation.
func (w *world) lastTask() gennaker.Execution {
	if w.task != nil {
		return w.task()
	}
	return gennaker.Execution{Type: gennaker.TypeOrchestration, ID: "01TASK", Application: "demo", Status: gennaker.Succeeded}
}

// Templates returns copies of the template t, one of another, and one of an old
// version.
func (w *world) Templates(context.Context) ([]map[string]any, error) {
	scoped := func(id, scope string, more map[string]any) map[string]any {
		doc := map[string]any{"id": id, "schema": "v2", "metadata": map[string]any{"scopes": []any{scope}}}
		maps.Copy(doc, more)
		return doc
	}
	return []map[string]any{
		scoped("t", "global", nil), scoped("t", "global", map[string]any{"tag": "latest"}), scoped("t", "global", map[string]any{"digest": "00"}),
		scoped("u", "shop.*", nil), scoped("old", "global", map[string]any{"schema": "1"}),
	}, w.fail
}

func (w *world) Template(ctx context.Context, v template.Version) (map[string]any, error) {
	all, err := w.Templates(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(doc map[string]any) bool {
		tag, _ := doc["tag"].(string)
		digest, _ := doc["digest"].(string)
		return doc["id"] == v.ID && tag == v.Tag && digest == v.Digest
	})
	if i < 0 {
		return nil, errNone
	}
	return all[i], nil
}

// PlanTemplate plans what names an application.
func (w *world) PlanTemplate(_ context.Context, config map[string]any) (map[string]any, error) {
	if config["application"] == "" {
		return nil, &template.Errors{List: []template.Error{
			{Severity: template.Fatal, Message: "malformed template configuration", Location: "configuration:variables", Cause: "no", Suggestion: "yes"},
		}}
	}
	return map[string]any{"name": "planned", "stages": []any{}}, w.change("plan %v", config["application"])
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addPipeline(t, `{"id":"u1","application":"demo","name":"user","schema":"v2","template":{"reference":"spinnaker://t:stable"}}`)
	s := api.New(w.config())
	for name, tt := range map[string]struct{ target, want string }{
		"all":          {"", `[{"id":"t"},{"id":"t","tag":"latest"},{"digest":"00","id":"t"},{"id":"u"},{"id":"old"}]`},
		"no scope":     {"?scopes=", `[{"id":"t"},{"id":"t","tag":"latest"},{"digest":"00","id":"t"},{"id":"u"},{"id":"old"}]`},
		"by scope":     {"?scopes=shopfront", `[{"id":"u"}]`},
		"by scopes":    {"?scopes=GLOBAL&scopes=shopfront", `[{"id":"t"},{"id":"t","tag":"latest"},{"digest":"00","id":"t"},{"id":"u"},{"id":"old"}]`},
		"for nobody":   {"?scopes=none", `[]`},
		"versions":     {"/versions", `{"t":[{"id":"t"},{"id":"t","tag":"latest"},{"digest":"00","id":"t"}],"u":[{"id":"u"}]}`},
		"bare":         {"/u", `{"id":"u"}`},
		"by tag":       {"/t?tag=latest", `{"id":"t"}`},
		"by digest":    {"/t?digest=sha256:00", `{"id":"t"}`},
		"dependents":   {"/t/dependents", `[{"application":"demo","pipelineConfigId":"u1","pipelineName":"user"}]`},
		"nobody's":     {"/u/dependents", `[]`},
		"not there":    {"/nope", `404 Pipeline template not found (id: nope)`},
		"no such tag":  {"/t?tag=test", `404 Pipeline template not found (id: t:test)`},
		"unknown tag":  {"/t?tag=prod", `400 The provided tag prod is not supported. Pipeline template tag must be one of [latest, stable, unstable, experimental, test, canary]`},
		"tag & digest": {"/t?tag=test&digest=00", `400 Cannot query pipeline by 'tag' and 'digest' simultaneously. Specify one of 'tag' or 'digest'.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := call(s, "GET", "/v2/pipelineTemplates"+tt.target, "")
			if status, message, ok := strings.Cut(tt.want, " "); ok && status[0] == '4' {
				code := map[string]int{"400": 400, "404": 404}[status]
				if got := failure(t, res, code); got.Message != message {
					t.Errorf("message is %q, want %q", got.Message, message)
				}
				return
			}
			got := strings.NewReplacer(`,"metadata":{"scopes":["global"]}`, "", `,"metadata":{"scopes":["shop.*"]}`, "", `,"schema":"v2"`, "", `,"schema":"1"`, "").Replace(strings.TrimSpace(res.Body.String()))
			if res.Code != http.StatusOK || got != tt.want {
				t.Errorf("got %d %s, want %s", res.Code, got, tt.want)
			}
		})
	}
}

func TestTemplateTasks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, target, body string
		want                 execution.Operation
		message              string // of a refusal
	}{
		"create": {"POST", "/create", `{"id":"t","metadata":{"scopes":["global"]}}`, execution.Operation{
			Application: "spinnaker", Description: "Create pipeline template 't'",
			Jobs: []map[string]any{{"type": "createV2PipelineTemplate", "pipelineTemplate": `{"id":"t","metadata":{"scopes":["global"]},"schema":"v2"}`}},
		}, ""},
		"create for an application": {"POST", "/create?tag=stable", `{"id":"t","schema":"v2","metadata":{"scopes":["demo"]}}`, execution.Operation{
			Application: "demo", Description: "Create pipeline template 't'",
			Jobs: []map[string]any{{"type": "createV2PipelineTemplate", "tag": "stable", "pipelineTemplate": `{"id":"t","metadata":{"scopes":["demo"]},"schema":"v2"}`}},
		}, ""},
		"update": {"POST", "/update/t?tag=test&skipPlanDependents=true", `{"id":"t","schema":"v2"}`, execution.Operation{
			Application: "spinnaker", Description: "Update pipeline template 't'",
			Jobs: []map[string]any{{"type": "updateV2PipelineTemplate", "tag": "test", "id": "t", "skipPlanDependents": true, "pipelineTemplate": `{"id":"t","schema":"v2"}`}},
		}, ""},
		"delete": {"DELETE", "/t?tag=stable&application=demo", "", execution.Operation{
			Application: "demo", Description: "Delete pipeline template 't:stable'",
			Jobs: []map[string]any{{"type": "deleteV2PipelineTemplate", "pipelineTemplateId": "t", "tag": "stable"}},
		}, ""},
		"delete by digest": {"DELETE", "/t?digest=sha256:00", "", execution.Operation{
			Application: "spinnaker", Description: "Delete pipeline template 't@sha256:00'",
			Jobs: []map[string]any{{"type": "deleteV2PipelineTemplate", "pipelineTemplateId": "t", "digest": "00"}},
		}, ""},
		"another schema": {method: "POST", target: "/create", body: `{"id":"t","schema":"1"}`, message: "Pipeline template schema version is invalid"},
		"another tag":    {method: "POST", target: "/create?tag=x", body: `{"id":"t"}`, message: "The provided tag x is not supported. Pipeline template tag must be one of [latest, stable, unstable, experimental, test, canary]"},
		"odd flag":       {method: "POST", target: "/update/t?skipPlanDependents=1", body: `{"id":"t"}`, message: `query parameter skipPlanDependents: must be true or false, not "1"`},
		"no JSON":        {method: "POST", target: "/update/t", body: `[]`, message: "line 1, column 1: must be a JSON object, not a list"},
		"delete by both": {method: "DELETE", target: "/t?digest=00&tag=test", message: "Cannot query pipeline by 'tag' and 'digest' simultaneously. Specify one of 'tag' or 'digest'."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			res := call(api.New(w.config()), tt.method, "/v2/pipelineTemplates"+tt.target, tt.body)
			if tt.message != "" {
				if got := failure(t, res, http.StatusBadRequest); got.Message != tt.message || len(w.operations) > 0 {
					t.Errorf("message is %q, want %q; operations are %v", got.Message, tt.message, w.operations)
				}
				return
			}
			var view execution.TaskBody
			if err := json.Unmarshal(res.Body.Bytes(), &view); err != nil || res.Code != http.StatusAccepted || view.Status != gennaker.Succeeded {
				t.Fatalf("got %d %s, %v", res.Code, res.Body, err)
			}
			op := w.operations[0]
			for _, job := range op.Jobs {
				if job["user"] != gennaker.Anonymous {
					t.Errorf("the user is %v", job["user"])
				}
				delete(job, "user")
				if text, ok := job["pipelineTemplate"].(string); ok {
					plain, err := base64.StdEncoding.DecodeString(text)
					if err != nil {
						t.Fatal(err)
					}
					job["pipelineTemplate"] = string(plain)
				}
			}
			if diff := cmp.Diff(tt.want, op); diff != "" {
				t.Errorf("operation (-want +got):\n%s", diff)
			}
		})
	}
}

// A deletion that fails is an error, since clients do not look at the view.
func TestTemplateTaskFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	exception := map[string]any{"details": map[string]any{
		"error": "Unexpected Task Failure", "errors": []any{"The following pipeline configs depend on this template: u1"}, "hint": "let them go",
	}}
	w.task = func() gennaker.Execution {
		return gennaker.Execution{Type: gennaker.TypeOrchestration, ID: "01TASK", Status: gennaker.Terminal, Stages: []gennaker.Stage{
			{Type: "deleteV2PipelineTemplate", Context: map[string]any{"exception": exception}},
		}}
	}
	s := api.New(w.config())
	if got := failure(t, call(s, "DELETE", "/v2/pipelineTemplates/t", ""), http.StatusBadRequest); got.Message != "The following pipeline configs depend on this template: u1" || got.Hint != "let them go" {
		t.Errorf("error is %+v", got)
	}
	exception = nil
	if got := failure(t, call(s, "DELETE", "/v2/pipelineTemplates/t", ""), http.StatusBadRequest); got.Message != "the task 01TASK ended as TERMINAL" {
		t.Errorf("message is %q", got.Message)
	}
	res := call(s, "POST", "/v2/pipelineTemplates/create", `{"id":"t"}`)
	if res.Code != http.StatusAccepted || !strings.Contains(res.Body.String(), `"status":"TERMINAL"`) {
		t.Errorf("create answers %d %s", res.Code, res.Body)
	}
}

// The answer comes when the task is complete: it is looked at after each event of
// it, also when some were lost.
func TestTaskIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.events.Entries = 1
		status, looks := gennaker.NotStarted, 0
		meanwhile := func() {}
		w.task = func() gennaker.Execution {
			looks++
			meanwhile()
			return gennaker.Execution{Type: gennaker.TypeOrchestration, ID: "01TASK", Status: status}
		}
		s := api.New(w.config())
		answered := make(chan string, 1)
		go func() { answered <- call(s, "POST", "/v2/pipelineTemplates/create", `{"id":"t"}`).Body.String() }()
		happens := func(want int, executions ...string) {
			t.Helper()
			for _, id := range executions {
				w.events.Publish(gennaker.Event{Execution: id})
			}
			if synctest.Wait(); looks != want {
				t.Errorf("looked %d times, not %d", looks, want)
			}
		}
		happens(1)
		status = gennaker.Running
		happens(1, "another")
		meanwhile = func() {
			meanwhile = func() {}
			w.events.Publish(gennaker.Event{})
			w.events.Publish(gennaker.Event{}) // now the first of them is lost
		}
		happens(3, "01TASK")
		status = gennaker.Succeeded
		happens(4, "01TASK")
		if got := <-answered; !strings.Contains(got, `"status":"SUCCEEDED"`) {
			t.Errorf("answer is %s", got)
		}
	})
}

// A server that shuts down answers with the task as it is.
func TestTaskIsNotWaitedForAtTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.task = func() gennaker.Execution {
		return gennaker.Execution{Type: gennaker.TypeOrchestration, ID: "01TASK", Status: gennaker.Running}
	}
	s := api.New(w.config())
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if res := call(s, "POST", "/v2/pipelineTemplates/create", `{"id":"t"}`); !strings.Contains(res.Body.String(), `"status":"RUNNING"`) {
		t.Errorf("got %d %s", res.Code, res.Body)
	}
}

func TestPlanTemplate(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	if res := call(s, "POST", "/v2/pipelineTemplates/plan", `{"application":"demo"}`); res.Code != http.StatusOK || strings.TrimSpace(res.Body.String()) != `{"name":"planned","stages":[]}` {
		t.Errorf("got %d %s", res.Code, res.Body)
	}
	res := call(s, "POST", "/v2/pipelineTemplates/plan", `{"application":""}`)
	got := failure(t, res, http.StatusBadRequest)
	if got.Message != "Pipeline template is invalid" || got.Hint != "yes" || len(got.Problems) != 1 {
		t.Errorf("error is %+v", got)
	}
	var body struct{ Errors json.RawMessage }
	want := `[{"severity":"FATAL","message":"malformed template configuration","location":"configuration:variables","cause":"no","suggestion":"yes"}]`
	if err := json.Unmarshal(res.Body.Bytes(), &body); err != nil || string(body.Errors) != want {
		t.Errorf("errors are %s, %v, want %s", body.Errors, err, want)
	}
}

func TestReorder(t *testing.T) {
	t.Parallel()
	for path, strategies := range map[string]bool{"pipelines": false, "strategies": true} {
		w := newWorld(t)
		s := api.New(w.config())
		res := call(s, "POST", "/actions/"+path+"/reorder", `{"application":"demo","idsToIndices":{"p1":2}}`)
		if res.Code != http.StatusOK || len(w.operations) != 1 {
			t.Fatalf("got %d %s", res.Code, res.Body)
		}
		job := w.operations[0].Jobs[0]
		if job["type"] != "reorderPipelines" || job["isStrategy"] != strategies || job["idsToIndices"].(map[string]any)["p1"] != json.Number("2") {
			t.Errorf("job is %v", job)
		}
		failure(t, call(s, "POST", "/actions/"+path+"/reorder", `{"idsToIndices":{"p1":2}}`), http.StatusBadRequest)
		failure(t, call(s, "POST", "/actions/"+path+"/reorder", `{"application":"demo","idsToIndices":{"p1":"first"}}`), http.StatusBadRequest)
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := api.New(w.config())
	body := `{"application":"demo","job":[{"type":"wait"}]}`
	if res := call(s, "POST", "/tasks", body, "Idempotency-Key", "k1"); res.Code != http.StatusOK || w.operations[0].Key != "k1" {
		t.Errorf("got %d %s, %v", res.Code, res.Body, w.operations)
	}
	failure(t, call(s, "POST", "/tasks", body, "Idempotency-Key", strings.Repeat("k", 256)), http.StatusBadRequest)
}

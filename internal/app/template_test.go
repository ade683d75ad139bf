package app_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
)

// templateText is a template with a variable, which spin would send.
func templateText(more object) object {
	doc := object{
		"id": "t", "metadata": object{"name": "T", "description": "d", "scopes": []string{"global"}},
		"variables": []object{{"name": "seconds", "type": "int", "defaultValue": 42}},
		"pipeline":  object{"stages": []object{{"refId": "1", "type": "wait", "waitTime": "${ templateVariables.seconds }"}}},
	}
	maps.Copy(doc, more)
	return doc
}

// A request that is sent again, since its answer was lost, starts nothing.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start := func(key string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(w.ctx, "POST", w.URL()+"/tasks", strings.NewReader(`{"application":"demo","job":[{"type":"wait","waitTime":0}]}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
		res, err := w.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var v struct{ Ref string }
		if err := json.NewDecoder(res.Body).Decode(&v); err != nil || v.Ref == "" {
			t.Fatalf("status %d, %v", res.StatusCode, err)
		}
		return v.Ref
	}
	first := start("k1")
	if again := start("k1"); again != first {
		t.Errorf("the same key started %s and %s", first, again)
	}
	if other := start("k2"); other == first {
		t.Errorf("another key started %s too", other)
	}
	for _, err := range w.WatchTask(w.ctx, strings.TrimPrefix(first, "/tasks/")) { // to its end
		if err != nil {
			t.Fatal(err)
		}
	}
	if later := start("k1"); later != first {
		t.Errorf("when it was complete, the same key started %s", later)
	}
}

// templated is a pipeline of template t.
func templated(name string, variables object) object {
	return object{
		"application": "demo", "name": name, "schema": "v2", "type": "templatedPipeline",
		"template":  object{"type": "front50/pipelineTemplate", "reference": "spinnaker://t:stable"},
		"variables": variables,
		"stages":    []object{{"refId": "first", "type": "wait", "waitTime": 0, "inject": object{"first": true}}},
	}
}

// must sends a request that must be answered with status.
func (w *world) must(status int, method, path string, body any) object {
	w.t.Helper()
	got, answer := w.call(method, path, body)
	if got != status {
		w.t.Fatalf("%s %s answered %d %v, want %d", method, path, got, answer, status)
	}
	return answer
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.task(gennaker.Succeeded, object{"type": "createApplication", "application": object{"name": "demo", "email": "a@example.com"}})
	for _, tag := range []string{"", "stable"} {
		if view := w.must(http.StatusAccepted, "POST", "/v2/pipelineTemplates/create?tag="+tag, templateText(nil)); view["status"] != "SUCCEEDED" {
			t.Fatalf("create %q: %v", tag, view)
		}
	}
	view := w.must(http.StatusAccepted, "POST", "/v2/pipelineTemplates/create", templateText(nil))
	if text, err := json.Marshal(view); err != nil || view["status"] != "TERMINAL" || !strings.Contains(string(text), "A pipeline template with the id t already exists") {
		t.Errorf("create again: %s, %v", text, err)
	}
	stored := w.must(http.StatusOK, "GET", "/v2/pipelineTemplates/t?tag=stable", nil)
	stages, err := json.Marshal(stored["pipeline"])
	if err != nil || !strings.Contains(string(stages), "${ templateVariables.seconds }") || stored["schema"] != "v2" {
		t.Errorf("stored is %v, %v", stored, err)
	}
	if planned, err := json.Marshal(w.must(http.StatusOK, "POST", "/v2/pipelineTemplates/plan", templated("p", object{"seconds": 0}))); err != nil || !strings.Contains(string(planned), `"waitTime":0`) {
		t.Errorf("the plan is %s, %v", planned, err)
	}
	if answer := w.must(http.StatusBadRequest, "POST", "/v2/pipelineTemplates/plan", templated("p", object{"seconds": "x"})); answer["message"] != "Pipeline template is invalid" || len(answer["errors"].([]any)) != 1 {
		t.Errorf("the plan of a wrong value is %v", answer)
	}
	w.must(http.StatusOK, "POST", "/pipelines", templated("Prod", object{"seconds": 0}))
	answer := w.must(http.StatusBadRequest, "DELETE", "/v2/pipelineTemplates/t?tag=stable", nil)
	if message, _ := answer["message"].(string); !strings.Contains(message, "The following pipeline configs depend on this template: ") {
		t.Errorf("delete what is used: %v", answer)
	}
	unfit := templateText(object{"variables": []object{{"name": "seconds", "type": "string"}}})
	view = w.must(http.StatusAccepted, "POST", "/v2/pipelineTemplates/update/t?tag=stable", unfit)
	if text, err := json.Marshal(view); err != nil || view["status"] != "TERMINAL" || !strings.Contains(string(text), "The template does not fit pipelines that use it: Prod of demo") {
		t.Errorf("update with what does not fit: %s, %v", text, err)
	}
	w.must(http.StatusOK, "DELETE", "/pipelines/demo/Prod", nil)
	w.must(http.StatusAccepted, "DELETE", "/v2/pipelineTemplates/t?tag=stable", nil)
	w.must(http.StatusNotFound, "GET", "/v2/pipelineTemplates/t?tag=stable", nil)
}

// The jobs of Deck and spin that are no request of their own.
func TestPipelineJobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, err := json.Marshal(object{"application": "demo", "name": "saved", "stages": []object{stage(1, "wait", object{"waitTime": "${ 1 + 1 }"})}})
	if err != nil {
		t.Fatal(err)
	}
	saved := w.task(gennaker.Succeeded, object{"type": "savePipeline", "pipeline": base64.StdEncoding.EncodeToString(text), "staleCheck": true})
	w.save("other", nil)
	p, err := w.Pipeline(w.ctx, "demo", "saved")
	if err != nil || !strings.Contains(string(p.Document), "${ 1 + 1 }") {
		t.Fatalf("saved is %s, %v", p.Document, err)
	}
	var id any
	for _, v := range saved.Variables {
		if v.Key == "pipeline.id" {
			id = v.Value
		}
	}
	if id != p.ID {
		t.Errorf("pipeline.id is %v, want %s", id, p.ID)
	}
	w.task(gennaker.Succeeded, object{"type": "updatePipeline", "pipeline": object{"id": p.ID, "application": "demo", "name": "renamed", "x": "${ keep }"}})
	p, err = w.Pipeline(w.ctx, "demo", "renamed")
	if err != nil || !strings.Contains(string(p.Document), "${ keep }") {
		t.Fatalf("renamed is %s, %v", p.Document, err)
	}
	other, err := w.Pipeline(w.ctx, "demo", "other")
	if err != nil {
		t.Fatal(err)
	}
	if view := w.must(http.StatusOK, "POST", "/actions/pipelines/reorder", object{"application": "demo", "idsToIndices": object{p.ID: 1, other.ID: 0}}); view["status"] != "SUCCEEDED" {
		t.Errorf("reorder: %v", view)
	}
	all, err := w.Pipelines(w.ctx, "demo")
	if err != nil || len(all) != 2 || all[0].Name != "other" {
		t.Errorf("pipelines are %v, %v", all, err)
	}
	w.task(gennaker.Terminal, object{"type": "reorderPipelines", "application": "demo", "idsToIndices": object{"nope": 1}})
	w.task(gennaker.Succeeded, object{"type": "deletePipeline", "pipeline": object{"id": p.ID, "application": "demo", "name": "renamed"}})
}

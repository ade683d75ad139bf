package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

// list is what a path answers that is a list.
func (w *world) list(path string) []object {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.URL()+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := w.http.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var out []object
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode != http.StatusOK {
		w.t.Fatalf("GET %s: %d, %v", path, res.StatusCode, err)
	}
	return out
}

// A project is made, shown with what runs in it and what ran, and deleted, with
// the requests of Deck and spin, and is there after a restart.
func TestProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.fake.Adopt(gennaker.ServerGroup{
		Name: "demo-prod-v000", Account: w.fake.Provider().Account.Name, Region: w.fake.Provider().Account.Regions[0], Cluster: "demo-prod",
		Moniker: gennaker.ParseServerGroupName("demo-prod-v000"), Capacity: gennaker.Capacity{Min: 2, Max: 2, Desired: 2},
	}); err != nil {
		t.Fatal(err)
	}
	w.save("deploys", object{"id": "p1"}, stage(1, "wait", object{"waitTime": 0}))
	w.save("other", object{"id": "p2"}, stage(1, "wait", object{"waitTime": 0}))
	var ids []string
	for range 2 {
		ids = append(ids, w.begin("deploys", nil))
		w.ended(ids[len(ids)-1], gennaker.Succeeded)
	}
	w.ended(w.begin("other", nil), gennaker.Succeeded)

	project := object{"name": "Shop", "email": "a@example.com", "kept": 1.5, "config": object{
		"applications": []string{"demo"}, "pipelineConfigs": []object{{"application": "demo", "pipelineConfigId": "p1"}},
		"clusters": []object{{"account": w.fake.Provider().Account.Name, "stack": "*", "detail": "*", "applications": nil}},
	}}
	w.task(gennaker.Succeeded, object{"type": "upsertProject", "project": project, "user": "mallory"})
	refusedTask := w.task(gennaker.Terminal, object{"type": "upsertProject", "project": object{"name": "SHOP", "email": "a@example.com"}})
	if text := show(refusedTask.Execution); !strings.Contains(text, "A Project named 'SHOP' already exists") {
		t.Errorf("the name of another: %s", text)
	}
	w.end()
	w.start()

	status, stored := w.call("GET", "/projects/shop", nil)
	if status != http.StatusOK || stored["name"] != "Shop" || stored["kept"] != 1.5 || stored["lastModifiedBy"] != gennaker.Anonymous {
		t.Errorf("stored: %d %v", status, stored)
	}
	var got []string
	for _, x := range w.list("/projects/Shop/pipelines?limit=30&statuses=SUCCEEDED") {
		got = append(got, fmt.Sprint(x["id"]))
	}
	if !slices.Equal(got, ids) {
		t.Errorf("executions %v, want %v", got, ids)
	}
	clusters := w.list("/projects/shop/clusters")
	text, _ := json.Marshal(clusters)
	if len(clusters) != 1 || !strings.Contains(string(text), `"instanceCounts":{"down":0,"failed":0,"outOfService":0,"starting":0,"succeeded":0,"total":2,`) {
		t.Errorf("clusters: %s", text)
	}
	stored["name"] = "Store"
	w.task(gennaker.Succeeded, object{"type": "upsertProject", "project": stored})
	if status, answer := w.call("GET", "/projects/shop", nil); status != http.StatusNotFound || answer["message"] != "Project not found (id: shop)" {
		t.Errorf("by its old name: %d %v", status, answer)
	}
	w.task(gennaker.Succeeded, object{"type": "deleteProject", "project": object{"id": stored["id"]}})
	if all := w.list("/projects"); len(all) != 0 {
		t.Errorf("after its deletion: %v", all)
	}
}

// Two people edit a pipeline: who asks for it is told.
func TestConditionalSave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("deploys", object{"id": "p1"}, stage(1, "wait", object{"waitTime": 1}))
	_, mine := w.call("GET", "/applications/demo/pipelineConfigs/deploys", nil)
	w.save("deploys", object{"id": "p1"}, stage(1, "wait", object{"waitTime": 2}))

	if status, answer := w.call("POST", "/pipelines?staleCheck=true", mine); status != http.StatusBadRequest || !strings.HasPrefix(fmt.Sprint(answer["message"]), "The submitted pipeline is stale.  submitted updateTs") {
		t.Errorf("staleCheck: %d %v", status, answer)
	}
	save := func(tag any) int {
		text, err := json.Marshal(mine)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.URL()+"/pipelines", strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-Match", fmt.Sprintf("%q", tag))
		res, err := w.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if status := save(mine["updateTs"]); status != http.StatusConflict {
		t.Errorf("If-Match of what was read: %d", status)
	}
	_, now := w.call("GET", "/applications/demo/pipelineConfigs/deploys", nil)
	if status := save(now["updateTs"]); status != http.StatusOK {
		t.Errorf("If-Match of what is there: %d", status)
	}
	differences, err := w.ComparePipelines(w.ctx, "p1", 2, 3)
	want := []gennaker.Difference{{Path: `stages[refId="1"].waitTime`, Was: json.RawMessage("2"), Is: json.RawMessage("1")}}
	if diff := cmp.Diff(want, differences[max(0, len(differences)-1):]); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// A strategy may be called like a pipeline, and a pipeline becomes a template
// that makes it.
func TestStrategiesAndTemplates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("deploys", object{"id": "p1"}, stage(1, "wait", object{"waitTime": 1}))
	if status, answer := w.call("POST", "/strategies", object{"application": "demo", "name": "deploys", "stages": []object{stage(1, "wait", object{"waitTime": 7})}}); status != http.StatusOK {
		t.Fatalf("save a strategy: %d %v", status, answer)
	}
	if status, answer := w.call("POST", "/strategies/move", object{"application": "demo", "from": "deploys", "to": "slowly"}); status != http.StatusOK {
		t.Fatalf("move it: %d %v", status, answer)
	}
	if all := w.list("/strategyConfigs"); len(all) != 1 || all[0]["name"] != "slowly" || all[0]["strategy"] != true {
		t.Errorf("strategies: %v", all)
	}
	if all := w.list("/pipelineConfigs"); len(all) != 1 || all[0]["id"] != "p1" {
		t.Errorf("pipelines: %v", all)
	}
	if status, answer := w.call("DELETE", "/strategies/demo/slowly", nil); status != http.StatusOK {
		t.Errorf("delete it: %d %v", status, answer)
	}
	status, answer := w.call("POST", "/pipelines/bulksave?application=demo", []object{{"application": "demo", "name": "one"}, {"application": "demo", "name": "DEPLOYS"}})
	if status != http.StatusOK || answer["successful_pipelines_count"] != 1.0 || answer["failed_pipelines_count"] != 1.0 {
		t.Errorf("bulksave: %d %v", status, answer)
	}
	if all, err := w.CanaryConfigs(w.ctx, "demo"); err != nil || len(all) != 0 {
		t.Errorf("canary configs: %v, %v", all, err)
	}
	id, err := w.CreateCanaryConfig(w.ctx, []byte(`{"name":"errors","applications":["demo"]}`))
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	refused(t, w.UpdateCanaryConfig(w.ctx, "nope", []byte(`{"name":"x","applications":["demo"]}`)), gennaker.Invalid, "Canary config 'nope' does not exist.")
	refused(t, w.DeleteCanaryConfig(w.ctx, "nope"), gennaker.NotFound, "Canary config not found (id: nope)")
	_, err = w.CreateApplication(w.ctx, object{"name": "my_app", "email": "a@b", "cloudProviders": "kubernetes"})
	refused(t, err, gennaker.Invalid, "Invalid application name 'my_app'. Must match ^([a-zA-Z][a-zA-Z0-9-]*)$ for cloud provider 'kubernetes'")
	if status, _ := w.call("POST", "/notifications/application/demo", object{"slack": []object{{"address": "#x", "when": []string{"pipeline.failed"}}}}); status != http.StatusOK {
		t.Errorf("notifications: %d", status)
	}
	if _, got := w.call("GET", "/notifications/application/DEMO", nil); got["slack"] == nil || got["application"] != "demo" {
		t.Errorf("notifications: %v", got)
	}
}

// What a pipeline is turned into makes that pipeline.
func TestPipelineBecomesATemplate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("deploys", object{"id": "p1"}, stage(1, "wait", object{"waitTime": 3}))
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.URL()+"/pipelineConfigs/p1/convertToTemplate", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var made object
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(answer, &made); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	task, err := w.CreateTemplate(w.ctx, text, "")
	if err != nil || task.Status != gennaker.Succeeded {
		t.Fatal(err, show(task.Execution))
	}
	w.save("again", object{"schema": "v2", "type": "templatedPipeline", "template": object{
		"artifactAccount": "front50ArtifactCredentials", "type": "front50/pipelineTemplate", "reference": fmt.Sprintf("spinnaker://%v", made["id"]),
	}})
	x, err := w.Execution(w.ctx, w.ended(w.begin("again", nil), gennaker.Succeeded).ID)
	if err != nil || len(x.Stages) != 1 || x.Stages[0].Type != "wait" || fmt.Sprint(x.Stages[0].Context["waitTime"]) != "3" {
		t.Errorf("it runs %v, %v", x.Stages, err)
	}
}

// Who listens is told of documents that change.
func TestDocumentsAreEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	events, err := w.Events(w.ctx, client.EventQuery{Application: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	w.save("deploys", object{"id": "p1"}, stage(1, "wait", object{"waitTime": 1}))
	if err := w.DeletePipeline(w.ctx, "demo", "deploys"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		e, err := events.Next()
		if err != nil || e.Type != gennaker.DocumentChanged || e.Application != "demo" || e.Name != "deploys" {
			t.Errorf("got %+v, %v", e, err)
		}
	}
}

package app_test

import (
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
)

// TestTerraform makes, reads, changes and deletes each of its resources as the
// community's Terraform provider does.
//
// Source: github.com/mercari/terraform-provider-spinnaker, spinnaker/api.
func TestTerraform(t *testing.T) {
	t.Parallel()
	w := newWorld(t)

	w.applied(object{
		"application": "tf", "description": "Create Application: tf",
		"job": []object{{"type": "createApplication", "application": object{
			"name": "tf", "email": "a@example.com", "instancePort": 80, "cloudProviders": "kubernetes", "permissions": object{"READ": []string{"ops"}},
		}}},
	})
	app := w.answered("GET", "/applications/tf", nil, 200)
	if a, _ := app["attributes"].(object); app["name"] != "tf" || a["email"] != "a@example.com" || a["permissions"] == nil {
		t.Errorf("the application is %v", app)
	}

	pipeline := object{"application": "tf", "name": "p", "stages": []object{stage(1, "wait", object{"waitTime": 1})}}
	w.answered("POST", "/pipelines", pipeline, 200)
	saved := w.answered("GET", "/applications/tf/pipelineConfigs/p", nil, 200)
	id, _ := saved["id"].(string)
	saved["description"] = "changed"
	if got := w.answered("PUT", "/pipelines/"+id, saved, 200); got["description"] != "changed" {
		t.Errorf("the pipeline is %v", got)
	}

	template := object{
		"schema": "v2", "id": "tf-template", "metadata": object{"name": "t", "description": "d", "owner": "a@example.com", "scopes": []string{"global"}},
		"variables": []object{}, "pipeline": object{"stages": []object{}},
	}
	w.answered("POST", "/v2/pipelineTemplates/create", template, 202)
	template["protect"] = true
	w.answered("POST", "/v2/pipelineTemplates/update/tf-template", template, 202)
	if got := w.answered("GET", "/v2/pipelineTemplates/tf-template", nil, 200); got["protect"] != true {
		t.Errorf("the template is %v", got)
	}
	w.answered("DELETE", "/v2/pipelineTemplates/tf-template", nil, 202)

	config := object{
		"name": "tf-canary", "description": "d", "configVersion": "1", "applications": []string{"tf"}, "templates": object{},
		"judge": object{"name": "NetflixACAJudge-v1.0", "judgeConfigurations": object{}}, "classifier": object{"groupWeights": object{"g": 100}},
		"metrics": []object{{"name": "m", "query": object{"type": "prometheus", "serviceType": "prometheus"}, "groups": []string{"g"}, "analysisConfigurations": object{}, "scopeName": "default"}},
	}
	made, _ := w.answered("POST", "/v2/canaryConfig", config, 200)["canaryConfigId"].(string)
	config["description"] = "changed"
	w.answered("PUT", "/v2/canaryConfig/"+made, config, 200)
	if got := w.answered("GET", "/v2/canaryConfig/"+made, nil, 200); got["description"] != "changed" {
		t.Errorf("the canary config is %v", got)
	}
	w.answered("DELETE", "/v2/canaryConfig/"+made, nil, 200)

	w.applied(object{
		"application": "spinnaker", "description": "Create project: tf-project",
		"job": []object{{"type": "upsertProject", "project": object{
			"name": "tf-project", "email": "a@example.com", "config": object{
				"applications": []string{"tf"}, "pipelineConfigs": []object{}, "clusters": []object{},
				"cluster": []object{{"account": "fake", "detail": "*", "stack": nil}},
			},
		}}},
	})
	project, _ := w.answered("GET", "/projects/tf-project", nil, 200)["id"].(string)
	w.applied(object{ // which names no application
		"project": "tf-project", "description": "Delete project id: " + project,
		"job": []object{{"type": "deleteProject", "project": object{"id": project}}},
	})
	w.answered("GET", "/projects/tf-project", nil, 404)

	w.answered("DELETE", "/pipelines/tf/p", nil, 200)
	w.applied(object{
		"application": "tf", "description": "Delete Application: tf",
		"job": []object{{"type": "deleteApplication", "application": object{"name": "tf"}}},
	})
	w.answered("GET", "/applications/tf", nil, 404)
}

// answered sends a request, and returns the answer, whose status it demands.
func (w *world) answered(method, path string, body any, status int) object {
	w.t.Helper()
	got, answer := w.call(method, path, body)
	if got != status {
		w.t.Fatalf("%s %s: %d %v, not %d", method, path, got, answer, status)
	}
	return answer
}

// applied runs an operation, which must succeed.
func (w *world) applied(operation object) {
	w.t.Helper()
	ref, _ := w.answered("POST", "/tasks", operation, 200)["ref"].(string)
	for task, err := range w.WatchTask(w.ctx, strings.TrimPrefix(ref, "/tasks/")) {
		if err != nil {
			w.t.Fatal(err)
		}
		if task.Status.Complete() && task.Status != gennaker.Succeeded {
			w.t.Fatalf("%v ended as %s:\n%s", operation["description"], task.Status, show(task.Execution))
		}
	}
}

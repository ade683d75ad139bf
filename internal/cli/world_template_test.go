package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// templateKey is where a copy of a template is kept.
func templateKey(id, tag string) string {
	if tag == "" {
		return id
	}
	return id + ":" + tag
}

func (w *world) handleTemplates(mux *http.ServeMux) {
	for pattern, h := range map[string]func(*http.Request) (any, error){
		"GET /v2/pipelineTemplates":              w.listTemplates,
		"GET /v2/pipelineTemplates/{id}":         w.getTemplate,
		"POST /v2/pipelineTemplates/create":      w.saveTemplate,
		"POST /v2/pipelineTemplates/update/{id}": w.saveTemplate,
		"POST /v2/pipelineTemplates/plan":        w.planTemplate,
		"DELETE /v2/pipelineTemplates/{id}":      w.deleteTemplate,
	} {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) { w.answer(rw, r, h) })
	}
}

func (w *world) listTemplates(r *http.Request) (any, error) {
	scopes := r.URL.Query()["scopes"]
	out := []any{}
	for _, key := range slices.Sorted(maps.Keys(w.templates)) {
		doc := w.templates[key]
		metadata, _ := doc["metadata"].(map[string]any)
		if len(scopes) == 0 || slices.Contains(scopes, fmt.Sprint(metadata["scopes"].([]any)[0])) {
			out = append(out, doc)
		}
	}
	return out, nil
}

func (w *world) getTemplate(r *http.Request) (any, error) {
	key := templateKey(r.PathValue("id"), r.FormValue("tag"))
	doc := maps.Clone(w.templates[key])
	if doc == nil {
		return nil, gennaker.Errorf(gennaker.NotFound, "Pipeline template not found (id: %s)", key)
	}
	delete(doc, "tag")
	return doc, nil
}

// saveTemplate saves, unless the template says otherwise in "outcome".
func (w *world) saveTemplate(r *http.Request) (any, error) {
	text, _ := io.ReadAll(r.Body)
	d, err := gennaker.ParseDocument(text)
	if err != nil {
		return nil, err
	}
	if d.Value["schema"] != "v2" {
		return nil, d.Invalid([]gennaker.Problem{{Path: "schema", Message: "Pipeline template schema version is invalid"}})
	}
	w.tasks++
	status, _ := d.Value["outcome"].(string)
	x := gennaker.Execution{
		Type: gennaker.TypeOrchestration, ID: fmt.Sprintf("T%d", w.tasks), Status: gennaker.Succeeded, StartTime: w.tick(), EndTime: w.tick(),
		Stages: []gennaker.Stage{{ID: "S", Type: "updateV2PipelineTemplate", Status: gennaker.Succeeded}},
	}
	if status != "" {
		x.Status, x.Stages[0].Status = gennaker.Status(status), gennaker.Status(status)
		x.Stages[0].Context = map[string]any{"exception": map[string]any{"details": map[string]any{
			"error": "The template does not fit pipelines that use it: prod of shop", "hint": "change them with it", "errors": []any{},
		}}}
	} else {
		for _, tag := range []string{r.FormValue("tag"), "latest"} {
			var doc map[string]any
			_ = json.Unmarshal(text, &doc)
			doc["updateTs"], doc["lastModifiedBy"], doc["tag"] = "1767323045000", "ann", tag
			if tag == "" {
				delete(doc, "tag")
			}
			w.templates[templateKey(fmt.Sprint(doc["id"]), tag)] = doc
		}
	}
	return map[string]any{
		"id": x.ID, "name": strings.TrimPrefix(r.URL.Path, "/v2/pipelineTemplates/") + "?" + r.URL.RawQuery, "application": "spinnaker", "status": x.Status,
		"variables": []any{}, "steps": []any{}, "startTime": x.StartTime, "endTime": x.EndTime, "execution": x,
	}, nil
}

func (w *world) deleteTemplate(r *http.Request) (any, error) {
	key := templateKey(r.PathValue("id"), r.FormValue("tag"))
	if w.templates[key]["inUse"] == true {
		return nil, gennaker.Errorf(gennaker.Invalid, "The following pipeline configs depend on this template: p1")
	}
	delete(w.templates, key)
	return nil, nil
}

// planTemplate wants a value for "wait".
func (w *world) planTemplate(r *http.Request) (any, error) {
	text, _ := io.ReadAll(r.Body)
	d, err := gennaker.ParseDocument(text)
	if err != nil {
		return nil, err
	}
	variables, _ := d.Value["variables"].(map[string]any)
	if variables["wait"] == nil {
		return nil, &gennaker.Error{
			Kind: gennaker.Invalid, Message: "Pipeline template is invalid",
			Problems: []gennaker.Problem{{Path: "configuration:variables", Message: "Missing variable values for: wait"}},
		}
	}
	return map[string]any{"name": d.Value["name"], "stages": []any{map[string]any{"refId": "1", "type": "wait", "waitTime": variables["wait"]}}}, nil
}

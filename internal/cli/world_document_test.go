package cli_test

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
)

func (w *world) handleDocuments(mux *http.ServeMux) {
	for pattern, h := range map[string]func(*http.Request) (any, error){
		"GET /api/v1/pipelines/{id}/revisions":              w.pipelineRevisions,
		"GET /api/v1/pipelines/{id}/revisions/{a}/diff/{b}": w.comparePipelines,
		"GET /projects":                func(*http.Request) (any, error) { return slices.Clone(w.projects), nil },
		"GET /projects/{id}":           w.getProject,
		"GET /v2/canaryConfig":         w.listCanaryConfigs,
		"GET /v2/canaryConfig/{id}":    w.getCanaryConfig,
		"POST /v2/canaryConfig":        w.saveCanaryConfig,
		"PUT /v2/canaryConfig/{id}":    w.saveCanaryConfig,
		"DELETE /v2/canaryConfig/{id}": w.deleteCanaryConfig,
	} {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) { w.answer(rw, r, h) })
	}
}

// pipelineRevisions has two of p1.
func (w *world) pipelineRevisions(r *http.Request) (any, error) {
	out := []any{}
	for n, by := range []string{"bob", "ann"} {
		if limit := r.FormValue("limit"); r.PathValue("id") == "p1" && limit != strconv.Itoa(n) {
			out = append(out, gennaker.Revision{Number: 2 - n, Author: by, At: gennaker.At(w.now), Document: []byte(`{}`)})
			continue
		}
		break
	}
	return out, nil
}

func (w *world) comparePipelines(r *http.Request) (any, error) {
	if r.PathValue("a") == r.PathValue("b") {
		return []any{}, nil
	}
	if r.PathValue("a") != "1" || r.PathValue("b") != "2" {
		return nil, gennaker.Errorf(gennaker.NotFound, "pipeline p1 has no revision %s", r.PathValue("b"))
	}
	return []any{
		map[string]any{"path": "name", "was": "Deploy to prod", "is": "Deploy to \x1b[31m prod"},
		map[string]any{"path": `stages[refId="2"]`, "is": map[string]any{"refId": "2"}},
	}, nil
}

func (w *world) project(nameOrID string) int {
	return slices.IndexFunc(w.projects, func(p map[string]any) bool {
		name, _ := p["name"].(string)
		return strings.EqualFold(name, nameOrID) || p["id"] == nameOrID
	})
}

func (w *world) getProject(r *http.Request) (any, error) {
	i := w.project(r.PathValue("id"))
	if i < 0 {
		return nil, gennaker.Errorf(gennaker.NotFound, "Project not found (id: %s)", r.PathValue("id"))
	}
	return w.projects[i], nil
}

// applyProject does what a job says. It knows one name that is taken.
func (w *world) applyProject(job map[string]any) error {
	project, _ := job["project"].(map[string]any)
	id, _ := project["id"].(string)
	i := w.project(id)
	if job["type"] == "deleteProject" {
		w.projects = slices.Delete(w.projects, i, i+1)
		return nil
	}
	if project["name"] == "taken" {
		return gennaker.Errorf(gennaker.Invalid, "A Project named 'taken' already exists").WithHint("choose another name")
	}
	project = maps.Clone(project)
	project["updateTs"], project["lastModifiedBy"] = 1767323045000, "ann"
	if id == "" {
		project["id"] = "project-" + strconv.Itoa(len(w.projects)+1)
		w.projects = append(w.projects, project)
		return nil
	}
	w.projects[i] = project
	return nil
}

func (w *world) canary(id string) int {
	return slices.IndexFunc(w.canaries, func(c map[string]any) bool { return c["id"] == id })
}

func (w *world) listCanaryConfigs(r *http.Request) (any, error) {
	out := []any{}
	for _, c := range w.canaries {
		if app := r.FormValue("application"); app == "" || slices.Contains(c["applications"].([]any), any(app)) {
			out = append(out, map[string]any{"id": c["id"], "name": c["name"], "applications": c["applications"], "updatedTimestamp": 1767323045000})
		}
	}
	return out, nil
}

func (w *world) getCanaryConfig(r *http.Request) (any, error) {
	i := w.canary(r.PathValue("id"))
	if i < 0 {
		return nil, gennaker.Errorf(gennaker.NotFound, "Canary config not found (id: %s)", r.PathValue("id"))
	}
	return w.canaries[i], nil
}

func (w *world) saveCanaryConfig(r *http.Request) (any, error) {
	text, _ := io.ReadAll(r.Body)
	d, err := gennaker.ParseDocument(text)
	if err != nil {
		return nil, err
	}
	if _, err := gennaker.NewCanaryConfig(d.Value); err != nil {
		e, _ := err.(*gennaker.Error)
		return nil, d.Invalid(e.Problems)
	}
	if d.Value["id"] == nil {
		d.Value["id"] = "canary-" + strconv.Itoa(len(w.canaries)+1)
	}
	id, _ := d.Value["id"].(string)
	if i := w.canary(id); i >= 0 {
		w.canaries[i] = d.Value
	} else {
		w.canaries = append(w.canaries, d.Value)
	}
	return map[string]any{"canaryConfigId": id}, nil
}

func (w *world) deleteCanaryConfig(r *http.Request) (any, error) {
	if _, err := w.getCanaryConfig(r); err != nil {
		return nil, err
	}
	i := w.canary(r.PathValue("id"))
	w.canaries = slices.Delete(w.canaries, i, i+1)
	return nil, nil
}

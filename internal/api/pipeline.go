package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// pipelines lists the definitions in the order of Deck, numbered anew: it saves
// every pipeline whose number is not its place.
func (s *Server) pipelines(r *request) (any, error) {
	list, err := s.pipelinesOf(r)
	if err != nil {
		return nil, err
	}
	limit, err := r.count("pipelineLimit", len(list), len(list))
	if err != nil {
		return nil, err
	}
	out := make([]map[string]any, 0, len(list))
	for i, p := range list[:min(limit, len(list))] {
		doc := maps.Clone(p.Doc.Value)
		doc["index"] = i
		out = append(out, doc)
	}
	return out, nil
}

// pipelinesOf returns the pipelines of {app} whose names hold pipelineNameFilter,
// without strategies; sorted by index, those without one last, then by name.
func (s *Server) pipelinesOf(r *request) ([]gennaker.Pipeline, error) {
	list, err := s.Catalog.Pipelines(r.Context(), r.PathValue("app"))
	if err != nil {
		return nil, err
	}
	filter := strings.ToLower(r.URL.Query().Get("pipelineNameFilter"))
	out := []gennaker.Pipeline{}
	for _, p := range list {
		if p.Doc.Value["strategy"] != true && strings.Contains(strings.ToLower(p.Name), filter) {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b gennaker.Pipeline) int {
		i, j := index(a), index(b)
		switch {
		case i == nil && j != nil:
			return 1
		case i != nil && j == nil:
			return -1
		case i != nil && *i != *j:
			return cmp.Compare(*i, *j)
		}
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return out, nil
}

// index returns the place that a pipeline's author gave it, or nil.
func index(p gennaker.Pipeline) *float64 {
	switch v := p.Doc.Value["index"].(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return &f
		}
	case float64:
		return &v
	}
	return nil
}

// findPipeline returns the pipeline that the path's {app} and {name} name.
func (s *Server) findPipeline(r *request) (gennaker.Pipeline, error) {
	name := r.PathValue("name")
	p, err := s.Catalog.Pipeline(r.Context(), r.PathValue("app"), name)
	return p, orNotFound(err, "Pipeline configuration not found (nameOrId: %s)", name)
}

func (s *Server) pipeline(r *request) (any, error) {
	p, err := s.findPipeline(r)
	if err != nil {
		return nil, err
	}
	return p.Doc.Value, nil
}

func (s *Server) pipelineHistory(r *request) (any, error) {
	limit, err := r.count("limit", historyLimit, maxHistory)
	if err != nil {
		return nil, err
	}
	revisions, err := s.Catalog.PipelineHistory(r.Context(), r.PathValue("id"), limit)
	if err != nil {
		return nil, err
	}
	return history(revisions)
}

// savePipeline answers with what is wrong with the pipeline that it saved, or
// with nothing, as Gate does: spin and Deck do not look at it.
func (s *Server) savePipeline(r *request) (any, error) {
	staleCheck, err := r.flag("staleCheck", false)
	if err != nil {
		return nil, err
	}
	p, err := gennaker.ParsePipeline(r.text)
	if err != nil {
		return nil, err
	}
	found, err := s.lintSaved(r)
	if err != nil {
		return nil, err
	}
	if _, err = s.Catalog.SavePipeline(r.Context(), p, r.caller.User, staleCheck); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return warned(nil, nil), nil
	}
	return warned(LintBody{found}, found), nil
}

func (s *Server) updatePipeline(r *request) (any, error) {
	p, err := gennaker.ParsePipeline(r.text)
	if err != nil {
		return nil, err
	}
	if id := r.PathValue("id"); p.ID != id {
		return nil, p.Doc.Invalid([]gennaker.Problem{{Path: "id", Message: fmt.Sprintf("is %q in the pipeline and %q in the path", p.ID, id)}})
	}
	found, err := s.lintSaved(r)
	if err != nil {
		return nil, err
	}
	saved, err := s.Catalog.SavePipeline(r.Context(), p, r.caller.User, false)
	if err != nil {
		return nil, err
	}
	return warned(saved.Doc.Value, found), nil
}

// deletePipeline succeeds for a pipeline that is not there, as Gate does.
func (s *Server) deletePipeline(r *request) (any, error) {
	err := s.Catalog.DeletePipeline(r.Context(), r.PathValue("app"), r.PathValue("name"), r.caller.User)
	if err != nil && gennaker.KindOf(err) != gennaker.NotFound {
		return nil, err
	}
	return nil, nil
}

func (s *Server) startPipeline(r *request) (any, error) {
	trigger, executionID, err := readTrigger(r)
	if err != nil {
		return nil, err
	}
	p, err := s.findPipeline(r)
	if err != nil {
		return nil, err
	}
	for _, param := range p.Parameters {
		if _, ok := trigger.Parameters[param.Name]; !ok && param.Required && param.Default == nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "Required parameter %s is missing", param.Name)
		}
	}
	id, err := s.Launcher.StartPipeline(r.Context(), r.PathValue("app"), r.PathValue("name"), trigger, executionID)
	if err != nil {
		return nil, err
	}
	return answer{http.StatusAccepted, map[string]string{"ref": "/pipelines/" + id}}, nil
}

// startBody is the part of a start's body that is not the trigger.
type startBody struct {
	ExecutionID string          `json:"executionId"`
	Trigger     json.RawMessage `json:"trigger"`
}

// readTrigger reads the body of a start, which is a trigger or, from newer
// versions of spin, an object with a trigger in it. It may be empty.
func readTrigger(r *request) (trigger gennaker.Trigger, executionID string, err error) {
	if !r.blank() {
		body, doc, err := decode[startBody](r)
		if err != nil {
			return trigger, "", err
		}
		path, text := "", r.text
		if doc.Value["trigger"] != nil {
			path, text = "trigger", body.Trigger
		}
		if err := unmarshal(doc, path, text, &trigger); err != nil {
			return trigger, "", err
		}
		executionID = body.ExecutionID
	}
	if delete(trigger.Other, "executionId"); len(trigger.Other) == 0 {
		trigger.Other = nil
	}
	if trigger.Type == "" {
		trigger.Type = "manual"
	}
	if trigger.Parameters == nil {
		trigger.Parameters = map[string]any{}
	}
	trigger.User = r.caller.User
	return trigger, executionID, nil
}

package document

import (
	"fmt"
	"maps"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/execution"
)

// pipelines lists the definitions in the order of Deck, numbered anew: it saves
// every pipeline whose number is not its place.
func (h handlers) pipelines(r *api.Request) ([]map[string]any, error) {
	list, err := execution.PipelinesOf(r, h.Catalog)
	if err != nil {
		return nil, err
	}
	limit, err := r.Count("pipelineLimit", len(list), len(list))
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

func (h handlers) pipeline(r *api.Request) (map[string]any, error) {
	name := r.PathValue("name")
	p, err := h.Catalog.Pipeline(r.Context(), r.PathValue("app"), name)
	if err != nil {
		return nil, api.OrNotFound(err, "Pipeline configuration not found (nameOrId: %s)", name)
	}
	return p.Doc.Value, nil
}

func (h handlers) pipelineHistory(r *api.Request) ([]map[string]any, error) {
	limit, err := r.Count("limit", api.HistoryLimit, api.MaxHistory)
	if err != nil {
		return nil, err
	}
	revisions, err := h.Catalog.PipelineHistory(r.Context(), r.PathValue("id"), limit)
	if err != nil {
		return nil, err
	}
	return api.Revisions(revisions)
}

// savePipeline answers with what is wrong with the pipeline that it saved, or
// with nothing, as Gate does: spin and Deck do not look at it.
func (h handlers) savePipeline(r *api.Request, _ api.Text) (*LintBody, error) {
	staleCheck, err := r.Flag("staleCheck", false)
	if err != nil {
		return nil, err
	}
	p, err := gennaker.ParsePipeline(r.Text)
	if err != nil {
		return nil, err
	}
	found, err := h.lintSaved(r)
	if err != nil {
		return nil, err
	}
	if _, err = h.Catalog.SavePipeline(r.Context(), p, r.Caller.User, staleCheck); err != nil {
		return nil, err
	}
	if warn(r, found); len(found) == 0 {
		return nil, nil
	}
	return &LintBody{found}, nil
}

func (h handlers) updatePipeline(r *api.Request, _ api.Text) (map[string]any, error) {
	p, err := gennaker.ParsePipeline(r.Text)
	if err != nil {
		return nil, err
	}
	if id := r.PathValue("id"); p.ID != id {
		return nil, p.Doc.Invalid([]gennaker.Problem{{Path: "id", Message: fmt.Sprintf("is %q in the pipeline and %q in the path", p.ID, id)}})
	}
	found, err := h.lintSaved(r)
	if err != nil {
		return nil, err
	}
	saved, err := h.Catalog.SavePipeline(r.Context(), p, r.Caller.User, false)
	if err != nil {
		return nil, err
	}
	warn(r, found)
	return saved.Doc.Value, nil
}

// deletePipeline succeeds for a pipeline that is not there, as Gate does.
func (h handlers) deletePipeline(r *api.Request) (api.Nothing, error) {
	err := h.Catalog.DeletePipeline(r.Context(), r.PathValue("app"), r.PathValue("name"), r.Caller.User)
	if err != nil && gennaker.KindOf(err) != gennaker.NotFound {
		return api.Nothing{}, err
	}
	return api.Nothing{}, nil
}

package document

import (
	"fmt"
	"maps"
	"strings"

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
	if _, err = h.save(r, p, staleCheck); err != nil {
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
	found, err := h.lintSaved(r)
	if err != nil {
		return nil, err
	}
	saved, err := h.replace(r, p)
	if err != nil {
		return nil, err
	}
	warn(r, found)
	return saved.Doc.Value, nil
}

// condition returns the updateTs that the caller wants to replace, which is what
// If-Match holds: `If-Match: "1700000000000"`; "*" is any. It reports whether
// there is one.
func condition(r *api.Request) (updateTs string, conditional bool) {
	tag := r.Header.Get("If-Match")
	if tag == "*" {
		return "", true
	}
	return strings.Trim(tag, `"`), tag != ""
}

// save stores p under the condition of the request. Of the two that there are,
// staleCheck is Spinnaker's: a stale document is Invalid then; If-Match is ours,
// and it is a Conflict.
func (h handlers) save(r *api.Request, p gennaker.Pipeline, staleCheck bool) (gennaker.Pipeline, error) {
	if err := h.Access.Allow(r.Caller, api.Write, p.Application); err != nil {
		return p, err
	}
	if updateTs, ok := condition(r); ok {
		return h.Catalog.ReplacePipeline(r.Context(), p, r.Caller.User, updateTs)
	}
	return h.Catalog.SavePipeline(r.Context(), p, r.Caller.User, staleCheck)
}

// replace stores p in place of what has its ID, which is that of the path.
func (h handlers) replace(r *api.Request, p gennaker.Pipeline) (gennaker.Pipeline, error) {
	if id := r.PathValue("id"); p.ID != id {
		return p, p.Doc.Invalid([]gennaker.Problem{{Path: "id", Message: fmt.Sprintf("is %q in the document and %q in the path", p.ID, id)}})
	}
	if err := h.Access.Allow(r.Caller, api.Write, p.Application); err != nil {
		return p, err
	}
	updateTs, conditional := condition(r)
	saved, err := h.Catalog.ReplacePipeline(r.Context(), p, r.Caller.User, updateTs)
	if !conditional && gennaker.KindOf(err) == gennaker.Conflict { // it is not there
		err = gennaker.Errorf(gennaker.NotFound, "Pipeline configuration not found (id: %s)", p.ID)
	}
	return saved, err
}

// deletePipeline succeeds for a pipeline that is not there, as Gate does.
func (h handlers) deletePipeline(r *api.Request) (api.Nothing, error) {
	err := h.Catalog.DeletePipeline(r.Context(), r.PathValue("app"), r.PathValue("name"), r.Caller.User)
	if err != nil && gennaker.KindOf(err) != gennaker.NotFound {
		return api.Nothing{}, err
	}
	return api.Nothing{}, nil
}

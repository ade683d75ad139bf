package document

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/template"
)

// What names of templates and their IDs may not hold.
var (
	notInName = regexp.MustCompile(`[^a-zA-Z0-9&\s-]+`)
	notInID   = regexp.MustCompile(`\W+`)
)

// convertToTemplate answers with a template, as YAML, that makes the pipeline
// {id}. Gate answers with one of version 1, which nothing here can run.
func (h handlers) convertToTemplate(r *api.Request) (*api.Content, error) {
	id := r.PathValue("id")
	all, err := h.Catalog.Pipelines(r.Context(), "")
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.ID != id || p.Strategy() {
			continue
		}
		if p.Doc.Value["template"] != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "pipeline %s is made of a template already", p.Name).WithHint("change that template")
		}
		text, err := h.YAML(templateOf(p))
		if err != nil {
			return nil, fmt.Errorf("write the template of pipeline %s: %w", p.Name, err)
		}
		return &api.Content{Text: string(text)}, nil
	}
	return nil, gennaker.Errorf(gennaker.NotFound, "Pipeline config '%s' could not be found", id)
}

// templateOf returns the template without variables that makes p.
func templateOf(p gennaker.Pipeline) map[string]any {
	pipeline := maps.Clone(p.Doc.Value)
	for _, key := range []string{"id", "name", "application", "index", "type", "schema", "lastModified", "lastModifiedBy", "updateTs"} {
		delete(pipeline, key)
	}
	description, _ := pipeline["description"].(string)
	metadata := map[string]any{
		"name":        cmp.Or(strings.TrimSpace(notInName.ReplaceAllString(p.Name, "-")), "pipeline"),
		"description": cmp.Or(description, fmt.Sprintf("Made from the pipeline %s of %s", p.Name, p.Application)),
		"scopes":      []any{p.Application},
	}
	if by, ok := p.Doc.Value["lastModifiedBy"].(string); ok {
		metadata["owner"] = by
	}
	return map[string]any{
		"schema": template.Schema, "id": notInID.ReplaceAllString(p.Application+"-"+p.Name, "-"),
		"protect": false, "metadata": metadata, "variables": []any{}, "pipeline": pipeline,
	}
}

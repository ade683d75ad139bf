package execution

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// PipelinesOf returns the pipelines of {app} whose names hold pipelineNameFilter,
// without strategies; sorted by index, those without one last, then by name.
func PipelinesOf(r *api.Request, from Pipelines) ([]gennaker.Pipeline, error) {
	list, err := from.Pipelines(r.Context(), r.PathValue("app"))
	if err != nil {
		return nil, err
	}
	return InOrder(list, r.Query("pipelineNameFilter")), nil
}

// InOrder returns the pipelines that have filter in their names, whatever the
// case, without strategies and in the order that their authors gave them.
func InOrder(list []gennaker.Pipeline, filter string) []gennaker.Pipeline {
	filter = strings.ToLower(filter)
	out := []gennaker.Pipeline{}
	for _, p := range list {
		if !p.Strategy() && strings.Contains(strings.ToLower(p.Name), filter) {
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
	return out
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

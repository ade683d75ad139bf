package document

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/execution"
)

// Bounds of a list of pipelines.
const (
	pageLength  = 100
	longestPage = 500
	shownRuns   = 30
)

// Runs tells how pipelines ran.
type Runs interface {
	// PipelineRuns returns the newest n runs of pipelines of an application, by
	// their IDs, oldest first.
	PipelineRuns(ctx context.Context, application string, ids []string, n int) (map[string][]gennaker.Run, error)
}

// PipelinePage is a part of a list.
type PipelinePage struct {
	Items []PipelineRow `json:"items"`
	Next  string        `json:"next,omitzero"` // what to ask for after it; absent at the end
}

// PipelineRow is a pipeline in a list.
type PipelineRow struct {
	ID              string           `json:"id"`
	Name            string           `json:"name"`
	Application     string           `json:"application"`
	Description     string           `json:"description,omitzero"`
	Disabled        bool             `json:"disabled"`
	Template        bool             `json:"template"` // it is made from a template
	UpdateTS        string           `json:"updateTs,omitzero"`
	ParameterConfig []map[string]any `json:"parameterConfig"`
	StageCount      int              `json:"stageCount"`
	Triggers        []TriggerRow     `json:"triggers"`
	Runs            []gennaker.Run   `json:"runs"`               // the newest 30, oldest first
	AverageMS       int64            `json:"averageMs,omitzero"` // how long those that succeeded took
}

// TriggerRow is a trigger in a list.
type TriggerRow struct {
	Type    string `json:"type"`
	Enabled bool   `json:"enabled"`
}

// pipelineRows lists pipelines by application, in the order of their authors,
// page by page.
func (h handlers) pipelineRows(r *api.Request) (*PipelinePage, error) {
	limit, err := r.Count("limit", pageLength, longestPage)
	if err != nil {
		return nil, err
	}
	list, err := h.Catalog.Pipelines(r.Context(), r.Query("application"))
	if err != nil {
		return nil, err
	}
	list = execution.InOrder(list, "")
	slices.SortStableFunc(list, func(a, b gennaker.Pipeline) int {
		return cmp.Compare(strings.ToLower(a.Application), strings.ToLower(b.Application))
	})
	if after := r.Query("after"); after != "" {
		at := slices.IndexFunc(list, func(p gennaker.Pipeline) bool { return p.ID == after })
		if at < 0 {
			return nil, api.ErrQuery("after", "there is no pipeline %.100q any more: begin with the first page", after)
		}
		list = list[at+1:]
	}
	page := &PipelinePage{Items: []PipelineRow{}}
	if len(list) > limit {
		list = list[:limit]
		page.Next = list[limit-1].ID
	}
	runs, err := h.runsOf(r.Context(), list)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		page.Items = append(page.Items, pipelineRow(p, runs[p.ID]))
	}
	return page, nil
}

// runsOf returns the runs of pipelines of several applications.
func (h handlers) runsOf(ctx context.Context, list []gennaker.Pipeline) (map[string][]gennaker.Run, error) {
	out := map[string][]gennaker.Run{}
	ids := map[string][]string{}
	for _, p := range list {
		name := strings.ToLower(p.Application)
		ids[name] = append(ids[name], p.ID)
	}
	for application, of := range ids {
		runs, err := h.Runs.PipelineRuns(ctx, application, of, shownRuns)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, runs)
	}
	return out, nil
}

func pipelineRow(p gennaker.Pipeline, runs []gennaker.Run) PipelineRow {
	doc := p.Doc.Value
	row := PipelineRow{
		ID: p.ID, Name: p.Name, Application: p.Application, Disabled: p.Disabled, StageCount: len(p.Stages), Runs: api.OrEmpty(runs),
		Template: doc["template"] != nil, ParameterConfig: objects(doc["parameterConfig"]), Triggers: []TriggerRow{},
	}
	row.Description, _ = doc["description"].(string)
	switch ts := doc["updateTs"].(type) {
	case string:
		row.UpdateTS = ts
	case json.Number:
		row.UpdateTS = ts.String()
	}
	for _, t := range objects(doc["triggers"]) {
		kind, _ := t["type"].(string)
		row.Triggers = append(row.Triggers, TriggerRow{kind, t["enabled"] == true})
	}
	var took, n int64
	for _, run := range runs {
		if run.Status == gennaker.Succeeded && !run.StartTime.IsZero() {
			took += run.EndTime.Epoch() - run.StartTime.Epoch()
			n++
		}
	}
	if n > 0 {
		row.AverageMS = took / n
	}
	return row
}

// objects returns the objects of a list in open JSON.
func objects(v any) []map[string]any {
	out := []map[string]any{}
	list, _ := v.([]any)
	for _, e := range list {
		if o, ok := e.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/document"
)

func TestPipelineRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addPipeline(t, `{"id":"p3","application":"Cart","name":"ship","description":"ships it","disabled":true,"schema":"v2","template":{"reference":"spinnaker://t"},"triggers":[{"type":"cron","enabled":true},{"type":"git"},7]}`)
	start := w.executions[0].StartTime
	w.executions = append(w.executions, gennaker.Execution{
		Type: gennaker.TypePipeline, ID: "01E3", Application: "demo", PipelineConfigID: "p1", Name: "deploy it", Status: gennaker.Succeeded,
		BuildTime: start, StartTime: start, EndTime: gennaker.At(start.Add(90 * time.Second)),
	})
	s := api.New(w.config())
	all := []document.PipelineRow{
		{
			ID: "p3", Name: "ship", Application: "Cart", Description: "ships it", Disabled: true, Template: true, ParameterConfig: []map[string]any{},
			Triggers: []document.TriggerRow{{Type: "cron", Enabled: true}, {Type: "git"}}, Runs: []gennaker.Run{},
		},
		{
			ID: "p1", Name: "deploy it", Application: "demo", StageCount: 1, Triggers: []document.TriggerRow{}, Runs: w.ran(), AverageMS: 90_000,
			ParameterConfig: []map[string]any{{"name": "tag", "required": true}, {"name": "where", "required": true, "default": "here"}},
		},
		{ID: "p2", Name: "a/b", Application: "demo", UpdateTS: "5", ParameterConfig: []map[string]any{}, Triggers: []document.TriggerRow{}, Runs: []gennaker.Run{}},
	}
	for query, want := range map[string]document.PipelinePage{
		"":                  {Items: all},
		"?limit=2":          {Items: all[:2], Next: "p1"},
		"?limit=2&after=p1": {Items: all[2:]},
		"?after=p2":         {Items: []document.PipelineRow{}},
	} {
		if diff := cmp.Diff(want, read[document.PipelinePage](t, s, "/api/v1/pipelines"+query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	failure(t, call(s, "GET", "/api/v1/pipelines?after=gone", ""), http.StatusBadRequest)
}

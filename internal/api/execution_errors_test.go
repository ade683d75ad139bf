package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/execution"
)

// noExecution are requests for what is not there, for each row of executions that
// says that it answers so.
func noExecution() map[string][]string {
	return map[string][]string{
		"POST /pipelines/{app}/{name}":                      {"/pipelines/demo/nope"},
		"POST /pipelines/v2/{app}/{name}":                   {"/pipelines/v2/demo/nope"},
		"POST /applications/{app}/pipelineConfigs/{name}":   {"/applications/demo/pipelineConfigs/nope"},
		"GET /pipelines/{id}":                               {"/pipelines/nope", "/pipelines/01T1"},
		"DELETE /pipelines/{id}":                            {"/pipelines/nope"},
		"PUT /pipelines/{id}/cancel":                        {"/pipelines/nope/cancel"},
		"PUT /pipelines/{id}/pause":                         {"/pipelines/nope/pause"},
		"PUT /pipelines/{id}/resume":                        {"/pipelines/nope/resume"},
		"PATCH /pipelines/{id}/stages/{stage}":              {"/pipelines/nope/stages/01S1"},
		"PUT /pipelines/{id}/stages/{stage}/restart":        {"/pipelines/nope/stages/01S1/restart"},
		"GET /pipelines/{id}/evaluateExpression":            {"/pipelines/nope/evaluateExpression?expression=a"},
		"GET /pipelines/{id}/{stage}/evaluateExpression":    {"/pipelines/nope/01S1/evaluateExpression?expression=a", "/pipelines/01E2/nope/evaluateExpression?expression=a"},
		"POST /pipelines/{id}/evaluateExpression":           {"/pipelines/nope/evaluateExpression"},
		"POST /pipelines/{id}/evaluateVariables":            {"/pipelines/nope/evaluateVariables", "/pipelines/01E2/evaluateVariables?executionId=nope"},
		"PUT /applications/{ignored}/pipelines/{id}/cancel": {"/applications/demo/pipelines/nope/cancel"},
		"GET /tasks/{id}":                                   {"/tasks/nope", "/tasks/01E2"},
		"GET /tasks/{id}/details/{details}":                 {"/tasks/nope/details/1", "/tasks/01T1/details/1"},
		"DELETE /tasks/{id}":                                {"/tasks/nope", "/tasks/01E2"},
		"PUT /tasks/{id}/cancel":                            {"/tasks/nope/cancel", "/tasks/01E2/cancel"},
		"PUT /tasks/cancel":                                 {"/tasks/cancel?ids=nope", "/tasks/cancel?ids=01E2,nope"},
		"GET /applications/{app}/tasks/{id}":                {"/applications/demo/tasks/nope", "/applications/shop/tasks/01T1"},
		"PUT /applications/{app}/tasks/{id}/cancel":         {"/applications/demo/tasks/nope/cancel", "/applications/shop/tasks/01T1/cancel"},
		"GET /api/v1/executions":                            {"/api/v1/executions?after=nope"},
	}
}

// badExecution are requests that cannot be understood, beside those whose query
// cannot be read at all.
func badExecution() map[string][]string {
	base64 := strings.NewReplacer("+", "%2B", "=", "%3D")
	return map[string][]string{
		"PUT /pipelines/{id}/cancel":                        {"/pipelines/01E2/cancel?force=perhaps"},
		"PUT /applications/{ignored}/pipelines/{id}/cancel": {"/applications/demo/pipelines/01E2/cancel?force=1"},
		"GET /pipelines/{id}/evaluateExpression":            {"/pipelines/01E2/evaluateExpression"},
		"GET /executions":                                   {"/executions?pipelineConfigIds=a&executionIds=b", "/executions?executionIds=x&limit=x", "/executions?executionIds=x&statuses=FINE"},
		"GET /executions/failedStages":                      {"/executions/failedStages", "/executions/failedStages?executionId=01E2&limit=0"},
		"GET /applications/{app}/executions/search": {
			"/applications/demo/executions/search?size=0", "/applications/demo/executions/search?size=x", "/applications/demo/executions/search?startIndex=-1",
			"/applications/demo/executions/search?reverse=x", "/applications/demo/executions/search?expand=x", "/applications/demo/executions/search?statuses=FINE",
			"/applications/demo/executions/search?triggerTimeStartBoundary=-1", "/applications/demo/executions/search?triggerTimeStartBoundary=2&triggerTimeEndBoundary=1",
			"/applications/demo/executions/search?triggerTimeEndBoundary=9223372036854775808",
			"/applications/demo/executions/search?trigger=%25%25", "/applications/demo/executions/search?trigger=" + base64.Replace("W10="), // []
			"/applications/demo/executions/search?trigger=" + base64.Replace("eyJ0eXBlIjoiKCJ9"), // {"type":"("}
		},
		"GET /applications/{app}/pipelines": {"/applications/demo/pipelines?limit=x"},
		"GET /applications/{app}/tasks":     {"/applications/demo/tasks?page=x", "/applications/demo/tasks?page=999&limit=500"},
		"PUT /tasks/cancel":                 {"/tasks/cancel", "/tasks/cancel?ids=,"},
		"GET /api/v1/events":                {"/api/v1/events?lastEventId=" + strings.Repeat("x", 101)},
		"GET /api/v1/executions":            {"/api/v1/executions?limit=x", "/api/v1/executions?expand=x", "/api/v1/executions?statuses=FINE"},
	}
}

// badBodies are bodies that cannot be understood, by row.
func badBodies() map[string][]string {
	start := []string{`[]`, `{"parameters":[]}`, `{"trigger":7}`, `{"executionId":7}`, `{}`} // a parameter is missing in the last
	return map[string][]string{
		"POST /pipelines/{app}/{name}":                    start,
		"POST /pipelines/v2/{app}/{name}":                 start,
		"POST /applications/{app}/pipelineConfigs/{name}": start,
		"POST /pipelines/start":                           {`[]`, `{}`, `{"application":"demo","name":"x","trigger":7}`, `{"application":"demo","name":"x","stages":7}`},
		"PATCH /pipelines/{id}/stages/{stage}":            {`[]`, `{`},
		"POST /pipelines/{id}/evaluateExpression":         {` `},
		"POST /pipelines/{id}/evaluateVariables":          {`{}`, `[7]`},
		"POST /tasks":                                     {`[]`, `{}`, `{"application":"demo","job":[{"type":"none"}]}`},
		"POST /applications/{app}/tasks":                  {`[]`, `{}`, `{"application":"shop","job":[{"type":"wait"}]}`},
	}
}

// manyIDs are requests that name more than one may.
func manyIDs() map[string]string {
	ids := strings.Join(numbers(1001), ",")
	return map[string]string{
		"GET /executions":        "/executions?executionIds=" + ids,
		"PUT /tasks/cancel":      "/tasks/cancel?ids=" + ids,
		"GET /api/v1/executions": "/api/v1/executions?pipelineConfigIds=" + ids,
	}
}

// TestEveryErrorOfExecutions reaches each error that each row of executions says
// it answers with; that callers are refused, or sent away, are other tests.
func TestEveryErrorOfExecutions(t *testing.T) {
	t.Parallel()
	for _, row := range execution.Routes(newWorld(t).rooms().execution) {
		name := row.Method + " " + row.Pattern
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sm := samples()[name]
			for _, kind := range row.Kinds() {
				switch kind {
				case gennaker.NotFound:
					all(t, row, http.StatusNotFound, noExecution()[name])
				case gennaker.Invalid:
					status(t, newWorld(t), row, strings.Split(sm.target, "?")[0]+"?%zz", sm.body, http.StatusBadRequest)
					for _, target := range badExecution()[name] {
						status(t, newWorld(t), row, target, sm.body, http.StatusBadRequest)
					}
					for _, body := range badBodies()[name] {
						status(t, newWorld(t), row, sm.target, body, http.StatusBadRequest)
					}
				case gennaker.TooLarge:
					target, body := manyIDs()[name], ""
					if target == "" {
						target, body = sm.target, `{"name":"`+strings.Repeat("x", gennaker.MaxDocumentBytes)+`"}`
					}
					status(t, newWorld(t), row, target, body, http.StatusRequestEntityTooLarge)
				case gennaker.Conflict:
					w := newWorld(t)
					w.refuse = gennaker.Errorf(gennaker.Conflict, "not in this state")
					status(t, w, row, sm.target, sm.body, http.StatusConflict)
				case gennaker.Denied, gennaker.TooMany: // TestEveryRouteNeedsItsPermission, TestRateLimit
				case gennaker.Unavailable: // TestStreamsAreBounded
				default:
					t.Errorf("it fails with %s, and nothing here does so", kind)
				}
			}
			if row.Handler.Body != nil && len(badBodies()[name]) == 0 {
				t.Error("there is no body that it cannot read: add one")
			}
		})
	}
}

// TestStageThatCannotBeSkipped: as Orca answers.
func TestStageThatCannotBeSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refuse = gennaker.Errorf(gennaker.Conflict, "stage wait cannot be skipped by hand")
	s := api.New(w.config())
	for _, body := range []string{`{"manualSkip":true}`, `{"manualSkip":"true"}`} {
		b := failure(t, conforming(t, s, "PATCH", "/pipelines/01E2/stages/01S1", body), http.StatusMethodNotAllowed)
		if b.Message != "stage wait cannot be skipped by hand" {
			t.Errorf("message is %q", b.Message)
		}
	}
}

// TestStartForAnother holds that the application in a body counts.
func TestStartForAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.rooms()
	all.execution.Access = &doors{}
	failure(t, call(api.New(all.config()), "POST", "/pipelines/start", `{"application":"secret","name":"x","stages":[]}`), http.StatusForbidden)
	if len(w.changes()) > 0 {
		t.Errorf("changed %v", w.changes())
	}
}

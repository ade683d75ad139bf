package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/execution"
)

// triggered returns a pipeline's execution with a trigger.
func triggered(t testing.TB, id, trigger string) gennaker.Execution {
	t.Helper()
	x := gennaker.Execution{Type: gennaker.TypePipeline, ID: id, Application: "demo", Name: "p " + id}
	if err := json.Unmarshal([]byte(trigger), &x.Trigger); err != nil {
		t.Fatal(err)
	}
	return x
}

func searchFor(trigger string) string {
	return "/applications/demo/executions/search?trigger=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(trigger)))
}

// TestSearchByTrigger: what fits is orca's, checkObjectMatchesSubset.
func TestSearchByTrigger(t *testing.T) {
	t.Parallel()
	const trigger = `{"type":"docker","tag":"v1.2","build":7,"ok":true,"none":null,"parameters":{"where":"Prod","deep":{"a":"x","b":"y"}},` +
		`"artifacts":[{"name":"a","version":"1"},{"name":"a"},{"name":"b"}],"list":["x","y"]}`
	for wanted, want := range map[string]bool{
		`{}`:                                true,
		`{"type":"docker"}`:                 true,
		`{"type":"DOCKER"}`:                 true,
		`{"type":"dock"}`:                   false,
		`{"type":"dock.*"}`:                 true,
		`{"tag":"v1.2"}`:                    true,
		`{"tag":"v\\d\\.\\d"}`:              true,
		`{"tag":"v\\d"}`:                    false,
		`{"build":7}`:                       true,
		`{"build":7.0}`:                     true,
		`{"build":8}`:                       false,
		`{"build":"7"}`:                     false,
		`{"ok":true}`:                       true,
		`{"ok":"true"}`:                     false,
		`{"none":null}`:                     true,
		`{"absent":null}`:                   true,
		`{"absent":""}`:                     false,
		`{"parameters":{"where":"prod"}}`:   true,
		`{"parameters":{"where":"test"}}`:   false,
		`{"parameters":{"deep":{"b":"y"}}}`: true,
		`{"parameters":{"deep":{"c":"y"}}}`: false,
		`{"parameters":"prod"}`:             false,
		`{"list":[]}`:                       true,
		`{"list":["y","x"]}`:                true,
		`{"list":["x","x"]}`:                false,
		`{"list":["x","y","z"]}`:            false,
		`{"list":"x"}`:                      false,
		`{"tag":["v1.2"]}`:                  false,
		// The first of these fits two, and must leave one of them to the second.
		`{"artifacts":[{"name":"a"},{"name":"a","version":"1"}]}`:               true,
		`{"artifacts":[{"name":".*"},{"name":"a"},{"name":"a","version":"1"}]}`: true,
		`{"artifacts":[{"name":"a"},{"name":"a"},{"name":"a"}]}`:                false,
	} {
		w := newWorld(t)
		w.executions = []gennaker.Execution{triggered(t, "01X", trigger)}
		got := read[[]gennaker.Execution](t, api.New(w.config()), searchFor(wanted))
		if (len(got) == 1) != want {
			t.Errorf("%s: found %d", wanted, len(got))
		}
	}
}

func TestSearchReadsBase64AsItComes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.executions = []gennaker.Execution{triggered(t, "01X", `{"type":"manual","note":"ÿþ?>~"}`), triggered(t, "01Y", `{"type":"manual"}`)}
	s := api.New(w.config())
	text := []byte(`{"note":"ÿþ?>~"}`)
	for name, code := range map[string]string{
		"standard":              url.QueryEscape(base64.StdEncoding.EncodeToString(text)),
		"standard, not escaped": base64.StdEncoding.EncodeToString(text),
		"without padding":       url.QueryEscape(base64.RawStdEncoding.EncodeToString(text)),
		"of URLs":               base64.URLEncoding.EncodeToString(text),
	} {
		if got := read[[]gennaker.Execution](t, s, "/applications/demo/executions/search?trigger="+code); len(got) != 1 || got[0].ID != "01X" {
			t.Errorf("%s: found %d", name, len(got))
		}
	}
}

// TestSearchAsksForWhatItShows holds what a search asks of the store.
func TestSearchAsksForWhatItShows(t *testing.T) {
	t.Parallel()
	pipeline := gennaker.TypePipeline
	for target, want := range map[string]gennaker.ExecutionQuery{
		"/applications/demo/executions/search":                               {Type: pipeline, Application: "demo", Limit: 10, NoStages: true},
		"/applications/*/executions/search?size=7&startIndex=3":              {Type: pipeline, Limit: 10, NoStages: true},
		"/applications/demo/executions/search?pipelineName=deploy+it":        {Type: pipeline, Application: "demo", PipelineConfigIDs: []string{"p1"}, Limit: 10, NoStages: true},
		"/applications/demo/executions/search?reverse=true&statuses=RUNNING": {Type: pipeline, Application: "demo", OldestFirst: true, Statuses: []gennaker.Status{gennaker.Running}, Limit: 10, NoStages: true},
		"/applications/demo/executions/search?triggerTimeStartBoundary=5":    {Type: pipeline, Application: "demo", BuiltFrom: gennaker.Millis(5), Limit: 10, NoStages: true},
		"/applications/demo/executions/search?triggerTimeEndBoundary=6":      {Type: pipeline, Application: "demo", BuiltTo: gennaker.Millis(6), Limit: 10, NoStages: true},
		"/applications/demo/executions/search?eventId=e":                     {Type: pipeline, Application: "demo", Limit: 500, NoStages: true},
		"/api/v1/executions?application=demo&after=01E2&limit=3":             {Type: pipeline, Application: "demo", Before: "01E2", Limit: 4, NoStages: true},
		"/api/v1/executions?pipelineConfigIds=a,b&statuses=TERMINAL&limit=1": {Type: pipeline, PipelineConfigIDs: []string{"a", "b"}, Statuses: []gennaker.Status{gennaker.Terminal}, Limit: 2, NoStages: true},
		"/api/v1/executions?name=x":                                          {Type: pipeline, Limit: 500, NoStages: true},
	} {
		w := newWorld(t)
		if res := call(api.New(w.config()), "GET", target, ""); res.Code != http.StatusOK {
			t.Errorf("%s: %d %s", target, res.Code, res.Body)
		}
		if len(w.queries) == 0 {
			t.Errorf("%s: nothing was asked for", target)
			continue
		}
		if diff := cmp.Diff(want, w.queries[0]); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
	}
}

// TestSearchIsBounded holds that a search that finds nothing gives up, and that a
// page that finds nothing has a next one.
func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := 0
	w.list = func(q gennaker.ExecutionQuery) []gennaker.Execution { // as many as are asked for
		if len(q.IDs) > 0 {
			return []gennaker.Execution{{ID: q.IDs[0]}, {ID: q.IDs[1]}}
		}
		out := make([]gennaker.Execution, q.Limit)
		for i := range out {
			seen++
			out[i] = gennaker.Execution{Type: gennaker.TypePipeline, ID: fmt.Sprintf("%026d", seen), Name: "other"}
		}
		return out
	}
	s := api.New(w.config())
	b := failure(t, conforming(t, s, "GET", "/applications/demo/executions/search?eventId=none", ""), http.StatusBadRequest)
	if seen != 20_000 || !strings.Contains(b.Hint, "triggerTimeStartBoundary") {
		t.Errorf("it read %d: %+v", seen, b)
	}
	seen = 0
	page := read[execution.ExecutionPage](t, s, "/api/v1/executions?name=mine")
	if len(page.Items) != 0 || page.Next != fmt.Sprintf("%026d", seen) || seen != 2_000 {
		t.Errorf("read %d, page %+v", seen, page)
	}
	page = read[execution.ExecutionPage](t, s, "/api/v1/executions?name=OTHER&limit=2")
	if len(page.Items) != 2 || page.Next != page.Items[1].ID {
		t.Errorf("page %+v", page)
	}
}

// TestSearchIsBoundedInTime holds that one that is slow gives up.
func TestSearchIsBoundedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.list = func(q gennaker.ExecutionQuery) []gennaker.Execution {
			<-time.After(3 * time.Second)
			return make([]gennaker.Execution, q.Limit)
		}
		s := api.New(w.config())
		began := time.Now()
		b := failure(t, conforming(t, s, "GET", "/applications/demo/executions/search?eventId=none", ""), http.StatusBadRequest)
		if b.Message != "the search takes longer than 10s" || time.Since(began) > 15*time.Second {
			t.Errorf("after %v: %+v", time.Since(began), b)
		}
	})
}

func TestFailedStages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	exception := func(errors ...any) map[string]any {
		return map[string]any{"details": map[string]any{"error": "in general", "errors": errors}}
	}
	w.executions = []gennaker.Execution{
		{Type: gennaker.TypePipeline, ID: "top", Application: "demo", Name: "outer", Status: gennaker.Terminal, Stages: []gennaker.Stage{
			{ID: "s2", RefID: "2", Requires: []string{"1"}, Type: "pipeline", Name: "runs inner", Status: gennaker.Terminal, Context: map[string]any{"executionId": "inner"}},
			{ID: "s1", RefID: "1", Type: "wait", Name: "fine", Status: gennaker.Succeeded},
			{ID: "s3", RefID: "3", Requires: []string{"1", "2"}, Type: "pipeline", Name: "never began", Status: gennaker.Stopped, Context: map[string]any{"exception": exception()}},
			{ID: "s4", RefID: "4", Requires: []string{"gone"}, Type: "pipeline", Name: "itself", Status: gennaker.Terminal, Context: map[string]any{"executionId": "top"}},
		}},
		{Type: gennaker.TypePipeline, ID: "inner", Application: "shop", Name: "inner", Status: gennaker.Terminal, Trigger: gennaker.Trigger{Type: "pipeline", Other: map[string]any{
			"parentExecution": map[string]any{"id": "top", "name": "outer", "application": "demo"},
		}}, Stages: []gennaker.Stage{
			{ID: "s5", RefID: "1", Type: "deploy", Name: "deploy", Status: gennaker.FailedContinue, Context: map[string]any{"exception": exception("", "no room")}},
			{ID: "s6", RefID: "2", Type: "pipeline", Name: "pruned", Status: gennaker.Terminal, Context: map[string]any{"executionId": "pruned"}},
		}},
	}
	want := []execution.FailedStageBody{
		{
			PipelineExecutionID: "top", PipelineExecutionName: "outer", PipelineApplication: "demo",
			PipelineExecutionURL: "https://deck/#/applications/demo/executions/details/top?stage=2&step=0&details=pipelineConfig",
			StageID:              "s3", StageName: "never began", StageType: "pipeline", StageStatus: gennaker.Stopped, StageException: "in general",
		},
		{
			ParentPipelineExecutionID: "top", ParentPipelineExecutionName: "outer", ParentPipelineApplication: "demo",
			PipelineExecutionID: "inner", PipelineExecutionName: "inner", PipelineApplication: "shop",
			PipelineExecutionURL: "https://deck/#/applications/shop/executions/details/inner?stage=0&step=0&details=runJobConfig",
			StageID:              "s5", StageName: "deploy", StageType: "deploy", StageStatus: gennaker.FailedContinue, StageException: "no room",
		},
	}
	s := api.New(w.config())
	for limit, n := range map[string]int{"limit=9": 2, "limit=1": 1, "": 1} {
		got := read[[]execution.FailedStageBody](t, s, "/executions/failedStages?executionId=top&deckOrigin=https://deck&"+limit)
		if diff := cmp.Diff(want[:n], got); diff != "" {
			t.Errorf("%s: %s", limit, diff)
		}
	}
	if got := read[[]execution.FailedStageBody](t, s, "/executions/failedStages?executionId=nope"); len(got) != 0 {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestSeveralTasksAreCanceled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.executions = append(w.executions, gennaker.Execution{Type: gennaker.TypeOrchestration, ID: "01T2", Application: "demo"})
	s := api.New(w.config())
	failure(t, call(s, "PUT", "/tasks/cancel?ids=nope,01T1&ids=01T2,01E2&reason=enough", ""), http.StatusNotFound)
	want := []string{"cancel 01T1 by [anonymous]: enough", "cancel 01T2 by [anonymous]: enough"}
	if diff := cmp.Diff(want, w.changes()); diff != "" {
		t.Error(diff)
	}
}

// TestRestartAsks holds that a restart brings the preconditions of now, and only
// those, whatever is in its body.
func TestRestartAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pipelines = nil
	w.addPipeline(t, `{"id":"p1","application":"demo","name":"deploy it","stages":[{"type":"wait","refId":"1","waitTime":1},{"type":"checkPreconditions","refId":"2","preconditions":["now"]}]}`)
	s := api.New(w.config())
	if res := call(s, "PUT", "/pipelines/01E2/stages/01S1/restart", `{"stages":[{"type":"checkPreconditions","refId":"1","preconditions":["forged"]}]}`); res.Code != http.StatusOK {
		t.Fatalf("%d %s", res.Code, res.Body)
	}
	w.pipelines = nil // it was deleted
	if res := call(s, "PUT", "/pipelines/01E2/stages/01S1/restart", ""); res.Code != http.StatusOK {
		t.Fatalf("%d %s", res.Code, res.Body)
	}
	want := []string{
		"restart 01S1 of 01E2 by [anonymous] with map[2:map[preconditions:[now]]]",
		"restart 01S1 of 01E2 by [anonymous]",
	}
	if diff := cmp.Diff(want, w.changes()); diff != "" {
		t.Error(diff)
	}
}

// FuzzSearchByTrigger searches with any pattern of a trigger.
func FuzzSearchByTrigger(f *testing.F) {
	f.Add(`{"type":"manual","parameters":{"a":["x",".*"]}}`, "startIndex=1&size=2&reverse=true")
	f.Add(`{"a":[[],{},null,1e400,"(((("]}`, "triggerTypes=*&eventId=x")
	f.Add(`{"type":"(a+)+$"}`, "triggerTimeEndBoundary=-0")
	f.Fuzz(func(t *testing.T, trigger, query string) {
		w := newWorld(t)
		w.executions = []gennaker.Execution{
			triggered(t, "01X", `{"type":"manual","a":[[],{},null,1,"(((("],"parameters":{"a":["x","y"]}}`),
			triggered(t, "01Y", `{"type":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"}`),
		}
		s := api.New(w.config())
		for _, base := range []string{searchFor(trigger), "/api/v1/executions?name=p", "/executions/failedStages?executionId=01X"} {
			u, err := url.ParseRequestURI(base)
			if err != nil {
				t.Fatal(err)
			}
			u.RawQuery += "&" + query
			res := call(s, "GET", u.Path+"?"+printable(u.RawQuery), "")
			if res.Code >= 400 {
				failure(t, res, res.Code)
			}
			if res.Code >= 500 {
				t.Fatalf("%s: %d %s", base, res.Code, res.Body)
			}
		}
	})
}

// printable returns text with what a request line cannot hold escaped.
func printable(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

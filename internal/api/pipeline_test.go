package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// read decodes the body of a successful answer.
func read[T any](t *testing.T, s http.Handler, target string) T {
	t.Helper()
	res := call(s, "GET", target, "")
	var v T
	if err := json.Unmarshal(res.Body.Bytes(), &v); res.Code != 200 || err != nil {
		t.Fatalf("GET %s: status %d, %s", target, res.Code, res.Body)
	}
	return v
}

func TestPipelinesAreListedInOrderAndNumberedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.addPipeline(t, `{"id":"p3","application":"demo","name":"Aa","stages":[]}`)
	w.addPipeline(t, `{"id":"p4","application":"demo","name":"zz","index":1}`)
	w.addPipeline(t, `{"id":"s1","application":"demo","name":"mine","strategy":true}`)
	s := api.New(w.config())
	type row struct {
		Name  string `json:"name"`
		Index int    `json:"index"`
	}
	got := read[[]row](t, s, "/applications/demo/pipelineConfigs")
	want := []row{{"zz", 0}, {"deploy it", 1}, {"a/b", 2}, {"Aa", 3}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if w.pipelines[0].Doc.Value["index"] != json.Number("5") {
		t.Error("the stored document was changed")
	}
	got = read[[]row](t, s, "/applications/demo/pipelineConfigs?pipelineNameFilter=A&pipelineLimit=1")
	if diff := cmp.Diff([]row{{"a/b", 0}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPipelineIsShownAsItWasWritten(t *testing.T) {
	t.Parallel()
	res := call(api.New(newWorld(t).config()), "GET", "/applications/demo/pipelineConfigs/p1", "")
	if !strings.Contains(res.Body.String(), `"extra":{"kept":1.50}`) {
		t.Errorf("got %s", res.Body)
	}
}

func TestSavePipelineRefusesWithEveryProblemAndItsPlace(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	var many strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&many, `,{"type":"wait","refId":"%d"}`, i)
	}
	type place struct {
		Path         string
		Line, Column int
	}
	tests := map[string]struct {
		body string
		want []place
	}{
		"empty":    {"", []place{{"", 1, 1}}},
		"not JSON": {"{\n  \"name\": nope}", []place{{"", 2, 12}}},
		"cut off":  {`{"name":"x"`, []place{{"", 1, 12}}},
		"list":     {`[]`, []place{{"", 1, 1}}},
		"deep":     {`{"name":"x","application":"a","x":` + deep + `}`, []place{{"", 1, 99}}},
		"no name":  {`{"application":"a"}`, []place{{"", 1, 1}}},
		"many":     {`{"name":"x","application":"a","stages":[` + many.String()[1:] + `]}`, []place{{"stages", 1, 40}}},
		"shape": {`{"name":7,"application":"a","stages":[3,{"refId":"1","type":"bake"},{"refId":"2"}]}`, []place{
			{"name", 1, 9}, {"", 1, 1}, {"stages[0]", 1, 39}, {"stages[2]", 1, 69},
		}},
		"requisite": {`{"name":"x","application":"a","stages":[{"refId":"1","type":"wait","requisiteStageRefIds":["9"],"waitTime":-1}]}`, []place{{"stages[0].requisiteStageRefIds[0]", 1, 92}}},
		"names":     {`{"application":"my app","name":"a\nb"}`, []place{{"application", 1, 16}, {"name", 1, 32}}},
		"long name": {`{"application":"a","name":"` + strings.Repeat("x", 501) + `"}`, []place{{"name", 1, 27}}},
		"circle":    {`{"name":"x","application":"a","stages":[{"refId":"1","type":"wait","requisiteStageRefIds":["1"]}]}`, []place{{"stages[0].requisiteStageRefIds", 1, 91}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := failure(t, call(api.New(w.config()), "POST", "/pipelines", tt.body), http.StatusBadRequest)
			var got []place
			for _, p := range b.Problems {
				got = append(got, place{p.Path, p.Line, p.Column})
				if p.Message == "" {
					t.Errorf("no message at %s", p.Path)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s\n%+v", diff, b.Problems)
			}
			if len(w.changes()) > 0 {
				t.Errorf("changed %v", w.changes())
			}
		})
	}
}

func TestSavePipeline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := api.New(w.config())
	const doc = `{"id":"p1","application":"demo","name":" new "}`
	for _, target := range []string{"/pipelines", "/pipelines?staleCheck=true"} {
		if res := call(s, "POST", target, doc); res.Code != 200 || res.Body.Len() > 0 {
			t.Errorf("POST %s: status %d, body %q", target, res.Code, res.Body)
		}
	}
	if res := call(s, "PUT", "/pipelines/p1", doc); res.Body.String() != `{"application":"demo","id":"p1","name":" new "}`+"\n" {
		t.Errorf("PUT: status %d, body %q", res.Code, res.Body)
	}
	if b := failure(t, call(s, "PUT", "/pipelines/p2", doc), 400); len(b.Problems) != 1 || b.Problems[0].Path != "id" || b.Problems[0].Column != 7 {
		t.Errorf("other id: %+v", b)
	}
	failure(t, call(s, "POST", "/pipelines?staleCheck=perhaps", doc), 400)
	want := []string{
		"save demo/new (p1) by [anonymous], stale check false",
		"save demo/new (p1) by [anonymous], stale check true",
		"replace demo/new (p1, ) by [anonymous]",
	}
	if diff := cmp.Diff(want, w.changes()); diff != "" {
		t.Error(diff)
	}
}

func TestDeletePipelineThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if res := call(api.New(w.config()), "DELETE", "/pipelines/demo/nope", ""); res.Code != 200 || res.Body.Len() > 0 {
		t.Errorf("status %d, body %q", res.Code, res.Body)
	}
}

func TestStartPipeline(t *testing.T) {
	t.Parallel()
	trigger := func(change func(*gennaker.Trigger)) gennaker.Trigger {
		tr := gennaker.Trigger{Type: "manual", User: gennaker.Anonymous, Parameters: map[string]any{"tag": "1"}}
		change(&tr)
		return tr
	}
	none := func(*gennaker.Trigger) {}
	tests := map[string]struct {
		target, body string
		want         gennaker.Trigger
		did          string
		status       int    // of a refusal
		message      string // of a refusal
		path         string // of its problem
	}{
		"released spin": {body: `{"type":"manual","parameters":{"tag":"1"},"artifacts":[{"id":"a"}]}`, want: trigger(func(tr *gennaker.Trigger) {
			tr.Artifacts = []map[string]any{{"id": "a"}}
		})},
		"newer spin":      {body: `{"trigger":{"type":"manual","parameters":{"tag":"1"}}}`, want: trigger(none)},
		"user is not set": {body: `{"user":"root","parameters":{"tag":"1"}}`, want: trigger(none)},
		"other keys": {body: `{"parameters":{"tag":"1"},"type":"webhook","build":7}`, want: trigger(func(tr *gennaker.Trigger) {
			tr.Type, tr.Other = "webhook", map[string]any{"build": json.Number("7")}
		})},
		"own id":              {body: `{"executionId":"01MINE","parameters":{"tag":"1"}}`, want: trigger(none), did: "start deploy it of demo as 01MINE by [anonymous]"},
		"own id, newer":       {body: `{"executionId":"01MINE","trigger":{"parameters":{"tag":"1"}}}`, want: trigger(none), did: "start deploy it of demo as 01MINE by [anonymous]"},
		"no body":             {target: "/pipelines/demo/a%2Fb", want: trigger(func(tr *gennaker.Trigger) { tr.Parameters = map[string]any{} }), did: "start a/b of demo as 01NEW by [anonymous]"},
		"parameter missing":   {body: `{}`, status: 400, message: "Unable to trigger pipeline (application: demo, pipelineNameOrId: deploy it). Error: Required parameter tag is missing"},
		"parameters a list":   {body: `{"parameters":[]}`, status: 400, path: "parameters"},
		"parameters nested":   {body: `{"trigger":{"parameters":"x"}}`, status: 400, path: "trigger.parameters"},
		"trigger a string":    {body: `{"trigger":"x"}`, status: 400, path: "trigger"},
		"artifacts of texts":  {body: `{"artifacts":["x"]}`, status: 400, path: "artifacts"},
		"id a number":         {body: `{"executionId":7}`, status: 400, path: "executionId"},
		"a list":              {body: `[]`, status: 400},
		"pipeline is unknown": {target: "/pipelines/demo/nope", body: `{}`, status: 404, message: "Unable to trigger pipeline (application: demo, pipelineNameOrId: nope). Error: Pipeline configuration not found (nameOrId: nope)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tt.target == "" {
				tt.target = "/pipelines/demo/deploy%20it"
			}
			res := call(api.New(w.config()), "POST", tt.target, tt.body)
			if tt.status > 0 {
				b := failure(t, res, tt.status)
				if tt.message != "" && b.Message != tt.message {
					t.Errorf("message %q, want %q", b.Message, tt.message)
				}
				if tt.path != "" && (len(b.Problems) != 1 || b.Problems[0].Path != tt.path || b.Problems[0].Line != 1) {
					t.Errorf("problems %+v, want one at %s", b.Problems, tt.path)
				}
				if len(w.changes()) > 0 {
					t.Errorf("changed %v", w.changes())
				}
				return
			}
			if res.Code != http.StatusAccepted || !strings.HasPrefix(res.Body.String(), `{"ref":"/pipelines/01`) {
				t.Fatalf("status %d, body %s", res.Code, res.Body)
			}
			if diff := cmp.Diff(tt.want, w.trigger); diff != "" {
				t.Error(diff)
			}
			if tt.did != "" && w.changes()[0] != tt.did {
				t.Errorf("did %v, want %s", w.changes(), tt.did)
			}
		})
	}
}

func TestHistoryIsDocuments(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	want := []map[string]any{{"name": "Demo", "lastModifiedBy": "ann", "updateTs": "5"}}
	for _, target := range []string{"/pipelineConfigs/p1/history", "/applications/demo/history?limit=3"} {
		if diff := cmp.Diff(want, read[[]map[string]any](t, s, target)); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
	}
}

func TestErrorsOfWhatIsBehind(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err    error
		status int
	}{
		"invalid":     {gennaker.Errorf(gennaker.Invalid, "cause").WithHint("hint"), 400},
		"denied":      {gennaker.Errorf(gennaker.Denied, "cause").WithHint("hint"), 403},
		"not found":   {gennaker.Errorf(gennaker.NotFound, "cause").WithHint("hint"), 404},
		"conflict":    {fmt.Errorf("wrapped: %w", gennaker.Errorf(gennaker.Conflict, "cause").WithHint("hint")), 409},
		"too large":   {gennaker.Errorf(gennaker.TooLarge, "cause").WithHint("hint"), 413},
		"unavailable": {gennaker.Errorf(gennaker.Unavailable, "cause").WithHint("hint"), 503},
		"internal":    {gennaker.Errorf(gennaker.Internal, "cause").WithHint("hint"), 500},
		"other":       {errors.New("cause"), 500},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fail = tt.err
			b := failure(t, call(api.New(w.config()), "PUT", "/pipelines/01E2/pause", ""), tt.status)
			if shown := b.Message == "cause" && b.Hint == "hint"; shown != (tt.status != 500) {
				t.Errorf("got %+v", b)
			}
		})
	}
}

package bind_test

import (
	"encoding/base64"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/bind"
)

func find(t *testing.T, h bind.History, typ string) *stage.Definition {
	t.Helper()
	var r stage.Registry
	bind.Register(&r, h)
	d, err := r.Find(typ)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// made returns the names and contents of the artifacts that were made.
func made(t *testing.T, o stage.Outcome) string {
	t.Helper()
	var words []string
	for _, v := range listOf(o.Outputs()["artifacts"]) {
		a, err := gennaker.ArtifactOf(v)
		if err != nil {
			t.Fatal(err)
		}
		text, err := base64.StdEncoding.DecodeString(a.Reference)
		if err != nil || a.Type != "embedded/base64" || a.ArtifactAccount != "embedded-artifact" {
			t.Errorf("artifact %+v: %v", a, err)
		}
		words = append(words, a.Name+"="+string(text))
	}
	return strings.Join(words, " ")
}

func TestEvaluateArtifacts(t *testing.T) {
	t.Parallel()
	const source = "stage types, section 1, evaluateArtifacts; orca EvaluateArtifactsStage"
	content := func(name string, contents any) object {
		return object{"id": "id-" + name, "name": name, "contents": contents}
	}
	for name, tt := range map[string]struct {
		source   string
		contents []any
		more     object
		want     string
		failed   []string // keys of the summary
		reason   string
	}{
		"text":                   {source: source, contents: []any{content("a", "hello world")}, want: "a=hello world"},
		"expression":             {source: source, contents: []any{content("a", "n: ${parameters.one}")}, want: "a=n: 1"},
		"number":                 {source: source, contents: []any{content("a", "${1+1}")}, want: "a=2"},
		"one after the other":    {source: source, contents: []any{content("a", "${1+1}"), content("b", "${a * 3}")}, want: "a=2 b=6"},
		"name is no expression":  {source: source, contents: []any{content("${parameters.one}", "x")}, want: "${parameters.one}=x"},
		"empty":                  {source: source, contents: []any{content("a", ""), content("b", nil), content("c", "c")}, want: "c=c"},
		"none":                   {source: source, contents: nil, want: ""},
		"object":                 {source: "ours: as JSON", contents: []any{content("a", "${parameters}"), content("b", object{"k": "${parameters.one}"})}, want: `a={"one":"1"} b={"k":"1"}`},
		"without a value":        {source: source, contents: []any{content("a", "${1+1}"), content("b", "${a * c}")}, want: "a=2 b=${a * c}", failed: []string{"a * c"}},
		"and failing on it":      {source: "expressions, section 6", contents: []any{content("b", "${a * c}")}, more: object{"failOnFailedExpressions": true}, want: "b=${a * c}", failed: []string{"a * c"}, reason: "an expression has no value in the contents of artifact b: byte"},
		"with others that fail":  {source: "ours", contents: []any{content("a", "${x}")}, more: object{"expressionEvaluationSummary": object{"y": []any{}}}, want: "a=${x}", failed: []string{"x", "y"}},
		"others that do not now": {source: "ours", contents: []any{content("a", "x")}, more: object{"expressionEvaluationSummary": object{}}, want: "a=x", failed: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := find(t, nil, "evaluateArtifacts")
			context := object{"artifactContents": tt.contents, "expectedArtifacts": []any{object{"id": "id-a", "matchArtifact": object{"name": "a"}}}}
			maps.Copy(context, tt.more)
			p, err := d.Prepare(t.Context(), input(context))
			if err != nil || p.Unresolved || len(p.Steps) != 2 {
				t.Fatalf("prepared: %v, unresolved %v, steps %v", err, p.Unresolved, p.Steps)
			}
			if diff := cmp.Diff(context["artifactContents"], p.Context["artifactContents"]); diff != "" {
				t.Errorf("the contents were evaluated before the task:\n%s", diff)
			}
			out, err := run(t, p.Steps[0].Task, input(context))
			if err != nil {
				t.Fatal(err)
			}
			if got := made(t, out); got != tt.want {
				t.Errorf("%s, want %s; source: %s", got, tt.want, tt.source)
			}
			reason, _, _ := out.Reason()
			if (reason == "") != (tt.reason == "") || !strings.HasPrefix(reason, tt.reason) || (out.Status() == gennaker.Terminal) != (tt.reason != "") {
				t.Errorf("%s: %q, want %q", out.Status(), reason, tt.reason)
			}
			summary, ok := out.Context()["expressionEvaluationSummary"].(object)
			if ok != (tt.failed != nil) || len(summary) != len(tt.failed) {
				t.Errorf("summary %v, want %v", summary, tt.failed)
			}
			for _, k := range tt.failed {
				if _, ok := summary[k]; !ok {
					t.Errorf("summary %v has no %s", summary, k)
				}
			}
		})
	}
}

func TestEvaluateArtifactsBinds(t *testing.T) {
	t.Parallel()
	d := find(t, nil, "evaluateArtifacts")
	in := input(object{
		"artifactContents":  []any{object{"id": "e", "name": "a", "contents": "new"}},
		"expectedArtifacts": []any{object{"id": "e", "matchArtifact": object{"type": "embedded/base64", "name": "a"}}},
		"artifacts":         []any{object{"type": "embedded/base64", "name": "a", "reference": "b2xk"}},
	})
	d.Restart(in.Stage.Context)
	out, err := run(t, d.Step("evaluateArtifacts").Task, in)
	if err != nil {
		t.Fatal(err)
	}
	in.Stage.Outputs = out.Outputs()
	out, err = run(t, d.Step("bindArtifacts").Task, in)
	if err != nil || made(t, out) != "a=new" {
		t.Errorf("%v, %s, want what was made after the restart", err, made(t, out))
	}
	behind := input(object{})
	behind.Upstream = func() []gennaker.Stage { return []gennaker.Stage{{Outputs: out.Outputs()}} }
	if a, err := bind.Artifact(behind, "e", nil); err != nil || a.Reference != base64.StdEncoding.EncodeToString([]byte("new")) {
		t.Errorf("the stage behind gets %+v, %v", a, err)
	}
}

func TestEvaluateArtifactsIsBounded(t *testing.T) {
	t.Parallel()
	d := find(t, nil, "evaluateArtifacts")
	half := strings.Repeat("x", gennaker.MaxDocumentBytes/2+1)
	in := input(object{"artifactContents": []any{object{"name": "a", "contents": half}, object{"name": "b", "contents": half}}})
	if _, err := run(t, d.Step("evaluateArtifacts").Task, in); gennaker.KindOf(err) != gennaker.TooLarge {
		t.Errorf("%v, want TooLarge", err)
	}
	in = input(object{"artifactContents": 7.0})
	if _, err := run(t, d.Step("evaluateArtifacts").Task, in); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("%v, want Invalid", err)
	}
}

func TestFindArtifactFromExecution(t *testing.T) {
	t.Parallel()
	ok, failed, running := gennaker.Succeeded, gennaker.Terminal, gennaker.Running
	past := []gennaker.Execution{
		execution("x9", gennaker.NotStarted, 0, "99"), execution("me", running, 90, "90"), execution("x7", running, 70, "70", "71"), execution("x6", ok, 60, "60", "61"),
		execution("x5", failed, 65, "50"), execution("x4", ok, 40, "40"), execution("x3", gennaker.Canceled, 80, "30"),
	}
	other := append([]gennaker.Execution(nil), past...)
	for i := range other {
		other[i].PipelineConfigID = "q"
	}
	cart := object{"id": "x", "matchArtifact": object{"name": "cart"}}
	shop := object{"id": "y", "matchArtifact": object{"name": "shop"}}
	const (
		source  = "stage types, section 1, findArtifactFromExecution; orca FindArtifactFromExecutionTask"
		options = "orca FindArtifactFromExecutionContext: both successful and succeeded; none is any"
		newest  = "orca ArtifactUtils: by start time, those without one last"
		own     = "orca FindArtifactFromExecutionTask: never from the same stage; ours: nor the same execution"
	)
	for name, tt := range map[string]struct {
		source    string
		context   object
		history   []gennaker.Execution
		want      string
		err, hint string
	}{
		"successful by default": {source: source, context: object{"pipeline": "q", "expectedArtifacts": []any{cart}}, want: "61 | 61"},
		"successful":            {source: source, context: object{"pipeline": "q", "expectedArtifacts": []any{cart}, "executionOptions": object{"successful": true}}, want: "61 | 61"},
		"succeeded":             {source: options, context: object{"pipeline": "q", "expectedArtifacts": []any{cart}, "executionOptions": object{"succeeded": "true"}}, want: "61 | 61"},
		"terminal":              {source: source, context: object{"pipeline": "q", "expectedArtifacts": []any{cart}, "executionOptions": object{"terminal": true}}, want: "50 | 50"},
		"running":               {source: source, context: object{"pipeline": "q", "expectedArtifacts": []any{cart}, "executionOptions": object{"running": true}}, want: "71 | 71"},
		"two kinds":             {source: newest, context: object{"pipeline": "q", "expectedArtifacts": []any{cart}, "executionOptions": object{"successful": true, "terminal": true}}, want: "50 | 50"},
		"any":                   {source: options, context: object{"pipeline": "q", "expectedArtifacts": []any{cart}, "executionOptions": object{"successful": false}}, want: "30 | 30"},
		"none has begun":        {source: newest, context: object{"pipeline": "q", "expectedArtifacts": []any{cart}, "executionOptions": object{}}, history: other[:1], want: "99 | 99"},
		"older form":            {source: source, context: object{"pipeline": "q", "expectedArtifact": cart}, want: "61 | 61"},
		"both forms":            {source: source, context: object{"pipeline": "q", "expectedArtifact": shop, "expectedArtifacts": []any{cart}}, want: "61 | 61"},
		"none expected":         {source: source, context: object{"pipeline": "q"}, want: "|"},
		"own stage":             {source: own, context: object{"pipeline": "p", "expectedArtifacts": []any{cart}}, want: "60 | 60"},
		"own execution":         {source: own, context: object{"pipeline": "p", "expectedArtifacts": []any{cart}, "executionOptions": object{"running": true}}, want: "70 | 70"},
		"default": {
			source: source, context: object{"pipeline": "none", "expectedArtifacts": []any{object{"useDefaultArtifact": true, "defaultArtifact": object{"version": "d"}}}}, want: "d | d",
		},
		"another artifact": {
			source: "ours", context: object{"pipeline": "q", "expectedArtifacts": []any{shop}}, err: `Unmatched expected artifact "shop" could not be resolved.`,
			hint: "execution x6 of pipeline q was looked at; 2 artifacts are there; the nearest, cart 61, has name cart instead of shop; give one",
		},
		"no execution": {
			source: "ours", context: object{"pipeline": "none", "expectedArtifacts": []any{cart}, "executionOptions": object{"terminal": true, "running": true}}, err: `Unmatched expected artifact "cart" could not be resolved.`,
			hint: "pipeline none has no other execution that is TERMINAL or RUNNING; is pipeline an ID, and not a name?; there is no artifact at all",
		},
		"no execution at all": {
			source: "ours", context: object{"pipeline": "none", "expectedArtifacts": []any{cart}, "executionOptions": object{}}, err: `Unmatched expected artifact "cart" could not be resolved.`,
			hint: "pipeline none has no other execution; is pipeline",
		},
		"no pipeline": {source: "ours", context: object{"expectedArtifacts": []any{cart}}, err: "pipeline is missing", hint: "set pipeline to the ID"},
		"unreadable":  {source: "ours", context: object{"pipeline": "q", "expectedArtifacts": []any{object{"matchArtifact": "x"}}}, err: "expectedArtifacts[0]: read an expected artifact: matchArtifact: must be an object, not a string"},
		"no options":  {source: "ours", context: object{"pipeline": "q", "executionOptions": "x"}, err: "executionOptions: must be an object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := memory{list: append(append([]gennaker.Execution(nil), past...), other...)}
			if tt.history != nil {
				h.list = tt.history
			}
			// IDs are one for each execution: those of q are read from q.
			for i := range h.list {
				if tt.context["pipeline"] == "q" && h.list[i].PipelineConfigID != "q" {
					h.list[i].ID = "p" + h.list[i].ID
				}
			}
			d := find(t, h, "findArtifactFromExecution")
			out, err := run(t, d.Step("findArtifactFromExecution").Task, input(tt.context))
			if tt.err != "" {
				if err == nil || err.Error() != tt.err || gennaker.KindOf(err) != gennaker.Invalid || !strings.HasPrefix(gennaker.HintOf(err), tt.hint) {
					t.Errorf("%v; hint %q; want %s; %s", err, gennaker.HintOf(err), tt.err, tt.hint)
				}
				return
			}
			if err != nil || out.Status() != gennaker.Succeeded {
				t.Fatalf("%s, %v; source: %s", out.Status(), err, tt.source)
			}
			if got := versions(out.Outputs()); got != tt.want {
				t.Errorf("%s, want %s; source: %s", got, tt.want, tt.source)
			}
		})
	}
}

func TestFindArtifactHistoryFails(t *testing.T) {
	t.Parallel()
	away := memory{err: gennaker.Errorf(gennaker.Unavailable, "away")}
	in := input(object{"pipeline": "p", "expectedArtifact": object{}})
	if _, err := run(t, find(t, away, "findArtifactFromExecution").Step("findArtifactFromExecution").Task, in); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("%v, want Unavailable, so that it is tried again", err)
	}
}

func TestPrior(t *testing.T) {
	t.Parallel()
	x := execution("x1", gennaker.Terminal, 1, "1", "2")
	x.Trigger.Artifacts = []object{{"version": "t"}}
	h := memory{list: []gennaker.Execution{execution("x2", gennaker.NotStarted, 0), x}}
	got, err := bind.Prior(t.Context(), h, "p", "")
	var seen []string
	for _, a := range got {
		seen = append(seen, a.Version)
	}
	if diff := cmp.Diff([]string{"2", "1", "t"}, seen); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, id := range []string{"", "other"} {
		if got, err := bind.Prior(t.Context(), h, id, ""); len(got) != 0 || err != nil {
			t.Errorf("of pipeline %q: %v, %v", id, got, err)
		}
	}
}

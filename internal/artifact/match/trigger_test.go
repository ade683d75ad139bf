package match_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/match"
)

// read reads open JSON as documents have it, with json.Number.
func read(t *testing.T, text string) map[string]any {
	t.Helper()
	doc, err := gennaker.ParseDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Value
}

func trigger(t *testing.T, text string) gennaker.Trigger {
	t.Helper()
	var out gennaker.Trigger
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// open reads a list.
func open(t *testing.T, text string) (out []any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestForTrigger(t *testing.T) {
	t.Parallel()
	const (
		considered = "execution model, section 8: those named by the trigger, or with default or prior"
		unrelated  = "orca ArtifactUtils: expected artifacts of other triggers are ignored"
		received   = "orca ArtifactUtils: received artifacts are added to the trigger, without duplicates"
		bound      = "orca ArtifactUtils: resolveArtifacts sets the bound artifact"
		prior      = "orca ArtifactUtils: the artifacts of the execution before"
		shape      = "orca ArtifactUtils: the three keys are always there"
		keys       = "kork-artifacts: unknown keys are metadata"
	)
	for name, tt := range map[string]struct {
		source, pipeline, trigger, prior string // prior: a list; empty fails
		artifacts, resolved              string // lists; resolved is also expectedArtifacts
		err                              string
	}{
		"nothing": {source: shape, pipeline: `{}`, trigger: `{}`, artifacts: `[]`, resolved: `[]`},
		"nothing expected": {
			source: received, pipeline: `{"expectedArtifacts":null}`, trigger: `{"artifacts":[{"name":"a"},{"name":"a"}]}`,
			artifacts: `[{"name":"a"}]`, resolved: `[]`,
		},
		"received": {
			source: received, pipeline: `{"receivedArtifacts":[{"name":"a"},{"name":"b"}]}`, trigger: `{"artifacts":[{"name":"b"},{"name":"c"}]}`,
			artifacts: `[{"name":"a"},{"name":"b"},{"name":"c"}]`, resolved: `[]`,
		},
		"named": {
			source: bound, pipeline: `{"expectedArtifacts":[{"id":"1","matchArtifact":{"name":"a"}}]}`,
			trigger:   `{"keep":"it","expectedArtifactIds":["1"],"artifacts":[{"name":"a","version":2}]}`,
			artifacts: `[{"name":"a","version":"2"}]`,
			resolved:  `[{"id":"1","matchArtifact":{"name":"a"},"boundArtifact":{"name":"a","version":"2"}}]`,
		},
		"not named": {
			source: unrelated, pipeline: `{"expectedArtifacts":[{"id":"1","matchArtifact":{"name":"a"}},{"id":"2","matchArtifact":{"name":"b"}}]}`,
			trigger:   `{"expectedArtifactIds":["2"],"artifacts":[{"name":"b"}]}`,
			artifacts: `[{"name":"b"}]`, resolved: `[{"id":"2","matchArtifact":{"name":"b"},"boundArtifact":{"name":"b"}}]`,
		},
		"nobody is named": {
			source: unrelated, pipeline: `{"expectedArtifacts":[{"id":"1","matchArtifact":{"name":"a"}}]}`, trigger: `{"artifacts":[{"name":"a"}]}`,
			artifacts: `[{"name":"a"}]`, resolved: `[]`,
		},
		"default": {
			source: considered, pipeline: `{"expectedArtifacts":[{"id":"1","matchArtifact":{"name":"a"},"useDefaultArtifact":true,"defaultArtifact":{"name":"z"}}]}`, trigger: `{}`,
			artifacts: `[{"name":"z"}]`,
			resolved:  `[{"id":"1","matchArtifact":{"name":"a"},"useDefaultArtifact":true,"defaultArtifact":{"name":"z"},"boundArtifact":{"name":"z"}}]`,
		},
		"better than the default": {
			source: considered, pipeline: `{"expectedArtifacts":[{"matchArtifact":{"name":"a"},"useDefaultArtifact":true,"defaultArtifact":{"name":"z"}}]}`, trigger: `{"artifacts":[{"name":"a"}]}`,
			artifacts: `[{"name":"a"}]`,
			resolved:  `[{"matchArtifact":{"name":"a"},"useDefaultArtifact":true,"defaultArtifact":{"name":"z"},"boundArtifact":{"name":"a"}}]`,
		},
		"default not used": {
			source: considered, pipeline: `{"expectedArtifacts":[{"id":"1","matchArtifact":{"name":"a"},"useDefaultArtifact":false,"defaultArtifact":{"name":"z"}}]}`, trigger: `{}`,
			artifacts: `[]`, resolved: `[]`,
		},
		"prior": {
			source: prior, pipeline: `{"expectedArtifacts":[{"id":"1","matchArtifact":{"name":"a"},"usePriorArtifact":true}]}`, trigger: `{}`, prior: `[{"name":"b"},{"name":"a","version":"1"}]`,
			artifacts: `[{"name":"a","version":"1"}]`,
			resolved:  `[{"id":"1","matchArtifact":{"name":"a"},"usePriorArtifact":true,"boundArtifact":{"name":"a","version":"1"}}]`,
		},
		"one for two": {
			source: received, pipeline: `{"expectedArtifacts":[{"id":"1","matchArtifact":{"name":"a"}},{"id":"2","matchArtifact":{"name":".*"}}]}`,
			trigger:   `{"expectedArtifactIds":["1","2"],"artifacts":[{"name":"a"}]}`,
			artifacts: `[{"name":"a"}]`,
			resolved:  `[{"id":"1","matchArtifact":{"name":"a"},"boundArtifact":{"name":"a"}},{"id":"2","matchArtifact":{"name":".*"},"boundArtifact":{"name":"a"}}]`,
		},
		"keys that are no fields": {
			source: keys, pipeline: `{}`, trigger: `{"artifacts":[{"name":"a","id":"x","kind":"custom","metadata":{"n":1}}]}`,
			artifacts: `[{"name":"a","metadata":{"id":"x","n":1}}]`, resolved: `[]`,
		},
		"unmatched": {
			source: bound, pipeline: `{"expectedArtifacts":[{"id":"1","matchArtifact":{"name":"a"}}]}`, trigger: `{"expectedArtifactIds":["1"]}`,
			err: `Unmatched expected artifact "a" could not be resolved.`,
		},
		"several fit": {
			source: bound, pipeline: `{"expectedArtifacts":[{"id":"1","matchArtifact":{"name":".*"}}]}`,
			trigger: `{"expectedArtifactIds":["1"],"artifacts":[{"name":"a"},{"name":"b"}]}`,
			err:     `Expected artifact ".*" matches multiple artifacts [a, b]`,
		},
		"expected is no list":     {source: "ours", pipeline: `{"expectedArtifacts":7}`, trigger: `{}`, err: "expectedArtifacts must be a list"},
		"received is no list":     {source: "ours", pipeline: `{"receivedArtifacts":{}}`, trigger: `{}`, err: "receivedArtifacts must be a list"},
		"IDs are no list":         {source: "ours", pipeline: `{}`, trigger: `{"expectedArtifactIds":"1"}`, err: "trigger.expectedArtifactIds must be a list"},
		"no artifact":             {source: "ours", pipeline: `{}`, trigger: `{"artifacts":[{},{"name":[]}]}`, err: "trigger.artifacts[1]: read an artifact: name: must be a string, not a list"},
		"no expected artifact":    {source: "ours", pipeline: `{"expectedArtifacts":[7]}`, trigger: `{}`, err: "expectedArtifacts[0]: read an expected artifact: must be an object, not a number"},
		"prior execution is away": {source: "ours", pipeline: `{"expectedArtifacts":[{"matchArtifact":{"name":"a"},"usePriorArtifact":true}]}`, trigger: `{}`, err: "look for artifacts of an earlier execution: away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, tr := read(t, tt.pipeline), trigger(t, tt.trigger)
			before, err := json.Marshal([]any{doc, tr})
			if err != nil {
				t.Fatal(err)
			}
			prior := func() (out []gennaker.Artifact, err error) {
				if tt.prior == "" {
					return nil, gennaker.Errorf(gennaker.Unavailable, "away")
				}
				err = json.Unmarshal([]byte(tt.prior), &out)
				return out, err
			}
			got, err := match.ForTrigger(doc, tr, prior)
			after, err2 := json.Marshal([]any{doc, tr})
			if string(before) != string(after) || err2 != nil {
				t.Errorf("what was given was changed to %s", after)
			}
			if tt.err != "" {
				if !says(err, tt.err) {
					t.Errorf("%v, want %s; source: %s", err, tt.err, tt.source)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v; source: %s", err, tt.source)
			}
			want := tr
			want.Other = map[string]any{"expectedArtifacts": open(t, tt.resolved), "resolvedExpectedArtifacts": open(t, tt.resolved)}
			maps.Copy(want.Other, tr.Other)
			want.Artifacts = []map[string]any{}
			for _, a := range open(t, tt.artifacts) {
				m, _ := a.(map[string]any)
				want.Artifacts = append(want.Artifacts, m)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\nsource: %s", diff, tt.source)
			}
			if again, err := match.ForTrigger(doc, got, prior); err != nil || !cmp.Equal(again, got) {
				t.Errorf("not idempotent: %v\n%s", err, cmp.Diff(got, again))
			}
		})
	}
}

func TestForChild(t *testing.T) {
	t.Parallel()
	const source = "execution model, section 13; orca DependentPipelineStarter"
	doc := `{
		"triggers": [
			{"type":"pipeline","pipeline":"parent","expectedArtifactIds":["t1","t2"]},
			{"type":"pipeline","pipeline":"other","expectedArtifactIds":["o"]},
			{"type":"git","pipeline":"parent","expectedArtifactIds":["g"]},
			{"type":"pipeline","pipeline":"parent","enabled":false,"expectedArtifactIds":["t2","t3"]},
			{"type":"pipeline","pipeline":"parent"},
			"odd"
		],
		"expectedArtifacts": [
			{"id":"t1","matchArtifact":{"name":"x"}},
			{"id":"e1","matchArtifact":{"name":"a.*"}},
			{"id":"e2","matchArtifact":{"name":"z"}}
		]
	}`
	for name, tt := range map[string]struct {
		doc, parent string
		received    []gennaker.Artifact
		want        []any
		err         string
	}{
		"of triggers":      {doc: doc, parent: "parent", want: []any{"t1", "t2", "t3"}},
		"and what came":    {doc: doc, parent: "parent", received: []gennaker.Artifact{{Name: "ab"}, {Name: "ac"}}, want: []any{"t1", "t2", "t3", "e1"}},
		"what came alone":  {doc: doc, parent: "stranger", received: []gennaker.Artifact{{Name: "z"}, {Name: "x"}}, want: []any{"t1", "e2"}},
		"an ad-hoc parent": {doc: `{"triggers":[{"type":"pipeline","pipeline":"","expectedArtifactIds":["x"]}]}`, want: []any{}},
		"nothing":          {doc: `{}`, parent: "parent", want: []any{}},
		"no triggers":      {doc: `{"triggers":7}`, parent: "p", err: "triggers must be a list"},
		"no IDs":           {doc: `{"triggers":[{"type":"pipeline","pipeline":"p","expectedArtifactIds":7}]}`, parent: "p", err: "triggers[0].expectedArtifactIds must be a list"},
		"no expected":      {doc: `{"expectedArtifacts":"x"}`, parent: "p", err: "expectedArtifacts must be a list"},
		"no regular pattern": {
			doc: `{"expectedArtifacts":[{"id":"1","matchArtifact":{"name":"a["}}]}`, received: []gennaker.Artifact{{Name: "ab"}},
			err: `expected artifact "a[": matchArtifact.name "a[": …`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := gennaker.Trigger{Type: "pipeline", Artifacts: match.Maps(tt.received), Other: map[string]any{"keep": "it"}}
			got, err := match.ForChild(read(t, tt.doc), tt.parent, tr)
			if tt.err != "" {
				if !says(err, tt.err) || gennaker.KindOf(err) != gennaker.Invalid {
					t.Errorf("%v, want %s", err, tt.err)
				}
				return
			}
			tr.Other = map[string]any{"keep": "it", "expectedArtifactIds": tt.want}
			if diff := cmp.Diff(tr, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s\nsource: %s", err, diff, source)
			}
		})
	}
}

// named is a list of artifacts with these names, as open JSON.
func named(names string) []any {
	out := []any{}
	for n := range strings.FieldsSeq(names) {
		out = append(out, map[string]any{"name": n})
	}
	return out
}

func namesOf(list []gennaker.Artifact) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Name)
	}
	return strings.Join(out, " ")
}

func TestAll(t *testing.T) {
	t.Parallel()
	stage := func(ref, requires, artifacts string) gennaker.Stage {
		return gennaker.Stage{ID: "id" + ref, RefID: ref, Requires: strings.Fields(requires), Outputs: map[string]any{"artifacts": named(artifacts)}}
	}
	child := stage("1<1", "", "child")
	child.ParentStageID = "id1"
	odd := stage("9", "", "")
	odd.Outputs["artifacts"] = []any{"text", nil, map[string]any{"name": []any{}}, map[string]any{"name": "good"}}
	text := stage("8", "", "")
	text.Outputs["artifacts"] = "text"
	const (
		order  = "orca ArtifactUtils: all artifacts of an execution, in reverse order"
		except = "orca ArtifactUtils: without a specific stage ref"
		ours   = "ours: what is no artifact is left out"
	)
	for name, tt := range map[string]struct {
		source  string
		stages  []gennaker.Stage
		trigger string
		except  string
		want    string
	}{
		"none":           {source: order},
		"trigger":        {source: order, trigger: "t u", want: "t u"},
		"a line":         {source: order, stages: []gennaker.Stage{stage("1", "", "a"), stage("2", "1", "b")}, trigger: "t", want: "b a t"},
		"as it is wired": {source: order, stages: []gennaker.Stage{stage("2", "1", "b"), stage("1", "", "a")}, want: "b a"},
		"within a stage": {source: order, stages: []gennaker.Stage{stage("1", "", "a b")}, want: "b a"},
		"a diamond": {
			source: order,
			stages: []gennaker.Stage{stage("4", "2 3", "d"), stage("1", "", "a"), stage("3", "1", "c"), stage("2", "1", "b")},
			want:   "d b c a",
		},
		"no children":         {source: order, stages: []gennaker.Stage{child, stage("1", "", "a")}, want: "a"},
		"without a stage":     {source: except, stages: []gennaker.Stage{stage("1", "", "a"), stage("2", "1", "b")}, trigger: "t", except: "2", want: "a t"},
		"without another one": {source: except, stages: []gennaker.Stage{stage("1", "", "a")}, except: "2", want: "a"},
		"no artifacts":        {source: ours, stages: []gennaker.Stage{odd, text, {RefID: "7"}}, want: "good"},
		"a circle":            {source: "ours: a damaged document", stages: []gennaker.Stage{stage("0", "", "z"), stage("1", "2", "a"), stage("2", "1", "b")}, want: "b a z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := gennaker.Execution{Stages: tt.stages}
			for _, a := range named(tt.trigger) {
				m, _ := a.(map[string]any)
				x.Trigger.Artifacts = append(x.Trigger.Artifacts, m)
			}
			if got := namesOf(match.All(x, tt.except)); got != tt.want {
				t.Errorf("%s, want %s; source: %s", got, tt.want, tt.source)
			}
		})
	}
}

func TestVisible(t *testing.T) {
	t.Parallel()
	const source = "execution model, section 8: own context, every ancestor's outputs, the trigger's; the stage is its own first ancestor"
	bound := func(id, name string) []any {
		return []any{map[string]any{"id": id, "boundArtifact": map[string]any{"name": name}}}
	}
	own := gennaker.Stage{
		Context: map[string]any{"artifacts": named("context"), "resolvedExpectedArtifacts": bound("1", "context")},
		Outputs: map[string]any{"artifacts": named("own context"), "resolvedExpectedArtifacts": bound("1", "own")},
	}
	upstream := []gennaker.Stage{
		{Context: map[string]any{"artifacts": named("hidden")}, Outputs: map[string]any{"artifacts": named("near"), "resolvedExpectedArtifacts": bound("2", "near")}},
		{Outputs: map[string]any{"artifacts": named("far near"), "resolvedExpectedArtifacts": "odd"}},
		{},
	}
	tr := gennaker.Trigger{
		Artifacts: []map[string]any{{"name": "trigger"}, {"name": "own"}},
		Other:     map[string]any{"resolvedExpectedArtifacts": bound("3", "trigger")},
	}
	if got, want := namesOf(match.Visible(own, upstream, tr)), "context own near far trigger"; got != want {
		t.Errorf("%s, want %s; source: %s", got, want, source)
	}
	var got []string
	for _, e := range match.VisibleExpected(own, upstream, tr) {
		got = append(got, e.ID+e.Bound.Name)
	}
	if diff := cmp.Diff([]string{"1context", "1own", "2near", "3trigger"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s\nsource: %s", diff, source)
	}
	if got := match.Visible(gennaker.Stage{Context: map[string]any{"artifacts": nil}}, nil, gennaker.Trigger{}); len(got) != 0 {
		t.Errorf("nothing to see: %v", got)
	}
}

// What a stage puts out comes before what the stages put out that it waits for.
func TestAllProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 8).Draw(t, "stages")
		var stages []gennaker.Stage
		for i := range n {
			s := gennaker.Stage{ID: fmt.Sprint("id", i), RefID: fmt.Sprint(i), Outputs: map[string]any{"artifacts": named(fmt.Sprint("a", i))}}
			for j := range i {
				if rapid.IntRange(0, 2).Draw(t, "edge") == 0 {
					s.Requires = append(s.Requires, fmt.Sprint(j))
				}
			}
			stages = append(stages, s)
		}
		shuffled := rapid.Permutation(stages).Draw(t, "order")
		got := strings.Fields(namesOf(match.All(gennaker.Execution{Stages: shuffled}, "")))
		if len(got) != n {
			t.Fatalf("%d stages put out %v", n, got)
		}
		for i, s := range stages {
			for _, ref := range s.Requires {
				if slices.Index(got, fmt.Sprint("a", i)) > slices.Index(got, "a"+ref) {
					t.Errorf("%v: a%d waits for a%s, and comes behind it", got, i, ref)
				}
			}
		}
	})
}

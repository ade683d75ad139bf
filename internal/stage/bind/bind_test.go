package bind_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/bind"
)

type object = map[string]any

// memory is a History in memory, newest first.
type memory struct {
	list []gennaker.Execution
	err  error
}

func (m memory) Executions(_ context.Context, q gennaker.ExecutionQuery) ([]gennaker.Execution, error) {
	var out []gennaker.Execution
	for _, x := range m.list {
		if slices.Contains(q.PipelineConfigIDs, x.PipelineConfigID) && (len(q.Statuses) == 0 || slices.Contains(q.Statuses, x.Status)) && len(out) < q.Limit {
			out = append(out, x.Unexpanded())
		}
	}
	return out, m.err
}

func (m memory) Execution(_ context.Context, id string) (gennaker.Execution, error) {
	for _, x := range m.list {
		if x.ID == id {
			return x, nil
		}
	}
	return gennaker.Execution{}, gennaker.Errorf(gennaker.NotFound, "there is no execution %s", id)
}

// execution returns one of pipeline p whose stages, each behind the one before,
// put out an artifact with the version given.
func execution(id string, status gennaker.Status, start int64, versions ...string) gennaker.Execution {
	x := gennaker.Execution{ID: id, Type: gennaker.TypePipeline, PipelineConfigID: "p", Status: status}
	if start > 0 {
		x.StartTime = gennaker.At(time.UnixMilli(start))
	}
	for i, v := range versions {
		s := gennaker.Stage{ID: id + v, RefID: string(rune('1' + i)), Outputs: object{"artifacts": []any{object{"name": "cart", "version": v}}}}
		if i > 0 {
			s.Requires = []string{string(rune('0' + i))}
		}
		x.Stages = append(x.Stages, s)
	}
	return x
}

// input is that of a stage with a context, in a pipeline with a parameter one,
// which is 1.
func input(context object) stage.Input {
	return stage.Input{
		Execution: gennaker.Execution{ID: "me", Type: gennaker.TypePipeline, PipelineConfigID: "p"},
		Stage:     gennaker.Stage{ID: "s", RefID: "2", Name: "Bake", Context: context},
		Evaluate: func(v any, more map[string]any) (any, expr.Summary) {
			all := object{"parameters": object{"one": "1"}}
			maps.Copy(all, more)
			return expr.Evaluate(v, expr.Env{Root: all})
		},
	}
}

func bound(id, name, account string) object {
	return object{"id": id, "displayName": "the " + name, "matchArtifact": object{"artifactAccount": "match"}, "boundArtifact": object{"name": name, "artifactAccount": account}}
}

func TestArtifact(t *testing.T) {
	t.Parallel()
	in := input(object{"resolvedExpectedArtifacts": []any{bound("own", "a", ""), object{"id": "open"}}})
	in.Upstream = func() []gennaker.Stage {
		return []gennaker.Stage{
			{Outputs: object{"resolvedExpectedArtifacts": []any{bound("near", "b", "given"), bound("own", "hidden", "")}}},
			{Outputs: object{"resolvedExpectedArtifacts": []any{bound("near", "hidden", ""), bound("far", "v${parameters.one}", "")}}},
		}
	}
	in.Execution.Trigger.Other = object{"resolvedExpectedArtifacts": []any{bound("trigger", "t", ""), bound("near", "hidden", "")}}
	const (
		binding = "execution model, section 8, binding in a stage"
		account = "orca ArtifactUtils: without an account that of matchArtifact"
		inlined = "orca ArtifactUtils: resolves expressions in stage-inlined artifacts"
	)
	for name, tt := range map[string]struct {
		source    string
		id        string
		inline    any
		want      gennaker.Artifact
		err, hint string
	}{
		"own":             {source: account, id: "own", want: gennaker.Artifact{Name: "a", ArtifactAccount: "match"}},
		"nearest":         {source: binding, id: "near", want: gennaker.Artifact{Name: "b", ArtifactAccount: "given"}},
		"expression":      {source: inlined, id: "far", want: gennaker.Artifact{Name: "v1", ArtifactAccount: "match"}},
		"of the trigger":  {source: binding, id: "trigger", want: gennaker.Artifact{Name: "t", ArtifactAccount: "match"}},
		"ID before":       {source: binding, id: "near", inline: object{"name": "z"}, want: gennaker.Artifact{Name: "b", ArtifactAccount: "given"}},
		"inline":          {source: inlined, inline: object{"name": "z", "version": "${parameters.one}", "k": "${parameters.one}"}, want: gennaker.Artifact{Name: "z", Version: "1", Metadata: object{"k": "1"}}},
		"inline number":   {source: inlined, inline: object{"version": "${1 + 1}"}, want: gennaker.Artifact{Version: "2"}},
		"in the metadata": {source: "ours", inline: object{"name": "z", "k": "${parameters.two}"}, want: gennaker.Artifact{Name: "z", Metadata: object{"k": "${parameters.two}"}}},
		"without a value": {source: "ours", inline: object{"name": "z", "reference": "x/${parameters.two}"}, err: "an expression in artifact z has no value: reference: byte"},
		"no object":       {source: "ours", inline: "z", err: "read an artifact: must be an object, not a string"},
		"nothing":         {source: "ours", err: "no artifact is named"},
		"unknown":         {source: "ours", id: "x", err: `no artifact with the ID "x" was found before this stage`, hint: `there are the IDs "own" for "the a", "open", "near" for "the b", "own" for "the hidden", "near" for "the hidden", "far" for "the v${parameters.one}", "trigger" for "the t"; one that`},
		"not bound":       {source: "ours", id: "open", err: `the expected artifact "open" with the ID "open" has no boundArtifact`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := bind.Artifact(in, tt.id, tt.inline)
			if tt.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) || gennaker.KindOf(err) != gennaker.Invalid || !strings.HasPrefix(gennaker.HintOf(err), tt.hint) {
					t.Errorf("%v; hint %q; want %s; %s", err, gennaker.HintOf(err), tt.err, tt.hint)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s\nsource: %s", err, diff, tt.source)
			}
		})
	}
}

func TestArtifactOfNothing(t *testing.T) {
	t.Parallel()
	in := stage.Input{}
	if got := bind.Artifacts(in); len(got) != 0 {
		t.Errorf("artifacts of nothing: %v", got)
	}
	_, err := bind.Artifact(in, "x", nil)
	if !strings.HasPrefix(gennaker.HintOf(err), "there are none at all; one that") {
		t.Errorf("%v; hint %q", err, gennaker.HintOf(err))
	}
	for i := range 12 {
		in.Execution.Trigger.Other = object{"resolvedExpectedArtifacts": append(listOf(in.Execution.Trigger.Other["resolvedExpectedArtifacts"]), object{"id": string(rune('a' + i))})}
	}
	_, err = bind.Artifact(in, "x", nil)
	if !strings.HasPrefix(gennaker.HintOf(err), `there are the IDs "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", and 2 more; one that`) {
		t.Errorf("%v; hint %q", err, gennaker.HintOf(err))
	}
}

func listOf(v any) []any {
	list, _ := v.([]any)
	return list
}

// run runs a task twice, which must not make a difference.
func run(t *testing.T, task stage.Task, in stage.Input) (stage.Outcome, error) {
	t.Helper()
	first, err := task.Run(t.Context(), in)
	again, err2 := task.Run(t.Context(), in)
	if diff := cmp.Diff(first.Outputs(), again.Outputs()); diff != "" || (err == nil) != (err2 == nil) {
		t.Errorf("run again: %v, then %v (-first +second):\n%s", err, err2, diff)
	}
	return first, err
}

// versions returns those of the artifacts and of the bound ones in values.
func versions(values object) string {
	var words []string
	for _, a := range listOf(values["artifacts"]) {
		m, _ := a.(object)
		v, _ := m["version"].(string)
		words = append(words, v)
	}
	words = append(words, "|")
	for _, e := range listOf(values["resolvedExpectedArtifacts"]) {
		m, _ := e.(object)
		b, _ := m["boundArtifact"].(object)
		v, _ := b["version"].(string)
		words = append(words, v)
	}
	return strings.Join(words, " ")
}

func TestProduced(t *testing.T) {
	t.Parallel()
	cart := func(more ...any) object {
		e := object{"id": "x", "matchArtifact": object{"name": "cart"}}
		for i := 0; i < len(more); i += 2 {
			k, _ := more[i].(string)
			e[k] = more[i+1]
		}
		return e
	}
	made := func(versions ...string) []any {
		var out []any
		for _, v := range versions {
			out = append(out, object{"name": "cart", "version": v})
		}
		return out
	}
	past := memory{list: []gennaker.Execution{execution("me", gennaker.Running, 9, "8"), execution("x1", gennaker.Terminal, 1, "7")}}
	const (
		source   = "execution model, section 8, producing; orca BindProducedArtifactsTask"
		prior    = "stage types, section 0: default and prior"
		explains = "ours"
	)
	for name, tt := range map[string]struct {
		source   string
		expected any
		context  []any // artifacts there
		outputs  []any
		upstream []any
		history  bind.History
		want     string // versions of the artifacts, and of the bound ones
		err      string
	}{
		"own context":       {source: source, expected: []any{cart()}, context: made("1"), outputs: made("2"), upstream: made("3"), want: "1 | 1"},
		"own outputs":       {source: source, expected: []any{cart()}, outputs: made("2"), upstream: made("3"), want: "2 | 2"},
		"upstream":          {source: source, expected: []any{cart()}, upstream: made("3"), want: "3 | 3"},
		"the first of many": {source: source, expected: []any{cart()}, context: made("1", "2"), want: "1 | 1"},
		"one for two":       {source: source, expected: []any{cart(), cart("id", "y")}, context: made("1"), want: "1 | 1 1"},
		"default":           {source: source, expected: []any{cart("useDefaultArtifact", true, "defaultArtifact", object{"version": "5"})}, want: "5 | 5"},
		"prior":             {source: prior, expected: []any{cart("usePriorArtifact", true)}, history: past, want: "7 | 7"},
		"own is no prior":   {source: prior, expected: []any{cart("usePriorArtifact", true)}, history: memory{list: past.list[:1]}, err: `Unmatched expected artifact "cart" could not be resolved.`},
		"one object":        {source: explains, expected: cart(), context: made("1"), want: "1 | 1"},
		"nothing expected":  {source: source, expected: []any{}, want: "|"},
		"unmatched":         {source: source, expected: []any{cart()}, context: []any{object{"name": "shop"}}, err: `Unmatched expected artifact "cart" could not be resolved.`},
		"no history":        {source: explains, expected: []any{cart("usePriorArtifact", true)}, err: `Unmatched expected artifact "cart" could not be resolved.`},
		"unreadable":        {source: explains, expected: []any{7.0}, err: "expectedArtifacts[0]: read an expected artifact: must be an object, not a number"},
		"history is away":   {source: explains, expected: []any{cart("usePriorArtifact", true)}, history: memory{err: gennaker.Errorf(gennaker.Unavailable, "away")}, err: "look for artifacts of an earlier execution: look for executions of pipeline p: away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input(object{"expectedArtifacts": tt.expected, "artifacts": tt.context})
			in.Stage.Outputs = object{"artifacts": tt.outputs}
			in.Upstream = func() []gennaker.Stage { return []gennaker.Stage{{Outputs: object{"artifacts": tt.upstream}}} }
			step := bind.Produced(tt.history)
			if step.Name != "bindProducedArtifacts" || step.If(in) != (name != "nothing expected") {
				t.Errorf("step %s, If is %v", step.Name, step.If(in))
			}
			out, err := run(t, step.Task, in)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("%v, want %s; source: %s", err, tt.err, tt.source)
				}
				return
			}
			if err != nil || out.Status() != gennaker.Succeeded {
				t.Fatalf("%s, %v; source: %s", out.Status(), err, tt.source)
			}
			if got := versions(out.Outputs()); got != tt.want {
				t.Errorf("%s, want %s; source: %s", got, tt.want, tt.source)
			}
			if diff := cmp.Diff(out.Outputs(), out.Context()); diff != "" {
				t.Errorf("context and outputs differ:\n%s", diff)
			}
		})
	}
	if in := input(object{}); bind.Produced(nil).If(in) {
		t.Error("a stage that expects nothing has the step")
	}
}

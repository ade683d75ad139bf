package control_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/control"
)

func level(children ...string) map[string]any {
	list := make([]any, len(children))
	for i, name := range children {
		list[i] = map[string]any{"yamlIdentifier": name, "child_pipeline": "p", "arguments": map[string]any{}}
	}
	return map[string]any{"orderOfExecutions": []any{list}, "levelNumber": 0.0}
}

// A store that is away is asked again; those that were started are the same.
func TestStartChildrenAgain(t *testing.T) {
	t.Parallel()
	p := newPipelines()
	task := find(t, p, "runMultiplePipelines").Step("runMultiplePipelines").Task
	in := parentInput(level("a", "b"))
	p.fail = gennaker.Errorf(gennaker.Unavailable, "away")
	if _, err := task.Run(t.Context(), in); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Fatalf("away: %v", err)
	}
	for range 2 {
		o, err := task.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(any([]any{"child-of-k1#a", "child-of-k1#b"}), o.Context()["executionIds"]); diff != "" {
			t.Errorf("children (-want +got):\n%s", diff)
		}
	}
	if len(p.started) != 2 {
		t.Errorf("%d started, want 2", len(p.started))
	}
	parent, _ := p.started[1].Trigger.Other["parentExecution"].(map[string]any)
	trigger, _ := parent["trigger"].(map[string]any)
	if trigger["executionIdentifier"] != "b" || p.started[1].Trigger.CorrelationID != "k1#b" {
		t.Errorf("identified as %v, correlation %s", trigger["executionIdentifier"], p.started[1].Trigger.CorrelationID)
	}
}

// Source: own; those are canceled that were started before the answer was lost.
func TestCancelStartedChildren(t *testing.T) {
	t.Parallel()
	p := newPipelines()
	step := find(t, p, "runMultiplePipelines").Step("runMultiplePipelines")
	if _, err := step.Task.Run(t.Context(), parentInput(level("a"))); err != nil {
		t.Fatal(err)
	}
	c, ok := step.Task.(stage.Canceler)
	if !ok {
		t.Fatal("nothing is undone")
	}
	p.fail = gennaker.Errorf(gennaker.Unavailable, "away")
	if _, err := c.Cancel(t.Context(), parentInput(level("a", "b"))); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("away: %v", err)
	}
	if _, err := c.Cancel(t.Context(), parentInput(level("a", "b"))); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(p.canceled)); !slices.Equal(got, []string{"child-of-k1#a"}) {
		t.Errorf("canceled %v", got)
	}
}

func TestMonitorChildrenErrors(t *testing.T) {
	t.Parallel()
	p := newPipelines()
	step := find(t, p, "runMultiplePipelines").Step("monitorMultiplePipelinesTask")
	in := parentInput(map[string]any{"executionIds": []any{"gone"}})
	if _, err := step.Task.Run(t.Context(), in); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("gone: %v", err)
	}
	p.fail = gennaker.Errorf(gennaker.Unavailable, "away")
	c, ok := step.Task.(stage.Canceler)
	if !ok {
		t.Fatal("nothing is undone")
	}
	if _, err := c.Cancel(t.Context(), in); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("away: %v", err)
	}
}

// TestLevels holds that each pipeline runs in the first level behind all that it
// depends on.
func TestLevels(t *testing.T) {
	t.Parallel()
	task := find(t, nil, "runMultiplePipelines").Step("parsePipelinesYamlTask").Task
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "pipelines")
		order := rapid.Permutation(slices.Collect(func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		})).Draw(t, "names")
		bundle, want := map[string]any{}, map[string]int{}
		for i, at := range order {
			name, least := fmt.Sprint("p", at), 0
			var on []any
			for _, before := range order[:i] {
				if rapid.IntRange(0, 3).Draw(t, "depends") == 0 {
					on = append(on, fmt.Sprint("p", before))
					least = max(least, want[fmt.Sprint("p", before)]+1)
				}
			}
			want[name] = least
			bundle[name] = map[string]any{"child_pipeline": "p", "arguments": map[string]any{"n": i}, "depends_on": on}
		}
		o, err := task.Run(ctx, stage.Input{Stage: gennaker.Stage{Context: map[string]any{"yamlConfig": []any{map[string]any{"bundle_web": bundle}}}}})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		levels, _ := o.Context()["orderOfExecutions"].([]any)
		for i, level := range levels {
			list, _ := level.([]any)
			for _, c := range list {
				m, _ := c.(map[string]any)
				got[fmt.Sprint(m["yamlIdentifier"])] = i
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("levels (-want +got):\n%s", diff)
		}
	})
}

func FuzzParseChildren(f *testing.F) {
	for _, text := range []string{
		`[{"bundle_web":{"a":{"child_pipeline":"p","depends_on":["b"]},"b":{"child_pipeline":"p","arguments":{"x":[1]}}}}]`,
		`["bundle_web: {a: {child_pipeline: p}}"]`, `[{"bundle_web":{"a":{"child_pipeline":"p","depends_on":["a"]}}}]`, `[null]`, `{"bundle_web":7}`, `""`,
	} {
		f.Add(text)
	}
	r := &stage.Registry{}
	control.Register(r, control.Config{})
	d, err := r.Find("runMultiplePipelines")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var config any
		if json.Unmarshal([]byte(text), &config) != nil {
			return
		}
		w := &world{t: t, now: start}
		o, err := d.Step("parsePipelinesYamlTask").Task.Run(t.Context(), w.input(gennaker.Stage{Context: map[string]any{"yamlConfig": config}}))
		switch {
		case err != nil && gennaker.KindOf(err) != gennaker.Invalid:
			t.Fatalf("%v", err)
		case err == nil && o.Status() == gennaker.Succeeded && o.Context()["orderOfExecutions"] == nil:
			t.Fatal("nothing is to run, and nothing is wrong")
		}
	})
}

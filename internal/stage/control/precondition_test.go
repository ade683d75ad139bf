package control_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/control"
)

// checked returns what the task of a precondition says.
func checked(t *testing.T, c control.Config, kind string, context map[string]any, own map[string]any) (stage.Outcome, error) {
	t.Helper()
	r := &stage.Registry{}
	control.Register(r, c)
	d, err := r.Find("checkPreconditions")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: start}
	s := merged(own, map[string]any{"preconditionType": kind, "context": context})
	return d.Step("checkPrecondition").Task.Run(t.Context(), w.input(gennaker.Stage{ParentStageID: "above", Context: s}))
}

// Source: expressions reference, section 8, rows 61 and 62; section 6.
func TestExpressionResult(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		expression any
		param      any
		want       string
		findings   []string
	}{
		"true":      {"param1 == 'true'", "true", "true", nil},
		"false":     {"param1 == 'true'", "false", "false", nil},
		"null":      {"param1 == 'true'", nil, "false", nil},
		"no method": {"param1.xxx() == 'true'", "true", "param1.xxx() == 'true'", []string{"param1.xxx() == 'true'"}},
		"no value":  {"param2", "true", "param2", []string{"param2"}},
		"braces":    {"${ param1 }", "true", "true", nil},
		"a text":    {"param1 + '!'", "true", "true!", nil},
		"a boolean": {false, nil, "false", nil},
		"nothing":   {nil, nil, "false", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := checked(t, control.Config{}, "expression", map[string]any{"expression": tt.expression, "kept": 1}, map[string]any{"param1": tt.param})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]any{"expression": tt.expression, "kept": 1, "expressionResult": tt.want}
			if diff := cmp.Diff(want, o.Context()["context"]); diff != "" {
				t.Errorf("context (-want +got):\n%s", diff)
			}
			var findings []string
			summary, _ := o.Context()["expressionEvaluationSummary"].(map[string]any)
			for text := range summary {
				findings = append(findings, text)
			}
			if diff := cmp.Diff(tt.findings, findings); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// away is a place that cannot be asked.
type away struct{}

func (away) ServerGroups(context.Context, string, string, string) ([]gennaker.ServerGroup, error) {
	return nil, gennaker.Errorf(gennaker.Unavailable, "away")
}

func TestClusterSizeErrors(t *testing.T) {
	t.Parallel()
	size := map[string]any{"cluster": "a", "regions": []any{"r"}}
	if _, err := checked(t, control.Config{Clusters: away{}}, "clusterSize", size, nil); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("away: %v, want to be tried again", err)
	}
	o, err := checked(t, control.Config{}, "clusterSize", size, nil)
	if err != nil || o.Status() != gennaker.Terminal {
		t.Errorf("without clusters: %v, %v", o.Status(), err)
	}
	if _, err := checked(t, control.Config{Clusters: away{}}, "clusterSize", map[string]any{"expected": "many"}, nil); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("not a number: %v", err)
	}
}

func TestStageStatusSuggests(t *testing.T) {
	t.Parallel()
	d := find(t, nil, "checkPreconditions")
	w := &world{t: t, now: start, vector: vector{Stages: []map[string]any{{"name": "Deploy to prod", "status": "SUCCEEDED"}}}}
	context := map[string]any{"preconditionType": "stageStatus", "context": map[string]any{"stageName": "Deploy to prd", "stageStatus": "SUCCEEDED"}}
	o, err := d.Step("checkPrecondition").Task.Run(t.Context(), w.input(gennaker.Stage{ParentStageID: "above", Context: context}))
	if err != nil {
		t.Fatal(err)
	}
	if _, hint, _ := o.Reason(); hint != "did you mean 'Deploy to prod'?" {
		t.Errorf("hint %q", hint)
	}
}

// Source: expressions reference, section 6 and section 8, row 57.
func TestVariablesSummary(t *testing.T) {
	t.Parallel()
	d := find(t, nil, "evaluateVariables")
	w := &world{t: t, now: start, vector: vector{Execution: gennaker.Execution{SpelEvaluator: "v4"}}}
	in := w.input(gennaker.Stage{Context: map[string]any{
		"expressionEvaluationSummary": map[string]any{"before": []any{"kept"}},
		"variables": []any{
			map[string]any{"key": "a", "value": "this one should fail: ${a * c}"},
			map[string]any{"key": "b", "value": "this one should fail: ${a * c}"},
			map[string]any{"key": "c", "value": "${ 1 }"},
		},
	}})
	o, err := d.Step("evaluateVariables").Task.Run(t.Context(), in)
	if err != nil || o.Status() != gennaker.Succeeded {
		t.Fatalf("%v, %v", o.Status(), err)
	}
	got := map[string]int{}
	summary, _ := o.Context()["expressionEvaluationSummary"].(map[string]any)
	for text, entries := range summary {
		list, _ := entries.([]any)
		got[text] = len(list)
	}
	if diff := cmp.Diff(map[string]int{"before": 1, "this one should fail: a * c": 2}, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

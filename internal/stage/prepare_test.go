package stage_test

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/stage"
)

// in returns the input of a stage of a pipeline that sees the names of root.
func in(context, root map[string]any) stage.Input {
	return stage.Input{
		Execution: gennaker.Execution{Type: gennaker.TypePipeline},
		Stage:     gennaker.Stage{Context: context},
		Evaluate: func(v any, more map[string]any) (any, expr.Summary) {
			all := map[string]any{}
			for _, m := range []map[string]any{root, context, more} {
				maps.Copy(all, m)
			}
			return expr.Evaluate(v, expr.Env{Root: all})
		},
	}
}

func steps(p stage.Prepared) string {
	var names []string
	for _, s := range p.Steps {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

func TestPrepareEvaluates(t *testing.T) {
	t.Parallel()
	d := stage.Definition{
		Verbatim: func(stage.Input) []string { return []string{"later"} },
		Steps: []stage.Step{
			{Name: "always"},
			{Name: "two", If: func(in stage.Input) bool { return in.Stage.Context["count"] == 2.0 }},
			{Name: "three", If: func(in stage.Input) bool { return in.Stage.Context["count"] == 3.0 }},
		},
	}
	raw := map[string]any{
		"count": "${one + 1}", "text": "v${one}", "later": "${one}", "list": []any{"${one}", json.Number("7"), "x"}, "missing": "${nothing}",
	}
	p, err := d.Prepare(t.Context(), in(raw, map[string]any{"one": json.Number("1")}))
	if err != nil {
		t.Fatal(err)
	}
	summary, _ := p.Context["expressionEvaluationSummary"].(map[string]any)
	if len(summary) != 1 || summary["nothing"] == nil || !p.Unresolved {
		t.Errorf("unresolved %v, summary %v, want one entry for nothing", p.Unresolved, summary)
	}
	delete(p.Context, "expressionEvaluationSummary")
	want := map[string]any{"count": 2.0, "text": "v1", "later": "${one}", "list": []any{1.0, 7.0, "x"}, "missing": "${nothing}"}
	if diff := cmp.Diff(want, p.Context); diff != "" {
		t.Errorf("context (-want +got):\n%s", diff)
	}
	if got := steps(p); got != "always two" {
		t.Errorf("steps %q, want those for a count of 2", got)
	}
	again := in(p.Context, map[string]any{"nothing": "something"})
	again.Stage.Context["expressionEvaluationSummary"] = summary
	context, unresolved := d.Evaluate(again)
	if diff := cmp.Diff(map[string]any{}, context["expressionEvaluationSummary"]); diff != "" || unresolved || context["missing"] != "something" {
		t.Errorf("evaluated again: unresolved %v, missing %v, summary (-want +got):\n%s", unresolved, context["missing"], diff)
	}
}

// Source: expressions reference, section 8, row 59.
func TestPrepareAsksTheCondition(t *testing.T) {
	t.Parallel()
	condition := func(v any) map[string]any {
		return map[string]any{"stageEnabled": map[string]any{"type": "expression", "expression": v}}
	}
	root := map[string]any{"parameters": map[string]any{"p1": "v1"}}
	for name, tt := range map[string]struct {
		context map[string]any
		kind    gennaker.ExecutionType
		why     string // part of why it is skipped; "" runs
	}{
		"true":                {context: condition("parameters.p1 == 'v1'")},
		"false":               {context: condition("parameters.p1 == 'v2'"), why: "is false"},
		"literal true":        {context: condition("true")},
		"boolean":             {context: condition(true)},
		"literal false":       {context: condition("false"), why: "is false"},
		"empty":               {context: condition("")},
		"null":                {context: condition(nil)},
		"no type":             {context: map[string]any{"stageEnabled": map[string]any{}}},
		"other type":          {context: map[string]any{"stageEnabled": map[string]any{"type": "x", "expression": "false"}}},
		"braces":              {context: condition("${parameters.p1 == 'v1'}")},
		"not a boolean":       {context: condition("1 + 1"), why: "neither true nor false, but 2"},
		"missing":             {context: condition("nothing"), why: "could not be evaluated"},
		"error":               {context: condition("parameters.p1.xxx()"), why: "could not be evaluated"},
		"True without case":   {context: condition("'TRUE'")},
		"operations never do": {context: condition("false"), kind: gennaker.TypeOrchestration},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			input := in(tt.context, root)
			if tt.kind != "" {
				input.Execution.Type = tt.kind
			}
			p, err := (&stage.Definition{Steps: []stage.Step{{Name: "work"}}}).Prepare(t.Context(), input)
			if err != nil {
				t.Fatal(err)
			}
			why, _ := p.Context["skipReason"].(string)
			if p.Skip != (tt.why != "") || !strings.Contains(why, tt.why) {
				t.Errorf("skip %v because %q, want %q", p.Skip, why, tt.why)
			}
		})
	}
}

func TestPrepareWindow(t *testing.T) {
	t.Parallel()
	d := &stage.Definition{Before: func(context.Context, stage.Input) ([]gennaker.StageConfig, error) {
		return []gennaker.StageConfig{{Type: "a"}, {Type: "b", RefID: "second", Requires: []string{"1"}}}, nil
	}}
	p, err := d.Prepare(t.Context(), in(map[string]any{
		"restrictExecutionDuringTimeWindow": true, "restrictedExecutionWindow": map[string]any{"days": []any{1.0}}, "stageTimeoutMs": 5.0, "x": "y",
	}, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []gennaker.StageConfig{
		{RefID: "0", Type: stage.WindowType, Name: stage.WindowType, Context: map[string]any{"restrictedExecutionWindow": map[string]any{"days": []any{1.0}}, "x": "y"}},
		{RefID: "1", Type: "a", Requires: []string{"0"}},
		{RefID: "second", Type: "b", Requires: []string{"1"}},
	}
	if diff := cmp.Diff(want, p.Before); diff != "" || !p.Windowed {
		t.Errorf("windowed %v, before (-want +got):\n%s", p.Windowed, diff)
	}
}

// Source: execution model, section 12.
func TestPrepareDryRun(t *testing.T) {
	t.Parallel()
	input := in(map[string]any{}, nil)
	input.Execution.Trigger.DryRun = true
	work := []stage.Step{{Name: "work"}}
	p, err := (&stage.Definition{Steps: work}).Prepare(t.Context(), input)
	if got := steps(p); err != nil || got != "dryRun" {
		t.Errorf("steps %q, %v, want one that does nothing", got, err)
	}
	o, err := (&stage.Definition{Steps: work}).Step("dryRun").Task.Run(t.Context(), input)
	if err != nil || o.Status() != gennaker.Succeeded {
		t.Errorf("the step of a dry run: %v, %v", o.Status(), err)
	}
	p, err = (&stage.Definition{Steps: work, RunsDry: func(stage.Input) bool { return true }}).Prepare(t.Context(), input)
	if got := steps(p); err != nil || got != "work" {
		t.Errorf("steps %q, %v of a stage that runs in dry runs", got, err)
	}
}

func TestPrepareMarksWhatMayBeSkipped(t *testing.T) {
	t.Parallel()
	d := &stage.Definition{ManualSkip: func(c map[string]any) bool { return c["skippable"] == true }}
	for _, on := range []bool{true, false} {
		p, err := d.Prepare(t.Context(), in(map[string]any{"skippable": on}, nil))
		if got := p.Context["canManuallySkip"] == true; err != nil || got != on {
			t.Errorf("skippable %v: canManuallySkip %v, %v", on, got, err)
		}
	}
}

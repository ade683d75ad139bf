package expr_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker/internal/expr"
)

// TestRoot has row 35 of the reference's table, and what else is beside the
// context.
func TestRoot(t *testing.T) {
	t.Parallel()
	const raw = "${scmInfo.branch}"
	tests := map[string]struct{ context, trigger, in, want string }{
		"no change":           {`{}`, `{"buildInfo": {"scm": []}}`, raw, raw},
		"one":                 {`{}`, `{"buildInfo": {"scm": [{"branch": "b1"}]}}`, raw, "b1"},
		"one on main":         {`{}`, `{"buildInfo": {"scm": [{"branch": "master"}]}}`, raw, "master"},
		"main second":         {`{}`, `{"buildInfo": {"scm": [{"branch": "b1"}, {"branch": "master"}]}}`, raw, "b1"},
		"main first":          {`{}`, `{"buildInfo": {"scm": [{"branch": "master"}, {"branch": "b1"}]}}`, raw, "b1"},
		"both main":           {`{}`, `{"buildInfo": {"scm": [{"branch": "develop"}, {"branch": "master"}]}}`, raw, "develop"},
		"context before":      {`{"buildInfo": {"scm": [{"branch": "c"}]}}`, `{"buildInfo": {"scm": [{"branch": "t"}]}}`, raw, "c"},
		"parameters":          {`{"parameters": {"a": "c"}}`, `{"parameters": {"a": "t"}}`, "${parameters.a}", "t"},
		"parameters, context": {`{"parameters": {"a": "c"}}`, `{"parameters": {}}`, "${parameters.a}", "c"},
		"parameters, none":    {`{}`, `{}`, "${parameters.a ?: 'none'}", "none"},
		"execution":           {`{}`, `{}`, "${execution.id}", "e"},
		"context":             {`{"trigger": 1, "a": "x"}`, `{"a": "y"}`, "${a}${trigger.a}", "xy"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			context := decode(t, tt.context)
			e := expr.Env{Root: expr.Root(context, decode(t, tt.trigger)), Execution: func() map[string]any { return map[string]any{"id": "e"} }}
			got, summary := expr.Evaluate(tt.in, e)
			if got != any(tt.want) {
				t.Errorf("got %v, %v; want %s", got, summary.Findings, tt.want)
			}
			if diff := cmp.Diff(decode(t, tt.context), context); diff != "" {
				t.Errorf("the context changed (-want +got):\n%s", diff)
			}
		})
	}
	want := map[string]any{"parameters": map[string]any{}, "scmInfo": nil}
	if diff := cmp.Diff(want, expr.Root(nil, nil)); diff != "" {
		t.Errorf("the root of nothing (-want +got):\n%s", diff)
	}
}

// TestExecutionIsBuiltOnce holds that an execution is asked for only by an
// expression that needs it, and then once.
func TestExecutionIsBuiltOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]int{
		"${a} ${trigger.x} ${parameters}": 0, "${a.execution}": 0, "${list.?[execution]}": 0, "${ {execution: 1} }": 0, "${#triggerResolvedArtifact('x')}": 0,
		"${execution.id}": 1, "${#root.execution.id}": 1, "${#root['execution'].id}": 1, "${['execution'].id}": 1, "${#stage('x')}": 1, "${deployedServerGroups}": 1,
		"${execution.id} ${execution.id} ${#currentUser()}": 1, "${#resolvedArtifacts()}${#stageExists('x')}": 1,
	}
	for in, want := range tests {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			calls := 0
			root := map[string]any{"a": map[string]any{"execution": 1}, "list": []any{map[string]any{}}, "trigger": map[string]any{}}
			e := expr.Env{Root: root, Execution: func() map[string]any {
				calls++
				return map[string]any{"id": "e"}
			}}
			if expr.Evaluate(in, e); calls != want {
				t.Errorf("built %d times, want %d", calls, want)
			}
		})
	}
}

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
			execution := map[string]any{"id": "e", "type": "PIPELINE", "trigger": decode(t, tt.trigger)}
			got, summary := expr.Evaluate(tt.in, expr.Env{Root: expr.Root(context, execution)})
			if got != any(tt.want) {
				t.Errorf("got %v, %v; want %s", got, summary.Findings, tt.want)
			}
			if diff := cmp.Diff(decode(t, tt.context), context); diff != "" {
				t.Errorf("the context changed (-want +got):\n%s", diff)
			}
		})
	}
	if root := expr.Root(nil, map[string]any{"type": "ORCHESTRATION"}); root["execution"] != nil {
		t.Error("an orchestration is visible as execution")
	}
}

package gennaker_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

func TestUnexpanded(t *testing.T) {
	t.Parallel()
	execution := func(context, outputs map[string]any, tasks []gennaker.Task, parent map[string]any) gennaker.Execution {
		return gennaker.Execution{
			ID:      "x",
			Trigger: gennaker.Trigger{Type: "pipeline", Other: map[string]any{"parentExecution": parent, "kept": 1}},
			Stages:  []gennaker.Stage{{ID: "s", Context: context, Outputs: outputs, Tasks: tasks}},
		}
	}
	full := func() gennaker.Execution {
		return execution(
			map[string]any{"group": "g", "secret": "s"}, map[string]any{"out": 1}, []gennaker.Task{{ID: "1"}},
			map[string]any{"id": "p", "stages": []any{"long"}, "trigger": map[string]any{
				"type": "pipeline", "parentExecution": map[string]any{"id": "pp", "stages": []any{"longer"}},
			}},
		)
	}
	want := execution(
		map[string]any{"group": "g"}, map[string]any{}, []gennaker.Task{},
		map[string]any{"id": "p", "stages": []any{}, "trigger": map[string]any{
			"type": "pipeline", "parentExecution": map[string]any{"id": "pp", "stages": []any{}},
		}},
	)
	e := full()
	if diff := cmp.Diff(want, e.Unexpanded()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(full(), e); diff != "" {
		t.Errorf("the original was changed: %s", diff)
	}
}

package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// A task that stores what it decided asks to be run again at once; many do so in
// the same commit.
func TestAgainAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stage.Add[struct{}](w.reg, stage.Definition{Type: "decides", Steps: []stage.Step{{
		Name: "do", Timeout: time.Hour, Task: stage.TaskFunc(func(_ context.Context, in stage.Input) (stage.Outcome, error) {
			n, _ := in.Stage.Context["decided"].(float64)
			if n < 5 {
				return stage.Again(time.Nanosecond).WithContext(map[string]any{"decided": n + 1}), nil
			}
			return stage.Done(), nil
		}),
	}}})
	var ids []string
	for range 500 {
		ids = append(ids, w.submit(chain("decides", "decides")))
	}
	for _, id := range ids {
		if x := w.end(id); x.Status != gennaker.Succeeded {
			t.Errorf("%s %s", id, dump(x))
		}
	}
}

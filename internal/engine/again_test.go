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

// stubborn runs until it is interrupted; its undoing cannot tell at first.
type stubborn struct{ w *world }

func (s stubborn) Run(ctx context.Context, _ stage.Input) (stage.Outcome, error) {
	<-ctx.Done()
	return stage.Outcome{}, context.Cause(ctx)
}

func (s stubborn) Cancel(context.Context, stage.Input) (stage.Outcome, error) {
	s.w.effect("undo")
	if s.w.count("undo") < 4 {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Unavailable, "not now")
	}
	return stage.Done().WithOutputs(map[string]any{"undone": true}), nil
}

func TestUndoingIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stage.Add[struct{}](w.reg, stage.Definition{Type: "stubborn", Steps: []stage.Step{{Name: "do", Task: stubborn{w}}}})
	id := w.submit(chain("stubborn"))
	w.until(id, running("0"))
	if err := w.Cancel(t.Context(), id, "jo", ""); err != nil {
		t.Fatal(err)
	}
	if x := w.end(id); x.Status != gennaker.Canceled || x.Stages[0].Outputs["undone"] != true {
		t.Errorf("%s after %d tries: %v", dump(x), w.count("undo"), x.Stages[0].Outputs)
	}
}

package engine_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/stage"
)

// TestQueuedTaskOfAnEarlierRun: a task that waits for a worker while its stage
// is skipped and restarted is not run any more.
func TestQueuedTaskOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hold, began := make(chan struct{}), make(chan struct{})
	stage.Add[struct{}](w.reg, stage.Definition{Type: "hold", Steps: []stage.Step{{Name: "do", Task: stage.TaskFunc(
		func(context.Context, stage.Input) (stage.Outcome, error) {
			close(began)
			<-hold
			return stage.Done(), nil
		})}}})
	w.stop(w.Engine)
	e, err := engine.New(t.Context(), engine.Config{
		Store: w.store, Registry: w.reg, Log: slog.New(slog.DiscardHandler), Workers: 1,
		Publish: func(ev gennaker.Event) { w.events <- ev },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Engine = e
	t.Cleanup(func() { w.stop(e) })
	blocks := w.submit(chain("hold"))
	<-began
	both := chain("work", "judge")
	both.Stages[1].Requires = nil
	id := w.submit(both)
	x := w.until(id, running("0"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, values := range []map[string]any{{"canManuallySkip": true}, {"manualSkip": true}} {
		if err := w.Patch(ctx, id, x.Stages[0].ID, "jo", values); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Restart(ctx, id, x.Stages[0].ID, "jo", nil); err != nil {
		t.Fatal(err)
	}
	close(hold)
	w.end(blocks)
	if err := w.Patch(ctx, id, x.Stages[1].ID, "jo", map[string]any{"verdict": 1}); err != nil {
		t.Fatal(err)
	}
	if x := w.end(id); x.Status != gennaker.Succeeded || w.count("/1/do") != 1 || w.count("/0/do") != 0 {
		t.Errorf("%s; done: %v", dump(x), w.effects)
	}
}

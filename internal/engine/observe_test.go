package engine_test

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
)

// observer writes down what it is told.
type observer struct {
	mu   sync.Mutex
	told []string
	ends chan string
	lag  time.Duration
}

func (o *observer) note(words ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, strings.Join(words, " "))
}

func (o *observer) ExecutionStarted(application string) { o.note("started", application) }
func (o *observer) ExecutionEnded(application, id string, s gennaker.Status) {
	o.note("ended", application, string(s))
	o.ends <- id
}
func (o *observer) StageEnded(typ string, s gennaker.Status, took time.Duration) {
	if took < 0 {
		o.note("negative", typ)
	}
	o.note("stage", typ, string(s))
}
func (o *observer) TaskWaited(wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lag += wait
}

func TestObserver(t *testing.T) {
	t.Parallel()
	w, o := newWorld(t), &observer{ends: make(chan string, 10)}
	w.stop(w.Engine)
	e, err := engine.New(t.Context(), engine.Config{
		Store: w.store, Registry: w.reg, Log: slog.New(slog.DiscardHandler), Observer: o,
		Publish: func(ev gennaker.Event) { w.events <- ev },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Engine = e
	t.Cleanup(func() { w.stop(e) })
	id := w.submit(chain("work", "judge"))
	x := w.until(id, running("1"))
	if err := w.Patch(t.Context(), id, x.Stages[1].ID, "jo", map[string]any{"verdict": 1}); err != nil {
		t.Fatal(err)
	}
	if got := <-o.ends; got != id {
		t.Fatalf("%s ended, want %s", got, id)
	}
	if err := w.Restart(t.Context(), id, x.Stages[0].ID, "jo", nil); err != nil {
		t.Fatal(err)
	}
	<-o.ends
	other := w.submit(chain("judge"))
	w.until(other, running("0"))
	if err := w.Cancel(t.Context(), other, "jo", ""); err != nil {
		t.Fatal(err)
	}
	<-o.ends
	o.mu.Lock()
	defer o.mu.Unlock()
	application := x.Application
	want := []string{
		"started " + application, "stage work SUCCEEDED", "stage judge SUCCEEDED", "ended " + application + " SUCCEEDED",
		"started " + application, "stage work SUCCEEDED", "stage judge SUCCEEDED", "ended " + application + " SUCCEEDED", // again
		"started " + application, "stage judge CANCELED", "ended " + application + " CANCELED",
	}
	if diff := cmp.Diff(want, slices.Clone(o.told)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o.lag <= 0 {
		t.Error("no task was ready before it began")
	}
	if e.Ready() != 0 {
		t.Errorf("%d tasks wait", e.Ready())
	}
}

package engine_test

import (
	"sync"
	"testing"

	"github.com/gennaker/gennaker"
)

// TestDeleteBesideRestart: whoever comes second finds nothing, and the storage
// is not asked for what cannot be.
func TestDeleteBesideRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 50 {
		id := w.submit(chain("work"))
		x := w.end(id)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := w.Restart(t.Context(), id, x.Stages[0].ID, "jo", nil); err != nil && gennaker.KindOf(err) == gennaker.Internal {
					t.Error(err)
				}
			})
			all.Go(func() {
				if err := w.Delete(t.Context(), id); err != nil && gennaker.KindOf(err) == gennaker.Internal {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if err := w.Health(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRefusedForGood: what the storage will never take does not hold up the
// rest.
func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lost, kept := w.submit(chain("judge", "work")), w.submit(chain("topic", "work"))
	w.until(lost, running("0"))
	w.until(kept, running("0"))
	w.store.mu.Lock()
	delete(w.store.create, lost)
	w.store.mu.Unlock()
	if err := w.Cancel(t.Context(), lost, "jo", ""); err != nil {
		t.Error(err)
	}
	w.effect("ready")
	w.Signal("weather")
	if x := w.end(kept); x.Status != gennaker.Succeeded {
		t.Error(dump(x))
	}
	if err := w.Cancel(t.Context(), lost, "jo", ""); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("what was given up: %v", err)
	}
	if err := w.Health(); err != nil {
		t.Error(err)
	}
}

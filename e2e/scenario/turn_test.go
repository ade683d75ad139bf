package scenario

import (
	"testing"

	"github.com/gennaker/gennaker"
)

// TestTurns deploys one cluster by two executions at the same time.
func TestTurns(t *testing.T) {
	t.Parallel()
	start(t).parallel(map[string]func(*world){
		"wait":   func(w *world) { w.turns("bluegreen", "") },
		"weight": func(w *world) { w.turns("rollingredblack", "") },
		"refuse": func(w *world) { w.turns("bluegreen", `{concurrent: refuse}`) },
	})
}

// turns begins a second deployment while the first has its turn.
func (w *world) turns(strategy, how string) {
	w.Helper()
	w.front(strategy)
	first := w.begin(w.deploy(behaving(`{kubelab/ready-after: 3s}`), w.managed(strategy)))
	w.waits(first, "deployManifest", "web-v001")
	if how != "" {
		w.says(w.fails(w.deploy(dark, w.managed(strategy, how))), first, "deploys replicaSet web at this moment", "concurrent to wait")
		w.succeeded(first)
		equal(w, "traffic", w.traffic(strategy), "web-v001 100")
		equals(w, "versions", w.replicaSets(), "web-v000", "web-v001")
		return
	}
	second := w.begin(w.deploy(dark, w.managed(strategy)))
	w.waits(second, "deployManifest", "waiting until the stage")
	equals(w, "versions while the second waits", w.replicaSets(), "web-v000", "web-v001")
	one, two := w.succeeded(first), w.succeeded(second)
	var begun gennaker.Time
	for _, t := range w.stageOf(two, "deployManifest").Tasks {
		if t.Name == "deployManifest" {
			begun = t.StartTime
		}
	}
	if begun.Before(w.stageOf(one, "deployManifest").EndTime.Time) {
		w.Errorf("the second deployed at %s, before the first had ended at %s", begun, w.stageOf(one, "deployManifest").EndTime)
	}
	equal(w, "traffic", w.traffic(strategy), "web-v002 100")
}

package engine

import (
	"time"

	"github.com/gennaker/gennaker"
)

// Observer is told how executions go, once that is durable, by the goroutines
// that do the work: it must not block.
type Observer interface {
	// ExecutionStarted is told of an execution that runs; again when it was
	// restarted.
	ExecutionStarted(application string)
	// ExecutionEnded is told of an execution that ended; again when it was
	// restarted.
	ExecutionEnded(application, id string, s gennaker.Status)
	// StageEnded is told of a stage that ended, and how long it took: 0 if it
	// never started.
	StageEnded(stageType string, s gennaker.Status, took time.Duration)
	// TaskWaited is told how long a task, or the planning of a stage, was ready
	// before a worker began with it.
	TaskWaited(wait time.Duration)
}

// unobserved is the Observer that does not care.
type unobserved struct{}

func (unobserved) ExecutionStarted(string)                           {}
func (unobserved) ExecutionEnded(string, string, gennaker.Status)    {}
func (unobserved) StageEnded(string, gennaker.Status, time.Duration) {}
func (unobserved) TaskWaited(time.Duration)                          {}

// Ready returns how many tasks wait for a worker.
func (e *Engine) Ready() int { return e.jobs.waiting() }

// report tells the observer what began and ended with a batch. A stage ended
// with it if it has its time.
func (b *batch) report() {
	o, now := b.e.cfg.Observer, gennaker.At(b.now)
	for _, r := range b.order {
		d := b.deltas[r]
		if d.deleted {
			continue
		}
		for st := range d.stages {
			if st.Status.Complete() && st.End == now {
				took := time.Duration(0)
				if !st.Start.IsZero() {
					took = st.End.Sub(st.Start.Time)
				}
				o.StageEnded(st.Type, st.Status, took)
			}
		}
		if d.started {
			o.ExecutionStarted(r.x.Application)
		}
		if d.ended {
			o.ExecutionEnded(r.x.Application, r.x.ID, r.state.Status)
		}
	}
}

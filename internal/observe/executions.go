package observe

import (
	"time"

	"github.com/gennaker/gennaker"
)

// Executions is told by the engine how executions go: engine.Observer.
type Executions struct {
	Metrics *Metrics
	Traces  *Traces // may be nil
}

// ExecutionStarted counts.
func (e Executions) ExecutionStarted(application string) { e.Metrics.executionStarted(application) }

// ExecutionEnded counts, and sees that the trace is sent.
func (e Executions) ExecutionEnded(application, id string, s gennaker.Status) {
	e.Metrics.executionEnded(application, s)
	if e.Traces != nil {
		e.Traces.ended(id)
	}
}

// StageEnded counts.
func (e Executions) StageEnded(stageType string, s gennaker.Status, took time.Duration) {
	e.Metrics.stageEnded(stageType, s, took)
}

// TaskWaited counts.
func (e Executions) TaskWaited(wait time.Duration) { e.Metrics.taskWaited(wait) }

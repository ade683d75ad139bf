package app

import (
	"context"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api/execution"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/launch"
)

// launcher is execution.Launcher.
type launcher struct{ *launch.Launcher }

// StartTask starts an operation.
func (l launcher) StartTask(ctx context.Context, op execution.Operation, user string) (string, error) {
	return l.Launcher.StartTask(ctx, op.Application, op.Description, op.Jobs, user, op.Key)
}

// lateEngine is an engine that is not there yet when the stages are registered
// that use it: tasks that were recovered may be earlier.
type lateEngine struct {
	ready  chan struct{} // closed when the engine is set
	engine *engine.Engine
}

func (l *lateEngine) wait(ctx context.Context) error {
	select {
	case <-l.ready:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Submit is that of the engine.
func (l *lateEngine) Submit(ctx context.Context, x gennaker.Execution) (string, error) {
	if err := l.wait(ctx); err != nil {
		return "", err
	}
	return l.engine.Submit(ctx, x)
}

// Refuse is that of the engine.
func (l *lateEngine) Refuse(ctx context.Context, x gennaker.Execution, reason string) (string, error) {
	if err := l.wait(ctx); err != nil {
		return "", err
	}
	return l.engine.Refuse(ctx, x, reason)
}

// Cancel is that of the engine.
func (l *lateEngine) Cancel(ctx context.Context, id, user, reason string) error {
	if err := l.wait(ctx); err != nil {
		return err
	}
	return l.engine.Cancel(ctx, id, user, reason)
}

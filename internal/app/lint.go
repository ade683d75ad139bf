package app

import (
	"context"

	"github.com/gennaker/gennaker/internal/api/execution"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/lint"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/store"
)

// linter lints with what the server knows: document.Linter.
type linter struct {
	registry  *stage.Registry
	db        *store.DB
	functions func(context.Context) map[string]expr.Function
}

// Lint returns what is wrong with the text of a pipeline or a template.
func (l linter) Lint(ctx context.Context, text []byte) ([]lint.Warning, error) {
	return lint.Text(text, lint.Known{
		Stages:    l.registry,
		Functions: l.functions(ctx),
		Pipeline: func(application, nameOrID string) error {
			_, err := l.db.Pipeline(ctx, application, nameOrID)
			return err
		},
	})
}

// expressions evaluates in executions: execution.Expressions.
type expressions struct{ *engine.Engine }

// Evaluate returns the value of a text at a place of an execution.
func (e expressions) Evaluate(ctx context.Context, at execution.Place, text string, more map[string]any) (any, expr.Summary, error) {
	return e.Engine.Evaluate(ctx, at.Execution, at.Stage, at.After, text, more)
}

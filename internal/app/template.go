package app

import (
	"context"
	"time"

	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/template"
)

// evaluator is the language of expressions, for planning templates: a name that
// is not there is null.
func evaluator(ctx context.Context, functions func(context.Context) map[string]expr.Function) template.Evaluator {
	return func(v any, root map[string]any) (any, []template.Finding) {
		out, summary := expr.Evaluate(v, expr.Env{Root: root, Now: time.Now(), Functions: functions(ctx)})
		findings := make([]template.Finding, len(summary.Findings))
		for i, f := range summary.Findings {
			findings[i] = template.Finding{Path: f.Path, Expression: f.Expression, Message: f.Message, Failed: f.Level == expr.LevelError}
		}
		return out, findings
	}
}

// planner plans configs for people to look at: api.Planner.
type planner struct{ template.Resolver }

// PlanTemplate plans a config. Its trigger is what the defaults of variables
// see.
func (p planner) PlanTemplate(ctx context.Context, config map[string]any) (map[string]any, error) {
	trigger, _ := config["trigger"].(map[string]any)
	planned, err := p.Plan(ctx, config, trigger, "")
	if err != nil {
		return nil, err
	}
	return template.Preview(planned.Pipeline, p.Evaluate)
}

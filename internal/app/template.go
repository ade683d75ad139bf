package app

import (
	"context"
	"fmt"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/simulate"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/store"
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

// planner looks ahead: document.Planner.
type planner struct {
	template.Resolver
	db        *store.DB
	fleet     *provider.Fleet
	registry  *stage.Registry
	functions func(ctx context.Context) map[string]expr.Function
}

// PlanPipeline simulates a run against copies of the server groups that are
// there. Of an account that does not answer nothing is known: a stage that is
// about it fails in the plan, and says so.
func (p planner) PlanPipeline(ctx context.Context, pipeline gennaker.Pipeline, trigger gennaker.Trigger) (gennaker.Plan, error) {
	w := simulate.World{
		Registry: p.registry, Catalog: p.db, Strict: true, Functions: p.functions(ctx), Now: time.Now(), Resolve: p.resolve, Missing: map[string]error{},
	}
	for _, place := range p.fleet.All() {
		err := look(ctx, place, &w)
		switch {
		case err == nil:
			w.Accounts = append(w.Accounts, place.Account)
		case gennaker.KindOf(err) == gennaker.Unavailable:
			w.Missing[place.Account.Name] = err
		default:
			return gennaker.Plan{}, err
		}
	}
	return simulate.Plan(ctx, w, pipeline, trigger)
}

// look adds what is in an account to a world.
func look(ctx context.Context, place provider.Provider, w *simulate.World) error {
	groups, err := place.ServerGroups(ctx, "")
	if err != nil {
		return fmt.Errorf("look at the server groups of account %s: %w", place.Account.Name, err)
	}
	balancers, err := place.LoadBalancers(ctx)
	if err != nil {
		return fmt.Errorf("look at the load balancers of account %s: %w", place.Account.Name, err)
	}
	w.Groups, w.Balancers = append(w.Groups, groups...), append(w.Balancers, balancers...)
	return nil
}

// resolve is launch.Resolve.
func (p planner) resolve(ctx context.Context, doc map[string]any, trigger func() (map[string]any, error)) (map[string]any, error) {
	planned, err := p.Resolve(ctx, doc, trigger, "")
	return planned.Pipeline, err
}

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

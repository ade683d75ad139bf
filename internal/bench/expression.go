package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/simulate"
)

// measureExpression measures the evaluation of a stage's context with 50
// expressions, and how many runs of a pipeline are simulated in a second.
func measureExpression(_ context.Context, o options) ([]figure, error) {
	var evaluated, simulated []float64
	for range o.runs {
		v, err := evaluations(pick(o, 2000, 10))
		if err != nil {
			return nil, err
		}
		evaluated = append(evaluated, v)
		if v, err = simulations(pick(o, 500, 3)); err != nil {
			return nil, err
		}
		simulated = append(simulated, v)
	}
	return []figure{
		{what: "stage context with 50 expressions evaluated", unit: seconds, measured: evaluated, target: "< 1ms", met: below(0.001)},
		{what: "runs of a pipeline of 10 stages simulated, one core", unit: perSecond, measured: simulated, target: "≥ 1,000/s", met: func(measured, _ float64) bool { return measured >= 1000 }},
	}, nil
}

// kinds are expressions as pipelines have them.
var kinds = [...]string{
	"${parameters.version}", "app-${parameters.version}-${trigger.buildNumber}", "${trigger.artifacts.?[type == 'docker/image'][0].version}",
	"${#toInt(parameters.replicas) * 2}", "${parameters.region ?: 'eu-west-1'}", "${trigger['buildNumber'] > 10 ? 'new' : 'old'}",
	"${parameters.regions.split(',')}", "${#toJson(labels)}", "${imageName.replaceAll('-', '_').toUpperCase()}", "${deploymentDetails[0]['imageId']}",
}

// evaluations returns the seconds that one evaluation takes, of n.
func evaluations(n int) (float64, error) {
	var containers []any
	for i := range 50 / len(kinds) {
		m := map[string]any{"name": fmt.Sprint("container", i), "ports": []any{map[string]any{"containerPort": 8080, "protocol": "TCP"}}}
		for j, text := range kinds {
			m[fmt.Sprint("value", j)] = text
			m[fmt.Sprint("plain", j)] = "a text of a manifest without an expression"
		}
		containers = append(containers, m)
	}
	stage := map[string]any{"account": "prod", "manifests": []any{map[string]any{"kind": "Deployment", "spec": map[string]any{"containers": containers}}}}
	trigger := map[string]any{
		"buildNumber": 17, "parameters": map[string]any{"version": "1.4.2", "replicas": "3", "regions": "a,b,c"},
		"artifacts": []any{map[string]any{"type": "docker/image", "version": "1.4.2"}},
	}
	env := expr.Env{Now: time.Now(), Root: expr.Root(map[string]any{
		"labels": map[string]any{"app": "shop"}, "imageName": "shop-cart", "deploymentDetails": []any{map[string]any{"imageId": "i-1"}},
	}, trigger)}
	began := time.Now()
	for range n {
		if _, summary := expr.Evaluate(stage, env); len(summary.Findings) > 0 || summary.Evaluated != 50 {
			return 0, fmt.Errorf("%d expressions have a value, and these have none: %v", summary.Evaluated, summary.Findings)
		}
	}
	return time.Since(began).Seconds() / float64(n), nil
}

// simulations returns how many runs are simulated in a second, of n.
func simulations(n int) (float64, error) {
	text := []byte(`{"application": "bench", "name": "p", "parameterConfig": [{"name": "version", "default": "1"}], "stages": [{"refId": "0", "type": "wait", "waitTime": 60}`)
	for i := 1; i < 10; i++ {
		text = fmt.Appendf(text, `, {"refId": "%d", "requisiteStageRefIds": ["%d"], "type": "wait", "waitTime": 60, "comments": "${parameters.version} by ${trigger.user}"}`, i, i-1)
	}
	p, err := gennaker.ParsePipeline(append(text, "]}"...))
	if err != nil {
		return 0, err
	}
	began := time.Now()
	for range n {
		plan, err := simulate.Plan(context.Background(), simulate.World{Now: began}, p, gennaker.Trigger{})
		if err != nil || plan.Status != gennaker.Succeeded {
			return 0, fmt.Errorf("a simulated run is %s, %w", plan.Status, err)
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

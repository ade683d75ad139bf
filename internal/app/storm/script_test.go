package storm

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/app"
)

// object is a JSON object.
type object = map[string]any

// deployment returns a deploy stage.
func deployment(stack, strategy string, instances int, more object) object {
	cluster := object{
		"cloudProvider": "local", "account": app.LocalAccount, "region": "local", "application": application, "stack": stack,
		"strategy": strategy, "capacity": capacity(instances), "loadBalancers": []string{stack},
		"artifact": object{"reference": "${parameters.artifact}"}, "command": []string{"./hello", "hello"},
		// Thresholds far away: a machine that stalls must not look like an instance that is ill.
		"healthCheck":  object{"type": "http", "path": "/health", "intervalMs": 100, "timeoutMs": 10_000, "unhealthyThreshold": 50},
		"drainSeconds": 60, "stopSeconds": 30,
	}
	maps.Copy(cluster, more)
	return object{"refId": "1", "type": "deploy", "name": "Deploy " + stack, "clusters": []any{cluster}}
}

func capacity(n int) object { return object{"min": n, "max": n, "desired": n} }

// pipelines returns all pipelines of the storm, by name.
func pipelines() map[string][]object {
	failing := func(limit int) []object { // the shortest ones end while the server group is being created
		st := deployment("redblack", "redblack", 1, object{"rollback": object{"onFailure": true, "destroyLatest": true}})
		st["stageTimeoutMs"] = limit
		return []object{st}
	}
	judgment := object{"application": application, "pipelineId": "storm-validate", "pipelineParameters": object{}}
	return map[string][]object{
		"Red black":            {deployment("redblack", "redblack", 2, object{"maxRemainingAsgs": 2, "rollback": object{"onFailure": true}})},
		"Red black fails late": failing(int(patience.Milliseconds())),
		"Fails after 1500 ms":  failing(1500),
		"Fails after 100 ms":   failing(100),
		"Fails after 20 ms":    failing(20),
		"Rolling": {deployment("rolling", "rollingredblack", 2, object{
			"targetPercentages": []int{50, 100}, "pipelineBeforeCleanup": judgment,
			"rollback": object{"onFailure": true, "destroyLatest": true},
		})},
		"Highlander": {deployment("plain", "highlander", 1, nil)},
		"None":       {deployment("plain", "none", 1, nil)},
		"First":      {deployment("operated", "none", 1, nil)},
		"Steady":     {deployment("steady", "none", 2, nil)},
		"Validate":   {{"refId": "1", "type": "manualJudgment", "name": "Good?", "judgmentInputs": []any{}}},
		"Child":      {{"refId": "1", "type": "wait", "waitTime": 0}, {"refId": "2", "requisiteStageRefIds": []string{"1"}, "type": "wait", "waitTime": 1}},
		"Control": {
			{"refId": "1", "type": "wait", "waitTime": 0},
			{"refId": "2", "requisiteStageRefIds": []string{"1"}, "type": "pipeline", "application": application, "pipeline": "Child"},
			{"refId": "3", "requisiteStageRefIds": []string{"1"}, "type": "wait", "waitTime": 1},
			{"refId": "4", "requisiteStageRefIds": []string{"2", "3"}, "type": "manualJudgment", "name": "Good?"},
		},
	}
}

// stacks have a load balancer of the same name each.
var stacks = []string{"redblack", "rolling", "plain", "operated"}

// prepare saves the application, the load balancers and the pipelines, and
// returns where the load balancers listen, by stack.
func (w *world) prepare(ctx context.Context, stacks ...string) (map[string]string, error) {
	attrs := object{"name": application, "email": "storm@example.com"}
	if _, err := w.task(ctx, "create application", gennaker.Succeeded, object{"type": "createApplication", "application": attrs}); err != nil {
		return nil, err
	}
	listen := map[string]string{}
	for _, stack := range stacks {
		listen[stack] = address(w.t)
		_, err := w.task(ctx, "create load balancer", gennaker.Succeeded, object{
			"type": "upsertLoadBalancer", "credentials": app.LocalAccount, "region": "local", "name": stack, "listen": listen[stack],
		})
		if err != nil {
			return nil, err
		}
	}
	for name, stages := range pipelines() {
		if err := w.save(ctx, name, stages); err != nil {
			return nil, err
		}
	}
	return listen, nil
}

// save saves a pipeline.
func (w *world) save(ctx context.Context, name string, stages []object) error {
	doc := object{
		"application": application, "name": name, "stages": stages,
		"parameterConfig": []object{{"name": "artifact", "default": ""}},
	}
	if name == "Validate" {
		doc["id"] = "storm-validate"
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if err := w.client.SavePipeline(ctx, text); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

// version alternates, so that a deployment changes something.
func version(round int) object { return object{"artifact": artifacts[[]string{"v1", "v2"}[round%2]]} }

// script is what one actor does again and again.
type script func(ctx context.Context, round int) error

// enabled checks which server groups of a cluster serve.
func (w *world) enabled(ctx context.Context, stack string, want ...string) error {
	groups, err := w.groups(ctx, stack)
	if err != nil {
		return err
	}
	var got []string
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if g := groups[name]; !g.Disabled {
			got = append(got, name)
		}
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		return fmt.Errorf("of cluster %s %v are enabled, not %v", stack, got, want)
	}
	return nil
}

// deploy runs a pipeline that creates one server group, and returns its name.
func (w *world) deploy(ctx context.Context, pipeline string, round int) (string, error) {
	x, err := w.run(ctx, pipeline, version(round), gennaker.Succeeded, nil)
	if err != nil {
		return "", err
	}
	names := created(x)
	if len(names) != 1 {
		return "", fmt.Errorf("execution %s created %v, not one server group", x.ID, names)
	}
	return names[0], nil
}

// canceled begins to replace a version, and is canceled at some moment.
func (w *world) canceled(ctx context.Context, round int) error {
	id, err := w.start(ctx, "Red black fails late", object{"artifact": artifacts["bad"]}, gennaker.Canceled)
	if err != nil {
		return err
	}
	pause(ctx, time.Duration(round*37%200)*time.Millisecond)
	if err := w.retry(ctx, func() error { return w.client.CancelExecution(ctx, id, "a storm") }); err != nil {
		return err
	}
	_, err = ended(gennaker.Canceled)(w.follow(ctx, id, nil))
	return err
}

// redBlack replaces a version, or tries to and takes it back.
func (w *world) redBlack() script {
	serving := ""
	return func(ctx context.Context, round int) error {
		if round%4 == 2 {
			if err := w.canceled(ctx, round); err != nil {
				return err
			}
			return w.enabled(ctx, "redblack", serving)
		}
		if round%4 == 3 {
			limit := []int{1500, 100, 20}[round/4%3]
			x, err := w.run(ctx, fmt.Sprintf("Fails after %d ms", limit), object{"artifact": artifacts["bad"]}, gennaker.Terminal, nil)
			if err != nil {
				return err
			}
			groups, err := w.groups(ctx, "redblack")
			if err != nil {
				return err
			}
			for _, name := range created(x) {
				if g, there := groups[name]; there && !g.Destroying {
					return fmt.Errorf("%s was not destroyed by execution %s:\n%s", name, x.ID, describe(x))
				}
			}
			return w.enabled(ctx, "redblack", serving)
		}
		name, err := w.deploy(ctx, "Red black", round)
		if err != nil {
			return err
		}
		serving = name
		return w.enabled(ctx, "redblack", serving)
	}
}

// rolling replaces a version step by step; every third one is judged bad at a
// step, and taken back.
func (w *world) rolling() script {
	serving := ""
	return func(ctx context.Context, round int) error {
		bad, want := 0, gennaker.Succeeded
		if round%3 == 2 {
			bad, want = 1+round/3%2, gennaker.Terminal
		}
		x, err := w.run(ctx, "Rolling", version(round), want, func(x gennaker.Execution) error {
			steps := 0
			for _, st := range x.Stages {
				if st.Type != "pipeline" {
					continue
				}
				steps++
				child, _ := st.Context["executionId"].(string)
				if st.Status != gennaker.Running || child == "" {
					continue
				}
				if err := w.judge(ctx, child, steps != bad); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if bad == 0 {
			names := created(x)
			if len(names) != 1 {
				return fmt.Errorf("execution %s created %v, not one server group", x.ID, names)
			}
			serving = names[0]
		}
		if err := w.enabled(ctx, "rolling", serving); err != nil {
			return fmt.Errorf("after %s: %w\n%s", x.ID, err, describe(x))
		}
		_, err = w.task(ctx, "shrink rolling", gennaker.Succeeded, object{
			"type": "shrinkCluster", "credentials": app.LocalAccount, "regions": []string{"local"}, "cluster": application + "-rolling",
			"shrinkToSize": 1, "allowDeleteActive": false,
		})
		return err
	}
}

// plain puts a version beside another one, and then one in place of both.
func (w *world) plain() script {
	serving := ""
	return func(ctx context.Context, round int) error {
		if round%2 == 0 {
			name, err := w.deploy(ctx, "Highlander", round)
			if err != nil {
				return err
			}
			serving = name
			return w.enabled(ctx, "plain", name)
		}
		name, err := w.deploy(ctx, "None", round)
		if err != nil {
			return err
		}
		return w.enabled(ctx, "plain", serving, name)
	}
}

// operated changes a cluster by hand.
func (w *world) operated() script {
	old := ""
	return func(ctx context.Context, round int) (err error) {
		if round == 0 {
			old, err = w.deploy(ctx, "First", round)
			return err
		}
		do := func(what, typ, group string, want gennaker.Status, more object) (gennaker.Execution, error) {
			job := object{"type": typ, "credentials": app.LocalAccount, "region": "local", "regions": []string{"local"}}
			if group != "" {
				job["serverGroupName"] = group
			}
			maps.Copy(job, more)
			return w.task(ctx, what, want, job)
		}
		x, err := do("clone", "cloneServerGroup", "", gennaker.Succeeded, object{
			"application": application, "stack": "operated", "account": app.LocalAccount,
			"source": object{"account": app.LocalAccount, "region": "local", "serverGroupName": old},
		})
		if err != nil {
			return err
		}
		names := created(x)
		if len(names) != 1 {
			return fmt.Errorf("task %s created %v, not one server group:\n%s", x.ID, names, describe(x))
		}
		made := names[0]
		cluster := object{"cluster": application + "-operated"}
		for _, step := range []struct {
			what, typ, group string
			more             object
			enabled          []string
		}{
			{"resize to 2", "resizeServerGroup", made, object{"action": "scale_exact", "capacity": capacity(2)}, []string{old, made}},
			{"disable old", "disableServerGroup", old, nil, []string{made}},
			{"roll back", "rollbackCluster", "", cluster, []string{old}},
			{"enable new", "enableServerGroup", made, nil, []string{old, made}},
			{"destroy old", "destroyServerGroup", old, nil, []string{made}},
			{"resize to 1", "resizeServerGroup", made, object{"action": "scale_exact", "capacity": capacity(1)}, []string{made}},
		} {
			x, err := do(step.what, step.typ, step.group, gennaker.Succeeded, step.more)
			if err == nil {
				err = w.enabled(ctx, "operated", step.enabled...)
			}
			if err != nil {
				return fmt.Errorf("%s: %w\n%s", step.what, err, describe(x))
			}
		}
		if _, err := do("resize nothing", "resizeServerGroup", application+"-operated-v999", gennaker.Terminal, object{
			"action": "scale_exact", "capacity": capacity(1),
		}); err != nil {
			return err
		}
		old = made
		return nil
	}
}

// control runs pipelines that deploy nothing: judged good, judged bad, canceled.
func (w *world) control() script {
	return func(ctx context.Context, round int) error {
		want := []gennaker.Status{gennaker.Succeeded, gennaker.Terminal, gennaker.Canceled}[round%3]
		_, err := w.run(ctx, "Control", object{}, want, func(x gennaker.Execution) error {
			for _, st := range x.Stages {
				switch {
				case want == gennaker.Canceled && st.Type == "pipeline" && st.Status == gennaker.Running && !x.Canceled:
					return w.retry(ctx, func() error { return w.client.CancelExecution(ctx, x.ID, "a storm") })
				case want != gennaker.Canceled && st.Type == "manualJudgment" && st.Status == gennaker.Running && st.Context["judgmentStatus"] == nil:
					return w.judge(ctx, x.ID, want == gennaker.Succeeded)
				}
			}
			return nil
		})
		return err
	}
}

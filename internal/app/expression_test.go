package app_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

// With the evaluator v3 stages are evaluated at the start too; with v4 when
// they start. Either way each sees what those before it put out.
func TestExpressions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v3", "v4"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.save("p", object{"spelEvaluator": version, "parameterConfig": []object{{"name": "who", "default": "world"}}},
				stage(1, "wait", object{"name": "hello ${parameters.who}", "waitTime": "${ 1 - 1 }"}),
				stage(2, "wait", object{
					"waitTime": 0, "comments": "${#stage('hello world')['status']} by ${execution.name}, build ${trigger['buildNumber']}",
					"list": []any{"${trigger.buildNumber}", "${parameters.nothing ?: 'none'}"}, "raw": "${nowhere.at.all}",
				}),
			)
			id := w.begin("p", nil)
			x := w.ended(id, gennaker.Succeeded)
			second := x.Stages[1].Context
			if x.Stages[0].Name != "hello world" {
				t.Errorf("the first stage is called %q", x.Stages[0].Name)
			}
			if got := fmt.Sprint(second["comments"]); !strings.HasPrefix(got, "SUCCEEDED by p, build ") {
				t.Errorf("comments are %q", got)
			}
			if got := fmt.Sprint(second["raw"]); got != "${nowhere.at.all}" {
				t.Errorf("what cannot be evaluated became %q", got)
			}
			summary, _ := second["expressionEvaluationSummary"].(map[string]any)
			if summary["nowhere.at.all"] == nil {
				t.Errorf("the summary is %v", summary)
			}
			exception, _ := second["exception"].(map[string]any)
			details, _ := exception["details"].(map[string]any)
			if got := fmt.Sprint(details["errors"]); !strings.Contains(got, "nowhere") {
				t.Errorf("the errors are %q", got)
			}
		})
	}
}

func TestFailOnFailedExpressions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("p", nil, stage(1, "wait", object{"waitTime": 0, "failOnFailedExpressions": true, "comments": "${nowhere.at.all}"}))
	x := w.ended(w.begin("p", nil), gennaker.Terminal)
	if got := x.Stages[0].Tasks[0].Status; got != gennaker.Succeeded {
		t.Errorf("the task is %s; the stage fails only after it", got)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	when := func(expression string) object {
		return object{"waitTime": 0, "stageEnabled": object{"type": "expression", "expression": expression}}
	}
	w.save("p", object{"parameterConfig": []object{{"name": "deploy", "default": "no"}}},
		stage(1, "wait", when("parameters.deploy == 'yes'")), stage(2, "wait", when("#stage('wait').status == 'SKIPPED'")))
	for _, deploy := range []string{"yes", "no"} {
		x := w.ended(w.begin("p", object{"deploy": deploy}), gennaker.Succeeded)
		got := fmt.Sprint(x.Stages[0].Status, " ", x.Stages[1].Status)
		if want := map[string]string{"yes": "SUCCEEDED SKIPPED", "no": "SKIPPED SUCCEEDED"}[deploy]; got != want {
			t.Errorf("deploy=%s: the stages ended as %s, want %s", deploy, got, want)
		}
	}
}

// A start that fails is an execution too, so that it is seen.
func TestFailedStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("p", nil, stage(1, "wait", object{"waitTime": 0, "name": "${ {'a', 'b'} }"}))
	_, err := w.StartPipeline(w.ctx, "demo", "p", client.Start{})
	refused(t, err, gennaker.Invalid, "stages[0].name: must be a string, not a list")
	list, err := w.Executions(w.ctx, client.ExecutionQuery{Application: "demo", Limit: 10})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d executions, %v", len(list), err)
	}
	x := list[0]
	if x.Status != gennaker.Terminal || x.CanceledBy != "system" || !strings.HasPrefix(x.CancelReason, "Failed on startup: evaluate the expressions of pipeline p") {
		t.Errorf("the execution is %s, canceled by %q: %q", x.Status, x.CanceledBy, x.CancelReason)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("p", nil, stage(1, "wait", object{"waitTime": 3600}))
	status, answer := w.call("POST", "/pipelines/demo/p", object{"dryRun": true})
	id := strings.TrimPrefix(fmt.Sprint(answer["ref"]), "/pipelines/")
	if status != 202 {
		t.Fatalf("got %d %v", status, answer)
	}
	x := w.ended(id, gennaker.Succeeded)
	if tasks := x.Stages[0].Tasks; len(tasks) != 1 || tasks[0].Name != "dryRun" {
		t.Errorf("the tasks of a dry run are %v", tasks)
	}
}

// The child that runs again is the one that the parent waits for.
func TestRestartOfAChild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("child", object{"id": "child"}, stage(1, "manualJudgment", nil))
	w.save("parent", nil, stage(1, "pipeline", object{"application": "demo", "pipeline": "child"}), stage(2, "wait", object{"waitTime": 0}))
	id := w.begin("parent", nil)
	var child string
	w.until(id, "waiting for its child", func(x gennaker.Execution) bool {
		child, _ = x.Stages[0].Context["executionId"].(string)
		return child != ""
	})
	w.judge(child, "1", false)
	w.ended(child, gennaker.Terminal)
	w.ended(id, gennaker.Terminal)
	x := w.ended(child, gennaker.Terminal)
	if status, answer := w.call("PUT", "/pipelines/"+child+"/stages/"+x.Stages[0].ID+"/restart", object{}); status != 200 {
		t.Fatalf("restart: %d %v", status, answer)
	}
	w.until(id, "running again", func(x gennaker.Execution) bool { return x.Status == gennaker.Running })
	w.judge(child, "1", true)
	parent := w.ended(id, gennaker.Succeeded)
	if parent.Stages[0].Context["executionId"] != child {
		t.Errorf("the parent has another child: %v", parent.Stages[0].Context["executionId"])
	}
}

// Source: Spinnaker orca, POST /pipelines/{id}/evaluateVariables.
func TestEvaluateBehindAStage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	set := func(ref int, value string) object {
		return stage(ref, "evaluateVariables", object{"name": value, "variables": []object{{"key": "x", "value": value}}})
	}
	w.save("p", nil, set(1, "first"), set(2, "second"))
	id := w.begin("p", nil)
	w.ended(id, gennaker.Succeeded)
	for after, want := range map[string]string{"1": "first", "2": "second", "": "second"} {
		status, answer := w.call("POST", "/pipelines/"+id+"/evaluateVariables?requisiteStageRefIds="+after, []object{{"key": "y", "value": "${x}"}})
		if got := fmt.Sprint(answer["result"]); status != 200 || !strings.Contains(got, "value:"+want) {
			t.Errorf("behind %q: %d %v", after, status, answer)
		}
	}
}

package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

// TestUnknownTypesAreSavedAndRefusedAtStart holds what a server does with a
// pipeline of another one's stage types.
func TestUnknownTypesAreSavedAndRefusedAtStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const text = `{"application":"demo","name":"foreign","stages":[
{"refId":"1","type":"terraform","requisiteStageRefIds":[],"plan":true},
{"refId":"2","type":"wait","requisiteStageRefIds":["1"],"waitTime":{},"comments":"${#stage('terrafrom').status}"}]}`
	found, err := w.SaveAndLintPipeline(w.ctx, []byte(text), false)
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, f := range found {
		rules = append(rules, f.Rule)
	}
	if diff := cmp.Diff([]string{"unknown-type", "field-value", "stage-missing"}, rules); diff != "" {
		t.Errorf("%s\n%+v", diff, found)
	}
	p, err := w.Pipeline(w.ctx, "demo", "foreign")
	if err != nil || p.Stages != 2 {
		t.Errorf("read back: %d stages, %v", p.Stages, err)
	}
	_, err = w.StartPipeline(w.ctx, "demo", "foreign", client.Start{})
	refused(t, err, gennaker.Invalid, "terraform")
	if _, err := w.SaveAndLintPipeline(w.ctx, []byte(strings.Replace(text, "foreign", "strict", 1)), true); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("strict: %v", err)
	}
	if _, err := w.Pipeline(w.ctx, "demo", "strict"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("what was refused is there: %v", err)
	}
}

// TestLintKnowsThePipelines holds that a missing child is found, and one that
// is there is not.
func TestLintKnowsThePipelines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("child", nil, stage(1, "wait", nil))
	text, err := json.Marshal(object{"application": "demo", "name": "parent", "stages": []object{
		stage(1, "pipeline", object{"application": "demo", "pipeline": "child"}),
		stage(2, "pipeline", object{"application": "demo", "pipeline": "gone", "comments": "${#pipelineIdOrNull('child')}"}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	found, err := w.LintPipeline(w.ctx, text, false)
	if err != nil || len(found) != 1 || found[0].Rule != "pipeline-missing" || found[0].Path != "stages[1].pipeline" {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err = w.LintPipeline(w.ctx, text, true); err != nil || found[0].Severity != client.SeverityError {
		t.Errorf("strict: %+v, %v", found, err)
	}
}

// TestExpressionsInExecutions evaluates expressions in an execution that is
// complete.
func TestExpressionsInExecutions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.save("variables", object{"spelEvaluator": "v4", "parameterConfig": []object{{"name": "n", "default": "7"}}},
		stage(1, "evaluateVariables", object{"variables": []object{{"key": "twice", "value": "${#toInt(parameters.n) * 2}"}}}),
		stage(2, "wait", object{"waitTime": 0}))
	id := w.begin("variables", nil)
	x := w.ended(id, gennaker.Succeeded)
	for text, want := range map[string]string{
		"${parameters.n}": `"7"`, "${twice + 1}": `15`, "${execution.id}": `"` + id + `"`, "n is ${parameters.n}": `"n is 7"`,
	} {
		v, err := w.EvaluateExpression(w.ctx, id, "", text)
		if err != nil || string(v.Result) != want || len(v.Findings) > 0 {
			t.Errorf("%s: %s, %+v, %v, want %s", text, v.Result, v.Findings, err, want)
		}
	}
	v, err := w.EvaluateExpression(w.ctx, id, x.Stages[1].ID, "${#currentStage().name}")
	if err != nil || string(v.Result) != `"wait"` {
		t.Errorf("at a stage: %s, %+v, %v", v.Result, v.Findings, err)
	}
	v, err = w.EvaluateExpression(w.ctx, id, "", "a ${#stage('nope').status}")
	if err != nil || len(v.Findings) != 1 || v.Findings[0].Level != "ERROR" || v.Findings[0].Offset == 0 {
		t.Errorf("without a value: %+v, %v", v, err)
	}
	status, answer := w.call("POST", "/pipelines/"+id+"/evaluateVariables?requisiteStageRefIds=1", []object{
		{"key": "a", "value": "${twice + 1}"}, {"key": "b", "value": "${a + 1}"},
	})
	result, _ := answer["result"].([]any)
	if len(result) != 2 || status != 200 || result[1].(object)["value"] != 16.0 {
		t.Errorf("variables: status %d, %v", status, answer)
	}
	if _, err := w.EvaluateExpression(w.ctx, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "a"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("unknown execution: %v", err)
	}
}

package simulate_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/simulate"
	"github.com/gennaker/gennaker/internal/stage"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	p, err := gennaker.ParsePipeline([]byte(`{
	  "application": "shop", "name": "deploy", "spelEvaluator": "v4", "parameterConfig": [{"name": "tag", "default": "1.4"}],
	  "stages": [
	    {"refId": "1", "type": "jenkins", "name": "Build", "job": "${parameters.tag}-${parameters.tag}"},
	    {"refId": "2", "type": "manualJudgment", "name": "Go", "requisiteStageRefIds": ["1"]},
	    {"refId": "3", "type": "deploy", "name": "Deploy", "requisiteStageRefIds": ["2"], "clusters": [{
	      "account": "local", "application": "shop", "stack": "prod", "strategy": "redblack", "capacity": {"min": 2, "max": 2, "desired": 2},
	      "artifact": {"reference": "/srv/${parameters.tag}"}, "delayBeforeDisableSec": 30, "comment": "${buildNumber}"}]},
	    {"refId": "4", "type": "wait", "waitTime": 60, "name": "Never", "requisiteStageRefIds": ["3"], "stageEnabled": {"type": "expression", "expression": "parameters.tag == 'x'"}}
	  ]}`))
	if err != nil {
		t.Fatal(err)
	}
	types := &stage.Registry{}
	stage.Add[struct{}](types, stage.Definition{Type: "jenkins", Steps: []stage.Step{{Name: "startJenkinsJob"}}})
	plan, err := simulate.Plan(t.Context(), simulate.World{
		Registry: types, Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		Groups: []gennaker.ServerGroup{{Name: "shop-prod-v007", Account: "local", Region: "local", Capacity: gennaker.Capacity{Min: 2, Desired: 2, Max: 2}}},
	}, p, gennaker.Trigger{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range plan.Stages {
		plan.Stages[i].Outputs, plan.Stages[i].Unresolved = nil, nil
	}
	want := gennaker.Plan{
		Application: "shop", Name: "deploy", Status: gennaker.Succeeded, Seconds: 30, Parameters: map[string]any{"tag": "1.4"},
		Stages: []gennaker.PlannedStage{
			{RefID: "1", Name: "Build", Type: "jenkins", Status: gennaker.Succeeded, Assumed: true, Values: []gennaker.PlannedValue{
				{Path: "job", Expression: "${parameters.tag}-${parameters.tag}", Value: "1.4-1.4"},
			}},
			{RefID: "2", Name: "Go", Type: "manualJudgment", Status: gennaker.Succeeded},
			{RefID: "3", Name: "Deploy", Type: "deploy", Status: gennaker.Succeeded, Values: []gennaker.PlannedValue{
				{Path: "clusters[0].artifact.reference", Expression: "/srv/${parameters.tag}", Value: "/srv/1.4"},
			}, Moves: []string{"create shop-prod-v008 with 2 instances", "disable shop-prod-v007"}},
			{RefID: "4", Name: "Never", Type: "wait", Status: gennaker.Skipped, Reason: "its condition parameters.tag == 'x' is false", Start: 30},
		},
	}
	if diff := cmp.Diff(want, plan); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPlanBesideAnAccountThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	away := gennaker.Errorf(gennaker.Unavailable, "what is in account far is not known yet: connection refused")
	for account, want := range map[string]gennaker.PlannedStage{
		"local": {RefID: "1", Type: "disableServerGroup", Status: gennaker.Succeeded},
		"far":   {RefID: "1", Type: "disableServerGroup", Status: gennaker.Terminal, Reason: "connection refused"},
	} {
		p, err := gennaker.ParsePipeline([]byte(`{"application": "shop", "name": "p", "stages": [
			{"refId": "1", "type": "disableServerGroup", "account": "` + account + `", "region": "local", "cloudProvider": "local", "serverGroupName": "shop-prod-v007"}
		]}`))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := simulate.Plan(t.Context(), simulate.World{
			Strict: true, Accounts: []gennaker.Account{{Name: "local", Regions: []string{"local"}}}, Missing: map[string]error{"far": away},
			Groups: []gennaker.ServerGroup{{Name: "shop-prod-v007", Account: "local", Region: "local", Capacity: gennaker.Capacity{Min: 2, Desired: 2, Max: 2}}},
		}, p, gennaker.Trigger{})
		if err != nil {
			t.Fatal(err)
		}
		got := plan.Stages[0]
		if got.Status != want.Status || !strings.Contains(got.Reason, want.Reason) {
			t.Errorf("in account %s: %s, %s", account, got.Status, got.Reason)
		}
	}
}

func TestPlanOfWhatWouldNotStart(t *testing.T) {
	t.Parallel()
	p, err := gennaker.ParsePipeline([]byte(`{"application": "shop", "name": "p", "stages": [{"refId": "1", "type": "nobodyKnows"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := simulate.Plan(t.Context(), simulate.World{}, p, gennaker.Trigger{})
	if err != nil || plan.Refused == "" || plan.Status != gennaker.Terminal {
		t.Errorf("got %+v, %v", plan, err)
	}
}

// asked is a catalog of one pipeline that notes what it is asked for.
type asked struct {
	pipeline gennaker.Pipeline
	names    []string
}

func (a *asked) Pipeline(_ context.Context, application, nameOrID string) (gennaker.Pipeline, error) {
	a.names = append(a.names, application+"/"+nameOrID)
	if nameOrID != a.pipeline.Name {
		return gennaker.Pipeline{}, gennaker.Errorf(gennaker.NotFound, "there is no pipeline %s", nameOrID)
	}
	return a.pipeline, nil
}

func (a *asked) Application(_ context.Context, name string) (gennaker.Application, error) {
	a.names = append(a.names, name)
	return gennaker.Application{}, gennaker.Errorf(gennaker.NotFound, "there is no application %s", name)
}

// TestPlanAsksForWhatItNeeds: of all that an installation has a plan reads what
// the stages of the pipeline name.
func TestPlanAsksForWhatItNeeds(t *testing.T) {
	t.Parallel()
	parse := func(text string) gennaker.Pipeline {
		p, err := gennaker.ParsePipeline([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	child := parse(`{"application": "shop", "name": "child", "stages": [{"refId": "1", "type": "wait", "waitTime": 5}]}`)
	for name, tt := range map[string]struct {
		stage string
		names []string
		want  gennaker.Status
	}{
		"nothing":         {stage: `{"refId": "1", "type": "wait", "waitTime": 1}`, want: gennaker.Succeeded},
		"a child":         {stage: `{"refId": "1", "type": "pipeline", "application": "shop", "pipeline": "child"}`, names: []string{"shop/child"}, want: gennaker.Succeeded},
		"one of nobody's": {stage: `{"refId": "1", "type": "pipeline", "application": "shop", "pipeline": "none"}`, names: []string{"shop/none"}, want: gennaker.Terminal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			catalog := &asked{pipeline: child}
			plan, err := simulate.Plan(t.Context(), simulate.World{Catalog: catalog, Strict: true}, parse(`{"application": "shop", "name": "p", "stages": [`+tt.stage+`]}`), gennaker.Trigger{})
			if err != nil || plan.Status != tt.want {
				t.Fatalf("got %+v, %v, want it to be %s", plan, err, tt.want)
			}
			if diff := cmp.Diff(tt.names, catalog.names); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
		})
	}
}

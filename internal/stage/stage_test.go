package stage_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

type config struct {
	Wait   float64           `json:"waitTime"`
	Count  int               `json:"count"`
	On     bool              `json:"on"`
	Name   string            `json:"name"`
	Names  []string          `json:"names"`
	Labels map[string]string `json:"labels"`
	Nested struct {
		Size *int `json:"size"`
	} `json:"nested"`
}

func TestDecodeIsLenient(t *testing.T) {
	t.Parallel()
	got, err := stage.Decode[config](map[string]any{
		"waitTime": "30", "count": json.Number("4"), "on": "true", "name": 7.0, "names": "one", "nested": map[string]any{"size": 2.0}, "unknown": []any{1},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config{Wait: 30, Count: 4, On: true, Name: "7", Names: []string{"one"}}
	want.Nested.Size = new(2)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCheckNamesEveryProblem(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		context map[string]any
		want    []gennaker.Problem
	}{
		"nothing wrong":          {map[string]any{"waitTime": 3.0}, nil},
		"an expression fits":     {map[string]any{"waitTime": "${parameters.x}", "on": "${y}", "nested": map[string]any{"size": "${z}"}}, nil},
		"text for a number":      {map[string]any{"waitTime": "soon"}, []gennaker.Problem{{Path: "waitTime", Message: `must be a number, not "soon"`}}},
		"text for a boolean":     {map[string]any{"on": "maybe"}, []gennaker.Problem{{Path: "on", Message: `must be true or false, not "maybe"`}}},
		"an object for text":     {map[string]any{"name": map[string]any{"a": 1}}, []gennaker.Problem{{Path: "name", Message: `must be a string, not {"a":1}`}}},
		"a list for an object":   {map[string]any{"nested": []any{1.0, 2.0}}, []gennaker.Problem{{Path: "nested", Message: "must be an object"}}},
		"within an object":       {map[string]any{"nested": map[string]any{"size": "big"}}, []gennaker.Problem{{Path: "nested.size", Message: `must be a number, not "big"`}}},
		"two, in order of paths": {map[string]any{"waitTime": "soon", "count": "few"}, []gennaker.Problem{{Path: "count", Message: `must be a number, not "few"`}, {Path: "waitTime", Message: `must be a number, not "soon"`}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, stage.Check[config](tt.context)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	var r stage.Registry
	stage.Add[config](&r, stage.Definition{Type: "a", Aliases: []string{"b"}, Steps: []stage.Step{{Name: "one"}}})
	stage.Add[config](&r, stage.Definition{Type: "hidden", Internal: true})
	if d, err := r.Find("b"); err != nil || d.Type != "a" || d.Step("one") == nil || d.Step("two") != nil {
		t.Errorf("by alias: %+v, %v", d, err)
	}
	if _, err := r.Find("c"); gennaker.KindOf(err) != gennaker.Invalid || gennaker.HintOf(err) != "the stage types are a" {
		t.Errorf("unknown: %v, hint %q", err, gennaker.HintOf(err))
	}
	got := r.Check([]gennaker.StageConfig{{Type: "a", Context: map[string]any{"count": "x"}}, {Type: "hidden"}})
	want := []gennaker.Problem{
		{Path: "stages[0].count", Message: `must be a number, not "x"`},
		{Path: "stages[1].type", Message: `there is no stage type "hidden"; known are a`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Check (-want +got):\n%s", diff)
	}
	if ps := r.CheckJob(gennaker.StageConfig{Type: "hidden"}); ps != nil {
		t.Errorf("a job may be of an internal type: %v", ps)
	}
	defer func() {
		if recover() == nil {
			t.Error("a type that is taken is accepted")
		}
	}()
	stage.Add[config](&r, stage.Definition{Type: "b"})
}

func TestInputGet(t *testing.T) {
	t.Parallel()
	in := stage.Input{
		Stage: gennaker.Stage{Context: map[string]any{"own": 1, "null": nil}},
		Upstream: func() []gennaker.Stage {
			return []gennaker.Stage{{Outputs: map[string]any{"near": 2, "null": 3}}, {Outputs: map[string]any{"near": 4, "far": 5}, Context: map[string]any{"context": 6}}}
		},
	}
	for key, want := range map[string]any{"own": 1, "null": nil, "near": 2, "far": 5, "context": nil, "nobody": nil} {
		if got := in.Get(key); got != want {
			t.Errorf("Get(%s) = %v, want %v", key, got, want)
		}
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1000)
	if o := stage.Again(time.Second); o.Final() || !o.Due(now).Equal(now.Add(time.Second)) {
		t.Errorf("Again: %+v", o)
	}
	if o := stage.Wait(time.Time{}, "a"); o.Final() || !o.Due(now).IsZero() || len(o.Topics()) != 1 {
		t.Errorf("Wait: %+v", o)
	}
	base := stage.Done().WithOutputs(map[string]any{"a": 1})
	more := base.WithOutputs(map[string]any{"b": 2})
	if len(base.Outputs()) != 1 || len(more.Outputs()) != 2 {
		t.Errorf("an Outcome shares its values: %v, %v", base.Outputs(), more.Outputs())
	}
	if (stage.Outcome{}).Status() != "" {
		t.Error("the zero Outcome stands for something")
	}
}

package stage_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

type cancelable struct{ stage.TaskFunc }

func (cancelable) Cancel(context.Context, stage.Input) (stage.Outcome, error) {
	return stage.Done().WithOutputs(map[string]any{"undone": true}), nil
}

func TestChoose(t *testing.T) {
	t.Parallel()
	says := func(who string) stage.TaskFunc {
		return func(context.Context, stage.Input) (stage.Outcome, error) {
			return stage.Done().WithOutputs(map[string]any{"by": who}), nil
		}
	}
	after := func(context.Context, stage.Input) ([]gennaker.StageConfig, error) {
		return []gennaker.StageConfig{{Type: "wait"}}, nil
	}
	a := stage.Definition{Type: "work", Steps: []stage.Step{
		{Name: "both", Task: says("a"), Timeout: time.Minute}, {Name: "first", Task: says("a")},
	}}
	b := stage.Definition{
		Type: "other", After: after, Verbatim: func(stage.Input) []string { return []string{"text"} },
		Start: func(c map[string]any) map[string]any { return map[string]any{"second": true, "started": true} },
		Steps: []stage.Step{
			{Name: "both", Task: cancelable{says("b")}, Timeout: time.Hour},
			{Name: "never", Task: says("b"), If: func(stage.Input) bool { return false }},
			{Name: "second", Task: says("b")},
		},
	}
	d := stage.Choose(a, b, func(c map[string]any) bool { return c["second"] == true })
	for _, tt := range []struct {
		context map[string]any
		steps   []string
		by      string
		after   int
		undone  any
	}{
		{map[string]any{}, []string{"both", "first"}, "a", 0, nil},
		{map[string]any{"second": true}, []string{"both", "second"}, "b", 1, true},
	} {
		in := stage.Input{Stage: gennaker.Stage{Context: tt.context}}
		var steps []string
		for _, s := range d.Steps {
			if s.If(in) {
				steps = append(steps, s.Name)
			}
		}
		if diff := cmp.Diff(tt.steps, steps); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		both := d.Step("both")
		o, err := both.Task.Run(t.Context(), in)
		if err != nil || o.Outputs()["by"] != tt.by || both.Timeout != time.Hour {
			t.Errorf("the step of both is done by %v within %v, %v", o.Outputs(), both.Timeout, err)
		}
		undo, _ := both.Task.(stage.Canceler)
		if o, err = undo.Cancel(t.Context(), in); err != nil || o.Outputs()["undone"] != tt.undone {
			t.Errorf("it undid %v, %v", o.Outputs(), err)
		}
		kids, err := d.After(t.Context(), in)
		if err != nil || len(kids) != tt.after {
			t.Errorf("stages behind it are %v, %v", kids, err)
		}
		if got := d.Start(tt.context)["started"]; (got == true) != (tt.by == "b") {
			t.Errorf("started by %s: %v", tt.by, got)
		}
		if got := len(d.Verbatim(in)); got != tt.after {
			t.Errorf("verbatim of %s: %d", tt.by, got)
		}
	}
}

package control_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/control"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func registry(t *testing.T, p control.Pipelines) *stage.Registry {
	t.Helper()
	r := &stage.Registry{}
	control.Register(r, control.Config{Pipelines: p})
	return r
}

func find(t *testing.T, p control.Pipelines, name string) *stage.Definition {
	t.Helper()
	d, err := registry(t, p).Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// result is what a table can say of an Outcome or an error.
type result struct {
	Status gennaker.Status
	Due    time.Time
	Reason string
	Kind   gennaker.Kind
}

func seen(o stage.Outcome, err error, now time.Time) result {
	if err != nil {
		return result{Kind: gennaker.KindOf(err)}
	}
	reason, _, _ := o.Reason()
	return result{Status: o.Status(), Due: o.Due(now), Reason: reason}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	r := registry(t, nil)
	if diff := cmp.Diff([]string{
		"checkPreconditions", "dependsOnExecution", "evaluateVariables", "manualJudgment", "noop", "pipeline",
		"runMultiplePipelines", "wait", "waitForCondition", "waitUntil",
	}, r.Types()); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	for name, tt := range map[string]struct {
		stage gennaker.StageConfig
		want  string // path of the problem
	}{
		"wait":               {gennaker.StageConfig{Type: "wait", Context: map[string]any{"waitTime": "30"}}, ""},
		"wait expression":    {gennaker.StageConfig{Type: "wait", Context: map[string]any{"waitTime": "${ 1 + 1 }"}}, ""},
		"wait list":          {gennaker.StageConfig{Type: "wait", Context: map[string]any{"waitTime": map[string]any{}}}, "stages[0].waitTime"},
		"judgment":           {gennaker.StageConfig{Type: "manualJudgment", Context: map[string]any{"judgmentInputs": []any{map[string]any{"value": "a"}}}}, ""},
		"judgment status":    {gennaker.StageConfig{Type: "manualJudgment", Context: map[string]any{"judgmentStatus": []any{"a", "b"}}}, "stages[0].judgmentStatus"},
		"pipeline parameter": {gennaker.StageConfig{Type: "pipeline", Context: map[string]any{"pipelineParameters": "x"}}, "stages[0].pipelineParameters"},
		"noop":               {gennaker.StageConfig{Type: "noop", Context: map[string]any{"anything": 1}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range r.Check([]gennaker.StageConfig{tt.stage}) {
				got = append(got, p.Path)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("problems at %v, want %q", got, tt.want)
			}
		})
	}
}

func TestNoop(t *testing.T) {
	t.Parallel()
	o, err := find(t, nil, "noop").Step("noop").Task.Run(t.Context(), stage.Input{})
	if diff := cmp.Diff(result{Status: gennaker.Succeeded}, seen(o, err, start)); diff != "" {
		t.Error(diff)
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	done := result{Status: gennaker.Succeeded}
	invalid := result{Kind: gennaker.Invalid}
	until := func(d time.Duration) result { return result{Status: gennaker.Running, Due: start.Add(d)} }
	for name, tt := range map[string]struct {
		context map[string]any
		elapsed time.Duration
		want    result
	}{
		"begins":           {map[string]any{"waitTime": 30.0}, 0, until(30 * time.Second)},
		"goes on":          {map[string]any{"waitTime": 30.0}, 29999 * time.Millisecond, until(30 * time.Second)},
		"ends":             {map[string]any{"waitTime": 30.0}, 30 * time.Second, done},
		"long over":        {map[string]any{"waitTime": 30.0}, time.Hour, done},
		"string":           {map[string]any{"waitTime": "30"}, 0, until(30 * time.Second)},
		"fraction":         {map[string]any{"waitTime": 0.5}, 0, until(500 * time.Millisecond)},
		"zero":             {map[string]any{"waitTime": 0}, 0, done},
		"skipped":          {map[string]any{"waitTime": 30, "skipRemainingWait": true}, 0, done},
		"skipped, string":  {map[string]any{"waitTime": 30, "skipRemainingWait": "true"}, 0, done},
		"not skipped":      {map[string]any{"waitTime": 30, "skipRemainingWait": false}, 0, until(30 * time.Second)},
		"missing":          {map[string]any{}, 0, done},
		"null":             {map[string]any{"waitTime": nil}, 0, done},
		"negative":         {map[string]any{"waitTime": -1}, 0, done},
		"not a number":     {map[string]any{"waitTime": "soon"}, 0, invalid},
		"NaN":              {map[string]any{"waitTime": "NaN"}, 0, invalid},
		"too long to hold": {map[string]any{"waitTime": 1e18}, 0, invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			step := find(t, nil, "wait").Step("wait")
			if step.Timeout != 0 {
				t.Errorf("timeout is %s, want none", step.Timeout)
			}
			in := stage.Input{
				TaskStart: start, Now: start.Add(tt.elapsed),
				Stage: gennaker.Stage{Context: tt.context, StartTime: gennaker.At(start.Add(-time.Hour))},
			}
			o, err := step.Task.Run(t.Context(), in)
			if diff := cmp.Diff(tt.want, seen(o, err, in.Now)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestManualJudgment(t *testing.T) {
	t.Parallel()
	waiting := result{Status: gennaker.Running}
	for name, tt := range map[string]struct {
		context map[string]any
		by      string
		want    result
	}{
		"not yet":         {context: map[string]any{}, want: waiting},
		"empty":           {context: map[string]any{"judgmentStatus": ""}, want: waiting},
		"null":            {context: map[string]any{"judgmentStatus": nil}, want: waiting},
		"something else":  {context: map[string]any{"judgmentStatus": "maybe"}, want: waiting},
		"input alone":     {context: map[string]any{"judgmentInput": "yes"}, want: waiting},
		"continue":        {context: map[string]any{"judgmentStatus": "continue"}, want: result{Status: gennaker.Succeeded}},
		"without case":    {context: map[string]any{"judgmentStatus": "CONTINUE"}, want: result{Status: gennaker.Succeeded}},
		"unoffered input": {context: map[string]any{"judgmentStatus": "continue", "judgmentInput": "c", "judgmentInputs": []any{map[string]any{"value": "a"}}}, want: result{Status: gennaker.Succeeded}},
		"odd inputs":      {context: map[string]any{"judgmentStatus": "continue", "judgmentInputs": 7}, want: result{Status: gennaker.Succeeded}},
		"stop":            {context: map[string]any{"judgmentStatus": "Stop"}, want: result{Status: gennaker.Terminal, Reason: "somebody judged to stop"}},
		"stop by": {
			context: map[string]any{"judgmentStatus": "stop", "judgmentInput": "roll back"}, by: "ann",
			want: result{Status: gennaker.Terminal, Reason: `ann judged to stop, with "roll back"`},
		},
		"wrong type": {context: map[string]any{"judgmentStatus": []any{"a", "b"}}, want: result{Kind: gennaker.Invalid}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := stage.Input{Now: start, TaskStart: start, Stage: gennaker.Stage{Context: tt.context}}
			if tt.by != "" {
				in.Stage.LastModified = &gennaker.LastModified{User: tt.by}
			}
			o, err := find(t, nil, "manualJudgment").Step("waitForJudgment").Task.Run(t.Context(), in)
			if diff := cmp.Diff(tt.want, seen(o, err, start)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestManualJudgmentRestart(t *testing.T) {
	t.Parallel()
	d := find(t, nil, "manualJudgment")
	context := map[string]any{"judgmentStatus": "stop", "lastModifiedBy": "ann", "judgmentInput": "x", "instructions": "look"}
	d.Restart(context)
	if diff := cmp.Diff(map[string]any{"judgmentInput": "x", "instructions": "look"}, context); diff != "" {
		t.Errorf("context (-want +got):\n%s", diff)
	}
	if got := d.Step("waitForJudgment").Timeout; got != 72*time.Hour {
		t.Errorf("timeout is %s, want 3 days", got)
	}
}

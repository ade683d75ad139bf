package control_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/control"
)

// pipelines starts executions in memory.
type pipelines struct {
	started  []control.StartRequest
	children map[string]gennaker.Execution // by ID
	byKey    map[string]string
	canceled map[string]string // "user: reason" by ID
	fail     error             // of the next call
}

func newPipelines() *pipelines {
	return &pipelines{children: map[string]gennaker.Execution{}, byKey: map[string]string{}, canceled: map[string]string{}}
}

func (p *pipelines) failed() error {
	err := p.fail
	p.fail = nil
	return err
}

func (p *pipelines) StartPipeline(_ context.Context, r control.StartRequest) (string, error) {
	if err := p.failed(); err != nil {
		return "", err
	}
	if id, ok := p.byKey[r.Key]; ok {
		return id, nil
	}
	p.started = append(p.started, r)
	id := "child-of-" + r.Key
	p.byKey[r.Key] = id
	p.children[id] = gennaker.Execution{ID: id, Name: "Deploy all", Status: gennaker.Running}
	return id, nil
}

func (p *pipelines) Started(_ context.Context, key string) (string, error) {
	if err := p.failed(); err != nil {
		return "", err
	}
	if id, ok := p.byKey[key]; ok {
		return id, nil
	}
	return "", gennaker.Errorf(gennaker.NotFound, "nothing was started with %s", key)
}

func (p *pipelines) Execution(_ context.Context, id string) (gennaker.Execution, error) {
	if err := p.failed(); err != nil {
		return gennaker.Execution{}, err
	}
	e, ok := p.children[id]
	if !ok {
		return e, gennaker.Errorf(gennaker.NotFound, "there is no execution %q", id)
	}
	return e, nil
}

func (p *pipelines) CancelExecution(_ context.Context, id, user, reason string) error {
	if err := p.failed(); err != nil {
		return err
	}
	p.canceled[id] = user + ": " + reason
	return nil
}

func parentInput(context map[string]any) stage.Input {
	return stage.Input{
		Execution: gennaker.Execution{
			ID: "parent", RootID: "root", Type: gennaker.TypePipeline, Application: "demo", Status: gennaker.Running,
			Authentication: gennaker.Authentication{User: "ann"},
			Trigger: gennaker.Trigger{
				Type: "manual", DryRun: true, Parameters: map[string]any{"p": "1"},
				Artifacts: []map[string]any{{"name": "from trigger"}, {"name": "shared"}},
			},
		},
		Stage: gennaker.Stage{ID: "stage-1", Name: "Run it", Context: context},
		Key:   "k1", Now: start, TaskStart: start,
		Upstream: func() []gennaker.Stage {
			return []gennaker.Stage{{Outputs: map[string]any{"artifacts": []any{map[string]any{"name": "upstream"}, map[string]any{"name": "shared"}}}}}
		},
	}
}

func run(t *testing.T, p control.Pipelines, step string, in stage.Input) (stage.Outcome, error) {
	t.Helper()
	return find(t, p, "pipeline").Step(step).Task.Run(t.Context(), in)
}

func TestStartPipeline(t *testing.T) {
	t.Parallel()
	p := newPipelines()
	in := parentInput(map[string]any{"application": "other", "pipeline": "cfg", "pipelineParameters": map[string]any{"a": "b"}})
	o, err := run(t, p, "startPipeline", in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"executionId": "child-of-k1", "executionName": "Deploy all"}, o.Context()); diff != "" {
		t.Errorf("context (-want +got):\n%s", diff)
	}
	r := p.started[0]
	if r.Application != "other" || r.Pipeline != "cfg" || r.Parent.RootID != "root" {
		t.Errorf("started %s of %s with root %s", r.Pipeline, r.Application, r.Parent.RootID)
	}
	parent, ok := r.Trigger.Other["parentExecution"].(map[string]any)
	if !ok || parent["id"] != "parent" {
		t.Errorf("parent execution is %v", r.Trigger.Other["parentExecution"])
	}
	r.Trigger.Other["parentExecution"] = nil
	want := gennaker.Trigger{
		Type: "pipeline", User: "ann", CorrelationID: "k1", DryRun: true,
		Parameters: map[string]any{"a": "b"},
		Artifacts:  []map[string]any{{"name": "upstream"}, {"name": "shared"}, {"name": "from trigger"}},
		Other:      map[string]any{"parentExecution": nil, "parentPipelineStageId": "stage-1"},
	}
	if diff := cmp.Diff(want, r.Trigger); diff != "" {
		t.Errorf("trigger (-want +got):\n%s", diff)
	}

	// An attempt after a lost answer finds the same child.
	if o, err = run(t, p, "startPipeline", in); err != nil || o.Context()["executionId"] != "child-of-k1" || len(p.started) != 1 {
		t.Errorf("again: %v, %v, %d started", o.Context(), err, len(p.started))
	}
}

func TestStartPipelineDefaults(t *testing.T) {
	t.Parallel()
	p := newPipelines()
	in := parentInput(map[string]any{"pipelineId": "strategy"})
	in.Execution.Authentication.User = ""
	if _, err := run(t, p, "startPipeline", in); err != nil {
		t.Fatal(err)
	}
	r := p.started[0]
	if r.Application != "demo" || r.Pipeline != "strategy" || r.Trigger.User != gennaker.Anonymous || r.Trigger.Parameters == nil {
		t.Errorf("started %+v", r)
	}
}

func TestStartPipelineRefuses(t *testing.T) {
	t.Parallel()
	deep := func(n int) gennaker.Trigger {
		tr := map[string]any{}
		for range n {
			tr = map[string]any{"parentExecution": map[string]any{"trigger": tr}}
		}
		return gennaker.Trigger{Other: tr}
	}
	for name, tt := range map[string]struct {
		context map[string]any
		trigger gennaker.Trigger
		fail    error
		want    result
	}{
		"no pipeline":    {map[string]any{}, gennaker.Trigger{}, nil, result{Kind: gennaker.Invalid}},
		"wrong type":     {map[string]any{"pipeline": []any{"a", "b"}}, gennaker.Trigger{}, nil, result{Kind: gennaker.Invalid}},
		"unknown":        {map[string]any{"pipeline": "x"}, gennaker.Trigger{}, gennaker.Errorf(gennaker.NotFound, "no"), result{Kind: gennaker.NotFound}},
		"away":           {map[string]any{"pipeline": "x"}, gennaker.Trigger{}, gennaker.Errorf(gennaker.Unavailable, "no"), result{Kind: gennaker.Unavailable}},
		"nested":         {map[string]any{"pipeline": "x"}, deep(24), nil, result{Status: gennaker.Succeeded}},
		"nested too far": {map[string]any{"pipeline": "x"}, deep(25), nil, result{Kind: gennaker.Invalid}},
		"kept child":     {map[string]any{"pipeline": "x", "executionId": "old"}, gennaker.Trigger{}, nil, result{Status: gennaker.Skipped}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipelines()
			p.fail = tt.fail
			in := parentInput(tt.context)
			in.Execution.Trigger = tt.trigger
			o, err := run(t, p, "startPipeline", in)
			if diff := cmp.Diff(tt.want, seen(o, err, start)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWaitForCompletion(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		context map[string]any
		want    bool
	}{
		"default":      {map[string]any{}, true},
		"null":         {map[string]any{"waitForCompletion": nil}, true},
		"yes":          {map[string]any{"waitForCompletion": true}, true},
		"no":           {map[string]any{"waitForCompletion": false}, false},
		"no, a string": {map[string]any{"waitForCompletion": "false"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := find(t, nil, "pipeline").Step("monitorPipeline").If(parentInput(tt.context)); got != tt.want {
				t.Errorf("monitorPipeline is planned: %v, want %v", got, tt.want)
			}
		})
	}
}

func exception(errs ...any) map[string]any {
	return map[string]any{"exception": map[string]any{"details": map[string]any{"error": "Unexpected Task Failure", "errors": errs}}}
}

func TestMonitorPipeline(t *testing.T) {
	t.Parallel()
	failed := []gennaker.Stage{
		{ID: "a", RefID: "1", Name: "Bake", Status: gennaker.Succeeded, Context: exception("not this")},
		{ID: "b", RefID: "2", Type: "deploy", Status: gennaker.Terminal, Context: exception("no image", "no quota")},
	}
	for name, tt := range map[string]struct {
		child  gennaker.Execution
		want   result
		errors any
	}{
		"running":   {child: gennaker.Execution{Status: gennaker.Running}, want: result{Status: gennaker.Running}},
		"waiting":   {child: gennaker.Execution{Status: gennaker.NotStarted}, want: result{Status: gennaker.Running}},
		"paused":    {child: gennaker.Execution{Status: gennaker.Paused}, want: result{Status: gennaker.Running}},
		"succeeded": {child: gennaker.Execution{Status: gennaker.Succeeded}, want: result{Status: gennaker.Succeeded}},
		"canceled": {
			child: gennaker.Execution{Status: gennaker.Canceled, Name: "Deploy"},
			want:  result{Status: gennaker.Canceled, Reason: "child pipeline Deploy ended as CANCELED"},
		},
		"skipped": {
			child: gennaker.Execution{Status: gennaker.Skipped, Name: "Deploy"},
			want:  result{Status: gennaker.Canceled, Reason: "child pipeline Deploy ended as SKIPPED"},
		},
		"stopped": {
			child: gennaker.Execution{Status: gennaker.Stopped, Name: "Deploy"},
			want:  result{Status: gennaker.Terminal, Reason: "child pipeline Deploy ended as STOPPED"},
		},
		"failed": {
			child: gennaker.Execution{Status: gennaker.Terminal, Name: "Deploy", Stages: failed},
			want:  result{Status: gennaker.Terminal, Reason: "Exception in child pipeline stage (Deploy: deploy): no image"},
			errors: []any{
				"Exception in child pipeline stage (Deploy: deploy): no image",
				"Exception in child pipeline stage (Deploy: deploy): no quota",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipelines()
			tt.child.ID = "c1"
			p.children["c1"] = tt.child
			o, err := run(t, p, "monitorPipeline", parentInput(map[string]any{"executionId": "c1"}))
			if diff := cmp.Diff(tt.want, seen(o, err, start)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := o.Context()["status"]; got != string(tt.child.Status) {
				t.Errorf("status in the context is %v, want %s", got, tt.child.Status)
			}
			if !o.Final() && !cmp.Equal(o.Topics(), []string{stage.ExecutionTopic("c1")}) {
				t.Errorf("topics are %v", o.Topics())
			}
			_, _, details := o.Reason()
			if diff := cmp.Diff(tt.errors, details["errors"]); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMonitorPipelineSource(t *testing.T) {
	t.Parallel()
	deeper := map[string]any{"executionId": "c2", "stageId": "z", "stageName": "Bake", "stageIndex": 0}
	nested := map[string]any{"exception": map[string]any{"details": map[string]any{"errors": []any{"x"}, "source": deeper}}}
	for name, tt := range map[string]struct {
		context map[string]any
		want    map[string]any
	}{
		"own":        {exception("x"), map[string]any{"executionId": "c1", "stageId": "b", "stageName": "Deploy", "stageIndex": 1}},
		"grandchild": {nested, deeper},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipelines()
			p.children["c1"] = gennaker.Execution{ID: "c1", Status: gennaker.Terminal, Stages: []gennaker.Stage{
				{ID: "a", Status: gennaker.Succeeded}, {ID: "b", Name: "Deploy", Status: gennaker.Terminal, Context: tt.context},
			}}
			o, err := run(t, p, "monitorPipeline", parentInput(map[string]any{"executionId": "c1"}))
			if err != nil {
				t.Fatal(err)
			}
			_, _, details := o.Reason()
			if diff := cmp.Diff(any(tt.want), details["source"]); diff != "" {
				t.Errorf("source (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMonitorPipelineOutputs(t *testing.T) {
	t.Parallel()
	child := gennaker.Execution{ID: "c1", Status: gennaker.Succeeded, Stages: []gennaker.Stage{
		{ID: "b", RefID: "2", Requires: []string{"1"}, Outputs: map[string]any{"x": "b", "list": []any{"2", "3"}, "odd": []any{"l"}}},
		{ID: "a1", RefID: "1<1", ParentStageID: "a", Outputs: map[string]any{"x": "a1", "before": true}},
		{ID: "a", RefID: "1", Outputs: map[string]any{"x": "a", "list": []any{"1", "2"}, "odd": "text"}},
		{ID: "lost", RefID: "9", Requires: []string{"8"}},
	}}
	want := map[string]any{"x": "b", "before": true, "list": []any{"1", "2", "3"}, "odd": []any{"l"}}
	for name, tt := range map[string]struct {
		context map[string]any
		want    map[string]any
	}{
		"all":  {map[string]any{"executionId": "c1"}, want},
		"none": {map[string]any{"executionId": "c1", "skipDownstreamOutput": "true"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipelines()
			p.children["c1"] = child
			o, err := run(t, p, "monitorPipeline", parentInput(tt.context))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, o.Outputs()); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMonitorPipelineErrors(t *testing.T) {
	t.Parallel()
	p := newPipelines()
	if _, err := run(t, p, "monitorPipeline", parentInput(map[string]any{})); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("without a child: %v", err)
	}
	p.fail = gennaker.Errorf(gennaker.Unavailable, "away")
	if _, err := run(t, p, "monitorPipeline", parentInput(map[string]any{"executionId": "c1"})); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("store away: %v", err)
	}
}

func TestCancelPipeline(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		step    string
		context map[string]any
		started bool
		reason  string
		fail    error
		want    map[string]string
		kind    gennaker.Kind
	}{
		"while it runs":     {step: "monitorPipeline", context: map[string]any{"executionId": "c1"}, reason: "no longer", want: map[string]string{"c1": "parent pipeline: no longer"}},
		"no reason":         {step: "monitorPipeline", context: map[string]any{"executionId": "c1"}, want: map[string]string{"c1": "parent pipeline: stage Run it of execution parent ended"}},
		"before the start":  {step: "startPipeline", want: map[string]string{}},
		"answer lost":       {step: "startPipeline", started: true, reason: "r", want: map[string]string{"child-of-k1": "parent pipeline: r"}},
		"child is complete": {step: "monitorPipeline", context: map[string]any{"executionId": "c1"}, fail: gennaker.Errorf(gennaker.Conflict, "complete"), want: map[string]string{}},
		"child is deleted":  {step: "monitorPipeline", context: map[string]any{"executionId": "c1"}, fail: gennaker.Errorf(gennaker.NotFound, "gone"), want: map[string]string{}},
		"away":              {step: "monitorPipeline", context: map[string]any{"executionId": "c1"}, fail: gennaker.Errorf(gennaker.Unavailable, "away"), want: map[string]string{}, kind: gennaker.Unavailable},
		"away at the start": {step: "startPipeline", fail: gennaker.Errorf(gennaker.Unavailable, "away"), want: map[string]string{}, kind: gennaker.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipelines()
			in := parentInput(map[string]any{"pipeline": "x"})
			if tt.started {
				if _, err := run(t, p, "startPipeline", in); err != nil {
					t.Fatal(err)
				}
			}
			p.fail = tt.fail
			in.Execution.CancelReason = tt.reason
			if tt.context != nil {
				in.Stage.Context = tt.context
			}
			c, ok := find(t, p, "pipeline").Step(tt.step).Task.(stage.Canceler)
			if !ok {
				t.Fatalf("%s has nothing to undo", tt.step)
			}
			_, err := c.Cancel(t.Context(), in)
			if (err != nil) != (tt.kind != "") || err != nil && gennaker.KindOf(err) != tt.kind {
				t.Errorf("Cancel: %v, want kind %q", err, tt.kind)
			}
			if diff := cmp.Diff(tt.want, p.canceled); diff != "" {
				t.Errorf("canceled (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRestartPipeline(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ context, want map[string]any }{
		"new child": {
			map[string]any{"pipeline": "x", "executionId": "c", "executionName": "n", "status": "TERMINAL"},
			map[string]any{"pipeline": "x"},
		},
		"bound artifacts": {
			map[string]any{"pipeline": "x", "artifacts": []any{1}, "resolvedExpectedArtifacts": []any{1}, "expectedArtifacts": []any{2}},
			map[string]any{"pipeline": "x", "expectedArtifacts": []any{2}},
		},
		"artifacts of its own": {
			map[string]any{"pipeline": "x", "artifacts": []any{1}},
			map[string]any{"pipeline": "x", "artifacts": []any{1}},
		},
		"same child": {
			map[string]any{"pipeline": "x", "executionId": "c", "executionName": "n", "_skipPipelineRestart": true},
			map[string]any{"pipeline": "x", "executionId": "c", "executionName": "n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			find(t, nil, "pipeline").Restart(tt.context)
			if diff := cmp.Diff(tt.want, tt.context); diff != "" {
				t.Errorf("context (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMonitorTimeout(t *testing.T) {
	t.Parallel()
	if got := find(t, nil, "pipeline").Step("monitorPipeline").Timeout; got != 12*time.Hour {
		t.Errorf("timeout is %s, want Spinnaker's 12 hours", got)
	}
}

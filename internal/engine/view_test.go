package engine_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
)

// viewed is an execution with a stage before, two after and one on failure of
// its only declared stage, which failed, and with a nested one before the first.
func viewed() engine.Stored {
	x := gennaker.Execution{
		ID: "X", Type: gennaker.TypePipeline, Application: "demo", BuildTime: gennaker.Millis(1),
		Trigger: gennaker.Trigger{Type: "manual"},
	}
	state := flow.New(x)
	state.Status, state.Start, state.End = gennaker.Terminal, gennaker.Millis(2), gennaker.Millis(9)
	state.Cancel = &flow.Cancellation{By: "ann", Reason: "enough"}
	state.Pauses = []gennaker.Pause{{PausedBy: "bob"}, {PausedBy: "ann", PauseTime: gennaker.Millis(3), ResumedBy: "bob", ResumeTime: gennaker.Millis(4)}}
	state.Restore([]*flow.Stage{
		{
			ID: "s0", Seq: 0, Ref: "1", Type: "deploy", Name: "Deploy", Status: gennaker.Terminal, Start: gennaker.Millis(2),
			Tasks: []flow.Task{
				{Name: "monitor", Status: gennaker.Succeeded, LoopStart: true},
				{Name: "monitor", Status: gennaker.Terminal, End: gennaker.Millis(8), LoopEnd: true},
				{Name: "complete", Status: gennaker.NotStarted},
			},
		},
		{ID: "b0", Seq: 1, Ref: "1<1", Parent: "s0", Side: flow.Before, Status: gennaker.Succeeded},
		{ID: "f0", Seq: 2, Ref: "1>3", Parent: "s0", Side: flow.OnFailure, Status: gennaker.Succeeded},
		{ID: "a0", Seq: 3, Ref: "1>1", Parent: "s0", Side: flow.After, Status: gennaker.NotStarted},
		{ID: "a1", Seq: 4, Ref: "1>2", Parent: "s0", Side: flow.After, Requires: []string{"1>1"}, Expiry: gennaker.Millis(7)},
		{ID: "bb0", Seq: 5, Ref: "1<1<1", Parent: "b0", Side: flow.Before},
	})
	return engine.Stored{Execution: x, State: state, Docs: map[string]engine.Doc{
		"s0": {
			Context:      json.RawMessage(`{"group":"g","n":12345678901234567890,"exception":{"operation":"monitor"}}`),
			Outputs:      json.RawMessage(`{"out":1.0}`),
			LastModified: json.RawMessage(`{"user":"ann","lastModifiedTime":5}`),
		},
		"b0": {Context: json.RawMessage(`null`)},
	}}
}

func TestViewOrder(t *testing.T) {
	t.Parallel()
	for _, expand := range []bool{true, false} {
		x, err := viewed().View(expand)
		if err != nil {
			t.Fatal(err)
		}
		type place struct {
			ID, Parent string
			Owner      gennaker.Owner
		}
		var got []place
		for _, s := range x.Stages {
			got = append(got, place{s.ID, s.ParentStageID, s.Owner})
		}
		want := []place{
			{"bb0", "b0", gennaker.Before}, {"b0", "s0", gennaker.Before}, {"s0", "", ""},
			{"a0", "s0", gennaker.After}, {"a1", "s0", gennaker.After}, {"f0", "s0", gennaker.After},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("expand %t: (-want +got):\n%s", expand, diff)
		}
	}
}

func TestViewOfExecution(t *testing.T) {
	t.Parallel()
	got, err := viewed().View(true)
	if err != nil {
		t.Fatal(err)
	}
	want := viewed().Execution
	want.Status, want.StartTime, want.EndTime = gennaker.Terminal, gennaker.Millis(2), gennaker.Millis(9)
	want.Canceled, want.CanceledBy, want.CancelReason = true, "ann", "enough"
	want.Paused = &gennaker.Pause{PausedBy: "ann", PauseTime: gennaker.Millis(3), ResumedBy: "bob", ResumeTime: gennaker.Millis(4)}
	got.Stages = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestViewOfStage(t *testing.T) {
	t.Parallel()
	exception := map[string]any{"operation": "monitor"}
	tests := map[string]struct {
		expand bool
		stage  int
		want   gennaker.Stage
	}{
		"expanded": {true, 2, gennaker.Stage{
			ID: "s0", RefID: "1", Type: "deploy", Name: "Deploy", Requires: []string{}, Status: gennaker.Terminal, StartTime: gennaker.Millis(2),
			Context: map[string]any{"group": "g", "n": json.Number("12345678901234567890"), "exception": exception},
			Outputs: map[string]any{"out": json.Number("1.0")},
			Tasks: []gennaker.Task{
				{ID: "1", Name: "monitor", ImplementingClass: "monitor", Status: gennaker.Succeeded, StageStart: true, LoopStart: true},
				{
					ID: "2", Name: "monitor", ImplementingClass: "monitor", Status: gennaker.Terminal, EndTime: gennaker.Millis(8), LoopEnd: true,
					ExceptionDetails: map[string]any{"exception": exception},
				},
				{ID: "3", Name: "complete", ImplementingClass: "complete", Status: gennaker.NotStarted, StageEnd: true},
			},
			LastModified: &gennaker.LastModified{User: "ann", Time: gennaker.Millis(5)},
		}},
		"unexpanded": {false, 2, gennaker.Stage{
			ID: "s0", RefID: "1", Type: "deploy", Name: "Deploy", Requires: []string{}, Status: gennaker.Terminal, StartTime: gennaker.Millis(2),
			Context: map[string]any{"group": "g"}, Outputs: map[string]any{}, Tasks: []gennaker.Task{},
			LastModified: &gennaker.LastModified{User: "ann", Time: gennaker.Millis(5)},
		}},
		"null context": {true, 1, gennaker.Stage{
			ID: "b0", RefID: "1<1", Requires: []string{}, Status: gennaker.Succeeded, ParentStageID: "s0", Owner: gennaker.Before,
			Context: map[string]any{}, Outputs: map[string]any{}, Tasks: []gennaker.Task{},
		}},
		"no document": {true, 4, gennaker.Stage{
			ID: "a1", RefID: "1>2", Requires: []string{"1>1"}, StartTimeExpiry: gennaker.Millis(7), ParentStageID: "s0", Owner: gennaker.After,
			Context: map[string]any{}, Outputs: map[string]any{}, Tasks: []gennaker.Task{},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, err := viewed().View(tt.expand)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, x.Stages[tt.stage]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestViewOfBrokenDocument(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]engine.Doc{
		"context":       {Context: json.RawMessage(`{`)},
		"outputs":       {Outputs: json.RawMessage(`[]`)},
		"last modified": {LastModified: json.RawMessage(`7`)},
	} {
		s := viewed()
		s.Docs["s0"] = doc
		if _, err := s.View(true); err == nil {
			t.Errorf("%s: View of a broken document succeeded", name)
		}
	}
}

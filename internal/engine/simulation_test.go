package engine_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/stage"
)

var dawn = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

// simulated returns a simulation whose stages wait for their minutes, and then
// for the context's "go".
func simulated() *engine.Simulation {
	r := &stage.Registry{}
	stage.Add[struct{}](r, stage.Definition{Type: "sleep", Steps: []stage.Step{{
		Name: "sleep", Timeout: 2 * time.Hour,
		Task: stage.TaskFunc(func(_ context.Context, in stage.Input) (stage.Outcome, error) {
			minutes, _ := in.Stage.Context["minutes"].(float64)
			until := in.TaskStart.Add(time.Duration(minutes) * time.Minute)
			switch {
			case in.Now.Before(until):
				return stage.Wait(until), nil
			case in.Stage.Context["go"] == "no":
				return stage.Wait(time.Time{}, "anything"), nil
			}
			return stage.Done().WithOutputs(map[string]any{"woke": in.Now.Format("15:04")}), nil
		}),
	}}})
	return engine.Simulate(engine.Config{Registry: r}, dawn)
}

func sleep(ref string, minutes float64, more map[string]any, requires ...string) gennaker.Stage {
	c := map[string]any{"minutes": minutes}
	maps.Copy(c, more)
	return gennaker.Stage{RefID: ref, Type: "sleep", Name: ref, Requires: requires, Context: c}
}

func pipelineOf(stages ...gennaker.Stage) gennaker.Execution {
	return gennaker.Execution{Type: gennaker.TypePipeline, Application: "demo", Name: "p", Stages: stages}
}

func TestSimulationTellsTheTime(t *testing.T) {
	t.Parallel()
	s := simulated()
	id, err := s.Submit(t.Context(), pipelineOf(
		sleep("a", 30, nil), sleep("b", 0, map[string]any{"comments": "after ${woke}"}, "a"), sleep("c", 1440, nil, "b")))
	if err != nil {
		t.Fatal(err)
	}
	for s.Advance(s.Next()) {
		x, err := s.Execution(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if x.Status.Complete() {
			break
		}
	}
	x, err := s.Execution(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, st := range x.Stages {
		got = append(got, fmt.Sprint(st.RefID, " ", st.Status, " ", st.EndTime.Sub(dawn)))
	}
	if want := "a SUCCEEDED 30m0s, b SUCCEEDED 30m0s, c TERMINAL 2h30m0s"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	if got := x.Stages[1].Context["comments"]; got != "after 06:30" {
		t.Errorf("the second stage saw %q", got)
	}
}

func TestSimulationOfUsers(t *testing.T) {
	t.Parallel()
	s := simulated()
	first := pipelineOf(sleep("a", 0, map[string]any{"go": "no"}))
	first.PipelineConfigID, first.LimitConcurrent = "config", true
	one, err := s.Submit(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.Submit(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	status := func(id string) gennaker.Status {
		x, err := s.Execution(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return x.Status
	}
	if s.Look(10); status(one) != gennaker.Running || status(two) != gennaker.NotStarted {
		t.Fatalf("the first is %s, the second %s", status(one), status(two))
	}
	x, _ := s.Execution(t.Context(), one)
	if err := s.Patch(t.Context(), one, x.Stages[0].ID, "ann", map[string]any{"go": "yes"}); err != nil {
		t.Fatal(err)
	}
	if status(one) != gennaker.Succeeded || status(two) != gennaker.Running {
		t.Errorf("after the patch the first is %s, the second %s", status(one), status(two))
	}
	if err := s.Cancel(t.Context(), two, "ann", "enough"); err != nil || status(two) != gennaker.Canceled {
		t.Errorf("after the cancel the second is %s, %v", status(two), err)
	}
	if err := s.Restart(t.Context(), one, x.Stages[0].ID, "ann", nil); err != nil || status(one) != gennaker.Succeeded {
		t.Errorf("after the restart the first is %s, %v", status(one), err)
	}
	if got := s.Executions(); len(got) != 2 || got[0] != one {
		t.Errorf("executions %v", got)
	}
}

// BenchmarkSimulation runs a pipeline of ten stages.
func BenchmarkSimulation(b *testing.B) {
	for b.Loop() {
		s := simulated()
		stages := []gennaker.Stage{sleep("0", 1, nil)}
		for i := 1; i < 10; i++ {
			stages = append(stages, sleep(fmt.Sprint(i), 1, nil, fmt.Sprint(i-1)))
		}
		if _, err := s.Submit(b.Context(), pipelineOf(stages...)); err != nil {
			b.Fatal(err)
		}
		for s.Advance(s.Next()) {
		}
	}
}

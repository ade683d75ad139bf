package store_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
)

// with returns an execution that has a stage, and ended after an hour if it did.
func (r run) with(typ string, status gennaker.Status) engine.Delta {
	d := r.delta()
	state, err := json.Marshal(flow.Stage{ID: r.id + "-0", Ref: "1", Type: typ, Name: typ, Status: status})
	if err != nil {
		panic(err)
	}
	d.Stages = []engine.StageRow{{ID: r.id + "-0", State: state}}
	d.Head.Start = d.Create.BuildTime
	if r.status.Complete() {
		d.Head.End = gennaker.Millis(d.Create.BuildTime.Epoch() + 3_600_000)
	}
	return d
}

func ids(runs []gennaker.Run) []string {
	out := []string{}
	for _, r := range runs {
		out = append(out, r.ID)
	}
	return out
}

func TestActivities(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	commit(
		t, db,
		run{id: "1", config: "p", built: 1, status: gennaker.Succeeded, settled: true}.with("deploy", gennaker.Succeeded),
		run{id: "2", config: "p", built: 2, status: gennaker.Succeeded, settled: true}.with("wait", gennaker.Succeeded),
		run{id: "3", config: "p", built: 3, status: gennaker.Succeeded, settled: true}.with("deployManifest", gennaker.Skipped),
		run{id: "4", config: "q", built: 4, status: gennaker.Terminal, settled: true}.with("deploy", gennaker.Terminal),
		run{id: "5", config: "q", built: 5, application: "Demo"}.with("manualJudgment", gennaker.Running),
		run{id: "6", config: "q", built: 6}.with("manualJudgment", gennaker.NotStarted),
		run{id: "7", built: 7, typ: gennaker.TypeOrchestration}.with("deploy", gennaker.Running),
		run{id: "8", config: "r", built: 8, application: "other", status: gennaker.Canceled, settled: true}.with("deploy", gennaker.Succeeded),
	)
	got, err := db.Activities(t.Context(), []string{"other", "Demo", "none"}, 4)
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	if diff := cmp.Diff([][]string{{"8"}, {"3", "4", "5", "6"}, {}}, [][]string{ids(got[0].Runs), ids(got[1].Runs), ids(got[2].Runs)}); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	want := gennaker.Run{
		ID: "3", Name: "Deploy", Status: gennaker.Succeeded, BuildTime: gennaker.Millis(1_700_000_000_003),
		StartTime: gennaker.Millis(1_700_000_000_003), EndTime: gennaker.Millis(1_700_003_600_003),
	}
	if diff := cmp.Diff(want, got[1].Runs[0]); diff != "" {
		t.Errorf("a run (-want +got):\n%s", diff)
	}
	if a := got[1]; a.Running != 2 || a.Waiting != 1 || a.LastDeployment != gennaker.Millis(1_700_003_600_001) {
		t.Errorf("demo: %d running, %d waiting, last deployment %v", a.Running, a.Waiting, a.LastDeployment)
	}
	if a := got[0]; a.Running != 0 || a.Waiting != 0 || !a.LastDeployment.IsZero() {
		t.Errorf("other: %+v", a)
	}

	// The same of what is not in its table yet: a stage goes on.
	state, err := json.Marshal(flow.Stage{ID: "6-0", Ref: "1", Type: "manualJudgment", Name: "x", Status: gennaker.Running})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, db, engine.Delta{ID: "6", Stages: []engine.StageRow{{ID: "6-0", State: state}}})
	if got, err = db.Activities(t.Context(), []string{"demo"}, 4); err != nil || got[0].Waiting != 2 {
		t.Errorf("%d wait, %v", got[0].Waiting, err)
	}
}

// TestActivitiesOfMany: what is counted is exact, however much runs.
func TestActivitiesOfMany(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	var all []engine.Delta
	for i := range 60 {
		all = append(all, run{id: fmt.Sprintf("%02d", i), config: "p", built: int64(i)}.with("manualJudgment", gennaker.Running))
	}
	commit(t, db, all...)
	got, err := db.Activities(t.Context(), []string{"demo"}, 30)
	if err != nil || len(got[0].Runs) != 30 || got[0].Runs[0].ID != "30" || got[0].Running != 60 || got[0].Waiting != 30 {
		t.Errorf("%d runs, %d running, %d waiting, %v", len(got[0].Runs), got[0].Running, got[0].Waiting, err)
	}
}

func TestPipelineRuns(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	commit(
		t, db,
		run{id: "1", config: "p", built: 1, status: gennaker.Succeeded, settled: true}.delta(),
		run{id: "2", config: "p", built: 2, status: gennaker.Terminal, settled: true}.delta(),
		run{id: "3", config: "p", built: 3}.delta(),
		run{id: "4", config: "q", built: 4}.delta(),
		run{id: "5", config: "p", built: 5, application: "other"}.delta(),
	)
	got, err := db.PipelineRuns(t.Context(), "DEMO", []string{"p", "q", "r"}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"p": {"2", "3"}, "q": {"4"}, "r": {}}, map[string][]string{"p": ids(got["p"]), "q": ids(got["q"]), "r": ids(got["r"])}); diff != "" {
		t.Error(diff)
	}
}

func TestCountsAndSize(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	commit(
		t, db,
		run{id: "1", config: "p", built: 1, status: gennaker.Succeeded, settled: true}.delta(),
		run{id: "2", config: "p", built: 2}.delta(),
		run{id: "3", built: 3, typ: gennaker.TypeOrchestration}.delta(),
		run{id: "4", config: "p", built: 4, status: gennaker.Paused}.delta(),
	)
	got, err := db.CountExecutions(t.Context(), gennaker.Running, gennaker.Paused, gennaker.Buffered)
	if err != nil || got.All != 4 || got.Of[gennaker.Running] != 2 || got.Of[gennaker.Paused] != 1 || got.Of[gennaker.Buffered] != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	size, err := db.Size()
	if err != nil || size.File == 0 || size.WAL == 0 {
		t.Errorf("%+v, %v", size, err)
	}
}

package bind_test

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
	"github.com/gennaker/gennaker/internal/stage/bind"
	"github.com/gennaker/gennaker/internal/store"
)

// keep stores an execution as an engine does.
func keep(t *testing.T, db *store.DB, x gennaker.Execution) {
	t.Helper()
	head := flow.New(x)
	head.Status, head.Start = x.Status, x.StartTime
	d := engine.Delta{ID: x.ID, Create: &x, Head: head, Settled: x.Status.Complete()}
	for i, s := range x.Stages {
		state, err := json.Marshal(flow.Stage{ID: s.ID, Seq: i, Ref: s.RefID, Type: "any", Name: "any", Status: gennaker.Succeeded, Requires: s.Requires})
		if err != nil {
			t.Fatal(err)
		}
		outputs, err := json.Marshal(s.Outputs)
		if err != nil {
			t.Fatal(err)
		}
		d.Stages = append(d.Stages, engine.StageRow{ID: s.ID, State: state})
		d.Docs = append(d.Docs, engine.DocRow{ID: s.ID, Doc: engine.Doc{Outputs: outputs}})
	}
	if err := db.Commit(t.Context(), []engine.Delta{d}); err != nil {
		t.Fatal(err)
	}
}

// The store is a History.
func TestFindInStore(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "gennaker.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	for i, x := range []gennaker.Execution{
		execution("a", gennaker.Succeeded, 50, "1", "2"), // waited for b, and began after it
		execution("b", gennaker.Succeeded, 40, "3"),
		execution("c", gennaker.Terminal, 60, "4"),
		execution("d", gennaker.Canceled, 0),
	} {
		x.Application, x.BuildTime = "shop", gennaker.Millis(int64(1+i))
		keep(t, db, x)
	}
	in := input(object{"pipeline": "p", "expectedArtifact": object{"matchArtifact": object{"name": "cart"}}})
	in.Stage.RefID = "9"
	for want, options := range map[string]object{
		"2 | 2": {"successful": true},
		"4 | 4": {},
	} {
		in.Stage.Context["executionOptions"] = options
		out, err := find(t, db, "findArtifactFromExecution").Step("findArtifactFromExecution").Task.Run(t.Context(), in)
		if got := versions(out.Outputs()); got != want || err != nil {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	if got, err := bind.Prior(t.Context(), db, "p", "c"); err != nil || len(got) != 2 || got[0].Version != "2" {
		t.Errorf("prior but c: %v, %v", got, err)
	}
}

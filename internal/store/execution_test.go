package store_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
	"github.com/gennaker/gennaker/internal/store"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openAt(t *testing.T, path string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), path, discard())
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func openNew(t *testing.T) *store.DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "data", "gennaker.db"))
}

// an execution as the tests make it; zero fields get values.
type run struct {
	id, application, config string
	typ                     gennaker.ExecutionType
	status                  gennaker.Status
	built                   int64 // ms
	stages                  int
	settled                 bool
}

func (r run) delta() engine.Delta {
	if r.typ == "" {
		r.typ = gennaker.TypePipeline
	}
	if r.status == "" {
		r.status = gennaker.Running
	}
	if r.application == "" {
		r.application = "demo"
	}
	x := gennaker.Execution{
		ID: r.id, Type: r.typ, Application: r.application, PipelineConfigID: r.config, Name: "Deploy",
		BuildTime: gennaker.Millis(1_700_000_000_000 + r.built),
		Trigger:   gennaker.Trigger{Type: "manual", Parameters: map[string]any{"tag": "v1"}},
	}
	head := flow.New(x)
	head.Status = r.status
	d := engine.Delta{ID: r.id, Create: &x, Head: head, Settled: r.settled}
	for i := range r.stages {
		d.Stages = append(d.Stages, stageRow(r.id, i, gennaker.NotStarted))
		d.Docs = append(d.Docs, engine.DocRow{ID: stageID(r.id, i), Doc: engine.Doc{Context: json.RawMessage(fmt.Sprintf(`{"n":%d}`, i))}})
	}
	return d
}

func stageID(execution string, i int) string { return fmt.Sprintf("%s-%d", execution, i) }

func stageRow(execution string, i int, status gennaker.Status) engine.StageRow {
	b, err := json.Marshal(flow.Stage{ID: stageID(execution, i), Seq: i, Ref: fmt.Sprint(i), Type: "wait", Name: "Wait", Status: status})
	if err != nil {
		panic(err)
	}
	return engine.StageRow{ID: stageID(execution, i), State: b}
}

func commit(t *testing.T, db *store.DB, deltas ...engine.Delta) {
	t.Helper()
	if err := db.Commit(t.Context(), deltas); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

func load(t *testing.T, db *store.DB, id string) engine.Stored {
	t.Helper()
	s, err := db.Load(t.Context(), id)
	if err != nil {
		t.Fatalf("Load(%q): %v", id, err)
	}
	return s
}

func openIDs(t *testing.T, db *store.DB) []string {
	t.Helper()
	var ids []string
	err := db.Open(t.Context(), func(s engine.Stored) error {
		ids = append(ids, s.Execution.ID)
		return nil
	})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return ids
}

func TestCommitSurvivesReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gennaker.db")
	db := openAt(t, path)
	create := run{id: "A", config: "c", stages: 3}.delta()
	commit(t, db, create)
	head := *create.Head
	head.Cancel = &flow.Cancellation{By: "ann", Reason: "enough", At: gennaker.Millis(5)}
	commit(t, db, engine.Delta{
		ID: "A", Head: &head,
		Stages:  []engine.StageRow{stageRow("A", 1, gennaker.Running)},
		Docs:    []engine.DocRow{{ID: stageID("A", 1), Doc: engine.Doc{Outputs: json.RawMessage(`{"big":12345678901234567890}`)}}},
		Removed: []string{stageID("A", 2)},
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	got := load(t, openAt(t, path), "A")
	want := *create.Create
	if diff := cmp.Diff(want, got.Execution); diff != "" {
		t.Errorf("what never changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&head, got.State, cmpopts.IgnoreUnexported(flow.State{}), cmpopts.IgnoreFields(flow.State{}, "Stages")); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
	var statuses []gennaker.Status
	for _, s := range got.State.Stages {
		statuses = append(statuses, s.Status)
	}
	if diff := cmp.Diff([]gennaker.Status{gennaker.NotStarted, gennaker.Running}, statuses); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	docs := map[string]engine.Doc{
		stageID("A", 0): {Context: json.RawMessage(`{"n":0}`)},
		stageID("A", 1): {Context: json.RawMessage(`{"n":1}`), Outputs: json.RawMessage(`{"big":12345678901234567890}`)},
	}
	if diff := cmp.Diff(docs, got.Docs); diff != "" {
		t.Errorf("docs (-want +got):\n%s", diff)
	}
}

func TestOpenIsWhatIsNotSettledOldestFirst(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	commit(
		t, db,
		run{id: "new", built: 9}.delta(), run{id: "old", built: 1}.delta(),
		run{id: "done", built: 5, status: gennaker.Succeeded, settled: true}.delta(),
		run{id: "ends", built: 4}.delta(),
	)
	commit(t, db, engine.Delta{ID: "ends", Head: &flow.State{Status: gennaker.Terminal}, Settled: true})
	if diff := cmp.Diff([]string{"old", "new"}, openIDs(t, db)); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
	// A restart opens it again.
	commit(t, db, engine.Delta{ID: "done", Head: &flow.State{Status: gennaker.Running}})
	if diff := cmp.Diff([]string{"old", "done", "new"}, openIDs(t, db)); diff != "" {
		t.Errorf("open after a restart (-want +got):\n%s", diff)
	}
}

func TestCommitIsAllOrNothing(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	commit(t, db, run{id: "A"}.delta())
	tests := map[string]struct {
		bad  engine.Delta
		want gennaker.Kind
	}{
		"created twice":     {run{id: "A"}.delta(), gennaker.Conflict},
		"head of nothing":   {engine.Delta{ID: "X", Head: &flow.State{}}, gennaker.NotFound},
		"created headless":  {engine.Delta{ID: "Y", Create: &gennaker.Execution{}}, gennaker.Internal},
		"created and again": {run{id: "B"}.delta(), gennaker.Conflict},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := db.Commit(t.Context(), []engine.Delta{run{id: "B", stages: 1}.delta(), tt.bad})
			if err == nil || gennaker.KindOf(err) != tt.want {
				t.Fatalf("Commit = %v, want kind %s", err, tt.want)
			}
			if _, err := db.Load(t.Context(), "B"); gennaker.KindOf(err) != gennaker.NotFound {
				t.Errorf("Load of what was rolled back = %v, want NotFound", err)
			}
		})
	}
}

func TestEmptyObjects(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	d := run{id: "A", stages: 1}.delta()
	d.Docs[0].Doc = engine.Doc{Context: json.RawMessage(`{}`), Outputs: json.RawMessage(`{}`)}
	commit(t, db, d)
	for _, want := range []string{`{"a":1}`, `{}`} {
		commit(t, db, engine.Delta{ID: "A", Docs: []engine.DocRow{{ID: stageID("A", 0), Doc: engine.Doc{Outputs: json.RawMessage(want)}}}})
		if got := string(load(t, db, "A").Docs[stageID("A", 0)].Outputs); got != want {
			t.Errorf("outputs = %q, want %q", got, want)
		}
	}
}

func TestDeleted(t *testing.T) {
	t.Parallel()
	db := openNew(t)
	commit(t, db, run{id: "A", stages: 2}.delta(), run{id: "B", stages: 2}.delta())
	commit(t, db, engine.Delta{ID: "A", Deleted: true})
	if _, err := db.Load(t.Context(), "A"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("Load of a deleted execution = %v, want NotFound", err)
	}
	if got := load(t, db, "B"); len(got.State.Stages) != 2 || len(got.Docs) != 2 {
		t.Errorf("the other execution lost something: %+v", got)
	}
	commit(t, db, run{id: "A"}.delta())
	if got := load(t, db, "A"); len(got.State.Stages) != 0 || len(got.Docs) != 0 {
		t.Errorf("stages of the deleted execution came back: %+v", got)
	}
}

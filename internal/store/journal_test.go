package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
)

// ledger is what a database must know: of each execution its stages' types.
type ledger map[string]map[string]string

// TestJournalIsNotSeen commits few and many stages at a time, reads, deletes and
// kills: what is read is always what was committed last.
func TestJournalIsNotSeen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "db-*")
		if err != nil {
			rt.Fatal(err)
		}
		path := filepath.Join(dir, "0.db")
		db := openJournal(rt, t, path)
		defer func() { db.Close() }()
		want, lives, version := ledger{}, 0, 0
		act := map[string]func(*rapid.T){
			"commit": func(rt *rapid.T) {
				version++
				deltas := changesOf(want, rapid.IntRange(1, 12).Draw(rt, "executions"), version)
				if err := db.Commit(t.Context(), deltas); err != nil {
					rt.Fatal(err)
				}
			},
			"load": func(rt *rapid.T) {
				for id := range want {
					if s, err := db.Load(t.Context(), id); err != nil || cmp.Diff(want[id], typesOf(s)) != "" {
						rt.Fatalf("Load(%s) = %v, %v, want %v", id, typesOf(s), err, want[id])
					}
				}
			},
			"delete": func(rt *rapid.T) {
				for id := range want {
					delete(want, id)
					if err := db.Commit(t.Context(), []engine.Delta{{ID: id, Deleted: true}}); err != nil {
						rt.Fatal(err)
					}
					break
				}
			},
			"kill": func(rt *rapid.T) {
				lives++
				next := filepath.Join(dir, fmt.Sprint(lives, ".db"))
				for _, suffix := range []string{"", "-wal"} {
					b, err := os.ReadFile(path + suffix)
					if err != nil {
						rt.Fatal(err)
					}
					if err := os.WriteFile(next+suffix, b, 0o600); err != nil {
						rt.Fatal(err)
					}
				}
				if err := db.Close(); err != nil {
					rt.Fatal(err)
				}
				path, db = next, openJournal(rt, t, next)
			},
			"orphans": func(rt *rapid.T) {
				var orphans int
				err := db.w.QueryRowContext(t.Context(), `SELECT count(*) FROM stage WHERE execution NOT IN (SELECT id FROM execution)`).Scan(&orphans)
				if err != nil || orphans > 0 {
					rt.Fatalf("%d stages have no execution, %v", orphans, err)
				}
			},
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			act[rapid.SampledFrom([]string{"commit", "commit", "commit", "load", "delete", "kill"}).Draw(rt, "step")](rt)
			act["orphans"](rt)
		}
		act["load"](rt)
	})
}

func openJournal(rt *rapid.T, t *testing.T, path string) *DB {
	db, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		rt.Fatal(err)
	}
	return db
}

// changesOf returns deltas that create executions or change their stages, and
// notes them in the ledger.
func changesOf(want ledger, executions, version int) []engine.Delta {
	var out []engine.Delta
	for i := range executions {
		id := fmt.Sprint("X", (version*7+i*3)%20)
		if len(out) > 0 && want[id] != nil && want[id][id+"-0"] == fmt.Sprint("v", version) {
			continue // it is in this commit already
		}
		d := engine.Delta{ID: id}
		if want[id] == nil {
			want[id] = map[string]string{}
			x := gennaker.Execution{ID: id, Type: gennaker.TypePipeline, Application: "a", Status: gennaker.Running}
			d.Create, d.Head = &x, flow.New(x)
		}
		for s := range 2 {
			st := flow.Stage{ID: fmt.Sprint(id, "-", s), Seq: s, Ref: fmt.Sprint(s), Type: fmt.Sprint("v", version), Status: gennaker.Running}
			b, err := json.Marshal(st)
			if err != nil {
				panic(err)
			}
			want[id][st.ID] = st.Type
			d.Stages = append(d.Stages, engine.StageRow{ID: st.ID, State: b})
		}
		out = append(out, d)
	}
	return out
}

func typesOf(s engine.Stored) map[string]string {
	out := map[string]string{}
	if s.State == nil {
		return out
	}
	for _, st := range s.State.Stages {
		out[st.ID] = st.Type
	}
	return out
}

// TestJournalIsUsed sees to it that the other tests are about the journal.
func TestJournalIsUsed(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows := func(table string) (n int) {
		t.Helper()
		if err := db.w.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	want := ledger{}
	for version := range 3 {
		if err := db.Commit(t.Context(), changesOf(want, 10, version*20+1)); err != nil {
			t.Fatal(err)
		}
	}
	if got := [2]int{rows("journal"), rows("stage")}; got != [2]int{3, 0} {
		t.Errorf("after commits of many stages: %d rows in the journal, %d in the table, want 3 and 0", got[0], got[1])
	}
	if err := db.Commit(t.Context(), changesOf(want, 1, 100)); err != nil {
		t.Fatal(err)
	}
	if got := [2]int{rows("journal"), rows("stage")}; got[0] != 0 || got[1] == 0 {
		t.Errorf("after a commit of one stage: %d rows in the journal, %d in the table, want 0 and some", got[0], got[1])
	}
}

func FuzzDecodeJournal(f *testing.F) {
	f.Add(encodeJournal([]journaled{{stageKey{"a", "b"}, []byte("{}")}, {stageKey{"", ""}, nil}}))
	f.Add([]byte{1, 'x', 9})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, doc []byte) {
		stages, err := decodeJournal(doc)
		if err != nil {
			return
		}
		again, err := decodeJournal(encodeJournal(stages))
		if err != nil || len(again) != len(stages) {
			t.Fatalf("%d stages came back as %d, %v", len(stages), len(again), err)
		}
		for i := range again {
			if again[i].stageKey != stages[i].stageKey || !bytes.Equal(again[i].state, stages[i].state) {
				t.Errorf("stage %d = %v, want %v", i, again[i], stages[i])
			}
		}
	})
}

package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
)

func openTest(t *testing.T, path string) (*DB, error) {
	t.Helper()
	db, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Cleanup(func() { db.Close() })
	}
	return db, err
}

func mustOpen(t *testing.T, path string) *DB {
	t.Helper()
	db, err := openTest(t, path)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return db
}

// testDelta creates an execution with one stage and a context of 5 KB.
func testDelta(id string) engine.Delta {
	x := gennaker.Execution{ID: id, Type: gennaker.TypePipeline, Application: "demo", PipelineConfigID: "p", Trigger: gennaker.Trigger{Type: "manual"}}
	return engine.Delta{
		ID: id, Create: &x, Head: flow.New(x),
		Stages: []engine.StageRow{{ID: "s", State: json.RawMessage(`{"id":"s","ref":"1"}`)}},
		Docs:   []engine.DocRow{{ID: "s", Doc: engine.Doc{Context: json.RawMessage(`{"x":"` + strings.Repeat(id, 5000/len(id)) + `"}`)}}},
	}
}

// unavailable fails the test unless err is Unavailable, says text and what to do.
func unavailable(t *testing.T, err error, text string) {
	t.Helper()
	if gennaker.KindOf(err) != gennaker.Unavailable || gennaker.HintOf(err) == "" || !strings.Contains(err.Error(), text) {
		t.Fatalf("error = %v (kind %s, hint %q), want Unavailable with %q and a hint", err, gennaker.KindOf(err), gennaker.HintOf(err), text)
	}
}

func TestLockedByAnotherProgram(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	db := mustOpen(t, path)
	if err := db.Commit(t.Context(), []engine.Delta{testDelta("A")}); err != nil {
		t.Fatal(err)
	}
	// Another program, as far as SQLite is concerned.
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	unavailable(t, db.Commit(t.Context(), []engine.Delta{testDelta("B")}), "locked")
	if _, err := db.Load(t.Context(), "A"); err != nil {
		t.Errorf("Load while locked: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Load(t.Context(), "B"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("Load of what was refused = %v, want NotFound", err)
	}
	if err := db.Commit(t.Context(), []engine.Delta{testDelta("B")}); err != nil {
		t.Errorf("Commit after the lock: %v", err)
	}
}

// SQLite answers SQLITE_FULL both when the disk is full and when the file has
// max_page_count pages, which is how this test provokes it.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, filepath.Join(t.TempDir(), "x.db"))
	limit := func(pages int) {
		t.Helper()
		var now int
		if err := db.w.QueryRow(fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(&now); err != nil {
			t.Fatal(err)
		}
	}
	limit(100)
	n := 0
	var err error
	for err == nil {
		if err = db.Commit(t.Context(), []engine.Delta{testDelta(fmt.Sprint("x", n)), testDelta(fmt.Sprint("y", n))}); err == nil {
			n++
		}
		if n > 1000 {
			t.Fatal("the disk never gets full")
		}
	}
	unavailable(t, err, "is full")
	if n == 0 {
		t.Fatal("nothing was stored before the disk was full")
	}
	p, perr := gennaker.ParsePipeline([]byte(`{"application":"a","name":"b","x":"` + strings.Repeat("x", 100_000) + `"}`))
	if perr != nil {
		t.Fatal(perr)
	}
	_, err = db.SavePipeline(t.Context(), p, "ann", false)
	unavailable(t, err, "is full")
	for i := range n + 1 {
		for _, c := range "xy" {
			_, err := db.Load(t.Context(), fmt.Sprint(string(c), i))
			if stored := i < n; stored && err != nil || !stored && gennaker.KindOf(err) != gennaker.NotFound {
				t.Errorf("Load(%c%d) = %v, with %d stored", c, i, err, n)
			}
		}
	}
	limit(1 << 20)
	if err := db.Commit(t.Context(), []engine.Delta{testDelta(fmt.Sprint("x", n))}); err != nil {
		t.Errorf("Commit with space again: %v", err)
	}
	if err := db.Health(t.Context()); err != nil {
		t.Errorf("Health = %v", err)
	}
}

// filled returns the path of a closed database, and what it holds.
func filled(t *testing.T) (path string, want map[string]engine.Doc) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.db")
	db := mustOpen(t, path)
	want = map[string]engine.Doc{}
	for i := range 12 {
		d := testDelta(fmt.Sprint("x", i))
		want[d.ID] = d.Docs[0].Doc
		if err := db.Commit(t.Context(), []engine.Delta{d}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path, want
}

// killed makes the database look like one whose process was killed.
func killed(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path+".lock", []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// intact reports whether everything is there; what is not must be an error.
func intact(t *testing.T, db *DB, want map[string]engine.Doc) bool {
	t.Helper()
	ok := true
	for id, doc := range want {
		got, err := db.Load(t.Context(), id)
		switch {
		case gennaker.KindOf(err) == gennaker.NotFound:
			t.Errorf("%s is lost without an error", id)
		case err != nil:
			unavailable(t, err, "is damaged")
			ok = false
		case !cmp.Equal(got.Docs["s"], doc):
			t.Errorf("%s is not what was stored", id)
		}
	}
	xs, err := db.Executions(t.Context(), gennaker.ExecutionQuery{Application: "demo"})
	if err != nil {
		unavailable(t, err, "is damaged")
		return false
	}
	if len(xs) != len(want) {
		t.Errorf("%d of %d executions are listed, without an error", len(xs), len(want))
	}
	return ok
}

const page = 4096

// garbage writes over one page of the file; 0 is the first.
func garbage(t *testing.T, path string, n int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5, 0x5a, 0x01}, page/3), n*page); err != nil {
		t.Fatal(err)
	}
}

func pages(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size() / page
}

func TestDamagedLastPage(t *testing.T) {
	t.Parallel()
	path, want := filled(t)
	garbage(t, path, pages(t, path)-1)
	db := mustOpen(t, path) // it was closed in good order, so it is checked later
	<-db.checked
	if intact(t, db, want) {
		t.Error("the last page held nothing: the test damages nothing")
	}
	unavailable(t, db.Health(t.Context()), "is damaged")
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// Whichever page is damaged: an error at open, which changes nothing, or at the
// read, or nothing is missing; never a panic.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	path, want := filled(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for n := range pages(t, path) {
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		garbage(t, path, n)
		bad, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		killed(t, path)
		db, err := openTest(t, path)
		if err != nil {
			refused++
			unavailable(t, err, path+" is damaged")
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(bad, after) {
				t.Errorf("page %d: the refused file was changed (%v)", n, err)
			}
			continue
		}
		intact(t, db, want)
		if err := db.Close(); err != nil {
			t.Errorf("page %d: Close: %v", n, err)
		}
	}
	if refused == 0 {
		t.Error("no damage was found at open")
	}
}

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	tests := map[string]func(good []byte) []byte{
		"cut in the middle": func(b []byte) []byte { return b[:len(b)/2] },
		"cut in the header": func(b []byte) []byte { return b[:10] },
		"something else":    func([]byte) []byte { return []byte("dear diary, today I was not a database") },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, _ := filled(t)
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, spoil(good), 0o600); err != nil {
				t.Fatal(err)
			}
			killed(t, path)
			for range 2 { // the second time too
				_, err = openTest(t, path)
				unavailable(t, err, path+" is damaged")
			}
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(after, spoil(good)) {
				t.Errorf("the refused file was changed (%v)", err)
			}
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
			mustOpen(t, path) // the backup was restored
		})
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	first := &fstest.MapFile{Data: []byte(`CREATE TABLE a (x);`)}
	second := &fstest.MapFile{Data: []byte(`CREATE TABLE b (x); INSERT INTO b VALUES (1);`)}
	path := filepath.Join(t.TempDir(), "x.db")
	migrate := func(files fstest.MapFS) error {
		l, err := acquire(path)
		if err != nil {
			t.Fatal(err)
		}
		d := &DB{path: path, log: slog.New(slog.DiscardHandler), lock: l}
		if d.w, err = sql.Open("sqlite", d.dsn("&_txlock=immediate")); err != nil {
			t.Fatal(err)
		}
		d.w.SetMaxOpenConns(1)
		defer d.closeAll(true)
		return d.migrate(context.WithoutCancel(t.Context()), files)
	}
	steps := []struct {
		name  string
		files fstest.MapFS
		want  string // of the error
	}{
		{"new", fstest.MapFS{"migrations/0001_a.sql": first}, ""},
		{"nothing to do", fstest.MapFS{"migrations/0001_a.sql": first}, ""},
		{"a broken one", fstest.MapFS{"migrations/0001_a.sql": first, "migrations/0002_b.sql": {Data: []byte(`CREATE TABLE b (x); CREATE TABLE b (x);`)}}, "migrate " + path + " to 0002_b.sql"},
		{"after it was mended", fstest.MapFS{"migrations/0001_a.sql": first, "migrations/0002_b.sql": second}, ""},
		{"older release", fstest.MapFS{"migrations/0001_a.sql": first}, "was written by a newer release (migration 0002_b.sql)"},
		{"changed", fstest.MapFS{"migrations/0001_a.sql": {Data: []byte(`CREATE TABLE c (x);`)}, "migrations/0002_b.sql": second}, "migration 0001_a.sql of the database " + path + " is not the one of this release"},
		{"gap", fstest.MapFS{"migrations/0001_a.sql": first, "migrations/0003_b.sql": second}, "0003_b.sql should have number 2"},
		{"still as it was", fstest.MapFS{"migrations/0001_a.sql": first, "migrations/0002_b.sql": second}, ""},
	}
	for _, s := range steps {
		if err := migrate(s.files); s.want == "" && err != nil || s.want != "" && (err == nil || !strings.Contains(err.Error(), s.want)) {
			t.Errorf("%s: %v, want %q", s.name, err, s.want)
		}
	}
}

func TestFilesAreOurs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data with 100% ?#")
	db := mustOpen(t, filepath.Join(dir, "x.db"))
	if err := db.Commit(t.Context(), []engine.Delta{testDelta("A")}); err != nil {
		t.Fatal(err)
	}
	want := map[string]os.FileMode{".": 0o700 | os.ModeDir, "x.db": 0o600, "x.db-wal": 0o600, "x.db-shm": 0o600, "x.db.lock": 0o600}
	for name, mode := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, mode)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != len(want)-1 {
		t.Errorf("files: %v, %v", entries, err)
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, filepath.Join(t.TempDir(), "x.db"))
	if err := db.Commit(t.Context(), []engine.Delta{testDelta("A")}); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := db.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := db.Backup(t.Context(), copied); gennaker.KindOf(err) != gennaker.Conflict {
		t.Errorf("Backup over a file = %v, want Conflict", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Backup(canceled, copied+"2"); err == nil {
		t.Error("Backup with a canceled context succeeded")
	}
	if err := db.Commit(t.Context(), []engine.Delta{testDelta("B")}); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Dir(copied)); err != nil || len(entries) != 1 {
		t.Errorf("files beside the backup: %v, %v", entries, err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode of the backup: %v, %v", info.Mode(), err)
	}
	restored := mustOpen(t, copied)
	if _, err := restored.Load(t.Context(), "A"); err != nil {
		t.Errorf("Load from the backup: %v", err)
	}
	if _, err := restored.Load(t.Context(), "B"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("Load of what came later = %v, want NotFound", err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	db := mustOpen(t, filepath.Join(t.TempDir(), "x.db"))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	for name, err := range map[string]error{
		"Commit": db.Commit(t.Context(), []engine.Delta{testDelta("A")}),
		"Health": db.Health(t.Context()),
	} {
		if gennaker.KindOf(err) != gennaker.Unavailable {
			t.Errorf("%s after Close = %v, want Unavailable", name, err)
		}
	}
}

package store

import (
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/gennaker/gennaker"
)

// What was there before strategies were apart is still there, and apart.
func TestMigrationSetsStrategiesApart(t *testing.T) {
	t.Parallel()
	path, log := filepath.Join(t.TempDir(), "old.db"), slog.New(slog.DiscardHandler)
	before := fstest.MapFS{}
	for _, name := range []string{"migrations/0001_first.sql", "migrations/0002_template.sql", "migrations/0003_account.sql"} {
		text, err := fs.ReadFile(migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = &fstest.MapFile{Data: text}
	}
	old, err := open(t.Context(), path, log, before)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ id, key, more string }{{"p", "deploy", `"n":1.50`}, {"s", "slow", `"strategy":true`}, {"q", "odd", `"strategy":"true"`}} {
		doc := fmt.Sprintf(`{"id":%q,"name":%q,"application":"demo",%s}`, row.id, row.key, row.more)
		if _, err := old.w.ExecContext(t.Context(), `INSERT INTO pipeline (id, application, name_key, name, doc) VALUES (?, 'demo', ?, ?, ?)`, row.id, row.key, row.key, doc); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	db := mustOpen(t, path)
	var got []string
	all, err := db.Pipelines(t.Context(), "demo")
	for _, p := range all {
		got = append(got, fmt.Sprintf("%s %t", p.ID, p.Strategy()))
	}
	if want := []string{"p false", "q false", "s true"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for name, want := range map[string]bool{"slow": true, "odd": false} {
		p, err := gennaker.ParsePipeline(fmt.Appendf(nil, `{"name":%q,"application":"demo"}`, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = db.SavePipeline(t.Context(), p, "ann", false); (err == nil) != want {
			t.Errorf("a pipeline called %s: %v", name, err)
		}
	}
}

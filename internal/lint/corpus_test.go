package lint_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus holds real definitions, if somebody put them beside the project.
const corpus = "../../../shared/corpus"

// documents returns the objects of a directory of the corpus, each with a name
// and an application. Without a corpus they are our own examples.
func documents(t *testing.T, kind string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	dir := filepath.Join(corpus, kind)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		t.Logf("there is no %s: these are our own examples", dir)
		dir = "testdata"
		entries, err = os.ReadDir(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".json" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = named(t, text)
	}
	if len(out) == 0 {
		t.Fatalf("%s has no documents", dir)
	}
	return out
}

// named returns a document with a name and an application, as it is if it has
// them.
func named(t *testing.T, text []byte) []byte {
	t.Helper()
	var m map[string]any
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	name, _ := m["name"].(string)
	app, _ := m["application"].(string)
	if name != "" && app != "" {
		return text
	}
	m["name"], m["application"] = name+"n", app+"app"
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestCorpus lints every real definition.
func TestCorpus(t *testing.T) {
	t.Parallel()
	rules := map[string]int{}
	for _, kind := range []string{"pipeline", "mpt-v2-template"} {
		for name, text := range documents(t, kind) {
			for _, w := range found(t, text) {
				if w.Rule == "definition" {
					t.Errorf("%s cannot be saved: %v", name, w)
				}
				rules[w.Rule]++
				t.Logf("%.40s:%d:%d: %s: %s: %s (%s) %s", name, w.Line, w.Column, w.Severity, w.Path, w.Message, w.Rule, w.Hint)
			}
		}
	}
	t.Logf("found %v", rules)
}

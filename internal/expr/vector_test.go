package expr_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker/internal/expr"
)

// A file of vectors has cases, each a line of input and, indented, what is
// expected of it: = and a value, ? and the reason of a null, ! and a part of an
// error. An input that is JSON (a text in quotes, an object or a list) stands for its
// value. "# " says in words where the cases after it come from; before them @root
// adds names to the root, @trigger and @execution set those, and @strict forbids
// unknown names. What stands before the first "# " is for the whole file. "//"
// are comments.
type vector struct {
	source, in, failure, missing string
	want                         any
	has                          bool // whether there is a want
	line                         int
	world
}

// world is what the expressions of a section see.
type world struct {
	root, trigger, execution map[string]any
	strict                   bool
}

func (w world) clone() world {
	w.root = maps.Clone(w.root)
	return w
}

func (w *world) directive(t *testing.T, line string) {
	t.Helper()
	name, text, _ := strings.Cut(line, " ")
	switch name {
	case "@root":
		if w.root == nil {
			w.root = map[string]any{}
		}
		maps.Copy(w.root, decode(t, text))
	case "@trigger":
		w.trigger = decode(t, text)
	case "@execution":
		w.execution = decode(t, text)
	case "@strict":
		w.strict = true
	default:
		t.Fatalf("there is no directive %s", name)
	}
}

// typed makes numbers of json.Number, as expressions have them.
func typed(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = typed(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = typed(x)
		}
		return out
	}
	return v
}

func value(t *testing.T, text string) any {
	t.Helper()
	return typed(decode(t, `{"v": `+text+`}`)["v"])
}

func readVectors(t *testing.T, path string) []vector {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var whole, now world
	var out []vector
	source := ""
	for i, line := range strings.Split(string(data), "\n") {
		last := len(out) - 1
		switch {
		case line == "" || strings.HasPrefix(line, "//"):
		case strings.HasPrefix(line, "# "):
			source, now = line[2:], whole.clone()
		case strings.HasPrefix(line, "@") && source == "":
			whole.directive(t, line)
		case strings.HasPrefix(line, "@"):
			now.directive(t, line)
		case strings.HasPrefix(line, "  = "):
			out[last].want, out[last].has = value(t, line[4:]), true
		case strings.HasPrefix(line, "  ?"):
			out[last].missing = " " + strings.TrimSpace(line[3:])
		case strings.HasPrefix(line, "  ! "):
			out[last].failure = line[4:]
		default:
			out = append(out, vector{source: source, in: line, line: i + 1, world: now})
		}
	}
	return out
}

func (v vector) env() expr.Env {
	e := expr.Env{Root: v.root, Now: noon, Strict: v.strict}
	if v.trigger != nil {
		e.Root = expr.Root(v.root, v.trigger)
	}
	if v.execution != nil {
		e.Execution = func() map[string]any { return v.execution }
	}
	return e
}

func (v vector) input(t *testing.T) any {
	t.Helper()
	if strings.IndexByte(`"{[`, v.in[0]) >= 0 && json.Valid([]byte(v.in)) {
		return value(t, v.in)
	}
	return v.in
}

// check compares an evaluation with what the vector wants of it.
func (v vector) check(t *testing.T) {
	t.Helper()
	in := v.input(t)
	got, summary := expr.Evaluate(in, v.env())
	want := v.want
	if !v.has {
		want = in
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s%v", v.source, diff, summary.Findings)
	}
	if v.failure == "" && v.missing == "" {
		if len(summary.Findings) > 0 || !v.has {
			t.Errorf("%s: findings %v, want none", v.source, summary.Findings)
		}
		return
	}
	level, message := expr.LevelInfo, strings.TrimSpace(v.missing)
	if v.failure != "" {
		level, message = expr.LevelError, v.failure
	}
	if len(summary.Findings) != 1 || summary.Findings[0].Level != level || !strings.Contains(summary.Findings[0].String(), message) {
		t.Errorf("%s: findings %v, want %s %q", v.source, summary.Findings, level, message)
	}
}

// TestVectors holds the language by cases that say where they come from.
func TestVectors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/vectors/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows, count := map[string]bool{}, 0
	for _, path := range files {
		vectors := readVectors(t, path)
		count += len(vectors)
		for _, v := range vectors {
			if v.source == "" {
				t.Errorf("%s:%d: the case does not say where it comes from", path, v.line)
			}
			for _, word := range strings.FieldsFunc(v.source, func(r rune) bool { return r < '0' || r > '9' }) {
				rows[word] = rows[word] || strings.HasPrefix(v.source, "expressions reference §8 row")
			}
			t.Run(fmt.Sprintf("%s:%d", strings.TrimSuffix(filepath.Base(path), ".txt"), v.line), func(t *testing.T) {
				t.Parallel()
				v.check(t)
			})
		}
	}
	if count < 350 {
		t.Errorf("there are %d vectors, fewer than 350", count)
	}
	for row := 1; row <= 67; row++ {
		if !rows[fmt.Sprint(row)] {
			t.Errorf("no vector is row %d of the table; there are %v", row, slices.Sorted(maps.Keys(rows)))
		}
	}
}

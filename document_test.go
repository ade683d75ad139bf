package gennaker_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
)

func TestWithin(t *testing.T) {
	t.Parallel()
	const text = "{\n  \"a\": \"x\\n\\\"ü\\u00fc\\ud83d\\ude00z\", \"b\": 1}"
	doc, err := gennaker.ParseDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		path         string
		offset       int
		line, column int
	}{
		"first byte":          {"a", 0, 2, 9},
		"behind a letter":     {"a", 1, 2, 10},
		"behind a line break": {"a", 2, 2, 12},
		"behind a quote":      {"a", 3, 2, 14},
		"behind two bytes":    {"a", 5, 2, 16},
		"behind an escape":    {"a", 7, 2, 22},
		"behind a pair":       {"a", 11, 2, 34},
		"the end":             {"a", 12, 2, 35},
		"too far":             {"a", 99, 2, 35},
		"no string":           {"b", 3, 2, 43},
		"not there":           {"a.c", 3, 2, 8},
		"the whole":           {"", 3, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if line, column := doc.Within(tt.path, tt.offset); line != tt.line || column != tt.column {
				t.Errorf("got line %d, column %d, want %d, %d", line, column, tt.line, tt.column)
			}
		})
	}
	if line, column := new(gennaker.Document).Within("a", 1); line != 0 || column != 0 {
		t.Errorf("without a text: line %d, column %d", line, column)
	}
}

// TestWithinFindsWhatWasWritten puts a mark into any text, however JSON writes
// it.
func TestWithinFindsWhatWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before := strings.ToValidUTF8(strings.ReplaceAll(rapid.String().Draw(t, "before"), "@", ""), "")
		text, err := json.Marshal(map[string]string{"k": before + "@"})
		if err != nil {
			t.Fatal(err)
		}
		doc, err := gennaker.ParseDocument(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, column := doc.Within("k", len(before)); text[column-1] != '@' {
			t.Fatalf("column %d of %s is no @", column, text)
		}
	})
}

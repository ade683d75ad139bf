package expr_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker/internal/expr"
)

func TestParameters(t *testing.T) {
	t.Parallel()
	parameters := map[string]any{"version": "v2", "count": json.Number("3"), "dry-run": true, "list": []any{"a"}, "null": nil}
	tests := map[string]struct{ in, want any }{
		"alone keeps the type":     {"${parameters.count}", json.Number("3")},
		"alone, a list":            {"${ parameters.list }", []any{"a"}},
		"in text":                  {"app-${parameters.version}-${parameters.count}", "app-v2-3"},
		"in text, a list":          {"x ${parameters.list}", `x ["a"]`},
		"brackets":                 {"${parameters['dry-run']}", true},
		"double quotes":            {`${ parameters["version"] }!`, "v2!"},
		"behind trigger":           {"${trigger.parameters.version}", "v2"},
		"behind trigger, brackets": {"${trigger['parameters']['version']}", "v2"},
		"null":                     {"is ${parameters.null}", "is null"},
		"unknown stays":            {"${parameters.nobody}", "${parameters.nobody}"},
		"another expression stays": {"${ #stage('a').outputs.x }", "${ #stage('a').outputs.x }"},
		"a longer one stays":       {"${ parameters.version + 1 }", "${ parameters.version + 1 }"},
		"nested":                   {map[string]any{"a": []any{"${parameters.version}", json.Number("1")}}, map[string]any{"a": []any{"v2", json.Number("1")}}},
		"in a key":                 {map[string]any{"${parameters.version}": nil}, map[string]any{"v2": nil}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, expr.Parameters(tt.in, parameters)); diff != "" {
				t.Errorf("Parameters(%v) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func FuzzParameters(f *testing.F) {
	for _, s := range []string{"${parameters.a}", "${trigger['parameters'][\"a\"]}", "$${", "${parameters['a'", "é${ parameters.a }"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := expr.Parameters(s, nil); got != s {
			t.Errorf("without parameters %q became %q", s, got)
		}
	})
}

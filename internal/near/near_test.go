package near_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker/internal/near"
)

func TestName(t *testing.T) {
	t.Parallel()
	names := []string{"parameters", "Parameter", "stages", "name", "wait"}
	for name, want := range map[string]string{
		"parmeters": "parameters", "PARAMETERS": "parameters", "stage": "stages", "wiat": "wait",
		"nmae": "name", "expectedArtifacts": "", "": "", "name": "", strings.Repeat("x", 300): "",
	} {
		if got := near.Name(name, names, 2); got != want {
			t.Errorf("%q is taken for %q, want %q", name, got, want)
		}
	}
	if got := near.Name("same", []string{"same"}, 4); got != "" {
		t.Errorf("a name is taken for itself: %q", got)
	}
	if got := near.Name("abcd", []string{"abxx", "abcx", "abxd"}, 3); got != "abcx" {
		t.Errorf("of several it is %q, want the first of the nearest", got)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprintf("type%02d", i))
	}
	for name, tt := range map[string]struct {
		of   []string
		want string
	}{
		"x":        {nil, ""},
		"b":        {[]string{"a"}, "a"},
		"waite":    {[]string{"bake", "deploy", "wait"}, "wait, bake and deploy"},
		"none":     {[]string{"alpha", "beta"}, "alpha and beta"},
		"typo17":   {many, "type17, type00, type01, type02, type03, type04, type05, type06, type07, type08, type09, type10 and 8 more"},
		"thirteen": {many[:13], "type00, type01, type02, type03, type04, type05, type06, type07, type08, type09, type10, type11 and type12"},
	} {
		if got := near.List(name, tt.of); got != tt.want {
			t.Errorf("%s: %s\nwant %s", name, got, tt.want)
		}
	}
	if many[0] != "type00" || many[17] != "type17" {
		t.Error("the list that was given has changed")
	}
}

// TestDistance: it is a distance, and a bound hides nothing within it.
func TestDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := near.Distance(tt.a, tt.b, 10); got != tt.want {
			t.Errorf("%q and %q are %d apart, want %d", tt.a, tt.b, got, tt.want)
		}
	}
	word := rapid.StringMatching(`[abc]{0,9}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, most := word.Draw(t, "a"), word.Draw(t, "b"), rapid.IntRange(0, 12).Draw(t, "most")
		d := near.Distance(a, b, 100)
		if back := near.Distance(b, a, 100); back != d {
			t.Fatalf("%d there and %d back", d, back)
		}
		if (d == 0) != (a == b) || d > max(len(a), len(b)) {
			t.Fatalf("%d apart", d)
		}
		if got := near.Distance(a, b, most); got != d && (d <= most || got <= most) {
			t.Fatalf("%d apart within %d, want %d", got, most, d)
		}
	})
}

func TestAlike(t *testing.T) {
	t.Parallel()
	names := []string{"Deploy to prod", "Deploy to test", "nightly", "release"}
	for name, tt := range map[string]struct {
		asked string
		want  []string
	}{
		"typing mistake":   {"nihgtly", []string{"nightly"}},
		"case":             {"NIGHTLY", []string{"nightly"}},
		"part":             {"prod", []string{"Deploy to prod"}},
		"several":          {"deploy", []string{"Deploy to prod", "Deploy to test"}},
		"nothing like it":  {"backup", nil},
		"empty":            {"", nil},
		"more than a name": {"release-it", []string{"release"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, near.Alike(tt.asked, names)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

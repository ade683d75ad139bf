package manifest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []gennaker.Manifest
	}{
		"nothing":           {"", nil},
		"comments alone":    {"# nothing\n---\n# here\n", nil},
		"empty documents":   {"---\n---\nkind: A\n---\n\n---\nkind: B\n", []gennaker.Manifest{{"kind": "A"}, {"kind": "B"}}},
		"windows lines":     {"kind: A\r\n---\r\nkind: B\r\n", []gennaker.Manifest{{"kind": "A"}, {"kind": "B"}}},
		"byte order mark":   {"\uFEFFkind: A\n", []gennaker.Manifest{{"kind": "A"}}},
		"json":              {"{\n\t\"kind\": \"A\",\n\t\"n\": [1, 2.5, 1e3, true, null, \"\\ud83d\\ude00\"]\n}", []gennaker.Manifest{{"kind": "A", "n": []any{int64(1), 2.5, int64(1000), true, nil, "😀"}}}},
		"json after json":   {`{"kind":"A"} {"kind":"B"}`, []gennaker.Manifest{{"kind": "A"}, {"kind": "B"}}},
		"yaml in braces":    {"{kind: A}\n---\n{kind: B}\n", []gennaker.Manifest{{"kind": "A"}, {"kind": "B"}}},
		"list of documents": {"- kind: A\n- - kind: B\n  - null\n", []gennaker.Manifest{{"kind": "A"}, {"kind": "B"}}},
		"kind list":         {"apiVersion: v1\nkind: List\nitems:\n- kind: A\n- kind: List\n  items: [{kind: B}]\n", []gennaker.Manifest{{"kind": "A"}, {"kind": "B"}}},
		"kind of a list":    {"kind: ConfigMapList\nitems:\n- kind: ConfigMap\n", []gennaker.Manifest{{"kind": "ConfigMap"}}},
		"no list":           {"kind: AllowList\nspec: {}\n", []gennaker.Manifest{{"kind": "AllowList", "spec": map[string]any{}}}},
		"list of nothing":   {"kind: List\nitems: []\n---\nkind: List\n", nil},
		"scalars": {
			"a: yes\nb: \"yes\"\nc: off\nd: 0644\ne: 0x10\nf: 2001-01-01\ng: ~\nh: 1.0\ni: 1.5\nj: y\nk: 18446744073709551615\n",
			[]gennaker.Manifest{{"a": true, "b": "yes", "c": false, "d": int64(420), "e": int64(16), "f": "2001-01-01", "g": nil, "h": int64(1), "i": 1.5, "j": "y", "k": float64(1 << 63 * 2)}},
		},
		"keys":    {"data:\n  8080: a\n  true: b\n", []gennaker.Manifest{{"data": map[string]any{"8080": "a", "true": "b"}}}},
		"aliases": {"a: &x {k: v}\nb: *x\n", []gennaker.Manifest{{"a": map[string]any{"k": "v"}, "b": map[string]any{"k": "v"}}}},
		"merges": {
			"x: &x {k: v, l: w}\ny: &y {k: u}\na:\n  <<: *x\n  l: mine\nb:\n  <<: [*y, *x]\n",
			[]gennaker.Manifest{{
				"x": map[string]any{"k": "v", "l": "w"},
				"y": map[string]any{"k": "u"},
				"a": map[string]any{"k": "v", "l": "mine"},
				"b": map[string]any{"k": "u", "l": "w"},
			}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := manifest.Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, d.Manifests); diff != "" {
				t.Errorf("manifests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []gennaker.Problem
	}{
		"no yaml":         {"kind: A\n---\nkind: B\n  name: b\n", []gennaker.Problem{{Line: 4, Column: 3, Message: "document 2: mapping values are not allowed in this context"}}},
		"text":            {"hello\n", []gennaker.Problem{{Line: 1, Column: 1, Message: `document 1: "hello" is no object`}}},
		"number in list":  {"- kind: A\n- 7\n", []gennaker.Problem{{Line: 2, Column: 3, Message: `document 1: "7" is no object`}}},
		"twice":           {"kind: A\nspec:\n  a: 1\n  a: 2\n", []gennaker.Problem{{Line: 4, Column: 3, Message: `document 1: the key "a" stands twice`}}},
		"twice in json":   {"{\"kind\": \"A\",\n \"kind\": \"B\"}", []gennaker.Problem{{Line: 2, Column: 2, Message: `document 1: the key "kind" stands twice`}}},
		"not a number":    {"a: .nan\n", []gennaker.Problem{{Line: 1, Column: 4, Message: "document 1: .nan is no number that an object can hold"}}},
		"unknown tag":     {"a: !Ref b\n", []gennaker.Problem{{Line: 1, Column: 4, Message: "document 1: the tag !Ref is not known"}}},
		"key of a kind":   {"? [a]\n: b\n", []gennaker.Problem{{Line: 1, Column: 3, Message: "document 1: a key must be a string"}}},
		"key of nothing":  {"~: b\n", []gennaker.Problem{{Line: 1, Column: 1, Message: "document 1: a key must be a string, not null"}}},
		"merge of text":   {"a:\n  <<: b\n", []gennaker.Problem{{Line: 2, Column: 7, Message: "document 1: << needs a mapping, or a list of mappings"}}},
		"unknown alias":   {"a: *x\n", []gennaker.Problem{{Line: 1, Column: 4, Message: "document 1: unknown anchor 'x' referenced"}}},
		"circle":          {"a: &x [*x]\n", []gennaker.Problem{{Line: 1, Column: 8, Message: `document 1: the anchor "x" contains itself`}}},
		"deep":            {"a: " + strings.Repeat("[", 300) + strings.Repeat("]", 300), []gennaker.Problem{{Line: 1, Column: 4 + 255, Message: "document 1: nested more than 256 deep"}}},
		"all bad objects": {"a: !x b\n---\nkind: A\n---\nb: !y c\n", []gennaker.Problem{{Line: 1, Column: 4, Message: "document 1: the tag !x is not known"}, {Line: 5, Column: 4, Message: "document 3: the tag !y is not known"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.Parse([]byte(tt.text))
			var got []gennaker.Problem
			if e, ok := err.(*gennaker.Error); ok && e.Kind == gennaker.Invalid && e.Hint != "" {
				got = e.Problems
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestParseBounds: what is small as a text must not become large.
func TestParseBounds(t *testing.T) {
	t.Parallel()
	var bomb strings.Builder
	bomb.WriteString("a: &a [x, x, x, x, x, x, x, x, x]\n")
	for c := 'b'; c < 'k'; c++ {
		bomb.WriteString(fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9)))
	}
	var lists strings.Builder
	lists.WriteString("- &a [null, null]\n")
	for c := 'b'; c < 'z'; c++ {
		lists.WriteString(fmt.Sprintf("- &%c [%s]\n", c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9)))
	}
	var merges strings.Builder
	merges.WriteString("a: &a {k: v}\n")
	for c := 'b'; c < 'z'; c++ {
		merges.WriteString(fmt.Sprintf("%c: &%c {<<: [%s]}\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9)))
	}
	tests := map[string]struct{ text, want string }{
		"long text":     {strings.Repeat("#", manifest.MaxListBytes+1), "the manifests have 5242881 bytes, more than 5242880"},
		"large object":  {"a: " + strings.Repeat("x", manifest.MaxBytes), "document 1: an object is larger than 1572864 bytes, which no cluster stores"},
		"bomb":          {bomb.String(), "document 1: an object is larger than 1572864 bytes, which no cluster stores"},
		"bomb of lists": {lists.String(), "the manifests are larger than 5242880 bytes"},
		"bomb of <<":    {merges.String(), "document 1: an object is larger than 1572864 bytes, which no cluster stores"},
		"many objects":  {strings.Repeat("kind: A\n---\n", 1001), "there are more than 1000 objects"},
		"large list":    {"- &a {k: " + strings.Repeat("x", 1<<20) + "}\n" + strings.Repeat("- *a\n", 9), "the manifests are larger than 5242880 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.Parse([]byte(tt.text))
			refused(t, err, gennaker.TooLarge, tt.want)
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"kind: A\n---\nkind: B\n", `{"kind":"A","items":[1]}`, "a: &a [*a]\n", "a: &a {<<: *a}\n", "kind: List\nitems: [{kind: A}]\n",
		"a: 0644\nb: .inf\n? [x]\n: y\n", "a: !!binary aGk=\n", "{\"a\": \"\\ud83d\"}", "- - - kind: A\n", "%YAML 1.1\n---\na: yes\n", "a: |\n  x\n...\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := manifest.Parse(text)
		if err != nil {
			if k := gennaker.KindOf(err); k != gennaker.Invalid && k != gennaker.TooLarge {
				t.Fatalf("%v is %s", err, k)
			}
			return
		}
		for _, m := range d.Manifests {
			if diff := cmp.Diff(m, normal(t, m)); diff != "" {
				t.Errorf("what was read is not as objects are:\n%s", diff)
			}
			if _, err := json.Marshal(m); err != nil {
				t.Errorf("what was read is no JSON: %v", err)
			}
		}
		for _, p := range d.Locate(manifest.Check(d.Manifests, nil, nil)) {
			if p.Line == 0 || p.Column == 0 {
				t.Errorf("%v has no place in the text", p)
			}
		}
	})
}

// objects draws what an object may hold.
func objects() *rapid.Generator[gennaker.Manifest] {
	texts := rapid.OneOf(rapid.StringMatching(`[ -~é😀\n]{0,12}`), rapid.SampledFrom([]string{"yes", "off", "0644", "1e3", "~", "a: b", "- x", "2001-01-01", "", "😀", "null", "\t", "# x", "|"}))
	var values func(depth int) *rapid.Generator[any]
	values = func(depth int) *rapid.Generator[any] {
		scalars := rapid.OneOf(
			rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
			rapid.Map(rapid.Int64Range(-1<<52, 1<<52), func(i int64) any { return i }),
			rapid.Map(rapid.Int64(), func(i int64) any { return float64(i%1000) + 0.5 }),
			rapid.Map(texts, func(s string) any { return s }),
		)
		if depth == 0 {
			return scalars
		}
		return rapid.OneOf(
			scalars,
			rapid.Map(rapid.SliceOfN(values(depth-1), 0, 3), func(l []any) any {
				if l == nil {
					l = []any{}
				}
				return l
			}),
			rapid.Map(rapid.MapOfN(texts, values(depth-1), 0, 3), func(m map[string]any) any { return m }),
		)
	}
	return rapid.Custom(func(t *rapid.T) gennaker.Manifest {
		m := gennaker.Manifest{
			"apiVersion": "v1",
			"kind":       rapid.SampledFrom([]string{"ConfigMap", "Secret", "Deployment", "Gadget"}).Draw(t, "kind"),
			"metadata":   map[string]any{"name": rapid.StringMatching(`[a-z]{1,5}`).Draw(t, "name")},
		}
		for k, v := range rapid.MapOfN(rapid.StringMatching(`[a-z]{4,6}`), values(3), 0, 4).Draw(t, "fields") {
			if k != "kind" && k != "items" {
				m[k] = v
			}
		}
		return m
	})
}

// TestParsePrinted: what is printed as YAML, JSON or a list reads as it was.
func TestParsePrinted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(objects(), 1, 4).Draw(t, "objects")
		var inYAML, inJSON []string
		for _, m := range want {
			y, err := yaml.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			j, err := json.MarshalIndent(m, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			inYAML, inJSON = append(inYAML, string(y)), append(inJSON, string(j))
		}
		for _, text := range []string{
			strings.Join(inYAML, "---\n"),
			strings.Join(inJSON, "\n"),
			`{"kind": "List", "items": [` + strings.Join(inJSON, ",") + "]}",
		} {
			d, err := manifest.Parse([]byte(text))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(want, d.Manifests); diff != "" {
				t.Fatalf("manifests (-want +got):\n%s\n%s", diff, text)
			}
		}
	})
}

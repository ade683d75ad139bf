package gennaker_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
)

func object(t rapid.TB, text string) map[string]any {
	t.Helper()
	doc, err := gennaker.ParseDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Value
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		was, is string
		want    []string // path: was -> is
	}{
		"same":              {`{"a":1,"b":[{"id":"x"}]}`, `{"b":[{"id":"x"}],"a":1}`, nil},
		"changed":           {`{"a":1,"b":true}`, `{"a":2,"b":true}`, []string{`a: 1 -> 2`}},
		"as written":        {`{"a":1.0}`, `{"a":1}`, []string{`a: 1.0 -> 1`}},
		"new and gone":      {`{"b":null}`, `{"a":null}`, []string{`a:  -> null`, `b: null -> `}},
		"another type":      {`{"a":{"b":1}}`, `{"a":[1]}`, []string{`a: {"b":1} -> [1]`}},
		"inside":            {`{"a":{"b":{"c":1}}}`, `{"a":{"b":{"c":2,"d":3}}}`, []string{`a.b.c: 1 -> 2`, `a.b.d:  -> 3`}},
		"odd keys":          {`{"a.b":{"c d":1,"":1}}`, `{"a.b":{"c d":2,"":2}}`, []string{`["a.b"][""]: 1 -> 2`, `["a.b"]["c d"]: 1 -> 2`}},
		"texts":             {`{"a":["x","y"]}`, `{"a":["x","z"]}`, []string{`a: ["x","y"] -> ["x","z"]`}},
		"nameless":          {`{"a":[{"b":1},{"b":2}]}`, `{"a":[{"b":1},{"b":3}]}`, []string{`a[1].b: 2 -> 3`}},
		"nameless, longer":  {`{"a":[{"b":1}]}`, `{"a":[{"b":1},{"b":3}]}`, []string{`a: [{"b":1}] -> [{"b":1},{"b":3}]`}},
		"same names twice":  {`{"a":[{"id":"1"},{"id":"1"}]}`, `{"a":[{"id":"1"}]}`, []string{`a: [{"id":"1"},{"id":"1"}] -> [{"id":"1"}]`}},
		"stage":             {`{"stages":[{"refId":"1","n":1},{"refId":"2"}]}`, `{"stages":[{"refId":"1","n":2},{"refId":"2"}]}`, []string{`stages[refId="1"].n: 1 -> 2`}},
		"stage at the end":  {`{"stages":[{"refId":"1"}]}`, `{"stages":[{"refId":"1"},{"refId":2}]}`, []string{`stages[refId=2]:  -> {"refId":2}`}},
		"stage taken out":   {`{"stages":[{"refId":"1"},{"refId":"2"}]}`, `{"stages":[{"refId":"2"}]}`, []string{`stages[refId="1"]: {"refId":"1"} -> `}},
		"stage in front":    {`{"stages":[{"refId":"1"}]}`, `{"stages":[{"refId":"2"},{"refId":"1"}]}`, []string{`stages[refId]: ["1"] -> ["2","1"]`, `stages[refId="2"]:  -> {"refId":"2"}`}},
		"other order":       {`{"stages":[{"refId":"1"},{"refId":"2"}]}`, `{"stages":[{"refId":"2"},{"refId":"1"}]}`, []string{`stages[refId]: ["1","2"] -> ["2","1"]`}},
		"parameter by name": {`{"p":[{"name":"x","default":1}]}`, `{"p":[{"name":"x","default":2}]}`, []string{`p[name="x"].default: 1 -> 2`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, d := range gennaker.Diff(object(t, tt.was), object(t, tt.is)) {
				got = append(got, fmt.Sprintf("%s: %s -> %s", d.Path, d.Was, d.Is))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// documents draws objects as pipelines are: with lists of stages that are named,
// and with keys of all kinds.
func documents() *rapid.Generator[map[string]any] {
	scalars := rapid.OneOf(
		rapid.Just[any](nil), rapid.Just[any](true), rapid.Map(rapid.IntRange(0, 3), func(n int) any { return json.Number(fmt.Sprint(n)) }),
		rapid.Map(rapid.SampledFrom([]string{"", "x", "${ y }"}), func(s string) any { return s }),
	)
	keys := rapid.SampledFrom([]string{"a", "b", "a.b", "", "name", "x]"})
	inner := rapid.Map(rapid.MapOfN(keys, scalars, 0, 3), func(m map[string]any) any { return m })
	named := rapid.Custom(func(t *rapid.T) any {
		list := []any{}
		for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"1", "2", "3"}), 0, 3, rapid.ID[string]).Draw(t, "ids") {
			m := map[string]any{"refId": id, "n": scalars.Draw(t, "n")}
			list = append(list, m)
		}
		return list
	})
	lists := rapid.Map(rapid.SliceOfN(rapid.OneOf(scalars, inner), 0, 3), func(l []any) any { return l })
	values := rapid.OneOf(scalars, inner, named, lists)
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "stages", "a.b"}), values, 0, 4)
}

// Two documents differ exactly if there is a difference, and what one says in
// one direction the other says in the other.
func TestDiffIsWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := documents().Draw(t, "was"), documents().Draw(t, "is")
		there, back := gennaker.Diff(a, b), gennaker.Diff(b, a)
		if same := reflect.DeepEqual(a, b); same != (len(there) == 0) || same != (len(back) == 0) {
			t.Fatalf("%v and %v: %v, %v", a, b, there, back)
		}
		changes := map[string]string{}
		for _, d := range there {
			if _, twice := changes[d.Path]; twice || string(d.Was) == string(d.Is) {
				t.Fatalf("%s stands twice, or did not change: %v", d.Path, there)
			}
			changes[d.Path] = string(d.Was) + " " + string(d.Is)
		}
		for _, d := range back {
			if order := strings.HasSuffix(d.Path, "[refId]"); !order && changes[d.Path] != string(d.Is)+" "+string(d.Was) {
				t.Fatalf("%s was %s, is %s; in the other direction %s", d.Path, d.Was, d.Is, changes[d.Path])
			}
		}
	})
}

func FuzzDiff(f *testing.F) {
	f.Add([]byte(`{"a":[{"id":1},{"id":"1"}]}`), []byte(`{"a":[{"id":"1"}],"":{}}`))
	f.Add([]byte(`{"a":1e400}`), []byte(`{"a":[[]]}`))
	f.Fuzz(func(t *testing.T, was, is []byte) {
		a, err := gennaker.ParseDocument(was)
		if err != nil {
			return
		}
		b, err := gennaker.ParseDocument(is)
		if err != nil {
			return
		}
		out := gennaker.Diff(a.Value, b.Value)
		if same := reflect.DeepEqual(a.Value, b.Value); same != (len(out) == 0) {
			t.Fatalf("%q and %q: %v", was, is, out)
		}
		if _, err := json.Marshal(out); err != nil {
			t.Fatal(err)
		}
	})
}

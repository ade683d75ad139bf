package engine

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestAsDecoded compares the shortcut with the way over the JSON itself.
func TestAsDecoded(t *testing.T) {
	t.Parallel()
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaves := []*rapid.Generator[any]{
			rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.String().AsAny(), rapid.Float64Range(-1e9, 1e9).AsAny(),
			rapid.Int().AsAny(), rapid.Int64().AsAny(), rapid.SampledFrom([]any{
				json.Number("1e3"), json.Number("-7"), "a\xffb", map[string]any(nil), []any(nil), []string{"other"}, struct{ A int }{7},
				map[string]any{"\xff": 1}, int32(5),
			}),
		}
		if depth > 0 {
			leaves = append(leaves,
				rapid.MapOfN(rapid.StringN(0, 3, -1), value(depth-1), 0, 3).AsAny(), rapid.SliceOfN(value(depth-1), 0, 3).AsAny())
		}
		return rapid.OneOf(leaves...)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(rapid.StringN(0, 3, -1), value(2)).Draw(t, "m")
		got, ok := asDecoded(m)
		if !ok {
			return
		}
		b, err := encodeObject(m)
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("of %#v (-want +got):\n%s", m, diff)
		}
	})
}

func TestDecodedIsNoAlias(t *testing.T) {
	t.Parallel()
	inner := map[string]any{"n": 1}
	d, err := newDoc(values{context: map[string]any{"inner": inner, "list": []any{inner}}})
	if err != nil {
		t.Fatal(err)
	}
	inner["n"] = 2
	v, err := d.read()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"inner": map[string]any{"n": 1.0}, "list": []any{map[string]any{"n": 1.0}}}
	if diff := cmp.Diff(want, v.context); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

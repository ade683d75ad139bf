package flow_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/flow"
)

// TestAppendJSON compares with json.Marshal, each field zero or not, so that no
// field can be forgotten.
func TestAppendJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var st flow.Stage
		fill(t, reflect.ValueOf(&st).Elem())
		want, err := json.Marshal(&st)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(st.AppendJSON(nil))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// fill gives every exported field below v a value, or leaves it zero.
func fill(t *rapid.T, v reflect.Value) {
	if !v.CanSet() || rapid.Bool().Draw(t, "zero") && v.Kind() != reflect.Struct {
		return
	}
	if at, ok := v.Addr().Interface().(*gennaker.Time); ok {
		*at = gennaker.Millis(rapid.Int64Range(0, 1<<42).Draw(t, "time"))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, "length"), 3))
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z"\\<>&\x00-\x1f\x7f\xff]*`)).Draw(t, "text"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	case reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("a field of kind %s cannot be filled", v.Kind())
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	st := flow.Stage{
		ID: "01HZZZZZZZZZZZZZZZZZZZ0001", Ref: "2", Type: "wait", Name: "Wait a little", Requires: []string{"1"},
		Status: gennaker.Running, Start: gennaker.Millis(1_700_000_000_000), Planned: true,
		Tasks: []flow.Task{{Name: "one", Status: gennaker.Succeeded, TimeoutMS: 1}, {Name: "two", Status: gennaker.Running}, {Name: "three"}},
	}
	for b.Loop() {
		_ = st.AppendJSON(nil)
	}
}

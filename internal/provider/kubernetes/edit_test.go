package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// value draws what JSON may hold, but for null, which merge patches cannot set.
func value(depth int) *rapid.Generator[any] {
	leaf := rapid.OneOf(rapid.Just[any]("x"), rapid.Just[any](int64(1)), rapid.Just[any](true), rapid.Just[any]([]any{"a", int64(2)}))
	if depth == 0 {
		return leaf
	}
	return rapid.OneOf(leaf, rapid.Custom(func(t *rapid.T) any { return drawObject(depth-1).Draw(t, "object") }))
}

func drawObject(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), value(depth), 0, 3)
}

// merge applies a merge patch (RFC 7396).
func merge(to, patch map[string]any) map[string]any {
	out := maps.Clone(to)
	for k, v := range patch {
		inner, isMap := v.(map[string]any)
		switch {
		case v == nil:
			delete(out, k)
		case isMap:
			was, _ := out[k].(map[string]any)
			if was == nil {
				was = map[string]any{}
			}
			out[k] = merge(was, inner)
		default:
			out[k] = v
		}
	}
	return out
}

func TestDifference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawObject(3).Draw(t, "a"), drawObject(3).Draw(t, "b")
		if diff := cmp.Diff(b, merge(a, difference(a, b))); diff != "" {
			t.Fatalf("patched with %v it is not b (-want +got):\n%s", difference(a, b), diff)
		}
		if d := difference(a, a); len(d) != 0 {
			t.Fatalf("between equals the difference is %v", d)
		}
	})
}

// What is patched into a Secret is in no error, however the patch is written.
func TestMaskPatch(t *testing.T) {
	t.Parallel()
	denied := gennaker.Errorf(gennaker.Denied, "a webhook denied hunter2222, which is aHVudGVyMjIyMg==").WithHint("not hunter2222")
	secret := cluster.Ref{Kind: cluster.Kind{GroupVersionKind: schema.GroupVersionKind{Version: "v1", Kind: "Secret"}}, Name: "pass"}
	for name, body := range map[string]string{
		"data":                `{"data": {"a": "aHVudGVyMjIyMg=="}}`,
		"stringData":          `{"stringData": {"a": "hunter2222"}}`,
		"an operation":        `[{"op": "test", "path": "/type", "value": "Opaque"}, {"op": "replace", "path": "/data/a", "value": "aHVudGVyMjIyMg=="}]`,
		"of all data":         `[{"op": "add", "path": "/stringData", "value": {"a": "hunter2222"}}]`,
		"of the whole object": `[{"op": "add", "path": "", "value": {"data": {"a": "aHVudGVyMjIyMg=="}}}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := maskPatch(denied, secret, []byte(body))
			if got, want := err.Error()+" "+gennaker.HintOf(err), "a webhook denied ****, which is **** not ****"; got != want {
				t.Errorf("it says %q, want %q", got, want)
			}
		})
	}
	if err := maskPatch(denied, cluster.Ref{}, []byte(`{"data": {"a": "hunter2222"}}`)); !errors.Is(err, denied) {
		t.Errorf("of another kind it says %v", err)
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	notes := map[string]string{}
	for i := range maxMarks + 2 {
		key := fmt.Sprint("key ", i)
		if done(notes, key) {
			t.Fatalf("%s was not done", key)
		}
		notes[operationAnnotation] = marked(notes, key)
		notes[operationAnnotation] = marked(notes, key)
		if !done(notes, key) || !newest(notes, key) {
			t.Fatalf("%s was done, but the marks are %s", key, notes[operationAnnotation])
		}
	}
	if n := len(marks(notes)); n != maxMarks {
		t.Errorf("%d marks are kept, want %d", n, maxMarks)
	}
	if done(notes, "key 1") || !done(notes, "key 2") || newest(notes, "key 2") {
		t.Errorf("the marks are %s", notes[operationAnnotation])
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	var m memory
	for i := range maxMemory + 1 {
		m.add(fmt.Sprint(i))
		m.add(fmt.Sprint(i))
	}
	if m.has("0") || !m.has("1") || !m.has(fmt.Sprint(maxMemory)) || len(m.seen) != maxMemory {
		t.Errorf("%d keys are remembered", len(m.seen))
	}
}

func TestWithMark(t *testing.T) {
	t.Parallel()
	live := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"resourceVersion": "7"}}}
	for name, tt := range map[string]struct {
		strategy, body, want string
	}{
		"merge":     {"merge", `{"metadata":{"labels":{"a":"b"}}}`, `{"metadata":{"annotations":{"gennaker.io/operation":"MARK"},"labels":{"a":"b"},"resourceVersion":"7"}}`},
		"strategic": {"strategic", `{"spec":{}}`, `{"metadata":{"annotations":{"gennaker.io/operation":"MARK"},"resourceVersion":"7"},"spec":{}}`},
		"json": {"json", `[{"op":"remove","path":"/spec"}]`, `[{"op":"replace","path":"/metadata/resourceVersion","value":"7"},` +
			`{"op":"add","path":"/metadata/annotations","value":{}},{"op":"remove","path":"/spec"},{"op":"add","path":"/metadata/annotations/gennaker.io~1operation","value":"MARK"}]`},
		"no object":  {"merge", `[]`, ""},
		"null":       {"merge", `null`, ""},
		"no list":    {"json", `{}`, ""},
		"odd object": {"merge", `{"metadata":"x"}`, ""},
	} {
		got, err := withMark(manifest.Patch{Strategy: tt.strategy, Body: []byte(tt.body)}, live, "key")
		if tt.want == "" {
			if gennaker.KindOf(err) != gennaker.Invalid || err == nil {
				t.Errorf("%s: %v, want Invalid", name, err)
			}
			continue
		}
		var want, have any
		if err := errors.Join(err, json.Unmarshal([]byte(strings.ReplaceAll(tt.want, "MARK", mark("key"))), &want), json.Unmarshal(got.Body, &have)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParallel(t *testing.T) {
	t.Parallel()
	all := make([]int, 5*atOnce)
	for i := range all {
		all[i] = i
	}
	var running, most, count atomic.Int64
	err := parallel(t.Context(), all, func(context.Context, int) error {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		count.Add(1)
		return nil
	})
	if err != nil || int(count.Load()) != len(all) || most.Load() > atOnce {
		t.Errorf("%v: %d calls, %d at the same time", err, count.Load(), most.Load())
	}
	wrong := gennaker.Errorf(gennaker.Denied, "not this one")
	count.Store(0)
	err = parallel(t.Context(), all, func(_ context.Context, i int) error {
		count.Add(1)
		if i == 0 {
			return wrong
		}
		return nil
	})
	if !errors.Is(err, wrong) || gennaker.KindOf(err) != gennaker.Denied {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	count.Store(0)
	if err := parallel(ctx, all, func(context.Context, int) error { count.Add(1); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context ended: %v", err)
	}
}

func TestPoints(t *testing.T) {
	t.Parallel()
	doc := map[string]any{"a": []any{map[string]any{"b/c": "x", "~": true}}}
	for pointer, want := range map[string]bool{
		"": true, "/a": true, "/a/0": true, "/a/0/b~1c": true, "/a/0/~0": true,
		"/a/0/b": false, "/a/1": false, "/a/-1": false, "/a/-": false, "/none": false, "/a/0/~0/x": false,
	} {
		if got := points(doc, pointer); got != want {
			t.Errorf("%q: %v, want %v", pointer, got, want)
		}
	}
}

// FuzzPoints compares a pointer to a key that is there with one that is not.
func FuzzPoints(f *testing.F) {
	for _, key := range []string{"a", "b/c", "~", "~1", "", "0"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		pointer := "/x/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
		if key == "" {
			return // points to an empty key and to nothing more are written alike
		}
		if !points(map[string]any{"x": map[string]any{key: 1}}, pointer) {
			t.Errorf("%q does not point to %q", pointer, key)
		}
		if points(map[string]any{"x": map[string]any{key + "!": 1}}, pointer) {
			t.Errorf("%q points to %q", pointer, key+"!")
		}
	})
}

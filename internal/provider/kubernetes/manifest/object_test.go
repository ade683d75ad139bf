package manifest_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	given := gennaker.Manifest{
		"a": 1, "b": int32(2), "c": json.Number("3"), "d": json.Number("4.5"), "e": 5.0, "f": 1e300, "g": float32(0.5),
		"h": map[string]string{"k": "v"}, "i": []any{gennaker.Manifest{"j": nil}, true}, "k": json.Number("18446744073709551615"),
	}
	want := gennaker.Manifest{
		"a": int64(1), "b": int64(2), "c": int64(3), "d": 4.5, "e": int64(5), "f": 1e300, "g": 0.5,
		"h": map[string]any{"k": "v"}, "i": []any{map[string]any{"j": nil}, true}, "k": math.Pow(2, 64),
	}
	if diff := cmp.Diff(want, normal(t, given)); diff != "" {
		t.Errorf("normalized (-want +got):\n%s", diff)
	}
	for name, bad := range map[string]any{
		"spec.a is a chan int, which no object has":     make(chan int),
		`spec.a: "x" is no number`:                      json.Number("x"),
		"spec.a[0] is a struct {}, which no object has": []any{struct{}{}},
		"spec.a.b is a complex128, which no object has": map[string]any{"b": 1i},
		"spec.a.c.d is a []string, which no object has": map[string]any{"c": gennaker.Manifest{"d": []string{"x"}}},
	} {
		_, err := manifest.Normalize(gennaker.Manifest{"spec": map[string]any{"a": bad}})
		if gennaker.KindOf(err) != gennaker.Invalid || err.Error() != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
	var deep any = "x"
	for range manifest.MaxDepth + 1 {
		deep = map[string]any{"a": deep}
	}
	if _, err := manifest.Normalize(deep.(map[string]any)); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("too deep: %v", err)
	}
}

// TestCopies: what changes an object leaves what it was given.
func TestCopies(t *testing.T) {
	t.Parallel()
	text := "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web, namespace: shop}, spec: {replicas: 2}}"
	m := one(t, text)
	if got := manifest.SetNamespace(m, "other"); manifest.Namespace(got) != "other" {
		t.Errorf("namespace %q", manifest.Namespace(got))
	}
	if got := manifest.SetNamespace(m, ""); manifest.Namespace(got) != "" {
		t.Errorf("namespace %q, want none", manifest.Namespace(got))
	}
	if n, ok := manifest.Replicas(manifest.SetReplicas(m, 5)); n != 5 || !ok {
		t.Errorf("replicas %d, %t", n, ok)
	}
	if got := manifest.Annotations(manifest.SetAnnotations(m, map[string]string{"a": "b"})); got["a"] != "b" {
		t.Errorf("annotations %v", got)
	}
	if diff := cmp.Diff(one(t, text), m); diff != "" {
		t.Errorf("what was given has changed:\n%s", diff)
	}
	config := one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
	if diff := cmp.Diff(config, manifest.SetReplicas(config, 5)); diff != "" {
		t.Errorf("an object without spec has changed:\n%s", diff)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	m := one(t, "{apiVersion: example.com/v1, kind: Gadget, metadata: {name: g, namespace: shop, uid: u, creationTimestamp: '2026-01-02T03:04:05+01:00'}, spec: {replicas: 1.5}}")
	if want := (gennaker.ManifestRef{Account: "prod", Location: "shop", Kind: "Gadget.example.com", Name: "g"}); manifest.Ref("prod", m) != want {
		t.Errorf("reference %+v", manifest.Ref("prod", m))
	}
	if want := time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC); !manifest.Created(m).Equal(want) || manifest.UID(m) != "u" {
		t.Errorf("created %s, uid %s", manifest.Created(m), manifest.UID(m))
	}
	if n, ok := manifest.Replicas(m); ok {
		t.Errorf("%d replicas of half a number", n)
	}
	newer := one(t, "{apiVersion: example.com/v2, kind: Gadget, metadata: {name: g, namespace: shop}, spec: {replicas: 2}}")
	if !manifest.Same(m, newer) || manifest.SameContent(m, newer) {
		t.Error("the same object in another version of its API is not recognised")
	}
	if manifest.Same(m, manifest.SetNamespace(m, "other")) || !manifest.SameContent(m, manifest.SetNamespace(m, "other")) {
		t.Error("objects of two namespaces are taken for one, or their content for two")
	}
	if got := manifest.Created(gennaker.Manifest{}); !got.IsZero() {
		t.Errorf("made at %s, though the cluster has not", got)
	}
}

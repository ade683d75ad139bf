package manifest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

// Normalize returns a copy of m as Kubernetes has objects: whole numbers are
// int64, others float64, and nothing is in it that JSON has not.
//
// Errors: Invalid, naming the path.
func Normalize(m gennaker.Manifest) (gennaker.Manifest, error) {
	v, err := normal(map[string]any(m), "", 0)
	if err != nil {
		return nil, err
	}
	out, _ := v.(map[string]any)
	return out, nil
}

func normal(v any, path string, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, gennaker.Errorf(gennaker.Invalid, "%s is nested more than %d deep", strings.TrimPrefix(path, "."), MaxDepth)
	}
	switch v := v.(type) {
	case nil, bool, string, int64:
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case float32:
		return whole(float64(v)), nil
	case float64:
		return whole(v), nil
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i, nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "%s: %q is no number", strings.TrimPrefix(path, "."), v)
		}
		return whole(f), nil
	case gennaker.Manifest:
		return normal(map[string]any(v), path, depth)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			n, err := normal(e, path+"."+k, depth+1)
			if err != nil {
				return nil, err
			}
			out[k] = n
		}
		return out, nil
	case map[string]string:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = e
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			n, err := normal(e, fmt.Sprintf("%s[%d]", path, i), depth+1)
			if err != nil {
				return nil, err
			}
			out[i] = n
		}
		return out, nil
	}
	return nil, gennaker.Errorf(gennaker.Invalid, "%s is a %T, which no object has", strings.TrimPrefix(path, "."), v)
}

// whole returns a float that has no fraction as an int64, if it fits.
func whole(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f)
	}
	return f
}

// Clone returns a deep copy.
func Clone(m gennaker.Manifest) gennaker.Manifest {
	out, _ := clone(map[string]any(m)).(map[string]any)
	return out
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	}
	return v
}

// field returns what stands at path if it is a T.
func field[T any](m map[string]any, path ...string) (T, bool) {
	var zero T
	for i, k := range path {
		v, ok := m[k]
		if !ok {
			return zero, false
		}
		if i == len(path)-1 {
			t, ok := v.(T)
			return t, ok
		}
		if m, ok = v.(map[string]any); !ok {
			return zero, false
		}
	}
	return zero, false
}

// text returns the string at path, or "".
func text(m map[string]any, path ...string) string {
	s, _ := field[string](m, path...)
	return s
}

// integer returns the whole number at path.
func integer(m map[string]any, path ...string) (int64, bool) {
	v, ok := field[any](m, path...)
	if !ok {
		return 0, false
	}
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case int32:
		return int64(v), true
	case float64:
		return int64(v), v == math.Trunc(v)
	case json.Number:
		n, err := v.Int64()
		return n, err == nil
	}
	return 0, false
}

// child returns the map at path, making those that are missing.
func child(m map[string]any, path ...string) map[string]any {
	for _, k := range path {
		next, ok := m[k].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[k] = next
		}
		m = next
	}
	return m
}

// texts returns the strings of the map at path; what is no string is left out.
func texts(m map[string]any, path ...string) map[string]string {
	found, _ := field[map[string]any](m, path...)
	out := make(map[string]string, len(found))
	for k, v := range found {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// Name returns metadata.name, or "".
func Name(m gennaker.Manifest) string { return text(m, "metadata", "name") }

// GenerateName returns metadata.generateName, or "": such an object is created,
// never applied, and the cluster makes up its name.
func GenerateName(m gennaker.Manifest) string { return text(m, "metadata", "generateName") }

// Namespace returns metadata.namespace, or "".
func Namespace(m gennaker.Manifest) string { return text(m, "metadata", "namespace") }

// SetNamespace returns a copy of m in a namespace; "" takes it out of any.
func SetNamespace(m gennaker.Manifest, namespace string) gennaker.Manifest {
	m = Clone(m)
	if namespace == "" {
		delete(child(m, "metadata"), "namespace")
		return m
	}
	child(m, "metadata")["namespace"] = namespace
	return m
}

// Labels returns the labels of the object.
func Labels(m gennaker.Manifest) map[string]string { return texts(m, "metadata", "labels") }

// Annotations returns the annotations of the object.
func Annotations(m gennaker.Manifest) map[string]string { return texts(m, "metadata", "annotations") }

// SetAnnotations returns a copy of m with these annotations over its own.
func SetAnnotations(m gennaker.Manifest, annotations map[string]string) gennaker.Manifest {
	m = Clone(m)
	into := child(m, "metadata", "annotations")
	for k, v := range annotations {
		into[k] = v
	}
	return m
}

// PodLabels returns the labels that the pods of a workload get, or those of m
// itself if it has no pod template.
func PodLabels(m gennaker.Manifest) map[string]string {
	if _, ok := field[map[string]any](m, "spec", "template", "metadata"); ok {
		return texts(m, "spec", "template", "metadata", "labels")
	}
	return Labels(m)
}

// Replicas returns spec.replicas; ok is false if the object says none.
func Replicas(m gennaker.Manifest) (n int, ok bool) {
	i, ok := integer(m, "spec", "replicas")
	return int(i), ok
}

// SetReplicas returns a copy of m with spec.replicas, as
// strategy.spinnaker.io/use-source-capacity wants it; of a kind that has no
// spec, m as it is.
func SetReplicas(m gennaker.Manifest, n int) gennaker.Manifest {
	m = Clone(m)
	if spec, ok := m["spec"].(map[string]any); ok {
		spec["replicas"] = int64(n)
	}
	return m
}

// Created returns when the cluster made the object; zero for one that it has
// not.
func Created(m gennaker.Manifest) time.Time {
	t, err := time.Parse(time.RFC3339, text(m, "metadata", "creationTimestamp"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// UID returns metadata.uid, or "".
func UID(m gennaker.Manifest) string { return text(m, "metadata", "uid") }

// Ref returns the reference of an object. Its kind has the group behind it where
// Spinnaker's has: "Gadget.example.com".
func Ref(account string, m gennaker.Manifest) gennaker.ManifestRef {
	return gennaker.ManifestRef{Account: account, Location: Namespace(m), Kind: KindOf(m).Qualified(), Name: Name(m)}
}

// Same reports whether a and b are one object: same kind, namespace and name.
func Same(a, b gennaker.Manifest) bool {
	ka, kb := KindOf(a), KindOf(b)
	return ka.Name == kb.Name && ka.Group == kb.Group && Namespace(a) == Namespace(b) && Name(a) == Name(b)
}

// SameContent reports whether a and b say the same outside their metadata.
func SameContent(a, b gennaker.Manifest) bool { return Digest(a) == Digest(b) }

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

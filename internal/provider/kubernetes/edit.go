package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// maxEdits is how often a change is tried that loses against others.
const maxEdits = 20

// change patches an object as decide says, once for its key, and returns it. It
// holds the mark of the key from the same moment on. If the object has changed
// meanwhile it is read, and decided, again.
func (p *Provider) change(ctx context.Context, key string, r cluster.Ref, decide func(live *unstructured.Unstructured) (manifest.Patch, error)) (*unstructured.Unstructured, error) {
	var err error
	for range maxEdits {
		var live, next *unstructured.Unstructured
		if live, err = p.cluster.Get(ctx, r); err != nil {
			return nil, err
		}
		if done(live.GetAnnotations(), key) {
			return live, nil
		}
		patch, err := decide(live)
		if err != nil {
			return nil, err
		}
		if patch, err = withMark(patch, live, key); err != nil {
			return nil, err
		}
		if next, err = p.cluster.Patch(ctx, r, patchTypes[patch.Strategy], patch.Body); err == nil {
			p.seen(ctx, r.Kind.GroupKind(), next)
			return next, nil
		} else if !cluster.Stale(err) {
			return nil, err
		}
	}
	return nil, gennaker.Errorf(gennaker.Unavailable, "%s changes so often that it could not be changed: %w", r, err)
}

// patchTypes are the patches of [manifest.Patch] in the API's words.
var patchTypes = map[string]types.PatchType{
	"strategic": types.StrategicMergePatchType, "merge": types.MergePatchType, "json": types.JSONPatchType,
}

// withMark returns the patch with the mark of key, for live as it is and no
// other version of it.
func withMark(patch manifest.Patch, live *unstructured.Unstructured, key string) (manifest.Patch, error) {
	value := marked(live.GetAnnotations(), key)
	if patch.Strategy == "json" {
		var ops []any
		if err := json.Unmarshal(patch.Body, &ops); err != nil {
			return patch, gennaker.Errorf(gennaker.Invalid, "the patch is no list of operations: %w", err)
		}
		head := []any{manifest.PatchOperation{Op: "replace", Path: "/metadata/resourceVersion", Value: live.GetResourceVersion()}}
		if live.GetAnnotations() == nil {
			head = append(head, manifest.PatchOperation{Op: "add", Path: "/metadata/annotations", Value: map[string]any{}})
		}
		ops = append(append(head, ops...), manifest.PatchOperation{
			Op: "add", Path: "/metadata/annotations/" + strings.ReplaceAll(operationAnnotation, "/", "~1"), Value: value,
		})
		return encode(patch.Strategy, ops)
	}
	var body map[string]any
	if err := json.Unmarshal(patch.Body, &body); err != nil || body == nil {
		return patch, gennaker.Errorf(gennaker.Invalid, "the patch is no object: %w", err)
	}
	if err := errors.Join(
		unstructured.SetNestedField(body, value, "metadata", "annotations", operationAnnotation),
		unstructured.SetNestedField(body, live.GetResourceVersion(), "metadata", "resourceVersion"),
	); err != nil {
		return patch, gennaker.Errorf(gennaker.Invalid, "the patch has metadata that no object has: %w", err)
	}
	return encode(patch.Strategy, body)
}

func encode(strategy string, v any) (manifest.Patch, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return manifest.Patch{}, fmt.Errorf("write a patch: %w", err)
	}
	return manifest.Patch{Strategy: strategy, Body: body}, nil
}

// edit is change by a function that makes the object what it is to be.
func (p *Provider) edit(ctx context.Context, key string, r cluster.Ref, mutate func(*unstructured.Unstructured) error) (*unstructured.Unstructured, error) {
	return p.change(ctx, key, r, func(live *unstructured.Unstructured) (manifest.Patch, error) {
		next := live.DeepCopy()
		if err := mutate(next); err != nil {
			return manifest.Patch{}, err
		}
		return encode("merge", difference(live.Object, next.Object))
	})
}

// difference returns the JSON merge patch that leads from a to b.
func difference(a, b map[string]any) map[string]any {
	patch := map[string]any{}
	for k, old := range a {
		now, ok := b[k]
		if !ok {
			patch[k] = nil
			continue
		}
		oldMap, wasMap := old.(map[string]any)
		nowMap, isMap := now.(map[string]any)
		if wasMap && isMap {
			if d := difference(oldMap, nowMap); len(d) > 0 {
				patch[k] = d
			}
			continue
		}
		if !reflect.DeepEqual(old, now) {
			patch[k] = now
		}
	}
	for k, now := range b {
		if _, ok := a[k]; !ok {
			patch[k] = now
		}
	}
	return patch
}

// set sets a value in nested maps, which it makes. It panics if there is
// something else on the way: objects of the cluster have the shape of their
// kind.
func set(object map[string]any, value any, path ...string) {
	if err := unstructured.SetNestedField(object, value, path...); err != nil {
		panic(fmt.Sprintf("kubernetes: %v", err))
	}
}

func annotate(o *unstructured.Unstructured, name, value string) {
	all := o.GetAnnotations()
	if all == nil {
		all = map[string]string{}
	}
	if value == "" {
		delete(all, name)
	} else {
		all[name] = value
	}
	o.SetAnnotations(all)
}

// setPending says what is to become of an object when it is drained; "" is
// nothing.
func setPending(o *unstructured.Unstructured, what string) {
	all := o.GetLabels()
	if all == nil {
		all = map[string]string{}
	}
	if what == "" {
		delete(all, pendingLabel)
	} else {
		all[pendingLabel] = what
	}
	o.SetLabels(all)
}

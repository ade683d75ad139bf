package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// Attach implements [provider.Manifests].
func (p *Provider) Attach(ctx context.Context, key string, ref gennaker.ManifestRef, services []string, on bool) error {
	if err := checkKey(key); err != nil {
		return err
	}
	r, err := p.resolve(ctx, ref)
	if err != nil {
		return err
	}
	if on {
		return p.attach(ctx, key, r, services)
	}
	return p.detach(ctx, key, r, services, "")
}

// attach puts all pods of a ReplicaSet behind Services: the template first, so
// that those which start later are, too.
func (p *Provider) attach(ctx context.Context, key string, r cluster.Ref, services []string) error {
	set, selected, err := p.behind(ctx, r, services, true)
	if err != nil || superseded(set, key) {
		return err
	}
	set, err = p.edit(ctx, key, r, func(o *unstructured.Unstructured) error {
		if o.GetLabels()[pendingLabel] == pendingDestroy {
			return gennaker.Errorf(gennaker.NotFound, "%s is being destroyed", r)
		}
		setTemplateLabels(o, selected)
		annotate(o, detachedAnnotation, "")
		return nil
	})
	if err != nil {
		return err
	}
	return p.followPods(ctx, r, set, selected)
}

// detach takes all pods of a ReplicaSet away from Services. With pending it
// says, at the same time, what is to become of it when it is drained.
func (p *Provider) detach(ctx context.Context, key string, r cluster.Ref, services []string, pending string) error {
	set, selected, err := p.behind(ctx, r, services, false)
	if err != nil || superseded(set, key) {
		return err
	}
	if pending == "" { // what is destroyed waits for its share to go
		if err := p.checkUnrouted(ctx, set); err != nil {
			return err
		}
	}
	now := time.Now().UTC().Format(time.RFC3339Nano)
	set, err = p.edit(ctx, key, r, func(o *unstructured.Unstructured) error {
		setTemplateLabels(o, without(selected))
		annotate(o, detachedAnnotation, cmp.Or(o.GetAnnotations()[detachedAnnotation], now))
		if pending != "" {
			setPending(o, pending)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.followPods(ctx, r, set, without(selected))
}

// superseded reports whether the operation with key was done, and another one
// after it: then nothing of it is done again. One that nothing came after may
// have got no further than the template, and is completed.
func superseded(o *unstructured.Unstructured, key string) bool {
	return done(o.GetAnnotations(), key) && !newest(o.GetAnnotations(), key)
}

// behind returns a ReplicaSet and the labels by which Services select pods:
// those given, or else those of its annotation. It has none if there are none.
// A Service that is not there, or that is the share of a route, selects by
// nothing that could be taken from the pods: unless all must be there it is left
// out.
//
// Errors: NotFound; Invalid for what cannot be behind them.
func (p *Provider) behind(ctx context.Context, r cluster.Ref, services []string, all bool) (*unstructured.Unstructured, map[string]string, error) {
	set, err := p.cluster.Get(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	if r.Kind.Kind != "ReplicaSet" {
		return nil, nil, gennaker.Errorf(gennaker.Invalid, "a %s cannot change its Services: its pods would be replaced", r.Kind.Kind).
			WithHint("deploy a ReplicaSet, whose labels can change while its pods run")
	}
	if owner := v1.GetControllerOf(set); owner != nil {
		return nil, nil, gennaker.Errorf(gennaker.Invalid, "%s belongs to %s %s, which would undo it", r, owner.Kind, owner.Name).
			WithHint("change the %s instead", owner.Kind)
	}
	if len(services) == 0 {
		if services, err = manifest.LoadBalancersOf(set.Object); err != nil {
			return nil, nil, err
		}
	}
	selected := map[string]string{}
	for _, s := range services {
		name, err := serviceName(s)
		if err != nil {
			return nil, nil, err
		}
		live, err := p.service(ctx, r.Namespace, name)
		if !all && (err == nil && live.GetAnnotations()[workloadAnnotation] != "" || ignoreNotFound(err) == nil && err != nil) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if _, err := manifest.AttachPatch(set.Object, live.Object); err != nil { // what cannot be attached
			return nil, nil, err
		}
		selector, _, _ := unstructured.NestedStringMap(live.Object, "spec", "selector")
		maps.Copy(selected, selector)
	}
	return set, selected, nil
}

// serviceName returns the name in "service web"; "web" is one too.
func serviceName(s string) (string, error) {
	if s = strings.TrimSpace(s); !strings.Contains(s, " ") {
		return s, nil
	}
	return manifest.ServiceName(s)
}

// without returns the labels as none: what takes them away.
func without(all map[string]string) map[string]string {
	out := map[string]string{}
	for k := range all {
		out[k] = ""
	}
	return out
}

// setTemplateLabels sets labels of the pod template; an empty value takes one
// away.
func setTemplateLabels(o *unstructured.Unstructured, change map[string]string) {
	have, _, _ := unstructured.NestedStringMap(o.Object, "spec", "template", "metadata", "labels")
	if have == nil {
		have = map[string]string{}
	}
	for k, v := range change {
		if v == "" {
			delete(have, k)
		} else {
			have[k] = v
		}
	}
	if err := unstructured.SetNestedStringMap(o.Object, have, "spec", "template", "metadata", "labels"); err != nil {
		panic(fmt.Sprintf("kubernetes: %v", err))
	}
}

// Bounds of following: how often pods are read again until all are as the
// template says, some ten seconds.
const (
	maxFollow   = 40
	followPause = 5 * time.Millisecond
	maxPause    = 400 * time.Millisecond
)

// followPods gives the pods of a ReplicaSet the labels that its template has
// got. A pod may be made from the old template until the controller has seen
// the new one: it looks once more after that.
func (p *Provider) followPods(ctx context.Context, r cluster.Ref, set *unstructured.Unstructured, change map[string]string) error {
	if len(change) == 0 {
		return nil
	}
	pause := followPause
	for range maxFollow {
		seen := observed(set)
		pods, err := p.pods(ctx, set)
		if err != nil {
			return err
		}
		wrong := slices.DeleteFunc(pods, func(o unstructured.Unstructured) bool {
			return carries(&o, change) || o.GetLabels()[pendingLabel] != "" // those leave for good
		})
		if err := p.relabel(ctx, wrong, change, nil); err != nil {
			return err
		}
		if seen {
			return nil
		}
		if !sleep(ctx, pause) {
			return context.Cause(ctx) //nolint:wrapcheck // it is the context's
		}
		pause = min(2*pause, maxPause)
		if set, err = p.cluster.Get(ctx, r); err != nil {
			return err
		}
	}
	return gennaker.Errorf(gennaker.Unavailable, "the controller of %s has not seen its change yet", r).
		WithHint("is the kube-controller-manager of the cluster running?")
}

func observed(o *unstructured.Unstructured) bool {
	n, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
	return n >= o.GetGeneration()
}

// carries reports whether an object has labels as change says.
func carries(o *unstructured.Unstructured, change map[string]string) bool {
	have := o.GetLabels()
	for k, v := range change {
		if have[k] != v {
			return false
		}
	}
	return true
}

// relabel changes labels, and annotations, of pods at the same time. Those that
// are gone need no labels.
func (p *Provider) relabel(ctx context.Context, pods []unstructured.Unstructured, labels, annotations map[string]string) error {
	kind, err := p.cluster.Kind(ctx, "Pod")
	if err != nil {
		return err
	}
	metadata := map[string]any{"labels": nulls(labels)}
	if annotations != nil {
		metadata["annotations"] = nulls(annotations)
	}
	changed := make([]*v1.PartialObjectMetadata, len(pods))
	indices := make([]int, len(pods))
	for i := range indices {
		indices[i] = i
	}
	err = parallel(ctx, indices, func(ctx context.Context, i int) (err error) {
		m := maps.Clone(metadata)
		m["uid"] = string(pods[i].GetUID()) // another pod of its name is none of ours
		at := cluster.Ref{Kind: kind, Namespace: pods[i].GetNamespace(), Name: pods[i].GetName()}
		changed[i], err = p.cluster.PatchMetadata(ctx, at, m)
		if k := gennaker.KindOf(err); err != nil && (k == gennaker.NotFound || k == gennaker.Conflict) {
			return nil
		}
		return err
	})
	for _, o := range changed {
		if o != nil {
			p.seen(ctx, kind.GroupKind(), o)
		}
	}
	return err
}

func nulls(all map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range all {
		if v == "" {
			out[k] = nil
		} else {
			out[k] = v
		}
	}
	return out
}

// pods returns the metadata of the pods that a workload controls, oldest first.
func (p *Provider) pods(ctx context.Context, owner *unstructured.Unstructured) ([]unstructured.Unstructured, error) {
	kind, err := p.cluster.Kind(ctx, "Pod")
	if err != nil {
		return nil, err
	}
	selector, err := selectorOf(owner)
	if err != nil {
		return nil, err
	}
	all, err := p.cluster.ListMetadata(ctx, cluster.Ref{Kind: kind, Namespace: owner.GetNamespace()}, selector)
	if err != nil {
		return nil, err
	}
	var own []unstructured.Unstructured
	for _, m := range all {
		if o := (unstructured.Unstructured{Object: partial(kind, m)}); controlledBy(&o, owner.GetUID()) {
			own = append(own, o)
		}
	}
	slices.SortFunc(own, oldestFirst)
	return own, nil
}

func oldestFirst(a, b unstructured.Unstructured) int {
	return cmp.Or(a.GetCreationTimestamp().Time.Compare(b.GetCreationTimestamp().Time), strings.Compare(a.GetName(), b.GetName()))
}

// selectorOf returns the selector of a workload as the API's lists want it.
func selectorOf(o *unstructured.Unstructured) (string, error) {
	raw, ok, _ := unstructured.NestedMap(o.Object, "spec", "selector")
	if !ok {
		return "", gennaker.Errorf(gennaker.Invalid, "%s %s has no selector for its pods", o.GetKind(), o.GetName())
	}
	var ls v1.LabelSelector
	if err := fromUnstructured(raw, &ls); err != nil {
		return "", fmt.Errorf("read the selector of %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	s, err := v1.LabelSelectorAsSelector(&ls)
	if err != nil {
		return "", fmt.Errorf("read the selector of %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	if s.Empty() {
		return labels.Nothing().String(), nil
	}
	return s.String(), nil
}

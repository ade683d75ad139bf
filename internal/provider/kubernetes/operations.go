package kubernetes

import (
	"context"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// Create implements [provider.Operations]: a server group of a cluster is made
// from a manifest.
func (p *Provider) Create(context.Context, string, gennaker.ServerGroupSpec) (string, error) {
	return "", gennaker.Errorf(gennaker.Invalid, "account %s is a Kubernetes cluster: a server group is made there from a manifest", p.account.Name).
		WithHint("use a stage of type deployManifest")
}

// UpsertLoadBalancer implements [provider.LoadBalancing]: Services are deployed.
func (p *Provider) UpsertLoadBalancer(context.Context, gennaker.LoadBalancer) error {
	return gennaker.Errorf(gennaker.Invalid, "account %s is a Kubernetes cluster: a load balancer is made there from a manifest", p.account.Name).
		WithHint("deploy a Service with a stage of type deployManifest")
}

// DeleteLoadBalancer implements [provider.LoadBalancing]: Services are deleted
// as any object.
func (p *Provider) DeleteLoadBalancer(context.Context, string, string) error {
	return gennaker.Errorf(gennaker.Invalid, "account %s is a Kubernetes cluster: a load balancer is an object there", p.account.Name).
		WithHint("delete the Service with a stage of type deleteManifest")
}

// group returns the object that a server group is: its name is "replicaSet
// web-v003".
func (p *Provider) group(ctx context.Context, key string, ref gennaker.ServerGroupRef) (cluster.Ref, error) {
	if err := checkKey(key); err != nil {
		return cluster.Ref{}, err
	}
	kind, name, err := gennaker.ParseManifestName(ref.Name)
	if err != nil {
		return cluster.Ref{}, gennaker.Errorf(gennaker.NotFound, "there is no server group %s", ref).
			WithHint(`names in a cluster have the kind in front: "replicaSet web-v003"`)
	}
	return p.resolve(ctx, gennaker.ManifestRef{Account: ref.Account, Location: ref.Region, Kind: kind, Name: name})
}

// Resize implements [provider.Operations]. A ReplicaSet that is behind Services
// loses pods only when these are drained: until then it has them, out of
// service.
func (p *Provider) Resize(ctx context.Context, key string, ref gennaker.ServerGroupRef, to gennaker.Capacity) error {
	if err := to.Check(); err != nil {
		return err
	}
	r, err := p.group(ctx, key, ref)
	if err != nil {
		return err
	}
	live, err := p.cluster.Get(ctx, r)
	if err != nil || superseded(live, key) {
		return err
	}
	if owner := v1.GetControllerOf(live); owner != nil {
		return gennaker.Errorf(gennaker.Invalid, "%s belongs to %s %s, which says how many pods it has", r, owner.Kind, owner.Name).
			WithHint("resize the %s instead", owner.Kind)
	}
	have, _ := manifest.Replicas(live.Object)
	if r.Kind.Kind != "ReplicaSet" || attachedTo(live) == nil {
		return p.scale(ctx, key, r, to.Desired)
	}
	if to.Desired >= have {
		if err := p.scale(ctx, key, r, to.Desired); err != nil {
			return err
		}
		return p.takeBack(ctx, r)
	}
	_, selected, err := p.behind(ctx, r, nil, false)
	if err != nil {
		return err
	}
	if live, err = p.edit(ctx, key, r, func(o *unstructured.Unstructured) error {
		annotate(o, replicasAnnotation, itoa(to.Desired))
		setPending(o, pendingResize)
		return nil
	}); err != nil {
		return err
	}
	if live.GetLabels()[pendingLabel] != pendingResize {
		return nil // it was done, and is finished
	}
	defer p.wake()
	return p.release(ctx, live, to.Desired, selected)
}

// deletionCost says which pods a ReplicaSet gives up first.
const deletionCost = "controller.kubernetes.io/pod-deletion-cost"

// release takes the pods that are too many away from their Services, the newest
// first, and has the ReplicaSet give up these when it shrinks.
func (p *Provider) release(ctx context.Context, set *unstructured.Unstructured, keep int, selected map[string]string) error {
	pods, err := p.pods(ctx, set)
	if err != nil {
		return err
	}
	pods = slices.DeleteFunc(pods, leaving)
	if len(pods) <= keep {
		return nil
	}
	in := func(o unstructured.Unstructured) bool { return carries(&o, selected) }
	// Those that get no requests anyway go first.
	slices.SortStableFunc(pods, func(a, b unstructured.Unstructured) int { return rank(in(b)) - rank(in(a)) })
	going := slices.DeleteFunc(pods[keep:], func(o unstructured.Unstructured) bool { return o.GetLabels()[pendingLabel] == pendingResize })
	change := without(selected)
	change[pendingLabel] = pendingResize
	return p.relabel(ctx, going, change, map[string]string{deletionCost: "-1000"})
}

func rank(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// takeBack puts pods that were released behind their Services again: the
// ReplicaSet does not shrink any more.
func (p *Provider) takeBack(ctx context.Context, r cluster.Ref) error {
	set, selected, err := p.behind(ctx, r, nil, false)
	if err != nil {
		return err
	}
	pods, err := p.pods(ctx, set)
	if err != nil {
		return err
	}
	pods = slices.DeleteFunc(pods, func(o unstructured.Unstructured) bool { return o.GetLabels()[pendingLabel] != pendingResize })
	change := map[string]string{pendingLabel: ""}
	if template, _, _ := unstructured.NestedStringMap(set.Object, "spec", "template", "metadata", "labels"); contains(template, selected) {
		maps.Copy(change, selected)
	}
	return p.relabel(ctx, pods, change, map[string]string{deletionCost: ""})
}

// leaving reports whether an object is being deleted.
func leaving(o unstructured.Unstructured) bool { return o.GetDeletionTimestamp() != nil }

// attachedTo returns the Services that a workload says it is behind; nil if it
// has left them or says none.
func attachedTo(o *unstructured.Unstructured) []string {
	if _, left := o.GetAnnotations()[detachedAnnotation]; left {
		return nil
	}
	services, _ := manifest.LoadBalancersOf(o.Object)
	return services
}

// Enable implements [provider.Operations].
func (p *Provider) Enable(ctx context.Context, key string, ref gennaker.ServerGroupRef) error {
	r, err := p.group(ctx, key, ref)
	if err != nil {
		return err
	}
	return p.attach(ctx, key, r, nil)
}

// Disable implements [provider.Operations]. The oldest pods go first.
func (p *Provider) Disable(ctx context.Context, key string, ref gennaker.ServerGroupRef, percent int) error {
	if percent < 0 || percent > 100 {
		return gennaker.Errorf(gennaker.Invalid, "%d percent is not between 0 and 100", percent)
	}
	r, err := p.group(ctx, key, ref)
	if err != nil {
		return err
	}
	if percent == 100 {
		return p.detach(ctx, key, r, nil, "")
	}
	set, selected, err := p.behind(ctx, r, nil, false)
	if err != nil || superseded(set, key) {
		return err
	}
	if set, err = p.edit(ctx, key, r, func(*unstructured.Unstructured) error { return nil }); err != nil {
		return err
	}
	pods, err := p.pods(ctx, set)
	if err != nil {
		return err
	}
	pods = slices.DeleteFunc(pods, leaving)
	want := (percent*len(pods) + 99) / 100
	in := slices.DeleteFunc(slices.Clone(pods), func(o unstructured.Unstructured) bool { return !carries(&o, selected) })
	out := len(pods) - len(in)
	return p.relabel(ctx, in[:min(len(in), max(0, want-out))], without(selected), nil)
}

// Destroy implements [provider.Operations]. What is behind Services leaves them
// and is deleted when it is drained, by Run, whatever happens to this process;
// anything else is deleted at once.
func (p *Provider) Destroy(ctx context.Context, key string, ref gennaker.ServerGroupRef) error {
	if p.deleted.has(key) {
		return nil
	}
	r, err := p.group(ctx, key, ref)
	if err != nil {
		return ignoreNotFound(err)
	}
	live, err := p.cluster.Get(ctx, r)
	if err != nil {
		return ignoreNotFound(err)
	}
	if owner := v1.GetControllerOf(live); owner != nil {
		return gennaker.Errorf(gennaker.Invalid, "%s belongs to %s %s, which would make it again", r, owner.Kind, owner.Name).
			WithHint("delete the %s instead", owner.Kind)
	}
	if services, _ := manifest.LoadBalancersOf(live.Object); r.Kind.Kind != "ReplicaSet" || len(services) == 0 {
		if err := p.cluster.Delete(ctx, r, live.GetUID(), v1.DeletePropagationForeground, nil); err != nil {
			return err
		}
		p.deleted.add(key)
		p.gone(ctx, r)
		return nil
	}
	defer p.wake()
	return ignoreNotFound(p.detach(ctx, key, r, nil, pendingDestroy))
}

func ignoreNotFound(err error) error {
	if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
		return nil
	}
	return err
}

// Terminate implements [provider.Operations]. Pods that are behind Services
// leave them, and are deleted by Run when they are drained; the workload then
// starts others.
func (p *Provider) Terminate(ctx context.Context, key string, ref gennaker.ServerGroupRef, instances []string) error {
	r, err := p.group(ctx, key, ref)
	if err != nil {
		return err
	}
	live, err := p.cluster.Get(ctx, r)
	if err != nil || superseded(live, key) {
		return err
	}
	pods, err := p.pods(ctx, live)
	if err != nil {
		return err
	}
	pods = slices.DeleteFunc(pods, func(o unstructured.Unstructured) bool {
		return leaving(o) || !slices.Contains(instances, o.GetName())
	})
	if r.Kind.Kind != "ReplicaSet" || attachedTo(live) == nil { // there is nothing to leave first
		err = p.deletePods(ctx, pods)
	} else {
		err = p.terminate(ctx, r, pods)
	}
	if err != nil {
		return err
	}
	_, err = p.edit(ctx, key, r, func(*unstructured.Unstructured) error { return nil })
	return err
}

// terminate takes pods away from their Services, and marks them.
func (p *Provider) terminate(ctx context.Context, r cluster.Ref, pods []unstructured.Unstructured) error {
	_, selected, err := p.behind(ctx, r, nil, false)
	if err != nil {
		return err
	}
	change := without(selected)
	change[pendingLabel] = pendingTerminate
	defer p.wake()
	return p.relabel(ctx, pods, change, nil)
}

func (p *Provider) deletePods(ctx context.Context, pods []unstructured.Unstructured) error {
	kind, err := p.cluster.Kind(ctx, "Pod")
	if err != nil {
		return err
	}
	return parallel(ctx, pods, func(ctx context.Context, o unstructured.Unstructured) error {
		return p.cluster.Delete(ctx, cluster.Ref{Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName()}, o.GetUID(), v1.DeletePropagationBackground, nil)
	})
}

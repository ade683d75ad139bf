package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// How often it is looked for what is pending: often while something is, and now
// and then for what another process left behind.
const (
	pendingPause = 300 * time.Millisecond
	idlePause    = 30 * time.Second
)

// carryOut deletes and shrinks what is marked for it, as soon as no request can
// reach it any more. What is marked is in the cluster, so that it is carried out
// by whichever process runs next; only since when an object is quiet is not: a
// new process waits once more.
func (p *Provider) carryOut(ctx context.Context) {
	quiet := map[types.UID]time.Time{}
	failed := pendingPause
	said := ""
	for {
		left, err := p.pass(ctx, quiet)
		pause := idlePause
		switch {
		case err != nil:
			if said != err.Error() && ctx.Err() == nil {
				p.log.WarnContext(ctx, "what waits for requests to end cannot be carried out yet", "account", p.account.Name, "error", err)
			}
			said, failed = err.Error(), min(2*failed, idlePause)
			pause = failed
		case left > 0:
			said, failed, pause = "", pendingPause, pendingPause
		default:
			said, failed = "", pendingPause
			clear(quiet)
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-p.woken:
			t.Stop()
		case <-t.C:
		}
	}
}

// wake has carryOut look at once.
func (p *Provider) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// pass carries out what it can, and returns how much is left.
func (p *Provider) pass(ctx context.Context, quiet map[types.UID]time.Time) (left int, err error) {
	for _, kind := range []string{"ReplicaSet.apps", "Pod"} {
		for _, namespace := range p.everywhere() {
			k, err := p.cluster.Kind(ctx, kind)
			if err != nil {
				return left + 1, err
			}
			pending, err := p.cluster.List(ctx, cluster.Ref{Kind: k, Namespace: namespace}, pendingLabel)
			if err != nil {
				return left + 1, err
			}
			n, err := p.finishAll(ctx, k, pending, quiet)
			if left += n; err != nil {
				return left, err
			}
		}
	}
	return left, nil
}

func (p *Provider) finishAll(ctx context.Context, k cluster.Kind, pending []unstructured.Unstructured, quiet map[types.UID]time.Time) (left int, err error) {
	var all []error
	for _, o := range pending {
		if leaving(o) {
			continue
		}
		r := cluster.Ref{Kind: k, Namespace: o.GetNamespace(), Name: o.GetName()}
		finished, err := p.finish(ctx, r, &o, quiet)
		if err != nil {
			all = append(all, fmt.Errorf("%s %s: %w", o.GetLabels()[pendingLabel], r, err))
		}
		if !finished {
			left++
		}
	}
	return left, errors.Join(all...)
}

// finish carries out what is pending for one object if it is drained.
func (p *Provider) finish(ctx context.Context, r cluster.Ref, o *unstructured.Unstructured, quiet map[types.UID]time.Time) (finished bool, err error) {
	switch what := o.GetLabels()[pendingLabel]; {
	case what == pendingTerminate && r.Kind.Kind == "Pod":
		return p.finishTerminate(ctx, r, o, quiet)
	case what == pendingDestroy && r.Kind.Kind == "ReplicaSet":
		return p.finishDestroy(ctx, r, o, quiet)
	case what == pendingResize && r.Kind.Kind == "ReplicaSet":
		return p.finishResize(ctx, r, o, quiet)
	}
	return true, nil // a pod that waits for its ReplicaSet, or a label of somebody else
}

func (p *Provider) finishTerminate(ctx context.Context, r cluster.Ref, o *unstructured.Unstructured, quiet map[types.UID]time.Time) (bool, error) {
	if owner := v1.GetControllerOf(o); owner != nil && owner.Kind == "ReplicaSet" {
		set, err := p.replicaSet(ctx, r.Namespace, owner.Name)
		if ignoreNotFound(err) != nil {
			return false, err
		}
		if err == nil {
			if ok, err := p.drained(ctx, set, o.GetUID(), []unstructured.Unstructured{*o}, quiet); !ok {
				return false, err
			}
		}
	}
	return true, p.cluster.Delete(ctx, r, o.GetUID(), v1.DeletePropagationBackground, nil)
}

func (p *Provider) replicaSet(ctx context.Context, namespace, name string) (*unstructured.Unstructured, error) {
	kind, err := p.cluster.Kind(ctx, "ReplicaSet.apps")
	if err != nil {
		return nil, err
	}
	return p.cluster.Get(ctx, cluster.Ref{Kind: kind, Namespace: namespace, Name: name})
}

func (p *Provider) finishDestroy(ctx context.Context, r cluster.Ref, o *unstructured.Unstructured, quiet map[types.UID]time.Time) (bool, error) {
	// Whoever marked it may have got no further.
	_, selected, err := p.behind(ctx, r, nil, false)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	if err := p.followPods(ctx, r, o, without(selected)); err != nil {
		return false, err
	}
	// A route's gateways follow later than the route says.
	if p.inventory.Traffic(r.Namespace, r.Kind.Kind, r.Name).Draining || gennaker.KindOf(p.checkUnrouted(ctx, o)) == gennaker.Conflict {
		return false, nil
	}
	if err := p.leaveRoutes(ctx, o); err != nil {
		return false, err
	}
	pods, err := p.pods(ctx, o)
	if err != nil {
		return false, err
	}
	if ok, err := p.drained(ctx, o, o.GetUID(), pods, quiet); !ok {
		return false, err
	}
	return true, p.cluster.Delete(ctx, r, o.GetUID(), v1.DeletePropagationForeground, nil)
}

func (p *Provider) finishResize(ctx context.Context, r cluster.Ref, o *unstructured.Unstructured, quiet map[types.UID]time.Time) (bool, error) {
	to, err := strconv.Atoi(o.GetAnnotations()[replicasAnnotation])
	if err != nil || to < 0 {
		return true, fmt.Errorf("read the annotation %s of %s: %w", replicasAnnotation, r, err)
	}
	_, selected, err := p.behind(ctx, r, nil, false)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	if err := p.release(ctx, o, to, selected); err != nil {
		return false, err
	}
	pods, err := p.pods(ctx, o)
	if err != nil {
		return false, err
	}
	going := slices.DeleteFunc(pods, func(pod unstructured.Unstructured) bool { return pod.GetLabels()[pendingLabel] == "" })
	if ok, err := p.drained(ctx, o, o.GetUID(), going, quiet); !ok {
		return false, err
	}
	next := o.DeepCopy()
	set(next.Object, int64(to), "spec", "replicas")
	annotate(next, replicasAnnotation, "")
	setPending(next, "")
	patch := difference(o.Object, next.Object)
	set(patch, o.GetResourceVersion(), "metadata", "resourceVersion")
	_, err = p.cluster.MergePatch(ctx, r, patch)
	if cluster.Stale(err) {
		return false, nil
	}
	return err == nil, ignoreNotFound(err)
}

// drained reports whether no request can reach pods of a ReplicaSet any more:
// none of them is an endpoint of its Services, and that for as long as proxies
// may take to follow. Another Service that selects them by what the ReplicaSet
// itself selects by cannot be left, and is not waited for.
func (p *Provider) drained(ctx context.Context, set *unstructured.Unstructured, what types.UID, pods []unstructured.Unstructured, quiet map[types.UID]time.Time) (bool, error) {
	reachable, err := p.reachable(ctx, set, pods)
	if err != nil {
		return false, err
	}
	if reachable {
		delete(quiet, what)
		return false, nil
	}
	since, ok := quiet[what]
	if !ok {
		since = time.Now()
		quiet[what] = since
	}
	return time.Since(since) >= p.inventory.Settle(), nil
}

// reachable reports whether one of the pods is an endpoint of a Service of the
// ReplicaSet.
func (p *Provider) reachable(ctx context.Context, set *unstructured.Unstructured, pods []unstructured.Unstructured) (bool, error) {
	if len(pods) == 0 {
		return false, nil
	}
	own := map[string]bool{}
	services, err := manifest.LoadBalancersOf(set.Object)
	if err != nil {
		return false, nil //nolint:nilerr // then it is behind none
	}
	for _, s := range services {
		if name, err := serviceName(s); err == nil {
			own[name] = true
		}
	}
	shares, err := p.shareServices(ctx, set)
	if err != nil {
		return false, err
	}
	for _, s := range shares {
		own[s.GetName()] = true
	}
	found, err := p.endpoints(ctx, set.GetNamespace(), "")
	if err != nil {
		return false, err
	}
	uids := map[types.UID]bool{}
	for _, pod := range pods {
		uids[pod.GetUID()] = true
	}
	return slices.ContainsFunc(found, func(s discovery.EndpointSlice) bool {
		return own[s.Labels[discovery.LabelServiceName]] && slices.ContainsFunc(s.Endpoints, func(e discovery.Endpoint) bool {
			return e.TargetRef != nil && uids[e.TargetRef.UID]
		})
	}), nil
}

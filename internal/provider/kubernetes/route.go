package kubernetes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// maxWeight is the largest weight of the Gateway API.
const maxWeight = 1_000_000

// Shift implements [provider.Routes].
func (p *Provider) Shift(ctx context.Context, key string, ref gennaker.ManifestRef, base string, shares []provider.Share) error {
	if err := cmp.Or(checkKey(key), checkShares(shares)); err != nil {
		return err
	}
	base, err := serviceName(base)
	if err != nil {
		return err
	}
	r, live, err := p.route(ctx, ref)
	if err != nil || done(live.GetAnnotations(), key) {
		return err
	}
	if !p.shifting.take(r.String()) {
		return gennaker.Errorf(gennaker.Conflict, "the shares of %s are being changed by another operation", r)
	}
	defer p.shifting.leave(r.String())
	backends, err := p.backends(ctx, r, base, shares)
	if err != nil {
		return err
	}
	_, err = p.edit(ctx, key, r, func(o *unstructured.Unstructured) error {
		if err := p.checkBackends(ctx, r, o, base); err != nil {
			return err
		}
		annotate(o, shiftedAnnotation, time.Now().UTC().Format(time.RFC3339Nano))
		return setBackends(r, o, backends)
	})
	return err
}

func checkShares(shares []provider.Share) error {
	sum := 0
	for _, s := range shares {
		if s.Weight < 0 || s.Weight > maxWeight {
			return gennaker.Errorf(gennaker.Invalid, "the weight %d of %s is not between 0 and %d", s.Weight, s.Workload, maxWeight)
		}
		sum += s.Weight
	}
	if sum == 0 {
		return gennaker.Errorf(gennaker.Invalid, "no workload would get requests: all weights are 0")
	}
	return nil
}

// route returns an HTTPRoute.
func (p *Provider) route(ctx context.Context, ref gennaker.ManifestRef) (cluster.Ref, *unstructured.Unstructured, error) {
	if strings.EqualFold(ref.Kind, "HTTPRoute") {
		ref.Kind = "HTTPRoute." + gateway.GroupName
	}
	r, err := p.resolve(ctx, ref)
	if err != nil {
		return r, nil, err
	}
	if r.Kind.Kind != "HTTPRoute" || r.Kind.Group != gateway.GroupName {
		return r, nil, gennaker.Errorf(gennaker.Invalid, "a %s has no weights", r.Kind.Kind).WithHint("traffic is shifted by an HTTPRoute of the Gateway API")
	}
	live, err := p.cluster.Get(ctx, r)
	return r, live, err
}

// backend is a Service that gets a share of a route.
type backend struct {
	service string
	weight  int
}

// backends returns the Service of each workload that gets a share, made if
// need be, once all of them have endpoints that proxies know of.
func (p *Provider) backends(ctx context.Context, route cluster.Ref, base string, shares []provider.Share) ([]backend, error) {
	services, err := p.cluster.Kind(ctx, "Service")
	if err != nil {
		return nil, err
	}
	front, err := p.cluster.Get(ctx, cluster.Ref{Kind: services, Namespace: route.Namespace, Name: base})
	if err != nil {
		return nil, err
	}
	var out []backend
	young := false
	for _, s := range shares {
		if s.Weight == 0 {
			continue
		}
		svc, made, err := p.backend(ctx, route, front, s.Workload)
		if err != nil {
			return nil, err
		}
		out = append(out, backend{svc.GetName(), s.Weight})
		// Another process may have made it, and ended before it had waited.
		young = young || made || time.Since(svc.GetCreationTimestamp().Time) < 2*p.inventory.Settle()+time.Second
	}
	for _, b := range out {
		if err := p.awaitEndpoints(ctx, route.Namespace, b.service); err != nil {
			return nil, err
		}
	}
	// Gateways learn of endpoints and of weights by different ways: a weight
	// must not arrive first.
	if young && !sleep(ctx, p.inventory.Settle()) {
		return nil, context.Cause(ctx) //nolint:wrapcheck // it is the context's
	}
	return out, nil
}

// backend returns the Service of one workload, and whether it was made. It has
// the ports of front, and goes with the workload.
func (p *Provider) backend(ctx context.Context, route cluster.Ref, front *unstructured.Unstructured, workload string) (service *unstructured.Unstructured, made bool, err error) {
	kind, name, err := gennaker.ParseManifestName(workload)
	if err != nil {
		return nil, false, err
	}
	r, err := p.resolve(ctx, gennaker.ManifestRef{Account: p.account.Name, Location: route.Namespace, Kind: kind, Name: name})
	if err != nil {
		return nil, false, err
	}
	owner, err := p.cluster.Get(ctx, r)
	if err != nil {
		return nil, false, err
	}
	if ready, _, _ := unstructured.NestedInt64(owner.Object, "status", "readyReplicas"); ready == 0 {
		return nil, false, gennaker.Errorf(gennaker.Invalid, "%s has no pod that is ready: it cannot get requests of %s", r, route)
	}
	selector, err := p.onlySelector(ctx, r, owner)
	if err != nil {
		return nil, false, err
	}
	at := cluster.Ref{Kind: cluster.Kind{}, Namespace: route.Namespace, Name: backendName(name)}
	if at.Kind, err = p.cluster.Kind(ctx, "Service"); err != nil {
		return nil, false, err
	}
	live, err := p.cluster.Get(ctx, at)
	switch {
	case err == nil && live.GetAnnotations()[workloadAnnotation] != workload:
		return nil, false, gennaker.Errorf(gennaker.Conflict, "%s is needed for the share of %s, and belongs to somebody else", at, workload).
			WithHint("give that Service another name")
	case err != nil && gennaker.KindOf(err) != gennaker.NotFound:
		return nil, false, err
	}
	made = err != nil
	service, err = p.cluster.Apply(ctx, at, map[string]any{
		"apiVersion": "v1", "kind": "Service",
		"metadata": map[string]any{
			"name": at.Name, "namespace": at.Namespace,
			"labels":      map[string]any{manifest.ManagedByLabel: "spinnaker"},
			"annotations": map[string]any{workloadAnnotation: workload, routeAnnotation: route.Name},
			"ownerReferences": []any{map[string]any{
				"apiVersion": owner.GetAPIVersion(), "kind": owner.GetKind(), "name": owner.GetName(), "uid": string(owner.GetUID()),
			}},
		},
		"spec": map[string]any{"type": "ClusterIP", "selector": anyMap(selector), "ports": ports(front)},
	}, true)
	return service, made, err
}

// backendName returns the name of a workload's Service: its own, unless that is
// too long or has dots.
func backendName(workload string) string {
	if len(validation.IsDNS1035Label(workload)) == 0 {
		return workload
	}
	sum := sha256.Sum256([]byte(workload))
	short := strings.Trim(strings.ReplaceAll(workload, ".", "-"), "-")
	return "v-" + strings.Trim(short[:min(len(short), 50)], "-") + "-" + hex.EncodeToString(sum[:4])
}

// ports returns the ports of a Service as another one may have them.
func ports(front *unstructured.Unstructured) []any {
	all, _, _ := unstructured.NestedSlice(front.Object, "spec", "ports")
	for _, x := range all {
		if m, ok := x.(map[string]any); ok {
			delete(m, "nodePort")
		}
	}
	return all
}

// onlySelector returns labels that select the pods of a workload and of no
// other: those of its selector, and the number of its version, since all
// versions may have one selector.
func (p *Provider) onlySelector(ctx context.Context, r cluster.Ref, owner *unstructured.Unstructured) (map[string]string, error) {
	selector, _, _ := unstructured.NestedStringMap(owner.Object, "spec", "selector", "matchLabels")
	template, _, _ := unstructured.NestedStringMap(owner.Object, "spec", "template", "metadata", "labels")
	if selector == nil {
		selector = map[string]string{}
	}
	if n, ok := template[manifest.SequenceAnnotation]; ok {
		selector[manifest.SequenceAnnotation] = n
	}
	all, err := p.cluster.List(ctx, cluster.Ref{Kind: r.Kind, Namespace: r.Namespace}, "")
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		labels, _, _ := unstructured.NestedStringMap(o.Object, "spec", "template", "metadata", "labels")
		if o.GetUID() != owner.GetUID() && contains(labels, selector) {
			return nil, gennaker.Errorf(gennaker.Invalid, "no labels tell the pods of %s from those of %s", r, o.GetName()).
				WithHint("give each version a label of its own in its selector and pod template, or deploy it as versioned")
		}
	}
	return selector, nil
}

func contains(all, some map[string]string) bool {
	for k, v := range some {
		if all[k] != v {
			return false
		}
	}
	return true
}

func anyMap(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// endpointTime is how long a Service may take to get endpoints.
const endpointTime = 15 * time.Second

func (p *Provider) awaitEndpoints(ctx context.Context, namespace, service string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, endpointTime, gennaker.Errorf(gennaker.Unavailable, "the Service %s has no ready endpoints yet", service))
	defer cancel()
	for {
		found, err := p.endpoints(ctx, namespace, discovery.LabelServiceName+"="+service)
		if err != nil {
			return cmp.Or(context.Cause(ctx), err)
		}
		for _, s := range found {
			if slices.ContainsFunc(s.Endpoints, func(e discovery.Endpoint) bool { return e.Conditions.Ready == nil || *e.Conditions.Ready }) {
				return nil
			}
		}
		if !sleep(ctx, followPause*4) {
			return context.Cause(ctx) //nolint:wrapcheck // it is the context's
		}
	}
}

// endpoints returns the EndpointSlices of a namespace as they are now.
func (p *Provider) endpoints(ctx context.Context, namespace, selector string) ([]discovery.EndpointSlice, error) {
	kind, err := p.cluster.Kind(ctx, "EndpointSlice.discovery.k8s.io")
	if err != nil {
		return nil, err
	}
	all, err := p.cluster.List(ctx, cluster.Ref{Kind: kind, Namespace: namespace}, selector)
	if err != nil {
		return nil, err
	}
	out := make([]discovery.EndpointSlice, len(all))
	for i, o := range all {
		if err := fromUnstructured(o.Object, &out[i]); err != nil {
			return nil, fmt.Errorf("read the EndpointSlice %s: %w", o.GetName(), err)
		}
	}
	return out, nil
}

// rules calls do with each rule of a route that sends requests to backends.
func rules(r cluster.Ref, o *unstructured.Unstructured, do func(rule map[string]any, refs []any) error) error {
	all, _, _ := unstructured.NestedSlice(o.Object, "spec", "rules")
	found := false
	for _, x := range all {
		rule, _ := x.(map[string]any)
		if refs, _ := rule["backendRefs"].([]any); len(refs) > 0 {
			found = true
			if err := do(rule, refs); err != nil {
				return err
			}
		}
	}
	if !found {
		return gennaker.Errorf(gennaker.Invalid, "%s has no rule with backendRefs", r).WithHint("send its requests to the Service of the workload first")
	}
	set(o.Object, all, "spec", "rules")
	return nil
}

// checkBackends refuses a route that sends requests to something else than the
// base, or a Service of ours. One of ours that is gone with its workload is no
// harm.
func (p *Provider) checkBackends(ctx context.Context, r cluster.Ref, o *unstructured.Unstructured, base string) error {
	return rules(r, o, func(_ map[string]any, refs []any) error {
		for _, x := range refs {
			ref, _ := x.(map[string]any)
			name, _ := ref["name"].(string)
			kind, _ := ref["kind"].(string)
			namespace, _ := ref["namespace"].(string)
			plain := (kind == "" || kind == "Service") && (namespace == "" || namespace == r.Namespace)
			if plain && name == base {
				continue
			}
			if plain {
				live, err := p.service(ctx, r.Namespace, name)
				if gennaker.KindOf(err) == gennaker.NotFound && err != nil || err == nil && live.GetAnnotations()[workloadAnnotation] != "" {
					continue
				}
				if err != nil {
					return err
				}
			}
			return gennaker.Errorf(gennaker.Invalid, "%s sends requests to %s %s too, which is no version of %s", r, cmp.Or(kind, "Service"), name, base).
				WithHint("use a route of its own for what is deployed by weights")
		}
		return nil
	})
}

func (p *Provider) service(ctx context.Context, namespace, name string) (*unstructured.Unstructured, error) {
	kind, err := p.cluster.Kind(ctx, "Service")
	if err != nil {
		return nil, err
	}
	return p.cluster.Get(ctx, cluster.Ref{Kind: kind, Namespace: namespace, Name: name})
}

// setBackends replaces the backends of each rule; what the first one says
// besides its name and weight, its port and filters, holds for all.
func setBackends(r cluster.Ref, o *unstructured.Unstructured, to []backend) error {
	return rules(r, o, func(rule map[string]any, refs []any) error {
		first, _ := refs[0].(map[string]any)
		var next []any
		for _, b := range to {
			ref := maps.Clone(first)
			ref["name"], ref["weight"] = b.service, int64(b.weight)
			next = append(next, ref)
		}
		rule["backendRefs"] = next
		return nil
	})
}

// Route implements [provider.Routes].
func (p *Provider) Route(ctx context.Context, ref gennaker.ManifestRef) (provider.RouteState, error) {
	r, live, err := p.route(ctx, ref)
	if err != nil {
		return provider.RouteState{}, err
	}
	var route gateway.HTTPRoute
	if err := fromUnstructured(live.Object, &route); err != nil {
		return provider.RouteState{}, fmt.Errorf("read %s: %w", r, err)
	}
	out := provider.RouteState{Settle: p.inventory.Settle(), Shares: []provider.Share{}}
	out.Since, _ = time.Parse(time.RFC3339Nano, live.GetAnnotations()[shiftedAnnotation])
	out.Reason = unprogrammed(route)
	out.Programmed = out.Reason == ""
	for _, rule := range route.Spec.Rules {
		for _, b := range rule.BackendRefs {
			svc, err := p.service(ctx, r.Namespace, string(b.Name))
			if ignoreNotFound(err) != nil {
				return out, err
			}
			if err != nil || svc.GetAnnotations()[workloadAnnotation] == "" {
				continue
			}
			weight := 1
			if b.Weight != nil {
				weight = int(*b.Weight)
			}
			out.Shares = append(out.Shares, provider.Share{Workload: svc.GetAnnotations()[workloadAnnotation], Weight: weight})
		}
		if len(out.Shares) > 0 {
			break // Shift gives all rules the same
		}
	}
	return out, nil
}

// unprogrammed returns why not every gateway follows the route as it is, or "".
func unprogrammed(route gateway.HTTPRoute) string {
	if len(route.Status.Parents) < len(route.Spec.ParentRefs) || len(route.Status.Parents) == 0 {
		return fmt.Sprintf("%d of %d gateways have said nothing of it yet", len(route.Spec.ParentRefs)-len(route.Status.Parents), len(route.Spec.ParentRefs))
	}
	for _, parent := range route.Status.Parents {
		for _, want := range []gateway.RouteConditionType{gateway.RouteConditionAccepted, gateway.RouteConditionResolvedRefs} {
			i := slices.IndexFunc(parent.Conditions, func(c v1.Condition) bool { return c.Type == string(want) })
			switch {
			case i < 0 || parent.Conditions[i].ObservedGeneration < route.Generation:
				return fmt.Sprintf("the gateway %s has not looked at its latest change yet", parent.ParentRef.Name)
			case parent.Conditions[i].Status != v1.ConditionTrue:
				return fmt.Sprintf("the gateway %s does not follow it: %s", parent.ParentRef.Name, cmp.Or(parent.Conditions[i].Message, parent.Conditions[i].Reason))
			}
		}
	}
	return ""
}

// shareServices returns the Services through which routes reach a workload.
func (p *Provider) shareServices(ctx context.Context, owner *unstructured.Unstructured) ([]unstructured.Unstructured, error) {
	kind, err := p.cluster.Kind(ctx, "Service")
	if err != nil {
		return nil, err
	}
	all, err := p.cluster.List(ctx, cluster.Ref{Kind: kind, Namespace: owner.GetNamespace()}, manifest.ManagedByLabel+"=spinnaker")
	return slices.DeleteFunc(all, func(s unstructured.Unstructured) bool {
		owned := slices.ContainsFunc(s.GetOwnerReferences(), func(o ownerReference) bool { return o.UID == owner.GetUID() })
		return s.GetAnnotations()[workloadAnnotation] == "" || !owned
	}), err
}

// checkUnrouted returns an error while a route gives a workload a share.
//
// Errors: Conflict.
func (p *Provider) checkUnrouted(ctx context.Context, owner *unstructured.Unstructured) error {
	services, err := p.shareServices(ctx, owner)
	if err != nil {
		return err
	}
	for _, s := range services {
		if err := p.unused(ctx, &s); err != nil {
			return err
		}
	}
	return nil
}

// leaveRoutes deletes the Services through which routes reached a workload, so
// that nothing selects its pods.
//
// Errors: Conflict while a route still gives it a share.
func (p *Provider) leaveRoutes(ctx context.Context, owner *unstructured.Unstructured) error {
	if err := p.checkUnrouted(ctx, owner); err != nil {
		return err
	}
	services, err := p.shareServices(ctx, owner)
	if err != nil || len(services) == 0 {
		return err
	}
	kind, err := p.cluster.Kind(ctx, "Service")
	if err != nil {
		return err
	}
	return parallel(ctx, services, func(ctx context.Context, s unstructured.Unstructured) error {
		return p.cluster.Delete(ctx, cluster.Ref{Kind: kind, Namespace: s.GetNamespace(), Name: s.GetName()}, s.GetUID(), v1.DeletePropagationBackground, nil)
	})
}

// unused returns an error while the route of a Service sends it requests.
func (p *Provider) unused(ctx context.Context, s *unstructured.Unstructured) error {
	r, live, err := p.route(ctx, gennaker.ManifestRef{
		Account: p.account.Name, Location: s.GetNamespace(), Kind: "HTTPRoute", Name: s.GetAnnotations()[routeAnnotation],
	})
	if err != nil {
		if k := gennaker.KindOf(err); k == gennaker.NotFound || k == gennaker.Invalid { // the route, or its kind, is gone
			return nil
		}
		return err
	}
	err = rules(r, live, func(_ map[string]any, refs []any) error {
		for _, x := range refs {
			ref, _ := x.(map[string]any)
			if w, ok := ref["weight"].(int64); ref["name"] == s.GetName() && (!ok || w > 0) {
				return gennaker.Errorf(gennaker.Conflict, "%s still sends a share of its requests to %s", r, s.GetAnnotations()[workloadAnnotation]).
					WithHint("shift its share to another version first")
			}
		}
		return nil
	})
	if gennaker.KindOf(err) == gennaker.Conflict && err != nil {
		return err
	}
	return nil
}

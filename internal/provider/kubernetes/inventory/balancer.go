package inventory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gennaker/gennaker"
)

// LoadBalancers implements [provider.Inventory]: Services, and the Ingresses
// and HTTPRoutes that send requests to them.
//
// Errors: Unavailable until the account has been read once.
func (i *Inventory) LoadBalancers(_ context.Context) ([]gennaker.LoadBalancer, error) {
	if err := i.ready(); err != nil {
		return nil, err
	}
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	behind := i.behind(time.Now())
	out := []gennaker.LoadBalancer{}
	for _, o := range x.kinds[serviceKind] {
		if s, ok := o.meta.(*corev1.Service); ok && i.shown(o) {
			lb := i.balancer(o)
			describeService(&lb, s)
			lb.ServerGroups = append(lb.ServerGroups, behind[o.key()]...)
			out = append(out, lb)
		}
	}
	for _, o := range x.kinds[ingressKind] {
		if in, ok := o.meta.(*networkingv1.Ingress); ok && i.shown(o) {
			lb := i.balancer(o)
			for _, service := range describeIngress(&lb, in) {
				lb.ServerGroups = merge(lb.ServerGroups, behind[key{Namespace: in.Namespace, Name: service}], 100)
			}
			out = append(out, lb)
		}
	}
	for _, o := range x.kinds[routeKind] {
		if r, ok := o.meta.(*gatewayv1.HTTPRoute); ok && i.shown(o) {
			lb := i.balancer(o)
			for _, h := range r.Spec.Hostnames {
				lb.Hosts = append(lb.Hosts, string(h))
			}
			for _, b := range backends(r) {
				lb.ServerGroups = merge(lb.ServerGroups, behind[b.service], b.weight)
			}
			out = append(out, lb)
		}
	}
	slices.SortFunc(out, func(a, b gennaker.LoadBalancer) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Region, b.Region))
	})
	return out, nil
}

func (i *Inventory) balancer(o *object) gennaker.LoadBalancer {
	return gennaker.LoadBalancer{
		Name: o.name(), Kind: o.kind.Kind, Account: i.cfg.Account, Region: o.meta.GetNamespace(), CloudProvider: CloudProvider,
		Application: o.moniker.App, Moniker: *o.moniker, Labels: o.meta.GetLabels(),
		CreatedTime: gennaker.At(o.meta.GetCreationTimestamp().Time), ServerGroups: []gennaker.LoadBalancerServerGroup{}, AsOf: i.asOf(),
	}
}

// behind returns, by service, the server groups that it sends requests to, and
// those that name it and that it does not select now.
func (i *Inventory) behind(now time.Time) map[key][]gennaker.LoadBalancerServerGroup {
	x := &i.index
	out := map[key][]gennaker.LoadBalancerServerGroup{}
	for _, o := range x.workloads("", serverGroupKinds...) {
		t := templateOf(o)
		if t == nil || !i.shown(o) {
			continue
		}
		namespace := o.meta.GetNamespace()
		g := gennaker.LoadBalancerServerGroup{Name: o.name(), Account: i.cfg.Account, Region: namespace, Weight: 100}
		selected, _ := x.selecting(namespace, t.Labels)
		names := loadBalancers(o.meta.GetAnnotations())
		if len(selected) == 0 && len(names) == 0 {
			continue
		}
		ready := map[string]int{}
		for p := range x.podsOf(o) {
			for _, m := range x.traffic.of(p) {
				if m.ready {
					ready[m.service]++
				}
			}
		}
		for _, s := range selected {
			g.InService = ready[s.meta.GetName()]
			out[s.key()] = append(out[s.key()], g)
		}
		g.Disabled = len(selected) == 0
		for _, name := range names {
			kind, service, err := gennaker.ParseManifestName(name)
			at := key{Namespace: namespace, Name: service}
			if err == nil && sameKind(kind, serviceKind) && !slices.ContainsFunc(selected, func(s *object) bool { return s.key() == at }) {
				g.InService = ready[service]
				out[at] = append(out[at], g)
			}
		}
	}
	for _, groups := range out {
		slices.SortFunc(groups, func(a, b gennaker.LoadBalancerServerGroup) int { return cmp.Compare(a.Name, b.Name) })
	}
	return out
}

// merge adds server groups that are not there yet, with the weight of the way
// that leads to them.
func merge(have, more []gennaker.LoadBalancerServerGroup, weight int) []gennaker.LoadBalancerServerGroup {
	for _, g := range more {
		g.Weight = weight
		same := func(h gennaker.LoadBalancerServerGroup) bool { return h.Name == g.Name && h.Region == g.Region }
		if n := slices.IndexFunc(have, same); n < 0 {
			have = append(have, g)
		} else {
			have[n].Weight = max(have[n].Weight, weight)
		}
	}
	return have
}

func describeService(lb *gennaker.LoadBalancer, s *corev1.Service) {
	for _, ip := range s.Spec.ClusterIPs {
		if ip != corev1.ClusterIPNone && ip != "" {
			lb.Hosts = append(lb.Hosts, ip)
		}
	}
	if s.Spec.ExternalName != "" {
		lb.Hosts = append(lb.Hosts, s.Spec.ExternalName)
	}
	for _, in := range s.Status.LoadBalancer.Ingress {
		lb.Hosts = append(lb.Hosts, cmp.Or(in.Hostname, in.IP))
	}
	for _, p := range s.Spec.Ports {
		lb.Ports = append(lb.Ports, gennaker.LoadBalancerPort{
			Name: p.Name, Port: int(p.Port), Target: p.TargetPort.String(), Protocol: string(p.Protocol),
		})
	}
	if len(lb.Hosts) > 0 && len(lb.Ports) > 0 {
		lb.Listen = fmt.Sprintf("%s:%d", lb.Hosts[0], lb.Ports[0].Port)
	}
}

// describeIngress returns the services behind an Ingress, too.
func describeIngress(lb *gennaker.LoadBalancer, in *networkingv1.Ingress) (services []string) {
	note := func(b *networkingv1.IngressBackend) {
		if b != nil && b.Service != nil && !slices.Contains(services, b.Service.Name) {
			services = append(services, b.Service.Name)
		}
	}
	note(in.Spec.DefaultBackend)
	for _, r := range in.Spec.Rules {
		if r.Host != "" && !slices.Contains(lb.Hosts, r.Host) {
			lb.Hosts = append(lb.Hosts, r.Host)
		}
		if r.HTTP == nil {
			continue
		}
		for _, p := range r.HTTP.Paths {
			note(&p.Backend)
		}
	}
	for _, a := range in.Status.LoadBalancer.Ingress {
		lb.Hosts = append(lb.Hosts, cmp.Or(a.Hostname, a.IP))
	}
	return services
}

// backend is a service that a route sends requests to, with its weight.
type backend struct {
	service key
	weight  int
}

// backends returns the services of all rules of a route; one that several have
// comes several times.
func backends(r *gatewayv1.HTTPRoute) []backend {
	var out []backend
	for _, rule := range r.Spec.Rules {
		for _, ref := range rule.BackendRefs {
			if ref.Kind != nil && *ref.Kind != gatewayv1.Kind(serviceKind.Kind) || ref.Group != nil && *ref.Group != "" {
				continue
			}
			b := backend{service: key{Namespace: r.Namespace, Name: string(ref.Name)}, weight: number(ref.Weight, 1)}
			if ref.Namespace != nil {
				b.service.Namespace = string(*ref.Namespace)
			}
			out = append(out, b)
		}
	}
	return out
}

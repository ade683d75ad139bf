package inventory

import (
	"cmp"
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gennaker/gennaker"
)

// ServerGroupManagers returns the Deployments of an application, or of all for
// "", by name.
//
// Errors: Unavailable until the account has been read once.
func (i *Inventory) ServerGroupManagers(_ context.Context, application string) ([]gennaker.ServerGroupManager, error) {
	if err := i.ready(); err != nil {
		return nil, err
	}
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := []gennaker.ServerGroupManager{}
	for _, o := range x.workloads(application, deploymentKind) {
		if !i.shown(o) {
			continue
		}
		m := gennaker.ServerGroupManager{
			Name: o.name(), DisplayName: o.meta.GetName(), Kind: o.kind.Kind, APIVersion: "apps/v1", Account: i.cfg.Account,
			Region: o.meta.GetNamespace(), Namespace: o.meta.GetNamespace(), CloudProvider: CloudProvider, Moniker: *o.moniker,
			Labels: labelsOf(o), CreatedTime: gennaker.At(o.meta.GetCreationTimestamp().Time), AsOf: i.asOf(),
			ServerGroups: []gennaker.ManagedGroup{},
		}
		members := x.members(o)
		slices.SortFunc(members, func(a, b *object) int {
			return cmp.Or(b.meta.GetCreationTimestamp().Compare(a.meta.GetCreationTimestamp().Time), cmp.Compare(a.meta.GetName(), b.meta.GetName()))
		})
		for _, g := range members {
			m.ServerGroups = append(m.ServerGroups, gennaker.ManagedGroup{
				Name: g.name(), Account: m.Account, Namespace: m.Namespace, Region: m.Region, Moniker: x.monikerOf(g),
			})
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b gennaker.ServerGroupManager) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Region, b.Region))
	})
	return out, nil
}

// labelsOf returns the labels of an object, which are not to be changed; never
// nil.
func labelsOf(o *object) map[string]string {
	if l := o.meta.GetLabels(); l != nil {
		return l
	}
	return map[string]string{}
}

// SecurityGroups returns the NetworkPolicies, by name.
//
// Errors: Unavailable until the account has been read once.
func (i *Inventory) SecurityGroups(_ context.Context) ([]gennaker.SecurityGroup, error) {
	if err := i.ready(); err != nil {
		return nil, err
	}
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := []gennaker.SecurityGroup{}
	for _, o := range x.kinds[policyKind] {
		p, ok := o.meta.(*networkingv1.NetworkPolicy)
		if !ok || !i.shown(o) {
			continue
		}
		g := gennaker.SecurityGroup{
			ID: o.name(), Name: o.name(), DisplayName: p.Name, Kind: o.kind.Kind, APIVersion: "networking.k8s.io/v1",
			Account: i.cfg.Account, AccountName: i.cfg.Account, Region: p.Namespace, Namespace: p.Namespace, CloudProvider: CloudProvider,
			Moniker: *o.moniker, Labels: labelsOf(o), CreatedTime: gennaker.At(p.CreationTimestamp.Time), AsOf: i.asOf(),
			Inbound: []gennaker.SecurityRule{}, Outbound: []gennaker.SecurityRule{},
		}
		for _, r := range p.Spec.Ingress {
			g.Inbound = append(g.Inbound, rules(r.Ports)...)
		}
		for _, r := range p.Spec.Egress {
			g.Outbound = append(g.Outbound, rules(r.Ports)...)
		}
		g.ServerGroups = x.matching(p.Namespace, &p.Spec.PodSelector)
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b gennaker.SecurityGroup) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Region, b.Region))
	})
	return out, nil
}

// matching returns the names of the server groups whose pods a selector
// chooses.
func (x *index) matching(namespace string, by *metav1.LabelSelector) []string {
	selector, err := metav1.LabelSelectorAsSelector(by)
	if err != nil {
		return nil
	}
	var out []string
	for _, o := range x.workloads("", serverGroupKinds...) {
		if t := templateOf(o); t != nil && o.meta.GetNamespace() == namespace && selector.Matches(labels.Set(t.Labels)) {
			out = append(out, o.name())
		}
	}
	slices.Sort(out)
	return out
}

func rules(ports []networkingv1.NetworkPolicyPort) []gennaker.SecurityRule {
	var out []gennaker.SecurityRule
	for _, p := range ports {
		r := gennaker.SecurityRule{Protocol: string(corev1.ProtocolTCP), Ports: []gennaker.PortRange{}}
		if p.Protocol != nil {
			r.Protocol = string(*p.Protocol)
		}
		switch {
		case p.Port == nil:
		case p.Port.Type == intstr.String:
			r.Ports = append(r.Ports, gennaker.PortRange{StartName: p.Port.StrVal, EndName: p.Port.StrVal})
		default:
			start := p.Port.IntValue()
			r.Ports = append(r.Ports, gennaker.PortRange{Start: start, End: number(p.EndPort, start)})
		}
		out = append(out, r)
	}
	return out
}

// Object is what is known of an object of any kind.
type Object struct {
	Ref             gennaker.ManifestRef
	UID             string
	ResourceVersion string
	Created         gennaker.Time
	Deleting        bool
	Labels          map[string]string // not to be changed
	Annotations     map[string]string // those of Spinnaker, Gennaker and rollouts; not to be changed
	Moniker         gennaker.Moniker
}

// Objects returns the objects that match, of the kinds that are watched, oldest
// first. kind is "" for all but pods, endpoint slices and events; so are
// namespace and application.
//
// Errors: Unavailable until the account has been read once.
func (i *Inventory) Objects(kind, namespace, application string) ([]Object, error) {
	if err := i.ready(); err != nil {
		return nil, err
	}
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := []Object{}
	for gk, all := range x.kinds {
		if kind != "" && !sameKind(kind, gk) || kind == "" && (gk == podKind || gk == sliceKind || gk == eventKind) {
			continue
		}
		for k, o := range all {
			if namespace != "" && k.Namespace != namespace {
				continue
			}
			view := i.view(o)
			if application == "" || strings.EqualFold(view.Moniker.App, application) {
				out = append(out, view)
			}
		}
	}
	slices.SortFunc(out, func(a, b Object) int {
		return cmp.Or(a.Created.Compare(b.Created.Time), cmp.Compare(a.Ref.String(), b.Ref.String()))
	})
	return out, nil
}

func (i *Inventory) view(o *object) Object {
	v := Object{
		Ref: gennaker.ManifestRef{Account: i.cfg.Account, Location: o.meta.GetNamespace(), Kind: o.kind.Kind, Name: o.meta.GetName()},
		UID: string(o.meta.GetUID()), ResourceVersion: o.meta.GetResourceVersion(), Created: gennaker.At(o.meta.GetCreationTimestamp().Time),
		Deleting: o.meta.GetDeletionTimestamp() != nil, Labels: o.meta.GetLabels(), Annotations: o.meta.GetAnnotations(),
	}
	if o.moniker != nil {
		v.Moniker = *o.moniker
	} else {
		v.Moniker = monikerOf(o.kind, o.meta)
	}
	return v
}

// Pods returns the pods of a workload, or the pod itself, oldest first. They
// lack most of their spec, and are not to be changed.
func (i *Inventory) Pods(namespace, kind, name string) []*corev1.Pod {
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	o := x.find(namespace, kind, name)
	if o == nil {
		return nil
	}
	if p, ok := o.meta.(*corev1.Pod); ok {
		return []*corev1.Pod{p}
	}
	return x.pods(o)
}

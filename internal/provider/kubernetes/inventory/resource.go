package inventory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

var _ provider.Resources = (*Inventory)(nil)

// served returns the version under which each kind is watched.
func (i *Inventory) served() map[schema.GroupKind]schema.GroupVersion {
	i.mu.Lock()
	defer i.mu.Unlock()
	out := map[schema.GroupKind]schema.GroupVersion{}
	for _, s := range i.sources {
		out[s.res.kind] = s.res.gvr.GroupVersion()
	}
	return out
}

// kindIn returns what is known of a kind that a cluster serves.
func kindIn(gk schema.GroupKind, gv schema.GroupVersion) manifest.Kind {
	return manifest.KindOf(gennaker.Manifest{"apiVersion": gv.String(), "kind": gk.Kind})
}

// Kinds implements [provider.Resources].
func (i *Inventory) Kinds(context.Context) (map[string]string, error) {
	if err := i.ready(); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for gk, gv := range i.served() {
		k := i.cfg.Custom.KindOf(gennaker.Manifest{"apiVersion": gv.String(), "kind": gk.Kind})
		out[k.String()] = string(k.Class)
	}
	return out, nil
}

// Namespaces implements [provider.Resources]: those that the account is for, or
// all that there are, as far as it may see them.
func (i *Inventory) Namespaces(context.Context) ([]string, error) {
	if err := i.ready(); err != nil {
		return nil, err
	}
	if len(i.cfg.Namespaces) > 0 {
		return slices.Sorted(slices.Values(i.cfg.Namespaces)), nil
	}
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := []string{}
	for k := range x.kinds[namespaceKind] {
		if !slices.Contains(i.cfg.OmitNamespaces, k.Name) {
			out = append(out, k.Name)
		}
	}
	slices.Sort(out)
	return out, nil
}

var namespaceKind = schema.GroupKind{Kind: "Namespace"}

// RawResources implements [provider.Resources].
func (i *Inventory) RawResources(_ context.Context, application string) ([]gennaker.Resource, error) {
	if err := i.ready(); err != nil {
		return nil, err
	}
	versions := i.served()
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := []gennaker.Resource{}
	for gk, all := range x.kinds {
		if gk == podKind || gk == sliceKind || gk == eventKind {
			continue
		}
		for _, o := range all {
			if strings.EqualFold(o.app(), application) && i.shown(o) {
				out = append(out, i.resource(o, versions[gk]))
			}
		}
	}
	slices.SortFunc(out, func(a, b gennaker.Resource) int {
		return cmp.Or(a.CreatedTime.Compare(b.CreatedTime.Time), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// resource returns an object as lists show it. Call it with the index locked.
func (i *Inventory) resource(o *object, gv schema.GroupVersion) gennaker.Resource {
	namespace := o.meta.GetNamespace()
	r := gennaker.Resource{
		Name:        gennaker.ManifestRef{Kind: kindIn(o.kind, gv).Qualified(), Name: o.meta.GetName()}.ManifestName(),
		DisplayName: o.meta.GetName(), Kind: o.kind.Kind, APIVersion: gv.String(),
		Account: i.cfg.Account, Region: namespace, Namespace: namespace, CloudProvider: CloudProvider,
		Labels: labelsOf(o), CreatedTime: gennaker.At(o.meta.GetCreationTimestamp().Time), AsOf: i.asOf(),
	}
	if o.moniker != nil {
		r.Moniker = *o.moniker
	}
	return r
}

// pod returns a pod by its UID, its name, or "pod" and its name; nil if there is
// none. Call it with the index locked.
func (x *index) pod(namespace, id string) *object {
	name := id
	if kind, bare, err := gennaker.ParseManifestName(id); err == nil && strings.EqualFold(kind, podKind.Kind) {
		name = bare
	}
	if o := x.kinds[podKind][key{Namespace: namespace, Name: name}]; o != nil {
		return o
	}
	for k, o := range x.kinds[podKind] {
		if k.Namespace == namespace && string(o.meta.GetUID()) == id {
			return o
		}
	}
	return nil
}

// Instance implements [provider.Resources].
func (i *Inventory) Instance(_ context.Context, region, id string) (gennaker.Resource, gennaker.Instance, error) {
	if err := i.ready(); err != nil {
		return gennaker.Resource{}, gennaker.Instance{}, err
	}
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	o := x.pod(region, id)
	if o == nil {
		return gennaker.Resource{}, gennaker.Instance{}, i.noInstance(region, id)
	}
	r := i.resource(o, corev1.SchemeGroupVersion)
	p, _ := o.meta.(*corev1.Pod)
	// What a pod belongs to is said by its owner, if it has one.
	now := time.Now()
	if owner := x.uids[ownerOf(o)]; owner != nil && slices.Contains(serverGroupKinds, owner.kind) {
		g := i.serverGroup(owner, now)
		r.Moniker = g.Moniker
		for _, in := range g.Instances {
			if in.ID == string(p.UID) {
				return r, in, nil
			}
		}
	}
	if r.Moniker.App == "" {
		r.Moniker = monikerOf(o.kind, o.meta)
	}
	return r, x.instance(p, &gennaker.ServerGroup{}, x.selection(p), time.Time{}, now), nil
}

func (i *Inventory) noInstance(region, id string) error {
	return gennaker.Errorf(gennaker.NotFound, "there is no instance %q in %s/%s", id, i.cfg.Account, region)
}

// Console implements [provider.Resources].
//
// Errors: Unavailable if the cluster does not answer.
func (i *Inventory) Console(ctx context.Context, region, id string, limit int64) ([]gennaker.ContainerOutput, error) {
	if err := i.ready(); err != nil {
		return nil, err
	}
	x := &i.index
	x.mu.RLock()
	o := x.pod(region, id)
	x.mu.RUnlock()
	if o == nil {
		return nil, i.noInstance(region, id)
	}
	p, _ := o.meta.(*corev1.Pod)
	all := slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses)
	out := make([]gennaker.ContainerOutput, len(all))
	failures := make([]error, len(all))
	var wg sync.WaitGroup
	for n, c := range all {
		out[n].Name = c.Name
		if c.State.Waiting != nil && c.LastTerminationState.Terminated == nil {
			continue // it has not begun
		}
		wg.Go(func() {
			previous := c.State.Waiting != nil // between two starts there is only what it wrote before
			out[n].Output, failures[n] = i.Output(ctx, p.Namespace, p.Name, c.Name, limit, previous)
		})
	}
	wg.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

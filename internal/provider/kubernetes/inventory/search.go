package inventory

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// Clusters implements [provider.Inventory].
//
// Errors: Unavailable until the account has been read once.
func (i *Inventory) Clusters(_ context.Context, application string) ([]provider.Cluster, error) {
	if err := i.ready(); err != nil {
		return nil, err
	}
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := x.workloads(application, serverGroupKinds...)
	groups := make([]gennaker.ServerGroup, 0, len(all))
	for _, o := range all {
		if i.shown(o) {
			groups = append(groups, i.placed(o))
		}
	}
	return provider.Clusters(groups), nil
}

// Search implements [provider.Inventory]: it looks at each object of these
// types once.
//
// Errors: Unavailable until the account has been read once.
func (i *Inventory) Search(ctx context.Context, text string, types []string) ([]provider.Item, error) {
	if err := i.ready(); err != nil {
		return nil, err
	}
	x := &i.index
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := []provider.Item{}
	for gk, all := range x.kinds {
		if ctx.Err() != nil {
			return out, ctx.Err() //nolint:wrapcheck // the caller's own
		}
		said := provider.KindOf(gk.Kind, gennaker.ManifestRef{Kind: gk.Kind}.ManifestName())
		class := string(kindIn(gk, schema.GroupVersion{Group: gk.Group, Version: "v1"}).Class)
		if !slices.ContainsFunc(types, func(t string) bool { return t == class || sameKind(t, gk) }) {
			continue
		}
		for _, o := range all {
			item, group := i.item(class, said, o)
			if !item.Mentions(text) || !i.shown(o) || len(out) == provider.MaxItems {
				continue
			}
			item.Name = o.name()
			if group != nil {
				item.ServerGroup = group.name()
			}
			out = append(out, item)
		}
	}
	return out, nil
}

// item returns what a search reads of an object, whose name is not yet as lists
// have it, and of a pod the server group that it is of.
func (i *Inventory) item(class, said string, o *object) (item provider.Item, group *object) {
	x := &i.index
	item = provider.Item{Type: class, Kind: said, Account: i.cfg.Account, Region: o.meta.GetNamespace(), Name: o.meta.GetName()}
	of := o
	if o.kind == podKind {
		if of = x.uids[ownerOf(o)]; of == nil || !slices.Contains(serverGroupKinds, of.kind) {
			return item, nil
		}
		group = of
	}
	if of.moniker == nil {
		return item, group
	}
	moniker := x.monikerOf(of)
	item.Application, item.Cluster = moniker.App, moniker.Cluster
	return item, group
}

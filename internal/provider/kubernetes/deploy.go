package kubernetes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// item is one object of a deployment.
type item struct {
	place    int // in the author's order, from 0
	object   gennaker.Manifest
	ref      cluster.Ref
	strategy manifest.Strategy
	priority int

	versioned bool
	version   int
	reused    bool // that version is there, and is as object says
	versions  []manifest.Version

	live gennaker.Manifest // as the cluster accepted it; nil until then
}

func (i *item) String() string {
	return fmt.Sprintf("manifests[%d] (%s)", i.place, i.ref)
}

// errTaken says that somebody else made the version that we wanted to make.
var errTaken = gennaker.Errorf(gennaker.Unavailable, "other deployments take the versions that this one wants")

// maxRaces is how often a deployment that loses a version to another one is
// thought through again.
const maxRaces = 20

// Deploy implements [provider.Manifests].
func (p *Provider) Deploy(ctx context.Context, key string, d provider.ManifestDeploy) (provider.Deployed, error) {
	if err := checkKey(key); err != nil {
		return provider.Deployed{}, err
	}
	var warned cluster.Warnings
	ctx = cluster.WithWarnings(ctx, &warned)
	var err error
	for range maxRaces {
		var plan *plan
		if plan, err = p.plan(ctx, key, d); err != nil {
			break
		}
		for _, k := range plan.kinds {
			p.cluster.Learn(k)
		}
		err = p.carryPlan(ctx, key, plan)
		if errors.Is(err, errTaken) {
			continue // what was made bears our mark, and is found again
		}
		return plan.deployed(p.account.Name, warned.List()), maskError(err, d.Manifests)
	}
	return provider.Deployed{Warnings: warned.List()}, maskError(err, d.Manifests)
}

// plan is what a deployment is to do.
type plan struct {
	items []*item // in order of deployment
	bound []gennaker.Artifact
	kinds map[schema.GroupVersionKind]cluster.Kind // that the deployment itself defines
}

// plan checks all that can be checked before anything is changed, and decides
// names, artifacts, labels and traffic.
func (p *Provider) plan(ctx context.Context, key string, d provider.ManifestDeploy) (*plan, error) {
	defined := definitions(d.Manifests)
	items, err := p.items(ctx, d, defined)
	if err != nil {
		return nil, err
	}
	if err := p.findVersions(ctx, items); err != nil {
		return nil, err
	}
	b := binder{
		p: p, ctx: ctx, key: key, deploy: d, plan: &plan{items: ordered(items), kinds: defined},
		binding: manifest.Binding{Account: p.account.Name}, services: map[string]gennaker.Manifest{},
	}
	for _, i := range items {
		if i.ref.Kind.Kind == "Service" && i.ref.Kind.Group == "" {
			b.services[i.ref.Namespace+"/"+i.ref.Name] = i.object
		}
	}
	for _, i := range b.plan.items {
		if err := b.decide(i); err != nil {
			return nil, fmt.Errorf("%s: %w", i, err)
		}
	}
	if !d.Unbound {
		if err := manifest.CheckBound(d.Required, b.plan.bound); err != nil {
			return nil, err //nolint:wrapcheck // it is about the whole deployment
		}
	}
	return b.plan, nil
}

// ordered returns items in the order of deployment.
func ordered(items []*item) []*item {
	out := slices.Clone(items)
	slices.SortStableFunc(out, func(a, b *item) int { return cmp.Compare(a.priority, b.priority) })
	return out
}

// items reads the manifests: each gets its kind and its namespace.
func (p *Provider) items(ctx context.Context, d provider.ManifestDeploy, defined map[schema.GroupVersionKind]cluster.Kind) ([]*item, error) {
	if d.Application == "" {
		return nil, gennaker.Errorf(gennaker.Invalid, "the deployment names no application").WithHint("set moniker.app in the stage")
	}
	chosen, err := selection(d.Selectors)
	if err != nil {
		return nil, err
	}
	items := make([]*item, len(d.Manifests))
	list := make([]gennaker.Manifest, len(d.Manifests))
	for n, m := range d.Manifests {
		i := &item{place: n}
		if i.object, err = manifest.Normalize(m); err != nil {
			return nil, fmt.Errorf("manifests[%d]: %w", n, err)
		}
		if err := p.place(ctx, i, d, defined); err != nil {
			return nil, fmt.Errorf("manifests[%d] (%s %s): %w", n, manifest.KindOf(i.object), manifest.Name(i.object), err)
		}
		items[n], list[n] = i, i.object
	}
	if err := manifest.Refuse(manifest.Check(list, d.Versioned, p.config.Custom)); err != nil {
		return nil, err //nolint:wrapcheck // it names the manifests
	}
	return slices.DeleteFunc(items, func(i *item) bool { return !chosen.Matches(i.object) }), nil
}

// place finds out of which kind an object is, and where it goes.
func (p *Provider) place(ctx context.Context, i *item, d provider.ManifestDeploy, defined map[schema.GroupVersionKind]cluster.Kind) error {
	gvk := cluster.Object(i.object).GroupVersionKind()
	if gvk.Kind == "" || gvk.Version == "" {
		return nil // manifest.Check says so
	}
	var err error
	if i.ref.Kind, err = p.cluster.KindOf(ctx, gvk); err != nil {
		custom, ok := defined[gvk]
		if !ok {
			return err
		}
		i.ref.Kind = custom
	}
	namespace := ""
	if i.ref.Kind.Namespaced {
		namespace = firstOf(d.Namespace, manifest.Namespace(i.object), "default")
		if err := p.allowed(namespace); err != nil {
			return err
		}
	}
	i.object = manifest.SetNamespace(withoutServerFields(i.object), namespace)
	i.ref.Namespace, i.ref.Name = namespace, manifest.Name(i.object)
	i.priority = p.config.Custom.KindOf(i.object).Priority
	if i.strategy, err = manifest.StrategyOf(i.object); err != nil {
		return err
	}
	if d.Recreate {
		i.strategy.Method = manifest.Recreate
	}
	i.versioned, err = manifest.IsVersioned(i.object, d.Versioned, p.config.Custom)
	i.versioned = i.versioned && !d.Recreate
	return err
}

// serverFields are what only the cluster writes; manifests that were copied from
// one have them.
var serverFields = []string{"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"}

func withoutServerFields(m gennaker.Manifest) gennaker.Manifest {
	m = manifest.Clone(m)
	if metadata, ok := m["metadata"].(map[string]any); ok {
		for _, f := range serverFields {
			delete(metadata, f)
		}
	}
	return m
}

// definitions returns the kinds that are defined by the manifests themselves.
func definitions(list []gennaker.Manifest) map[schema.GroupVersionKind]cluster.Kind {
	out := map[schema.GroupVersionKind]cluster.Kind{}
	for _, m := range list {
		if manifest.KindOf(m).Name != "CustomResourceDefinition" {
			continue
		}
		var crd struct {
			Spec struct {
				Group string `json:"group"`
				Scope string `json:"scope"`
				Names struct {
					Kind   string `json:"kind"`
					Plural string `json:"plural"`
				} `json:"names"`
				Versions []struct {
					Name         string `json:"name"`
					Subresources struct {
						Scale map[string]any `json:"scale"`
					} `json:"subresources"`
				} `json:"versions"`
			} `json:"spec"`
		}
		if fromUnstructured(m, &crd) != nil {
			continue // the cluster says what is wrong with it
		}
		for _, v := range crd.Spec.Versions {
			gv := schema.GroupVersion{Group: crd.Spec.Group, Version: v.Name}
			k := cluster.Kind{GroupVersionKind: gv.WithKind(crd.Spec.Names.Kind), Namespaced: crd.Spec.Scope == "Namespaced"}
			k.Resource, k.Scalable = gv.WithResource(crd.Spec.Names.Plural), v.Subresources.Scale != nil
			out[k.GroupVersionKind] = k
		}
	}
	return out
}

// findVersions reads which versions there are of what is versioned: one list for
// each kind and namespace, of metadata alone.
func (p *Provider) findVersions(ctx context.Context, items []*item) error {
	type place struct {
		kind      schema.GroupVersionKind
		namespace string
	}
	lists := map[place][]gennaker.Manifest{}
	for _, i := range items {
		if !i.versioned {
			continue
		}
		at := place{i.ref.Kind.GroupVersionKind, i.ref.Namespace}
		if _, ok := lists[at]; !ok {
			all, err := p.cluster.ListMetadata(ctx, cluster.Ref{Kind: i.ref.Kind, Namespace: i.ref.Namespace}, "")
			if err != nil {
				return err
			}
			lists[at] = []gennaker.Manifest{}
			for _, m := range all {
				lists[at] = append(lists[at], partial(i.ref.Kind, m))
			}
		}
		i.versions = manifest.Versions(i.object, lists[at])
	}
	return nil
}

// carryPlan makes the objects: those of one priority at the same time, and the
// next ones when all of them are made.
func (p *Provider) carryPlan(ctx context.Context, key string, plan *plan) error {
	for rest := plan.items; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(i *item) bool { return i.priority != rest[0].priority })
		if n < 0 {
			n = len(rest)
		}
		err := parallel(ctx, rest[:n], func(ctx context.Context, i *item) error {
			live, err := p.carry(ctx, key, i)
			if err != nil {
				return fmt.Errorf("%s: %w", i, err)
			}
			i.live = live
			p.seen(ctx, i.ref.Kind.GroupKind(), &unstructured.Unstructured{Object: live})
			return nil
		})
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// deployed says what of the plan was done.
func (p *plan) deployed(account string, warnings []string) provider.Deployed {
	out := provider.Deployed{
		Manifests: []gennaker.Manifest{}, Bound: p.bound, Created: []gennaker.Artifact{},
		Obsolete: []gennaker.ManifestRef{}, Warnings: warnings,
	}
	for _, i := range p.items {
		if i.live == nil {
			continue
		}
		out.Manifests = append(out.Manifests, manifest.Mask(i.live))
		out.Created = append(out.Created, manifest.ArtifactOf(account, i.live))
		if !i.versioned {
			continue
		}
		versions := i.versions
		if !slices.ContainsFunc(versions, func(v manifest.Version) bool { return v.Number == i.version }) {
			versions = append(slices.Clone(versions), manifest.Version{Number: i.version, Object: i.live})
		}
		for _, o := range manifest.Obsolete(versions, i.strategy.MaxVersionHistory, i.version) {
			out.Obsolete = append(out.Obsolete, manifest.Ref(account, o))
		}
	}
	return out
}

// maskError takes the data of the Secrets that were to be deployed out of an
// error: admission may quote them.
func maskError(err error, manifests []gennaker.Manifest) error {
	e, ok := errors.AsType[*gennaker.Error](err)
	if !ok || !slices.ContainsFunc(manifests, manifest.IsSecret) {
		return err
	}
	out := &gennaker.Error{Kind: e.Kind, Message: manifest.MaskText(err.Error(), manifests...), Hint: manifest.MaskText(e.Hint, manifests...)}
	for _, problem := range e.Problems {
		problem.Message = manifest.MaskText(problem.Message, manifests...)
		out.Problems = append(out.Problems, problem)
	}
	return out
}

package kubernetes

import (
	"context"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// binder decides the objects of a plan one after the other: what an earlier one
// will be called binds into the later ones.
type binder struct {
	p        *Provider
	ctx      context.Context //nolint:containedctx // it lives as long as one call of plan
	key      string
	deploy   provider.ManifestDeploy
	plan     *plan
	binding  manifest.Binding
	created  []gennaker.Artifact
	services map[string]gennaker.Manifest // by namespace/name: those of the deployment, and those that were read
}

// decide makes an item what will be sent to the cluster.
func (b *binder) decide(i *item) (err error) {
	if !b.deploy.Unbound {
		candidates := manifest.Candidates(b.deploy.Required, b.deploy.Optional, b.created)
		var bound []gennaker.Artifact
		i.object, bound = b.binding.Bind(i.object, candidates)
		for _, a := range bound {
			if !slices.ContainsFunc(b.plan.bound, sameArtifact(a)) {
				b.plan.bound = append(b.plan.bound, a)
			}
		}
	}
	if err := b.traffic(i); err != nil {
		return err
	}
	id := manifest.Identity{Moniker: gennaker.Moniker{App: b.deploy.Application}, SkipTemplateLabels: b.deploy.SkipLabels}
	if i.versioned {
		b.number(i)
		id.Version = &i.version
	}
	if err := b.capacity(i); err != nil {
		return err
	}
	if i.object, err = manifest.Annotate(i.object, id); err != nil {
		return err
	}
	if i.strategy.Method == manifest.Create {
		i.object = named(i.object, manifest.GenerateName(i.object)+mark(b.key + "/" + itoa(i.place))[:10])
	}
	i.ref.Name = manifest.Name(i.object)
	b.created = append(b.created, manifest.ArtifactOf(b.p.account.Name, i.object))
	return nil
}

func sameArtifact(a gennaker.Artifact) func(gennaker.Artifact) bool {
	return func(o gennaker.Artifact) bool {
		return a.Type == o.Type && a.Name == o.Name && a.Location == o.Location && a.Reference == o.Reference && a.Version == o.Version
	}
}

func named(m gennaker.Manifest, name string) gennaker.Manifest {
	m = manifest.Clone(m)
	set(m, name, "metadata", "name")
	return m
}

// number decides which version the object will be: the one that this operation
// has made already, or one that is the same, or the next.
func (b *binder) number(i *item) {
	for _, v := range i.versions {
		if done(manifest.Annotations(v.Object), b.key) && !deleted(v.Object) {
			i.version, i.reused = v.Number, true
			return
		}
	}
	i.version, i.reused = manifest.NextVersion(i.object, i.versions)
	if i.reused && slices.ContainsFunc(i.versions, func(v manifest.Version) bool { return v.Number == i.version && deleted(v.Object) }) {
		i.reused = false // it is on its way out
		for _, v := range i.versions {
			i.version = max(i.version, v.Number+1)
		}
	}
}

func deleted(m gennaker.Manifest) bool { return cluster.Object(m).GetDeletionTimestamp() != nil }

// traffic puts a ReplicaSet behind the Services of the deployment.
func (b *binder) traffic(i *item) (err error) {
	if i.ref.Kind.Kind != "ReplicaSet" {
		return nil
	}
	if i.object, err = manifest.SetLoadBalancers(i.object, b.deploy.Services); err != nil {
		return err
	}
	if b.deploy.Dark {
		return nil
	}
	services, err := manifest.LoadBalancersOf(i.object)
	if err != nil {
		return err
	}
	for _, s := range services {
		name, err := manifest.ServiceName(s)
		if err != nil {
			return err
		}
		service, err := b.service(i.ref.Namespace, name)
		if err != nil {
			return err
		}
		if i.object, err = manifest.Join(i.object, service); err != nil {
			return err
		}
	}
	return nil
}

// service returns a Service as it will be, or else as it is.
func (b *binder) service(namespace, name string) (gennaker.Manifest, error) {
	if s, ok := b.services[namespace+"/"+name]; ok {
		return s, nil
	}
	live, err := b.p.service(b.ctx, namespace, name)
	if err != nil {
		if gennaker.KindOf(err) == gennaker.NotFound {
			return nil, gennaker.Errorf(gennaker.Invalid, "there is no Service %s in %s to be put behind", name, namespace).
				WithHint("deploy it before, or with the ReplicaSet")
		}
		return nil, err
	}
	b.services[namespace+"/"+name] = live.Object
	return live.Object, nil
}

// capacity takes the replicas of what runs now, if the object wants that.
func (b *binder) capacity(i *item) error {
	if !i.strategy.UseSourceCapacity {
		return nil
	}
	at := i.ref
	if i.versioned {
		if len(i.versions) == 0 {
			return nil
		}
		at.Name = manifest.Name(i.versions[len(i.versions)-1].Object)
	}
	live, err := b.p.cluster.Get(b.ctx, at)
	if err != nil {
		return ignoreNotFound(err)
	}
	if n, ok := manifest.Replicas(live.Object); ok {
		i.object = manifest.SetReplicas(i.object, n)
	}
	return nil
}

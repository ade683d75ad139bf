package fake

import (
	"context"
	"fmt"
	"net"
	"reflect"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// done is what an operation answered, and what it was asked.
type done struct {
	op     Op
	target string
	answer string
}

// act runs an operation once for its key: faults and blocks, then effect under
// the lock, unless the key was done.
func (p *Provider) act(ctx context.Context, op Op, key, target string, effect func() (string, error)) (string, error) {
	lose, err := p.enter(ctx, op)
	if err != nil {
		return "", err
	}
	if key == "" {
		return "", gennaker.Errorf(gennaker.Invalid, "%s of %s has no key", op, target)
	}
	answer, err := p.once(op, key, target, effect)
	if err == nil && lose {
		return "", gennaker.Errorf(gennaker.Unavailable, "the answer to %s of %s was lost", op, target)
	}
	return answer, err
}

func (p *Provider) once(op Op, key, target string, effect func() (string, error)) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d, ok := p.keys[key]; ok {
		if d.op != op || d.target != target {
			return "", gennaker.Errorf(gennaker.Invalid, "key %q of %s of %s is used again for %s of %s", key, d.op, d.target, op, target)
		}
		return d.answer, nil
	}
	answer, err := effect()
	if err != nil {
		return "", err
	}
	p.keys[key] = done{op, target, answer}
	p.effects = append(p.effects, Effect{Op: op, Key: key, Target: answer})
	return answer, nil
}

// onGroup runs an operation on a server group that must exist.
func (p *Provider) onGroup(ctx context.Context, op Op, key string, ref gennaker.ServerGroupRef, effect func(*group) error) error {
	_, err := p.act(ctx, op, key, ref.String(), func() (string, error) {
		g, err := p.find(ref)
		if err != nil {
			return "", err
		}
		if g.destroying {
			return "", gennaker.Errorf(gennaker.NotFound, "server group %s is being destroyed", ref)
		}
		if err := effect(g); err != nil {
			return "", err
		}
		p.settle(g, Pace.still)
		p.changed(g)
		return ref.Name, nil
	})
	return err
}

func (p *Provider) find(ref gennaker.ServerGroupRef) (*group, error) {
	if ref.Account != p.config.Account.Name {
		return nil, gennaker.Errorf(gennaker.NotFound, "server group %s is in another account", ref)
	}
	g := p.groups[ref]
	if g == nil {
		return nil, gennaker.Errorf(gennaker.NotFound, "there is no server group %s", ref)
	}
	return g, nil
}

// Create implements provider.Operations.
func (p *Provider) Create(ctx context.Context, key string, spec gennaker.ServerGroupSpec) (string, error) {
	m, err := gennaker.NewMoniker(spec.Application, spec.Stack, spec.Detail)
	if err != nil {
		return "", err
	}
	return p.act(ctx, Create, key, spec.Region+"/"+m.Cluster, func() (string, error) {
		if err := p.check(spec); err != nil {
			return "", err
		}
		ref, err := p.name(spec.Region, m.Cluster)
		if err != nil {
			return "", err
		}
		g := &group{
			spec: spec, ref: ref, moniker: gennaker.ParseServerGroupName(ref.Name),
			disabled: spec.Disabled, stopped: map[string][]byte{},
		}
		g.moniker.App, g.moniker.Stack, g.moniker.Detail = m.App, m.Stack, m.Detail
		if p.config.Script != nil {
			g.script = p.config.Script(spec)
		}
		if p.config.Now != nil {
			g.created = gennaker.At(p.config.Now())
		}
		p.groups[ref] = g
		for range spec.Capacity.Desired {
			p.addInstance(g)
		}
		p.changed(g)
		return ref.Name, nil
	})
}

// check refuses what can never run.
func (p *Provider) check(spec gennaker.ServerGroupSpec) error {
	if spec.Account != p.config.Account.Name {
		return gennaker.Errorf(gennaker.Invalid, "account %q is not %q", spec.Account, p.config.Account.Name)
	}
	if err := p.checkRegion(spec.Region); err != nil {
		return err
	}
	if err := spec.Capacity.Check(); err != nil {
		return err
	}
	if spec.Weight < 0 || spec.DrainSeconds < 0 || spec.StopSeconds < 0 {
		return gennaker.Errorf(gennaker.Invalid, "weight, drainSeconds and stopSeconds may not be negative")
	}
	for _, lb := range spec.LoadBalancers {
		if p.balancers[spec.Region+"/"+lb] == nil {
			return gennaker.Errorf(gennaker.Invalid, "there is no load balancer %q in %s", lb, spec.Region)
		}
	}
	if spec.Artifact.Reference == "" {
		return gennaker.Errorf(gennaker.Invalid, "the artifact has no reference")
	}
	return p.checkArtifact(spec.Artifact)
}

func (p *Provider) checkArtifact(a gennaker.RunArtifact) error {
	if p.config.Artifacts == nil {
		return nil
	}
	digest, ok := p.config.Artifacts[a.Reference]
	switch {
	case !ok:
		return gennaker.Errorf(gennaker.Invalid, "there is no artifact %q", a.Reference)
	case a.Digest != "" && a.Digest != digest:
		return gennaker.Errorf(gennaker.Invalid, "artifact %q has another digest", a.Reference)
	}
	return nil
}

func (p *Provider) checkRegion(region string) error {
	if !slices.Contains(p.config.Account.Regions, region) {
		return gennaker.Errorf(gennaker.Invalid, "there is no region %q in account %s", region, p.config.Account.Name)
	}
	return nil
}

// name returns the next name of a cluster. Numbers go on from the last one that
// was given out, and begin at 0 when the cluster is empty.
func (p *Provider) name(region, cluster string) (gennaker.ServerGroupRef, error) {
	place := region + "/" + cluster
	empty := true
	for ref, g := range p.groups {
		empty = empty && (ref.Region != region || g.moniker.Cluster != cluster)
	}
	if empty {
		p.sequences[place] = 0
	}
	for range gennaker.MaxSequence {
		seq := p.sequences[place] % gennaker.MaxSequence
		p.sequences[place] = seq + 1
		ref := gennaker.ServerGroupRef{Account: p.config.Account.Name, Region: region, Name: gennaker.ServerGroupName(cluster, seq)}
		if p.groups[ref] == nil {
			return ref, nil
		}
	}
	return gennaker.ServerGroupRef{}, gennaker.Errorf(gennaker.Invalid, "cluster %s has no number left", cluster)
}

// Resize implements provider.Operations. The newest instances go first.
func (p *Provider) Resize(ctx context.Context, key string, ref gennaker.ServerGroupRef, to gennaker.Capacity) error {
	return p.onGroup(ctx, Resize, key, ref, func(g *group) error {
		if err := to.Check(); err != nil {
			return err
		}
		g.spec.Capacity = to
		staying := 0
		for _, i := range g.instances {
			if i.leaving && !i.replace {
				continue
			}
			if staying++; staying > to.Desired {
				i.leaving, i.replace = true, false
				g.takeOut(i)
			}
		}
		for ; staying < to.Desired; staying++ {
			p.addInstance(g)
		}
		return nil
	})
}

// Enable implements provider.Operations.
func (p *Provider) Enable(ctx context.Context, key string, ref gennaker.ServerGroupRef) error {
	return p.onGroup(ctx, Enable, key, ref, func(g *group) error {
		g.disabled = false
		for _, i := range g.instances {
			if !i.leaving {
				i.out, i.draining = false, false
			}
		}
		return nil
	})
}

// Disable implements provider.Operations. The oldest instances go first.
func (p *Provider) Disable(ctx context.Context, key string, ref gennaker.ServerGroupRef, percent int) error {
	return p.onGroup(ctx, Disable, key, ref, func(g *group) error {
		if percent < 0 || percent > 100 {
			return gennaker.Errorf(gennaker.Invalid, "%d percent is not between 0 and 100", percent)
		}
		var in []*instance
		total := 0
		for _, i := range g.instances {
			if i.leaving {
				continue
			}
			total++
			if !i.out {
				in = append(in, i)
			}
		}
		out := total - len(in)
		for _, i := range in[:max(0, (percent*total+99)/100-out)] {
			g.takeOut(i)
		}
		if percent == 100 {
			g.disabled = true
			for _, i := range g.instances { // those that are leaving to be replaced too
				g.takeOut(i)
			}
		}
		return nil
	})
}

// Destroy implements provider.Operations.
func (p *Provider) Destroy(ctx context.Context, key string, ref gennaker.ServerGroupRef) error {
	_, err := p.act(ctx, Destroy, key, ref.String(), func() (string, error) {
		g := p.groups[ref]
		if g == nil || g.destroying {
			return ref.Name, nil
		}
		g.disabled, g.destroying, g.stop = true, true, g.script.Stop
		for _, i := range g.instances {
			g.takeOut(i)
			i.leaving, i.replace = false, false // they go with the group
		}
		p.settle(g, Pace.still)
		p.changed(g)
		return ref.Name, nil
	})
	return err
}

// Terminate implements provider.Operations.
func (p *Provider) Terminate(ctx context.Context, key string, ref gennaker.ServerGroupRef, instances []string) error {
	return p.onGroup(ctx, Terminate, key, ref, func(g *group) error {
		for _, i := range g.instances {
			if slices.Contains(instances, i.name) && !i.leaving {
				i.leaving, i.replace = true, true
				g.takeOut(i)
			}
		}
		return nil
	})
}

// UpsertLoadBalancer implements provider.LoadBalancing.
func (p *Provider) UpsertLoadBalancer(ctx context.Context, lb gennaker.LoadBalancer) error {
	lose, err := p.enter(ctx, UpsertLoadBalancer)
	if err != nil {
		return err
	}
	if err := p.upsert(lb); err != nil {
		return err
	}
	return lost(lose, UpsertLoadBalancer, lb.Name)
}

func (p *Provider) upsert(lb gennaker.LoadBalancer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if lb.Account != "" && lb.Account != p.config.Account.Name {
		return gennaker.Errorf(gennaker.Invalid, "account %q is not %q", lb.Account, p.config.Account.Name)
	}
	if err := p.checkRegion(lb.Region); err != nil {
		return err
	}
	if _, err := gennaker.NewMoniker("app", "", lb.Name); err != nil || lb.Name == "" {
		return gennaker.Errorf(gennaker.Invalid, "load balancer name %q is not allowed", lb.Name)
	}
	if _, port, err := net.SplitHostPort(lb.Listen); err != nil || port == "" {
		return gennaker.Errorf(gennaker.Invalid, "%q is not an address to listen on", lb.Listen)
	}
	place := lb.Region + "/" + lb.Name
	for other, b := range p.balancers {
		if other != place && b.Listen == lb.Listen {
			return gennaker.Errorf(gennaker.Conflict, "%s is taken by load balancer %s", lb.Listen, b.Name)
		}
	}
	b := &balancer{LoadBalancer: gennaker.LoadBalancer{
		Name: lb.Name, Account: p.config.Account.Name, Region: lb.Region,
		CloudProvider: p.config.Account.CloudProvider, Application: lb.Application, Listen: lb.Listen,
	}}
	if old := p.balancers[place]; old != nil && reflect.DeepEqual(old.LoadBalancer, b.LoadBalancer) {
		return nil
	}
	p.balancers[place] = b
	p.effects = append(p.effects, Effect{Op: UpsertLoadBalancer, Target: lb.Name})
	p.notify(provider.Change{Application: lb.Application})
	return nil
}

// DeleteLoadBalancer implements provider.LoadBalancing.
func (p *Provider) DeleteLoadBalancer(ctx context.Context, region, name string) error {
	lose, err := p.enter(ctx, DeleteLoadBalancer)
	if err != nil {
		return err
	}
	if err := p.deleteBalancer(region, name); err != nil {
		return err
	}
	return lost(lose, DeleteLoadBalancer, name)
}

func (p *Provider) deleteBalancer(region, name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.balancers[region+"/"+name]
	if b == nil {
		return nil
	}
	for _, g := range p.behind(b) {
		return gennaker.Errorf(gennaker.Conflict, "server group %s is behind load balancer %s", g.ref.Name, name).
			WithHint("destroy its server groups first")
	}
	delete(p.balancers, region+"/"+name)
	p.effects = append(p.effects, Effect{Op: DeleteLoadBalancer, Target: name})
	p.notify(provider.Change{Application: b.Application})
	return nil
}

func lost(lose bool, op Op, target string) error {
	if !lose {
		return nil
	}
	return fmt.Errorf("%s of %s: %w", op, target, gennaker.Errorf(gennaker.Unavailable, "the answer was lost"))
}

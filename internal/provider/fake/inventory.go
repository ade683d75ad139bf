package fake

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// ServerGroups implements provider.Inventory.
func (p *Provider) ServerGroups(ctx context.Context, application string) ([]gennaker.ServerGroup, error) {
	if _, err := p.enter(ctx, Read); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []gennaker.ServerGroup{}
	for _, g := range slices.Collect(maps.Values(p.groups)) {
		if application != "" && !strings.EqualFold(g.moniker.App, application) {
			continue
		}
		if p.look(g) {
			out = append(out, p.view(g))
		}
	}
	slices.SortFunc(out, func(a, b gennaker.ServerGroup) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Region, b.Region))
	})
	return out, nil
}

// ServerGroup implements provider.Inventory.
func (p *Provider) ServerGroup(ctx context.Context, region, name string) (gennaker.ServerGroup, error) {
	if _, err := p.enter(ctx, Read); err != nil {
		return gennaker.ServerGroup{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ref := gennaker.ServerGroupRef{Account: p.config.Account.Name, Region: region, Name: name}
	g, err := p.find(ref)
	if err != nil {
		return gennaker.ServerGroup{}, err
	}
	if !p.look(g) {
		return gennaker.ServerGroup{}, gennaker.Errorf(gennaker.NotFound, "there is no server group %s", ref)
	}
	return p.view(g), nil
}

// Clusters implements provider.Inventory. It is a look at each server group.
func (p *Provider) Clusters(ctx context.Context, application string) ([]provider.Cluster, error) {
	groups, err := p.ServerGroups(ctx, application)
	return provider.Clusters(groups), err
}

// Search implements provider.Inventory. It is a look at each server group.
func (p *Provider) Search(ctx context.Context, text string, types []string) ([]provider.Item, error) {
	groups, err := p.ServerGroups(ctx, "")
	if err != nil {
		return nil, err
	}
	balancers, err := p.LoadBalancers(ctx)
	return provider.Search(text, types, groups, balancers), err
}

// look counts a look at g, and reports whether g still exists.
func (p *Provider) look(g *group) bool {
	if g.pending() {
		p.settle(g, Pace.look)
		p.changed(g)
	}
	return p.groups[g.ref] == g
}

// LoadBalancers implements provider.Inventory.
func (p *Provider) LoadBalancers(ctx context.Context) ([]gennaker.LoadBalancer, error) {
	if _, err := p.enter(ctx, Read); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []gennaker.LoadBalancer{}
	for _, b := range p.balancers {
		lb := b.LoadBalancer
		lb.ServerGroups = []gennaker.LoadBalancerServerGroup{}
		for _, g := range p.behind(b) {
			lb.ServerGroups = append(lb.ServerGroups, gennaker.LoadBalancerServerGroup{
				Name: g.ref.Name, Account: g.ref.Account, Region: g.ref.Region,
				Disabled: g.disabled, Weight: g.weight(), InService: g.inService(),
				Traffic: gennaker.Traffic{Requests: g.requests},
			})
		}
		out = append(out, lb)
	}
	slices.SortFunc(out, func(a, b gennaker.LoadBalancer) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Region, b.Region))
	})
	return out, nil
}

// behind returns the server groups that name b, by name.
func (p *Provider) behind(b *balancer) []*group {
	var out []*group
	for _, g := range p.groups {
		if g.ref.Region == b.Region && slices.Contains(g.spec.LoadBalancers, b.Name) {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *group) int { return cmp.Compare(a.ref.Name, b.ref.Name) })
	return out
}

// Request sends a request to a load balancer, and returns the server group that
// answered: one after the other of those that have an instance in service.
//
// Errors: NotFound; Unavailable if there is none.
func (p *Provider) Request(region, loadBalancer string) (gennaker.ServerGroupSpec, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.balancers[region+"/"+loadBalancer]
	if b == nil {
		return gennaker.ServerGroupSpec{}, gennaker.Errorf(gennaker.NotFound, "there is no load balancer %q in %s", loadBalancer, region)
	}
	serving := slices.DeleteFunc(p.behind(b), func(g *group) bool { return g.inService() == 0 })
	if len(serving) == 0 {
		return gennaker.ServerGroupSpec{}, gennaker.Errorf(gennaker.Unavailable, "nothing is in service behind %s", loadBalancer)
	}
	b.turn++
	g := serving[b.turn%len(serving)]
	g.requests++
	return g.spec, nil
}

func (g *group) weight() int { return cmp.Or(g.spec.Weight, 100) }

func (g *group) inService() int {
	n := 0
	for _, i := range g.instances {
		if i.health() == gennaker.Up {
			n++
		}
	}
	return n
}

func (i *instance) health() gennaker.HealthState {
	switch {
	case !i.healthy && i.start.never:
		return gennaker.Down
	case !i.healthy:
		return gennaker.Starting
	case i.state != "":
		return i.state
	case i.draining:
		return gennaker.Draining
	case i.out:
		return gennaker.OutOfService
	}
	return gennaker.Up
}

// view returns what the inventory shows of g; it shares nothing with g.
func (p *Provider) view(g *group) gennaker.ServerGroup {
	spec := g.spec
	spec.LoadBalancers = slices.Clone(spec.LoadBalancers)
	spec.Command = slices.Clone(spec.Command)
	spec.Env = maps.Clone(spec.Env)
	spec.HealthCheck.Command = slices.Clone(spec.HealthCheck.Command)
	out := gennaker.ServerGroup{
		Name: g.ref.Name, Account: g.ref.Account, Region: g.ref.Region,
		CloudProvider: p.config.Account.CloudProvider,
		Moniker:       g.moniker, Cluster: g.moniker.Cluster,
		CreatedTime: g.created, Disabled: g.disabled, Capacity: spec.Capacity,
		Instances:     []gennaker.Instance{},
		LoadBalancers: append([]string{}, spec.LoadBalancers...),
		Weight:        g.weight(), Image: spec.Artifact.Reference,
		LaunchConfig: &spec, Destroying: g.destroying,
		Traffic: gennaker.Traffic{Requests: g.requests},
	}
	out.Moniker.Sequence = new(*g.moniker.Sequence)
	for _, i := range g.instances {
		out.Instances = append(out.Instances, i.view(g.ref.Region))
	}
	out.InstanceCounts = gennaker.CountInstances(out.Instances)
	return out
}

func (i *instance) view(zone string) gennaker.Instance {
	state, reason := i.health(), i.reason
	platform := gennaker.Unknown
	if !i.healthy {
		reason = "its health check has not passed yet"
		if i.start.never {
			platform, reason = gennaker.Down, "it is scripted never to be healthy"
		}
	}
	return gennaker.Instance{
		Name: i.name, HealthState: state, Zone: zone, Reason: reason,
		Health: []gennaker.Health{
			{Type: "Process", Class: gennaker.PlatformClass, State: platform},
			{Type: "LoadBalancer", State: state, Reason: reason},
		},
	}
}

// watcher collects changes until its Watch reports them.
type watcher struct {
	pending []provider.Change
	wake    chan struct{} // holds one
}

// Watch implements provider.Inventory. Changes of one server group that were
// not reported yet are reported once.
func (p *Provider) Watch(ctx context.Context, changed func(provider.Change)) {
	w := &watcher{wake: make(chan struct{}, 1)}
	p.mu.Lock()
	p.watchers[w] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, w)
	}()

	changed(provider.Change{})
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		p.mu.Lock()
		pending := w.pending
		w.pending = nil
		p.mu.Unlock()
		for _, c := range pending {
			if ctx.Err() != nil {
				return
			}
			changed(c)
		}
	}
}

func (p *Provider) changed(g *group) {
	p.notify(provider.Change{Application: g.moniker.App, Region: g.ref.Region, ServerGroup: g.ref.Name})
}

func (p *Provider) notify(c provider.Change) {
	for w := range p.watchers {
		if !slices.Contains(w.pending, c) {
			w.pending = append(w.pending, c)
		}
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

package fake

import (
	"github.com/gennaker/gennaker"
)

// Adopt adds a server group that is there already, under its own name, with
// healthy instances: as many as it wants. The fake goes on numbering behind it.
//
// Errors: Invalid for a name without a number; Conflict if it exists.
func (p *Provider) Adopt(sg gennaker.ServerGroup) error {
	m := gennaker.ParseServerGroupName(sg.Name)
	if m.Sequence == nil {
		return gennaker.Errorf(gennaker.Invalid, "server group %q has no number at its end", sg.Name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if sg.Region == "" {
		sg.Region = p.config.Account.Regions[0]
	}
	ref := gennaker.ServerGroupRef{Account: p.config.Account.Name, Region: sg.Region, Name: sg.Name}
	if p.groups[ref] != nil {
		return gennaker.Errorf(gennaker.Conflict, "server group %s exists", ref)
	}
	spec := gennaker.ServerGroupSpec{}
	if sg.LaunchConfig != nil {
		spec = *sg.LaunchConfig
	}
	spec.Account, spec.Region, spec.Application, spec.Stack, spec.Detail = ref.Account, ref.Region, m.App, m.Stack, m.Detail
	spec.Capacity, spec.LoadBalancers, spec.Disabled = sg.Capacity, sg.LoadBalancers, sg.Disabled
	g := &group{spec: spec, ref: ref, moniker: m, created: sg.CreatedTime, disabled: sg.Disabled, stopped: map[string][]byte{}}
	p.groups[ref] = g
	for range sg.Capacity.Desired {
		p.addInstance(g)
	}
	place := ref.Region + "/" + m.Cluster
	p.sequences[place] = max(p.sequences[place], *m.Sequence+1)
	return nil
}

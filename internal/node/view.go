package node

import (
	"cmp"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/health"
	"github.com/gennaker/gennaker/internal/node/state"
)

// Types of health, as others know them.
const (
	processHealth  = "Process"
	balancerHealth = "LoadBalancer"
)

// view returns g as the world sees it.
func (g *group) view() gennaker.ServerGroup {
	g.mu.Lock()
	rec := g.rec.Clone()
	instances := make([]gennaker.Instance, 0, len(rec.Instances))
	for _, in := range rec.Instances {
		r := g.runs[in.Suffix]
		if r == nil {
			r = newRun(g, in)
		}
		instances = append(instances, r.view(in))
	}
	g.mu.Unlock()
	var traffic gennaker.Traffic
	for _, lb := range rec.Spec.LoadBalancers {
		traffic = plus(traffic, g.n.bal.Traffic(lb, g.name))
	}
	balancers := rec.Spec.LoadBalancers
	if balancers == nil {
		balancers = []string{}
	}
	return gennaker.ServerGroup{
		Name: g.name, Region: Region, CloudProvider: CloudProvider,
		Moniker: moniker(rec), Cluster: rec.Cluster, CreatedTime: rec.Created,
		Disabled: rec.Disabled, Capacity: rec.Capacity, Instances: instances,
		InstanceCounts: gennaker.CountInstances(instances), LoadBalancers: balancers, Weight: rec.Weight(),
		Image: describeRef(rec.Spec.Artifact), LaunchConfig: &rec.Spec, Traffic: traffic, Destroying: rec.Destroying,
	}
}

func moniker(rec state.Group) gennaker.Moniker {
	seq := rec.Serial % gennaker.MaxSequence
	return gennaker.Moniker{
		App: rec.Spec.Application, Stack: rec.Spec.Stack, Detail: rec.Spec.Detail, Cluster: rec.Cluster, Sequence: &seq,
	}
}

// view returns the instance as the world sees it. g.mu is held.
func (r *run) view(in state.Instance) gennaker.Instance {
	out := gennaker.Instance{Name: r.name, Zone: Region, Restarts: in.Restarts}
	platform := gennaker.Health{Type: processHealth, Class: gennaker.PlatformClass, State: gennaker.Unknown}
	if r.proc == nil {
		platform.State = gennaker.Down
		platform.Reason = r.end
		if r.end == "" {
			platform.Reason = "is being started"
		}
	} else {
		out.PID, out.Address, out.LaunchTime = r.proc.ID().PID, r.address(), gennaker.At(r.launched)
	}
	traffic := gennaker.Health{Type: balancerHealth}
	traffic.State, traffic.Reason = r.traffic(in)
	out.Health = []gennaker.Health{platform, traffic}
	out.HealthState, out.Reason = traffic.State, traffic.Reason
	if r.proc == nil && r.ends > 0 {
		out.HealthState, out.Reason = gennaker.Down, platform.Reason
	}
	if out.HealthState == gennaker.Up {
		out.Reason = ""
	}
	return out
}

// traffic returns the state of the instance towards requests, and why it is not
// Up. g.mu is held.
func (r *run) traffic(in state.Instance) (gennaker.HealthState, string) {
	inFlight := r.g.n.bal.InFlight(r.name)
	switch {
	case in.Leaving && inFlight > 0:
		return gennaker.Draining, "finishes its requests, then stops"
	case in.Leaving:
		return gennaker.OutOfService, "is being stopped"
	case in.OutOfService && inFlight > 0 && r.g.mayDrain(in.Suffix):
		return gennaker.Draining, "finishes its requests"
	case in.OutOfService:
		return gennaker.OutOfService, "was taken out of service"
	case r.proc == nil && r.ends > 0:
		return gennaker.Down, r.end
	case r.proc == nil:
		return gennaker.Starting, "is being started"
	case r.verdict == health.Healthy:
		return gennaker.Up, ""
	}
	if r.verdict == health.Unhealthy {
		return gennaker.Down, r.reason
	}
	return gennaker.Starting, cmp.Or(r.end, r.reason, "has not answered a health check yet")
}

// mayDrain reports whether requests of an instance that is out of service may
// still take their time. mu is held.
func (g *group) mayDrain(suffix int) bool {
	from, ok := g.outFrom[suffix]
	return ok && time.Since(from) < g.drainTime
}

package fleet

import (
	"context"
	"fmt"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// Guards are the traffic guards of applications.
type Guards interface {
	// Check refuses a loss of healthy instances, by server group, which would be
	// refused when it is tried. groups are all server groups of one cluster in one
	// region. Errors: Conflict, with the reason.
	Check(ctx context.Context, groups []gennaker.ServerGroup, loss map[string]int) error
}

// The operations whose consequences are told.
const (
	destroyServerGroup = "destroyServerGroup"
	disableServerGroup = "disableServerGroup"
	enableServerGroup  = "enableServerGroup"
	resizeServerGroup  = "resizeServerGroup"
)

// Consequences are what an operation on a server group would lead to now.
type Consequences struct {
	Warnings  []string  `json:"warnings"` // a sentence each
	Remaining Remaining `json:"remaining"`
	Guarded   bool      `json:"guarded"`         // a traffic guard would refuse it
	Reason    string    `json:"reason,omitzero"` // why
	Hint      string    `json:"hint,omitzero"`   // what to do about that
}

// Remaining is what would be left in service of the cluster in the region.
type Remaining struct {
	ServerGroups       int     `json:"serverGroups"`
	InstancesInService int     `json:"instancesInService"`
	TrafficShare       float64 `json:"trafficShare"` // how much of the traffic is theirs now, by weights: from 0 to 1
}

// consequences tells what an operation would lead to, and changes nothing.
func (h handlers) consequences(r *api.Request) (*Consequences, error) {
	operation := r.Query("operation")
	desired, err := r.Count("desired", 0, 1<<20)
	if err != nil {
		return nil, err
	}
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	g, err := p.ServerGroup(r.Context(), r.PathValue("region"), name)
	if err != nil {
		return nil, api.OrNotFound(err, "Server group not found (id: %s)", name)
	}
	all, err := p.ServerGroups(r.Context(), g.Moniker.App)
	if err != nil {
		return nil, err
	}
	siblings := []gennaker.ServerGroup{}
	for _, s := range all {
		if s.Cluster == g.Cluster && s.Region == g.Region && !s.Destroying {
			siblings = append(siblings, s)
		}
	}
	aged(r, p)
	loss := 0
	switch operation {
	case destroyServerGroup, disableServerGroup:
		loss = g.InstanceCounts.Up
	case resizeServerGroup:
		loss = max(0, g.InstanceCounts.Up-desired)
	case enableServerGroup:
	default:
		return nil, api.ErrQuery("operation", "must be %s, %s, %s or %s, not %.40q", destroyServerGroup, disableServerGroup, enableServerGroup, resizeServerGroup, operation)
	}
	out := foresee(operation, g, siblings, loss)
	if loss > 0 && operation != resizeServerGroup { // a resize is not guarded
		if err := h.Guards.Check(r.Context(), siblings, map[string]int{g.Name: loss}); gennaker.KindOf(err) == gennaker.Conflict {
			out.Guarded, out.Reason, out.Hint = true, err.Error(), gennaker.HintOf(err)
		} else if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// foresee says what is left of a cluster when a server group of it loses healthy
// instances.
func foresee(operation string, g gennaker.ServerGroup, siblings []gennaker.ServerGroup, loss int) *Consequences {
	out := &Consequences{Warnings: []string{}}
	warn := func(format string, args ...any) { out.Warnings = append(out.Warnings, fmt.Sprintf(format, args...)) }
	var before int
	var theirs, everyones float64
	newest, others := true, 0
	for _, s := range siblings {
		up := s.InstanceCounts.Up
		before += up
		everyones += float64(up * s.Weight)
		if s.Name == g.Name {
			up -= loss
		} else {
			others++
			newest = newest && !s.CreatedTime.After(g.CreatedTime.Time)
		}
		theirs += float64(up * s.Weight)
		out.Remaining.InstancesInService += up
		if up > 0 {
			out.Remaining.ServerGroups++
		}
	}
	if everyones > 0 {
		out.Remaining.TrafficShare = theirs / everyones
	}
	if before > 0 && out.Remaining.InstancesInService == 0 {
		warn("Nothing of the cluster %s is left in service in %s.", g.Cluster, g.Region)
	} else if share := 1 - out.Remaining.TrafficShare; loss > 0 && everyones > 0 && share > 0 {
		warn("The instances that go get %.0f %% of the cluster's traffic now; %d others take it over.", 100*share, out.Remaining.InstancesInService)
	}
	if loss > 0 && g.Traffic.InFlight > 0 {
		warn("%d requests are in flight; they may finish.", g.Traffic.InFlight)
	}
	if operation == destroyServerGroup {
		if others == 0 {
			warn("It is the only server group of the cluster: there is none to roll back to.")
		} else if newest {
			warn("It is the newest server group of the cluster.")
		}
	}
	return out
}

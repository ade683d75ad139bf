package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// instancesConfig is what authors write in terminateInstances.
type instancesConfig struct {
	where
	InstanceIDs []string `json:"instanceIds"` // names of the instances
}

func (d *deployer) registerInstances(r *stage.Registry) {
	stage.Add[instancesConfig](r, stage.Definition{
		Type: "terminateInstances",
		Steps: []stage.Step{
			task("terminateInstances", operationTimeout, d.terminate),
			task("waitForTerminatedInstances", operationTimeout, d.waitTerminated),
		},
	})
}

// doomed is a server group with those of its instances that are terminated.
type doomed struct {
	gennaker.ServerGroup
	instances []string
	up        int
}

// doomedOf finds the instances of a stage. Those that do not exist are left out.
func (d *deployer) doomedOf(ctx context.Context, in stage.Input) (provider.Provider, []doomed, error) {
	c, err := stage.Decode[instancesConfig](in.Stage.Context)
	if err != nil {
		return provider.Provider{}, nil, err
	}
	if len(c.InstanceIDs) == 0 {
		return provider.Provider{}, nil, gennaker.Errorf(gennaker.Invalid, "there are no instances to terminate").WithHint("give instanceIds")
	}
	p, err := d.provider(c.where)
	if err != nil {
		return p, nil, err
	}
	groups, err := p.ServerGroups(ctx, "")
	if err != nil {
		return p, nil, err
	}
	var out []doomed
	for _, g := range groups {
		x := doomed{ServerGroup: g}
		for _, i := range g.Instances {
			if !slices.Contains(c.InstanceIDs, i.Name) || c.Region != "" && c.Region != g.Region {
				continue
			}
			x.instances = append(x.instances, i.Name)
			if i.HealthState == gennaker.Up {
				x.up++
			}
		}
		if len(x.instances) > 0 && !g.Destroying {
			out = append(out, x)
		}
	}
	return p, out, nil
}

func (d *deployer) terminate(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	p, list, err := d.doomedOf(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	for _, x := range list {
		siblings, err := clusterIn(ctx, p, x.Moniker.App, x.Region, x.Cluster)
		if err != nil {
			return stage.Outcome{}, err
		}
		loss := strategy.Loss{}
		for _, y := range list {
			if y.Cluster == x.Cluster && y.Region == x.Region {
				loss[y.Name] = y.up
			}
		}
		if err := d.guard(ctx, siblings, loss); err != nil {
			return stage.Outcome{}, err
		}
	}
	for _, x := range list {
		if err := p.Terminate(ctx, in.Key+"/"+x.Region+"/"+x.Name, x.Ref(), x.instances); err != nil && gennaker.KindOf(err) != gennaker.NotFound {
			return stage.Outcome{}, err
		}
	}
	return stage.Done(), nil
}

func (d *deployer) waitTerminated(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	p, list, err := d.doomedOf(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	var left, topics []string
	for _, x := range list {
		left = append(left, x.instances...)
		if topic := stage.FleetTopic(p.Account.Name, x.Moniker.App); !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	if len(left) == 0 {
		return stage.Done(), nil
	}
	reason := fmt.Sprintf("%d instances are not terminated yet: %s", len(left), strings.Join(left[:min(len(left), 3)], ", "))
	return stage.Wait(time.Time{}, topics...).WithContext(checkReason(reason)), nil
}

package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// clusterConfig is what authors write in the stages about a whole cluster.
type clusterConfig struct {
	where
	ShrinkToSize         *int  `json:"shrinkToSize"`                  // shrinkCluster: how many server groups to leave; default 1
	AllowDeleteActive    bool  `json:"allowDeleteActive"`             // shrinkCluster: also destroy server groups that are in service, which are disabled first
	RetainLarger         bool  `json:"retainLargerOverNewer"`         // shrinkCluster: keep the ones with most instances, not the newest
	RunDisable           *bool `json:"runDisableClusterStep"`         // shrinkCluster: false leaves the disabling out
	RemainingEnabled     *int  `json:"remainingEnabledServerGroups"`  // disableCluster: how many to leave enabled; default 1
	RemainingFullSize    *int  `json:"remainingFullSizeServerGroups"` // scaleDownCluster: how many to leave at their size; default 1
	PreferLarger         bool  `json:"preferLargerOverNewer"`         // disableCluster, scaleDownCluster: keep the ones with most instances, not the newest
	AllowScaleDownActive bool  `json:"allowScaleDownActive"`          // scaleDownCluster: also scale down server groups that are in service
	DesiredPercentage    *int  `json:"desiredPercentage"`             // disableCluster: how much of each to disable, in percent; default 100
	ContinueIfNotFound   bool  `json:"continueIfClusterNotFound"`     // succeed if there is no such cluster
}

func or(n *int, other int) int {
	if n == nil {
		return other
	}
	return *n
}

// operation is a stage type about a cluster.
type operation struct {
	*deployer
	kind string
	// victims chooses, keep is how many server groups are to be left in service.
	victims func(clusterConfig, strategy.Cluster) []gennaker.ServerGroup
	keep    func(clusterConfig) int
	// act is done to each victim; done says whether it took effect, and why not.
	act  func(ctx context.Context, p provider.Provider, c clusterConfig, key string, ref gennaker.ServerGroupRef) error
	done func(c clusterConfig, g gennaker.ServerGroup) (bool, string)
	loss func(c clusterConfig, g gennaker.ServerGroup) strategy.Loss
}

func whole(_ clusterConfig, g gennaker.ServerGroup) strategy.Loss {
	return strategy.WholeGroups([]gennaker.ServerGroup{g})
}

func (d *deployer) registerCluster(r *stage.Registry) {
	shrink := func(c clusterConfig) strategy.ShrinkCluster {
		return strategy.ShrinkCluster{To: or(c.ShrinkToSize, 1), AllowDeleteActive: c.AllowDeleteActive, RetainLarger: c.RetainLarger}
	}
	operations := []operation{
		{
			kind:    "shrinkCluster",
			victims: func(c clusterConfig, k strategy.Cluster) []gennaker.ServerGroup { return shrink(c).Victims(k) },
			keep:    func(c clusterConfig) int { return or(c.ShrinkToSize, 1) },
			act: func(ctx context.Context, p provider.Provider, _ clusterConfig, key string, ref gennaker.ServerGroupRef) error {
				return p.Destroy(ctx, key, ref)
			},
			done: func(_ clusterConfig, g gennaker.ServerGroup) (bool, string) {
				return false, g.Name + " is not gone yet"
			},
			loss: whole,
		},
		{
			kind: "disableCluster",
			victims: func(c clusterConfig, k strategy.Cluster) []gennaker.ServerGroup {
				return strategy.DisableCluster{Remaining: or(c.RemainingEnabled, 1), PreferLarger: c.PreferLarger}.Victims(k)
			},
			keep: func(c clusterConfig) int { return or(c.RemainingEnabled, 1) },
			act: func(ctx context.Context, p provider.Provider, c clusterConfig, key string, ref gennaker.ServerGroupRef) error {
				return p.Disable(ctx, key, ref, or(c.DesiredPercentage, 100))
			},
			done: func(c clusterConfig, g gennaker.ServerGroup) (bool, string) {
				return strategy.DownEnough(g, or(c.DesiredPercentage, 100), c.HealthProviders)
			},
			loss: func(c clusterConfig, g gennaker.ServerGroup) strategy.Loss {
				return strategy.PartOf(g, or(c.DesiredPercentage, 100))
			},
		},
		{
			kind: "scaleDownCluster",
			victims: func(c clusterConfig, k strategy.Cluster) []gennaker.ServerGroup {
				return strategy.ScaleDownCluster{Remaining: or(c.RemainingFullSize, 1), PreferLarger: c.PreferLarger, AllowActive: c.AllowScaleDownActive}.Victims(k)
			},
			keep: func(c clusterConfig) int { return or(c.RemainingFullSize, 1) },
			act: func(ctx context.Context, p provider.Provider, _ clusterConfig, key string, ref gennaker.ServerGroupRef) error {
				return p.Resize(ctx, key, ref, gennaker.Capacity{})
			},
			done: func(_ clusterConfig, g gennaker.ServerGroup) (bool, string) {
				return len(g.Instances) == 0, fmt.Sprintf("%s still has %d instances", g.Name, len(g.Instances))
			},
			loss: whole,
		},
	}
	for _, o := range operations {
		o.deployer = d
		wait := "waitFor" + strings.ToUpper(o.kind[:1]) + o.kind[1:]
		def := stage.Definition{
			Type: o.kind,
			Steps: []stage.Step{
				task("determineHealthProviders", operationTimeout, d.determineHealthProviders),
				task(o.kind, clusterTimeout, o.run),
				{Name: wait, Task: undoable{o.wait, o.explain}, Timeout: clusterTimeout},
			},
			Restart: func(c map[string]any) { drop(c, "deploy.server.groups", "lastCapacityCheck") },
		}
		if o.kind == "shrinkCluster" {
			def.Before = func(_ context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
				c, err := stage.Decode[clusterConfig](in.Stage.Context)
				if err != nil || c.RunDisable != nil && !*c.RunDisable {
					return nil, err
				}
				common := pick(in.Stage.Context, "account", "credentials", "cloudProvider", "region", "regions", "availabilityZones",
					"cluster", "moniker", "application", "interestingHealthProviderNames")
				return stage.Linear(stages(common, shrink(c).Before())...), nil
			}
		}
		stage.Add[clusterConfig](r, def)
	}
}

// located is the cluster of a stage in one region.
type located struct {
	region string
	groups []gennaker.ServerGroup
}

// find returns the cluster of a stage in each of its regions that have it.
func (o operation) find(ctx context.Context, in stage.Input) (clusterConfig, provider.Provider, []located, error) {
	c, err := stage.Decode[clusterConfig](in.Stage.Context)
	if err != nil {
		return c, provider.Provider{}, nil, err
	}
	p, err := o.provider(c.where)
	if err != nil {
		return c, p, nil, err
	}
	regions, err := c.regions(p)
	if err != nil {
		return c, p, nil, err
	}
	var out []located
	for _, region := range regions {
		groups, err := clusterIn(ctx, p, c.owner(in, c.cluster()), region, c.cluster())
		if err != nil {
			return c, p, nil, err
		}
		if len(groups) > 0 {
			out = append(out, located{region, groups})
		}
	}
	if len(out) == 0 && !c.ContinueIfNotFound && !(o.kind == "shrinkCluster" && o.keep(c) == 0) {
		return c, p, nil, gennaker.Errorf(gennaker.NotFound, "there is no cluster %s in %s of account %s", c.cluster(), strings.Join(regions, ", "), p.Account.Name)
	}
	return c, p, out, nil
}

// run chooses the victims in each region and stores them before it does
// anything to one: after a crash in between, others would be chosen.
func (o operation) run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, p, clusters, err := o.find(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	stored, err := stage.Decode[created](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	chosen := map[string]any{}
	var victims []gennaker.ServerGroup
	for _, k := range clusters {
		var v []gennaker.ServerGroup
		if stored.Groups == nil {
			v = o.victims(c, strategy.NewCluster(k.groups, deployedUpstream(in, k.region)))
			chosen[k.region] = names(v)
		} else {
			v = named(k.groups, stored.Groups[k.region])
		}
		wait, err := o.allowed(ctx, c, k.groups, v)
		if err != nil {
			return stage.Outcome{}, err
		}
		if wait != "" {
			return o.waiting(in, c, p, checkReason(wait)), nil
		}
		victims = append(victims, v...)
	}
	if stored.Groups == nil {
		return stage.Again(time.Nanosecond).WithContext(map[string]any{"deploy.server.groups": chosen}), nil
	}
	for _, v := range victims {
		if err := o.act(ctx, p, c, in.Key+"/"+v.Region+"/"+v.Name, v.Ref()); err != nil && gennaker.KindOf(err) != gennaker.NotFound {
			return stage.Outcome{}, err
		}
	}
	return stage.Done(), nil
}

// named returns those of groups that have one of the names and are not being
// destroyed.
func named(groups []gennaker.ServerGroup, names []string) []gennaker.ServerGroup {
	return slices.DeleteFunc(slices.Clone(groups), func(g gennaker.ServerGroup) bool {
		return g.Destroying || !slices.Contains(names, g.Name)
	})
}

// allowed checks that what is left serves, if something is to be left, and asks
// the traffic guards.
func (o operation) allowed(ctx context.Context, c clusterConfig, groups, victims []gennaker.ServerGroup) (wait string, err error) {
	loss := strategy.Loss{}
	for _, v := range victims {
		maps.Copy(loss, o.loss(c, v))
	}
	if or(c.DesiredPercentage, 100) >= 100 {
		if err := o.guard(ctx, groups, loss); err != nil {
			return "", err
		}
	}
	if o.keep(c) == 0 {
		return "", nil
	}
	return keepServing(groups, loss)
}

func checkReason(reason string) map[string]any {
	return map[string]any{"lastCapacityCheck": map[string]any{"reason": reason}}
}

func (o operation) waiting(in stage.Input, c clusterConfig, p provider.Provider, values map[string]any) stage.Outcome {
	return stage.Wait(time.Time{}, stage.FleetTopic(p.Account.Name, c.owner(in, c.cluster()))).WithContext(values)
}

func names(groups []gennaker.ServerGroup) []any {
	out := []any{}
	for _, g := range groups {
		out = append(out, g.Name)
	}
	return out
}

// pending says which of the chosen server groups are not done, and why.
func (o operation) pending(ctx context.Context, in stage.Input) (c clusterConfig, p provider.Provider, chosen int, reasons []string, err error) {
	c, err = stage.Decode[clusterConfig](in.Stage.Context)
	if err != nil {
		return c, p, 0, nil, err
	}
	if p, err = o.provider(c.where); err != nil {
		return c, p, 0, nil, err
	}
	got, err := stage.Decode[created](in.Stage.Context)
	if err != nil {
		return c, p, 0, nil, err
	}
	for region, list := range got.Groups {
		for _, name := range list {
			chosen++
			g, err := p.ServerGroup(ctx, region, name)
			if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
				continue // whoever destroyed it did more than was asked for here
			}
			if err != nil {
				return c, p, chosen, nil, err
			}
			if ok, reason := o.done(c, g); !ok {
				reasons = append(reasons, reason)
			}
		}
	}
	slices.Sort(reasons)
	return c, p, chosen, reasons, nil
}

func (o operation) wait(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, p, chosen, reasons, err := o.pending(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if len(reasons) > 0 {
		return o.waiting(in, c, p, checkReason(strings.Join(reasons, "; "))), nil
	}
	earliest := in.Stage.StartTime.Add(o.config.MinDisable)
	if o.kind == "disableCluster" && chosen > 0 && in.Now.Before(earliest) {
		return stage.Wait(earliest), nil
	}
	return stage.Done().WithContext(map[string]any{"lastCapacityCheck": map[string]any{}}), nil
}

func (o operation) explain(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	_, _, _, reasons, err := o.pending(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	reason := strings.Join(reasons, "; ")
	return stage.Fail("%s", reason).WithContext(checkReason(reason)), nil
}

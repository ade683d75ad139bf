package deploy

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// where is the part of a stage's configuration that says what it is about: an
// account, regions, and a cluster or a server group.
type where struct {
	Account         string           `json:"account"`                                                                   // where to act, if credentials is not given
	Credentials     string           `json:"credentials"`                                                               // where to act: the name of an account
	CloudProvider   string           `json:"cloudProvider"`                                                             // not needed: the account knows it
	Region          string           `json:"region"`                                                                    // one region; the only one of the account need not be given
	Regions         []string         `json:"regions"`                                                                   // several regions
	Zones           map[string]any   `json:"availabilityZones"`                                                         // regions, as keys
	Application     string           `json:"application"`                                                               // default the one in the name of the cluster
	Cluster         string           `json:"cluster"`                                                                   // name of the cluster, as app-stack-detail
	Moniker         gennaker.Moniker `json:"moniker"`                                                                   // the same, taken apart
	ServerGroupName string           `json:"serverGroupName"`                                                           // name of one server group
	ASGName         string           `json:"asgName"`                                                                   // another name of serverGroupName
	Target          strategy.Target  `json:"target" enum:"current_asg_dynamic|ancestor_asg_dynamic|oldest_asg_dynamic"` // instead of a name: current_asg_dynamic, ancestor_asg_dynamic or oldest_asg_dynamic of the cluster
	TargetLocation  targetLocation   `json:"targetLocation"`                                                            // one region, as Spinnaker writes it
	HealthProviders []string         `json:"interestingHealthProviderNames"`                                            // sources of health that count; none given is all, an empty list is not to wait for health
	KeepServing     bool             `json:"keepServing"`                                                               // ours, set by strategies
}

// targetLocation marks a child of a stage that finds its server groups by
// target: the child is for the one in this region.
type targetLocation struct {
	Type  string `json:"type"`  // region
	Value string `json:"value"` // name of the region
}

func (w where) account() string { return cmp.Or(w.Credentials, w.Account) }

func (w where) serverGroup() string { return cmp.Or(w.ServerGroupName, w.ASGName) }

// cluster returns the name of the cluster, from the first of its spellings.
func (w where) cluster() string {
	return cmp.Or(w.Cluster, w.Moniker.Cluster, gennaker.ParseServerGroupName(w.serverGroup()).Cluster)
}

func (w where) application() string {
	return cmp.Or(w.Application, w.Moniker.App, gennaker.ParseServerGroupName(w.cluster()).App)
}

// owner returns the application whose server groups a cluster's are. The name
// tells it, unless it is of a kind of objects, as "replicaSet web".
func (w where) owner(in stage.Input, cluster string) string {
	if !strings.Contains(cluster, " ") {
		return gennaker.ParseServerGroupName(cluster).App
	}
	return cmp.Or(w.Application, w.Moniker.App, in.Execution.Application)
}

// regions returns the regions, or the only one of the account.
//
// Errors: Invalid if there is none.
func (w where) regions(p provider.Provider) ([]string, error) {
	var out []string
	for _, r := range slices.Concat([]string{w.TargetLocation.Value, w.Region}, w.Regions, slices.Sorted(maps.Keys(w.Zones))) {
		if r != "" && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	if w.TargetLocation.Value != "" {
		out = out[:1]
	}
	if len(out) == 0 && len(p.Account.Regions) == 1 {
		out = p.Account.Regions
	}
	if len(out) == 0 {
		return nil, gennaker.Errorf(gennaker.Invalid, "the region is missing").WithHint("the regions of account %s are %v", p.Account.Name, p.Account.Regions)
	}
	return out, nil
}

// provider returns the provider of the stage's account.
func (d *deployer) provider(w where) (provider.Provider, error) {
	if w.account() == "" {
		return provider.Provider{}, gennaker.Errorf(gennaker.Invalid, "the account (credentials or account) is missing").
			WithHint("the accounts are %v", d.fleet.Accounts())
	}
	return d.fleet.For(w.account())
}

// clusterIn returns the server groups of an application's cluster in a region.
func clusterIn(ctx context.Context, p provider.Provider, application, region, cluster string) ([]gennaker.ServerGroup, error) {
	if cluster == "" {
		return nil, gennaker.Errorf(gennaker.Invalid, "the cluster is missing").WithHint("give cluster, moniker or serverGroupName")
	}
	all, err := p.ServerGroups(ctx, application)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(g gennaker.ServerGroup) bool {
		return g.Region != region || g.Cluster != cluster
	}), nil
}

// scene is what a stage about one server group knows.
type scene struct {
	where
	provider.Provider
	ref gennaker.ServerGroupRef
	app string // the owner
}

// scene finds the server group that a stage is about.
//
// Errors: Invalid, NotFound if nothing upstream found the target.
func (d *deployer) scene(in stage.Input) (scene, error) {
	w, err := stage.Decode[where](in.Stage.Context)
	if err != nil {
		return scene{}, err
	}
	p, err := d.provider(w)
	if err != nil {
		return scene{}, err
	}
	regions, err := w.regions(p)
	if err != nil {
		return scene{}, err
	}
	s := scene{where: w, Provider: p, ref: gennaker.ServerGroupRef{Account: p.Account.Name, Region: regions[0], Name: w.serverGroup()}}
	if s.ref.Name == "" {
		s.ref.Name = targetIn(in, s.ref.Region)
	}
	if s.ref.Name == "" {
		return s, gennaker.Errorf(gennaker.NotFound, "no server group was found for the target %s in %s", w.Target, s.ref.Region)
	}
	s.Cluster = gennaker.ParseServerGroupName(s.ref.Name).Cluster
	s.app = w.owner(in, s.Cluster)
	return s, nil
}

// topic is what wakes a stage that waits for the server group.
func (s scene) topic() string {
	return stage.FleetTopic(s.ref.Account, s.app)
}

// get returns the server group.
func (s scene) get(ctx context.Context) (gennaker.ServerGroup, error) {
	return s.ServerGroup(ctx, s.ref.Region, s.ref.Name)
}

// siblings returns the server groups of the same cluster and region, itself
// included.
func (s scene) siblings(ctx context.Context) ([]gennaker.ServerGroup, error) {
	return clusterIn(ctx, s.Provider, s.app, s.ref.Region, s.Cluster)
}

// targetReference is a server group that determineTargetServerGroup found.
type targetReference struct {
	Name    string `json:"serverGroupName"`
	Account string `json:"account"`
	Region  string `json:"region"`
}

type targetReferences struct {
	References []targetReference `json:"targetReferences"`
}

// targetIn returns the server group that was found upstream for a region, or "".
func targetIn(in stage.Input, region string) string {
	refs, err := stage.Decode[targetReferences](map[string]any{"targetReferences": in.Get("targetReferences")})
	if err != nil {
		return ""
	}
	for _, r := range refs.References {
		if r.Region == region {
			return r.Name
		}
	}
	return ""
}

// direct reports whether a stage is about one server group itself; otherwise it
// has a child for each.
func direct(in stage.Input) bool {
	w, err := stage.Decode[where](in.Stage.Context)
	return err == nil && (w.TargetLocation.Value != "" || w.serverGroup() != "" && len(w.Regions) < 2)
}

// perTarget plans a stage that names its server groups by target: one child of
// the same type for each region, with the server group's name, or for dynamic
// targets after a stage that determines it.
//
// Source: Spinnaker's TargetServerGroupLinearStageSupport.
func (d *deployer) perTarget(ctx context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	w, err := stage.Decode[where](in.Stage.Context)
	if err != nil {
		return nil, err
	}
	p, err := d.provider(w)
	if err != nil {
		return nil, err
	}
	regions, err := w.regions(p)
	if err != nil {
		return nil, err
	}
	if w.Target == "" && w.serverGroup() == "" {
		return nil, gennaker.Errorf(gennaker.Invalid, "the server group is missing").WithHint("give serverGroupName, or target and cluster")
	}
	dynamic := strings.HasSuffix(string(w.Target), "_dynamic") && w.serverGroup() == ""
	var children []gennaker.StageConfig
	if dynamic {
		children = append(children, gennaker.StageConfig{
			Type: "determineTargetServerGroup", Name: "Determine Target Server Group",
			Context: pick(in.Stage.Context, "account", "credentials", "cloudProvider", "region", "regions", "availabilityZones", "cluster", "moniker", "target", "application"),
		})
	}
	for _, region := range regions {
		c := maps.Clone(in.Stage.Context)
		delete(c, "regions")
		delete(c, "availabilityZones")
		c["region"] = region
		c["targetLocation"] = map[string]any{"type": "REGION", "value": region}
		if !dynamic && w.serverGroup() == "" {
			groups, err := clusterIn(ctx, p, w.owner(in, w.cluster()), region, w.cluster())
			if err != nil {
				return nil, err
			}
			g, err := w.Target.Find(groups)
			if err != nil {
				return nil, err
			}
			c["serverGroupName"] = g.Name
		}
		children = append(children, gennaker.StageConfig{Type: in.Stage.Type, Name: in.Stage.Name + " in " + region, Context: c})
	}
	return stage.Linear(children...), nil
}

// pick returns the named keys of context, those that it has.
func pick(context map[string]any, keys ...string) map[string]any {
	out := map[string]any{}
	for _, k := range keys {
		if v, ok := context[k]; ok {
			out[k] = v
		}
	}
	return out
}

// determineTarget finds the server groups of a target, or makes sure that the
// named one is there.
func (d *deployer) determineTarget(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	w, err := stage.Decode[where](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	p, err := d.provider(w)
	if err != nil {
		return stage.Outcome{}, err
	}
	regions, err := w.regions(p)
	if err != nil {
		return stage.Outcome{}, err
	}
	var refs []any
	for _, region := range regions {
		var g gennaker.ServerGroup
		if name := w.serverGroup(); name != "" {
			g, err = p.ServerGroup(ctx, region, name)
		} else {
			var groups []gennaker.ServerGroup
			if groups, err = clusterIn(ctx, p, w.owner(in, w.cluster()), region, w.cluster()); err == nil {
				g, err = w.Target.Find(groups)
			}
		}
		if err != nil {
			return stage.Outcome{}, err
		}
		refs = append(refs, map[string]any{
			"serverGroupName": g.Name, "asgName": g.Name, "account": g.Account, "region": g.Region, "cloudProvider": g.CloudProvider,
		})
	}
	values := map[string]any{"targetReferences": refs}
	return stage.Done().WithContext(values).WithOutputs(values), nil
}

// determineHealthProviders refuses a configuration of health that nothing could
// satisfy before anything is done.
func (d *deployer) determineHealthProviders(_ context.Context, in stage.Input) (stage.Outcome, error) {
	want, err := stage.Decode[strategy.Want](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	for name, p := range map[string]*int{
		"targetHealthyDeployPercentage": want.HealthyPercentage, "desiredPercentage": want.DesiredPercentage,
	} {
		if p != nil && (*p < 0 || *p > 100) {
			return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "%s is %d; it must be from 0 to 100", name, *p)
		}
	}
	return stage.Done(), nil
}

package deploy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// deployConfig is what authors write in a deploy stage.
type deployConfig struct {
	Clusters    []map[string]any `json:"clusters"`    // the server groups to create, in parallel; each entry has the fields of createServerGroup
	Cluster     map[string]any   `json:"cluster"`     // one of them, as older pipelines have it; it comes first
	Account     string           `json:"account"`     // of the entries that do not say where to act
	Credentials string           `json:"credentials"` // the same
}

// ownKeys are what a deploy stage does not hand down to its children: its own
// affairs, and its policies, so that a child fails, and is taken back, before
// the deploy stage ignores that.
var ownKeys = []string{
	"clusters", "deploymentDetails", "deploy.server.groups", "exception", "restartDetails", "stageTimeoutMs", "stageEnabled",
	"failPipeline", "continuePipeline", "completeOtherBranchesThenFail", "sendNotifications", "notifications", "expectedArtifacts",
}

func (d *deployer) registerDeploy(r *stage.Registry) {
	stage.Add[deployConfig](r, stage.Definition{
		Type: "deploy", Before: d.beforeDeploy,
		Steps:   []stage.Step{task("completeParallelDeploy", operationTimeout, completeParallelDeploy)},
		Restart: func(c map[string]any) { drop(c, "deploymentDetails", "deploy.server.groups") },
	})
	for kind, clone := range map[string]bool{"createServerGroup": false, "cloneServerGroup": true} {
		c := creator{deployer: d, clone: clone}
		stage.Add[strategy.Fields](r, stage.Definition{
			Type: kind, Reads: []reflect.Type{reflect.TypeFor[createConfig](), reflect.TypeFor[gennaker.ServerGroupSpec](), reflect.TypeFor[patience]()},
			Start: startCreate, Restart: restartCreate, After: c.after, OnFailure: c.onFailure,
			Steps: []stage.Step{
				task("determineSourceServerGroup", operationTimeout, c.determineSource),
				task("determineHealthProviders", operationTimeout, d.determineHealthProviders),
				{Name: kind, Task: undoable{c.create, c.abandon}, Timeout: operationTimeout},
				{Name: "monitorDeploy", Task: undoable{c.monitor, c.undo}, Timeout: operationTimeout},
				{Name: "waitForUpInstances", Task: undoable{c.waitUp, c.undo}, Timeout: upTimeout},
			},
		})
	}
}

func drop(c map[string]any, keys ...string) {
	for _, k := range keys {
		delete(c, k)
	}
}

// beforeDeploy plans one child for each cluster; they run in parallel.
//
// Source: Spinnaker orca ParallelDeployStage.
func (d *deployer) beforeDeploy(_ context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	c, err := stage.Decode[deployConfig](in.Stage.Context)
	if err != nil {
		return nil, err
	}
	if len(c.Cluster) > 0 {
		c.Clusters = append([]map[string]any{c.Cluster}, c.Clusters...)
	}
	if len(c.Clusters) == 0 {
		return nil, gennaker.Errorf(gennaker.Invalid, "the deploy stage has no clusters").WithHint("give at least one entry in clusters")
	}
	kind, verb := "createServerGroup", "Deploy"
	if fmt.Sprint(in.Execution.Trigger.Parameters["clone"]) == "true" {
		kind, verb = "cloneServerGroup", "Clone"
	}
	var children []gennaker.StageConfig
	for i, cluster := range c.Clusters {
		w, err := stage.Decode[where](without(cluster, "cluster"))
		if err != nil {
			return nil, fmt.Errorf("clusters[%d]: %w", i, err)
		}
		w.Account = cmp.Or(w.account(), c.Account, c.Credentials)
		p, err := d.provider(w)
		if err != nil {
			return nil, err
		}
		regions, err := w.regions(p)
		if err != nil {
			return nil, err
		}
		context := without(in.Stage.Context, ownKeys...)
		context["cluster"], context["account"] = cluster, w.account()
		context["type"], context["name"] = kind, verb+" in "+regions[0]
		children = append(children, gennaker.StageConfig{
			RefID: strconv.Itoa(i + 1), Type: kind, Name: verb + " in " + regions[0], Context: context,
		})
	}
	return children, nil
}

func without(m map[string]any, keys ...string) map[string]any {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]any{}
	}
	drop(out, keys...)
	return out
}

// completeParallelDeploy gathers what the children deployed.
func completeParallelDeploy(_ context.Context, in stage.Input) (stage.Outcome, error) {
	if in.Children == nil {
		return stage.Done(), nil
	}
	groups, details := map[string]any{}, []any{}
	for _, child := range in.Children() {
		c, err := stage.Decode[created](child.Outputs)
		if err != nil {
			return stage.Outcome{}, err
		}
		for _, region := range slices.Sorted(maps.Keys(c.Groups)) {
			for _, name := range c.Groups[region] {
				list, _ := groups[region].([]any)
				groups[region] = append(list, name)
				details = append(details, map[string]any{
					"serverGroupName": name, "region": region, "account": c.Account, "cloudProvider": child.Context["cloudProvider"],
				})
			}
		}
	}
	return stage.Done().WithOutputs(map[string]any{"deploymentDetails": details, "deploy.server.groups": groups}), nil
}

// created is what a stage that created server groups says of them.
type created struct {
	Groups  map[string][]string `json:"deploy.server.groups"` // by region
	Account string              `json:"deploy.account.name"`
}

// deployedUpstream returns the names of what stages upstream created in a
// region.
func deployedUpstream(in stage.Input, region string) []string {
	if in.Upstream == nil {
		return nil
	}
	var out []string
	for _, s := range in.Upstream() {
		switch s.Type {
		case "createServerGroup", "cloneServerGroup", "deploy":
			if c, err := stage.Decode[created](s.Outputs); err == nil {
				out = append(out, c.Groups[region]...)
			}
		}
	}
	return out
}

// startCreate flattens a nested cluster, and begins the strategy.
func startCreate(was map[string]any) map[string]any {
	out := maps.Clone(was)
	if cluster, ok := out["cluster"].(map[string]any); ok {
		delete(out, "cluster")
		maps.Copy(out, cluster)
		if nested, ok := out["cluster"].(map[string]any); ok {
			delete(out, "cluster")
			out["cluster"] = nested["name"]
		}
	}
	if name, _ := strategy.Parse(fmt.Sprint(out["strategy"])); name == strategy.RollingRedBlack && out["savedCapacity"] == nil {
		out["savedCapacity"] = out["capacity"]
		out["capacity"] = capacityContext(gennaker.Capacity{})
		out["useSourceCapacity"], out["targetSize"] = false, 0
	}
	return out
}

// restartCreate makes a stage as it was before startCreate.
func restartCreate(c map[string]any) {
	if saved, ok := c["savedCapacity"]; ok {
		c["capacity"] = saved
	}
	if c["sourceDetermined"] == true {
		delete(c, "source")
	}
	drop(c, "savedCapacity", "targetSize", "sourceDetermined", "launched", "deploy.server.groups", "deploy.account.name",
		"capacitySnapshot", "targetDesiredSize", "lastCapacityCheck", "currentInstanceCount")
}

// creator is the stages createServerGroup and cloneServerGroup.
type creator struct {
	*deployer
	clone bool
}

// createConfig is what the tasks of a creator read beside the strategy's fields.
type createConfig struct {
	where
	Stack         string          `json:"stack"`              // second part of the cluster's name
	Detail        string          `json:"freeFormDetails"`    // third part of the cluster's name
	TargetCluster string          `json:"targetCluster"`      // cluster whose newest server group is replaced; default the one that is deployed to
	Suspended     []string        `json:"suspendedProcesses"` // with AddToLoadBalancer the server group starts out of service
	Source        sourceConfig    `json:"source"`             // server group that is replaced or cloned; default the newest enabled one of the cluster
	Launched      bool            `json:"launched"`           // ours: the new server group was healthy
	Fields        strategy.Fields `json:"-"`
}

// sourceConfig is the server group that is replaced, as it stands in a context.
type sourceConfig struct {
	ServerGroupName   string             `json:"serverGroupName"`   // name of the server group
	ASGName           string             `json:"asgName"`           // another name of serverGroupName
	Account           string             `json:"account"`           // default the stage's
	Region            string             `json:"region"`            // default the stage's
	UseSourceCapacity bool               `json:"useSourceCapacity"` // ours: a copy of the stage's field
	Capacity          *gennaker.Capacity `json:"capacity"`          // when the deployment began
}

func (s sourceConfig) name() string { return cmp.Or(s.ServerGroupName, s.ASGName) }

// read decodes a creator's configuration.
func (c creator) read(in stage.Input) (createConfig, scene, error) {
	k, err := stage.Decode[createConfig](in.Stage.Context)
	if err == nil {
		k.Fields, err = stage.Decode[strategy.Fields](in.Stage.Context)
	}
	if err != nil {
		return k, scene{}, err
	}
	p, err := c.provider(k.where)
	if err != nil {
		return k, scene{}, err
	}
	regions, err := k.regions(p)
	if err != nil {
		return k, scene{}, err
	}
	k.Application = cmp.Or(k.where.application(), in.Execution.Application)
	k.Stack, k.Detail = cmp.Or(k.Stack, k.Moniker.Stack), cmp.Or(k.Detail, k.Moniker.Detail)
	if k.where.Cluster != "" && k.Stack == "" && k.Detail == "" {
		m := gennaker.ParseServerGroupName(k.where.Cluster)
		k.Application, k.Stack, k.Detail = m.App, m.Stack, m.Detail
	}
	s := scene{where: k.where, Provider: p, ref: gennaker.ServerGroupRef{Account: p.Account.Name, Region: regions[0]}}
	s.Cluster, s.app = k.cluster(), k.owner(in, k.cluster())
	got, err := stage.Decode[created](in.Stage.Context)
	if names := got.Groups[regions[0]]; len(names) > 0 {
		s.ref.Name = names[0]
	}
	return k, s, err
}

// cluster returns the name of the cluster that is deployed to.
func (k createConfig) cluster() string {
	return cmp.Or(k.TargetCluster, gennaker.ClusterName(k.Application, k.Stack, k.Detail))
}

// source returns the server group that is replaced, or nil.
func (k createConfig) source(account, region string) *strategy.Source {
	if k.Source.name() == "" {
		return nil
	}
	out := &strategy.Source{ServerGroupRef: gennaker.ServerGroupRef{
		Account: cmp.Or(k.Source.Account, account), Region: cmp.Or(k.Source.Region, region), Name: k.Source.name(),
	}}
	if k.Source.Capacity != nil {
		out.Capacity = *k.Source.Capacity
	}
	return out
}

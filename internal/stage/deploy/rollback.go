package deploy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// rollbackConfig is what authors write in rollbackCluster.
type rollbackConfig struct {
	where
	Healthy             *int            `json:"targetHealthyRollbackPercentage"` // how much of the restored server group must be healthy; default 100, 90 from 10 and 95 from 20 instances on
	WaitBetweenRegions  int             `json:"waitTimeBetweenRegions"`          // seconds
	OriginalServerGroup string          `json:"originalServerGroup"`             // server group to restore; default the next older one
	From                string          `json:"rollbackServerGroupName"`         // ours, set by strategies
	ServerGroup         string          `json:"serverGroup"`                     // any of the cluster
	DelayBeforeDisable  int             `json:"delayBeforeDisableSeconds"`       // seconds between the restored one being healthy and the other being disabled
	Additional          rollbackContext `json:"additionalRollbackContext"`       // more options
}

// rollbackContext is what one rollback is about.
type rollbackContext struct {
	From                 string `json:"rollbackServerGroupName"`         // server group to take out of service
	Restore              string `json:"restoreServerGroupName"`          // server group to put into service
	Healthy              int    `json:"targetHealthyRollbackPercentage"` // how much of the restored server group must be healthy, in percent
	DelayBeforeDisable   int    `json:"delayBeforeDisableSeconds"`       // seconds between the restored one being healthy and the other being disabled
	DisableOnly          bool   `json:"disableOnly"`                     // only disable the one, without enabling the other
	EnableAndDisableOnly bool   `json:"enableAndDisableOnly"`            // do not resize the restored one
	OnlyEnabled          bool   `json:"onlyEnabledServerGroups"`         // restore none that is disabled, unless it is the original
	WasDisabled          bool   `json:"restoreWasDisabled"`              // ours
}

// rollbackGroupConfig is what rollbackServerGroup reads.
type rollbackGroupConfig struct {
	where
	Type    string          `json:"rollbackType"`    // EXPLICIT; others are refused
	Context rollbackContext `json:"rollbackContext"` // what to roll back to what
}

func (d *deployer) registerRollback(r *stage.Registry) {
	stage.Add[rollbackConfig](r, stage.Definition{
		Type:    "rollbackCluster",
		Steps:   []stage.Step{task("determineRollbackCandidates", operationTimeout, d.determineCandidates)},
		After:   d.afterCandidates,
		Restart: func(c map[string]any) { drop(c, "rollbackTypes", "rollbackContexts", "imagesToRestore") },
	})
	stage.Add[rollbackGroupConfig](r, stage.Definition{Type: "rollbackServerGroup", After: d.rollback, OnFailure: d.undoRollback})
}

// determineCandidates finds, for each region, what to roll back to what. A
// region where there is nothing to roll back is left out.
func (d *deployer) determineCandidates(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[rollbackConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	p, err := d.provider(c.where)
	if err != nil {
		return stage.Outcome{}, err
	}
	regions, err := c.regions(p)
	if err != nil {
		return stage.Outcome{}, err
	}
	cluster := cmp.Or(c.cluster(), gennaker.ParseServerGroupName(cmp.Or(c.ServerGroup, c.From)).Cluster)
	types, contexts, images := map[string]any{}, map[string]any{}, []any{}
	for _, region := range regions {
		groups, err := clusterIn(ctx, p, c.owner(in, cluster), region, cluster)
		if err != nil {
			return stage.Outcome{}, err
		}
		found := strategy.Search{
			From: c.From, Original: c.OriginalServerGroup, OnlyEnabled: c.Additional.OnlyEnabled, Healthy: c.Healthy,
		}.Find(groups)
		if found == nil {
			continue
		}
		types[region] = "EXPLICIT"
		contexts[region] = map[string]any{
			"rollbackServerGroupName": found.From.Name, "restoreServerGroupName": found.Restore.Name,
			"targetHealthyRollbackPercentage": found.Healthy,
			"delayBeforeDisableSeconds":       cmp.Or(c.Additional.DelayBeforeDisable, c.DelayBeforeDisable),
			"restoreWasDisabled":              found.Restore.Disabled,
			"disableOnly":                     c.Additional.DisableOnly, "enableAndDisableOnly": c.Additional.EnableAndDisableOnly,
		}
		images = append(images, map[string]any{
			"region": region, "image": found.Restore.Image, "buildNumber": nil, "rollbackMethod": "EXPLICIT",
		})
	}
	outputs := map[string]any{"rollbackTypes": types, "rollbackContexts": contexts}
	o := stage.Done()
	if len(types) == 0 {
		o = stage.Skip()
	}
	return o.WithOutputs(outputs).WithContext(outputs).WithContext(map[string]any{"imagesToRestore": images}), nil
}

// afterCandidates plans the rollbacks, region by region.
func (d *deployer) afterCandidates(_ context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	c, err := stage.Decode[rollbackConfig](in.Stage.Context)
	if err != nil {
		return nil, err
	}
	contexts := asMap(in.Stage.Context["rollbackContexts"])
	var children []gennaker.StageConfig
	for i, region := range slices.Sorted(maps.Keys(contexts)) {
		if i > 0 && c.WaitBetweenRegions > 0 {
			children = append(children, stages(nil, []strategy.Move{strategy.Wait{
				Name: "Wait after rolling back", Seconds: c.WaitBetweenRegions,
			}})...)
		}
		context := pick(in.Stage.Context, "account", "credentials", "cloudProvider", "interestingHealthProviderNames")
		context["region"], context["rollbackContext"] = region, contexts[region]
		context["rollbackType"] = asMap(in.Stage.Context["rollbackTypes"])[region]
		children = append(children, gennaker.StageConfig{Type: "rollbackServerGroup", Name: "Rollback " + region, Context: context})
	}
	return stage.Linear(children...), nil
}

// rollback plans the rollback of one server group.
func (d *deployer) rollback(ctx context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	c, err := stage.Decode[rollbackGroupConfig](in.Stage.Context)
	if err != nil {
		return nil, err
	}
	if c.Type != "" && c.Type != "EXPLICIT" {
		return nil, gennaker.Errorf(gennaker.Invalid, "a rollback of type %s is not supported", c.Type).WithHint("use EXPLICIT, or the stage rollbackCluster")
	}
	p, err := d.provider(c.where)
	if err != nil {
		return nil, err
	}
	regions, err := c.regions(p)
	if err != nil {
		return nil, err
	}
	var groups [2]gennaker.ServerGroup
	for i, name := range []string{c.Context.From, c.Context.Restore} {
		if name == "" && i == 1 && c.Context.DisableOnly {
			continue
		}
		if groups[i], err = p.ServerGroup(ctx, regions[0], name); err != nil {
			return nil, fmt.Errorf("roll back %s to %s: %w", c.Context.From, c.Context.Restore, err)
		}
	}
	found := strategy.Candidate{From: groups[0], Restore: groups[1], Healthy: cmp.Or(c.Context.Healthy, 100)}
	moves := found.Plan(strategy.RollbackOptions{
		DisableOnly: c.Context.DisableOnly, EnableAndDisableOnly: c.Context.EnableAndDisableOnly, DelayBeforeDisable: c.Context.DelayBeforeDisable,
	})
	common := pick(in.Stage.Context, "cloudProvider", "interestingHealthProviderNames")
	return stage.Linear(stages(common, moves)...), nil
}

// undoRollback takes what could not be restored out of service again, if it was
// not in service before and the other version still is.
func (d *deployer) undoRollback(ctx context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	c, err := stage.Decode[rollbackGroupConfig](in.Stage.Context)
	if err != nil || !c.Context.WasDisabled || c.Context.DisableOnly || c.Context.EnableAndDisableOnly {
		return nil, err
	}
	p, err := d.provider(c.where)
	if err != nil {
		return nil, err
	}
	regions, err := c.regions(p)
	if err != nil {
		return nil, err
	}
	from, err := p.ServerGroup(ctx, regions[0], c.Context.From)
	if gennaker.KindOf(err) == gennaker.NotFound && err != nil || err == nil && from.Disabled {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	restore := gennaker.ServerGroupRef{Account: p.Account.Name, Region: regions[0], Name: c.Context.Restore}
	children := stages(pick(in.Stage.Context, "cloudProvider", "interestingHealthProviderNames"),
		[]strategy.Move{strategy.DisableServerGroup{Group: restore, Percent: 100}})
	children[0].Context["stageTimeoutMs"] = rollbackTimeout.Milliseconds()
	return children, nil
}

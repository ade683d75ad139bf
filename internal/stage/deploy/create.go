package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// determineSource finds the server group that is replaced: the one that is
// given, or that target names, or the newest enabled one of the cluster.
//
// Source: Spinnaker's DetermineSourceServerGroupTask; reference A2.
func (c creator) determineSource(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	k, s, err := c.read(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if err := k.Fields.Check(); err != nil {
		return stage.Outcome{}, err
	}
	g, err := c.findSource(ctx, k, s)
	if err != nil {
		return stage.Outcome{}, err
	}
	if g == nil {
		if c.clone {
			return stage.Fail("there is no server group of %s in %s to clone", k.cluster(), s.ref.Region), nil
		}
		if k.Fields.UseSourceCapacity && !k.Fields.PreferSourceCapacity {
			return stage.Fail("useSourceCapacity is set, but cluster %s has no server group in %s", k.cluster(), s.ref.Region).
				WithHint("give an explicit capacity, or set preferSourceCapacity to use it when there is no source"), nil
		}
		return stage.Done().WithContext(map[string]any{"source": map[string]any{}, "sourceDetermined": true}), nil
	}
	values := map[string]any{
		"source": map[string]any{
			"asgName": g.Name, "serverGroupName": g.Name, "account": g.Account, "region": g.Region,
			"useSourceCapacity": k.Fields.UseSourceCapacity, "capacity": capacityContext(g.Capacity),
		},
		"sourceDetermined": k.Source.name() == "",
	}
	if k.Fields.UseSourceCapacity {
		values["capacity"] = capacityContext(g.Capacity)
	}
	return stage.Done().WithContext(values), nil
}

func (c creator) findSource(ctx context.Context, k createConfig, s scene) (*gennaker.ServerGroup, error) {
	if name := k.Source.name(); name != "" {
		p := s.Provider
		if k.Source.Account != "" {
			var err error
			if p, err = c.fleet.For(k.Source.Account); err != nil {
				return nil, err
			}
		}
		g, err := p.ServerGroup(ctx, cmp.Or(k.Source.Region, s.ref.Region), name)
		return &g, err
	}
	groups, err := clusterIn(ctx, s.Provider, s.app, s.ref.Region, s.Cluster)
	if err != nil {
		return nil, err
	}
	if k.Target != "" && len(groups) > 0 {
		g, err := k.Target.Find(groups)
		return &g, err
	}
	return strategy.FindSource(groups, k.Fields.UseSourceCapacity), nil
}

// create makes the server group.
func (c creator) create(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	k, s, err := c.read(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	spec, err := c.spec(ctx, in, k, s)
	if err != nil {
		return stage.Outcome{}, err
	}
	name, err := s.Create(ctx, in.Key, spec)
	if err != nil {
		return stage.Outcome{}, err
	}
	values := s.created(name)
	return stage.Done().WithContext(values).WithOutputs(values), nil
}

// created is what a stage says of the server group that it created.
func (s scene) created(name string) map[string]any {
	return map[string]any{
		"deploy.server.groups": map[string]any{s.ref.Region: []any{name}},
		"deploy.account.name":  s.ref.Account,
	}
}

// abandon takes back a creation whose answer is not known. To create again with
// the same key tells what was made. If nothing was, an empty server group is
// made, and destroyed, so that a request which is still under way cannot make
// one that nobody knows of.
func (c creator) abandon(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	k, s, err := c.read(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	spec, err := c.spec(ctx, in, k, s)
	if err != nil {
		return stage.Outcome{}, err
	}
	spec.Capacity, spec.Disabled = gennaker.Capacity{}, true
	if s.ref.Name, err = s.Create(ctx, in.Key, spec); err != nil {
		return stage.Outcome{}, err
	}
	values := s.created(s.ref.Name)
	known := stage.Done().WithContext(values).WithOutputs(values)
	g, err := s.get(ctx)
	if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
		return known, nil
	}
	if err != nil {
		return known, err
	}
	if g.Disabled && g.Capacity == spec.Capacity {
		return known, s.Destroy(ctx, in.Key+"/undo", s.ref)
	}
	in.Stage.Context = maps.Clone(in.Stage.Context)
	maps.Copy(in.Stage.Context, values)
	o, err := c.undo(ctx, in)
	return o.WithContext(values).WithOutputs(values), err
}

// spec returns the server group to create: the stage's own fields, for a clone
// over those of the source.
func (c creator) spec(ctx context.Context, in stage.Input, k createConfig, s scene) (gennaker.ServerGroupSpec, error) {
	fields := without(in.Stage.Context, "region", "account")
	if c.clone {
		source, err := c.sourceFields(ctx, k, s)
		if err != nil {
			return gennaker.ServerGroupSpec{}, err
		}
		maps.Copy(source, fields)
		fields = source
	}
	spec, err := stage.Decode[gennaker.ServerGroupSpec](fields)
	if err != nil {
		return spec, err
	}
	spec.Account, spec.Region = s.ref.Account, s.ref.Region
	if !c.clone || k.Application != "" && (k.Stack != "" || k.Detail != "") {
		spec.Application, spec.Stack, spec.Detail = k.Application, k.Stack, k.Detail
	}
	spec.Disabled = spec.Disabled || slices.Contains(k.Suspended, "AddToLoadBalancer")
	return spec, nil
}

// sourceFields returns what the source of a clone was created from, with the
// capacity that it has now if the stage wants that.
func (c creator) sourceFields(ctx context.Context, k createConfig, s scene) (map[string]any, error) {
	g, err := c.findSource(ctx, k, s)
	if err != nil {
		return nil, err
	}
	if g == nil || g.LaunchConfig == nil {
		return nil, gennaker.Errorf(gennaker.NotFound, "it is not known what %s was created from", k.Source.name()).
			WithHint("deploy it anew instead of cloning it")
	}
	spec := *g.LaunchConfig
	spec.Disabled = false
	if k.Source.Capacity != nil {
		spec.Capacity = *k.Source.Capacity
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("write the launch configuration of %s: %w", g.Name, err)
	}
	fields := map[string]any{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("read the launch configuration of %s: %w", g.Name, err)
	}
	return fields, nil
}

// monitor makes sure that the created server group is in the inventory.
func (c creator) monitor(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	_, s, err := c.read(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if _, err := s.get(ctx); err != nil {
		return stage.Outcome{}, err
	}
	return stage.Done(), nil
}

// waitUp waits until the created server group is healthy. From then on the old
// one may be taken out of service.
func (c creator) waitUp(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	u, s, g, err := c.look(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	o := outcomeUp(in, s, u, g)
	if o.Status() == gennaker.Succeeded {
		o = o.WithContext(map[string]any{"launched": true})
	}
	return o, nil
}

func (c creator) look(ctx context.Context, in stage.Input) (upConfig, scene, gennaker.ServerGroup, error) {
	_, s, err := c.read(in)
	if err != nil {
		return upConfig{}, s, gennaker.ServerGroup{}, err
	}
	u, err := readUp(in)
	if err != nil {
		return u, s, gennaker.ServerGroup{}, err
	}
	g, err := s.get(ctx)
	return u, s, g, err
}

// undo says why the created server group did not become healthy in time, and
// takes it out of service if a failure would have: a stage that is canceled has
// no on-failure stages.
func (c creator) undo(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	u, s, g, err := c.look(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	_, reason := enough(u.Want, g)
	o := stage.Fail("%s", u.ExplainTimeout(g, elapsed(in))).
		WithHint("look at the logs and the health check of the instances").WithContext(checkContext(g, reason))
	moves, err := c.failure(in)
	if err != nil || !takesOut(moves) {
		return o, err
	}
	groups, err := s.siblings(ctx)
	if err != nil {
		return o, err
	}
	if strategy.KeepServing(groups, strategy.WholeGroups([]gennaker.ServerGroup{g})) != nil {
		return o, nil // it is all that serves
	}
	return o, s.Disable(ctx, in.Key+"/undo", s.ref, 100)
}

// takesOut reports whether moves take the new server group out of service.
func takesOut(moves []strategy.Move) bool {
	return slices.ContainsFunc(moves, func(m strategy.Move) bool {
		switch m.(type) {
		case strategy.DisableServerGroup, strategy.RollbackCluster, strategy.DestroyServerGroup:
			return true
		}
		return false
	})
}

// failure returns the moves that take the deployment back.
func (c creator) failure(in stage.Input) ([]strategy.Move, error) {
	k, s, err := c.read(in)
	if err != nil {
		return nil, err
	}
	x := strategy.Failure{Source: k.source(s.ref.Account, s.ref.Region), Launching: !k.Launched, Clone: c.clone}
	if s.ref.Name != "" {
		x.Created = new(s.ref)
	}
	return strategy.OnFailure(k.Fields, x), nil
}

// after plans the strategy, or, if the failure to become healthy was ignored,
// the way back.
func (c creator) after(ctx context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	k, s, err := c.read(in)
	if err != nil {
		return nil, err
	}
	if !k.Launched {
		return c.onFailure(ctx, in)
	}
	moves, err := strategy.After(k.Fields, k.source(s.ref.Account, s.ref.Region), s.ref)
	if err != nil {
		return nil, err
	}
	return stage.Linear(stages(c.common(in, k, s), moves)...), nil
}

// onFailure plans the way back. Each of its stages runs whatever becomes of the
// others, and has time of its own.
func (c creator) onFailure(_ context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	k, s, err := c.read(in)
	if err != nil {
		return nil, err
	}
	moves, err := c.failure(in)
	if err != nil {
		return nil, err
	}
	children := stages(c.common(in, k, s), moves)
	for i, m := range moves {
		context := children[i].Context
		context["continuePipeline"], context["allowSiblingStagesToContinueOnFailure"] = true, true
		limit := rollbackTimeout
		switch m.(type) {
		case strategy.DestroyServerGroup:
			limit = destroyTimeout
		case strategy.Unpin:
			limit = unpinTimeout
		}
		context["stageTimeoutMs"] = limit.Milliseconds()
	}
	return stage.Linear(children...), nil
}

// common is what all stages of a strategy have in their contexts.
func (c creator) common(in stage.Input, k createConfig, s scene) map[string]any {
	out := pick(in.Stage.Context, "cloudProvider", "interestingHealthProviderNames")
	cluster := k.cluster()
	if s.ref.Name != "" {
		cluster = gennaker.ParseServerGroupName(s.ref.Name).Cluster
	}
	out["account"], out["credentials"] = s.ref.Account, s.ref.Account
	out["region"], out["regions"] = s.ref.Region, []any{s.ref.Region}
	out["cluster"], out["application"] = cluster, gennaker.ParseServerGroupName(cluster).App
	return out
}

package deploy

import (
	"context"
	"reflect"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// serverGroupConfig is what authors write in the stages about one server group.
type serverGroupConfig struct {
	where
	HealthyPercentage *int `json:"targetHealthyDeployPercentage"` // enableServerGroup: how much of it must be healthy, in percent; default all
	DesiredPercentage *int `json:"desiredPercentage"`             // disableServerGroup: how much of it to disable, in percent; default 100
	SkipDisable       bool `json:"skipDisableBeforeDestroy"`      // destroyServerGroup: destroy without a disable stage first
}

// whenDirect makes steps be left out of a stage that has a child for each of
// its server groups.
func whenDirect(steps ...stage.Step) []stage.Step {
	for i := range steps {
		steps[i].If = direct
	}
	return steps
}

// unlessDirect plans children for a stage that is not about one server group
// itself.
func (d *deployer) unlessDirect(ctx context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	if direct(in) {
		return nil, nil
	}
	return d.perTarget(ctx, in)
}

func (d *deployer) registerServerGroup(r *stage.Registry) {
	stage.Add[serverGroupConfig](r, stage.Definition{
		Type: "enableServerGroup", Aliases: []string{"enableAsg"}, Reads: []reflect.Type{reflect.TypeFor[patience]()}, Before: d.unlessDirect,
		Steps: whenDirect(
			task("determineHealthProviders", operationTimeout, d.determineHealthProviders),
			task("enableServerGroup", operationTimeout, d.enable),
			stage.Step{Name: "waitForUpInstances", Task: undoable{d.waitUp, d.explainUp}, Timeout: upTimeout},
		),
	})
	stage.Add[serverGroupConfig](r, stage.Definition{
		Type: "disableServerGroup", Aliases: []string{"disableAsg"}, Before: d.unlessDirect,
		Steps: whenDirect(
			task("determineHealthProviders", operationTimeout, d.determineHealthProviders),
			task("disableServerGroup", operationTimeout, d.disable),
			stage.Step{Name: "waitForDownInstances", Task: undoable{d.waitDown, d.explainDown}, Timeout: downTimeout},
			task("waitForServerGroupDisabled", operationTimeout, d.waitDisabled),
		),
	})
	stage.Add[serverGroupConfig](r, stage.Definition{
		Type: "destroyServerGroup", Aliases: []string{"destroyAsg"}, Before: d.beforeDestroy,
		Steps: whenDirect(
			task("destroyServerGroup", operationTimeout, d.destroy),
			task("waitForDestroyedServerGroup", operationTimeout, d.waitDestroyed),
		),
	})
	stage.Add[serverGroupConfig](r, stage.Definition{
		Type: "determineTargetServerGroup", Internal: true,
		RunsDry: func(stage.Input) bool { return true }, // it only looks
		Steps:   []stage.Step{task("determineTargetServerGroup", operationTimeout, d.determineTarget)},
	})
}

func (d *deployer) enable(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, err := d.scene(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if err := s.Enable(ctx, in.Key, s.ref); err != nil {
		return stage.Outcome{}, err
	}
	return stage.Done(), nil
}

// percent returns how much of a server group a stage disables.
func percent(in stage.Input) int {
	c, err := stage.Decode[serverGroupConfig](in.Stage.Context)
	if err != nil || c.DesiredPercentage == nil {
		return 100
	}
	return *c.DesiredPercentage
}

func (d *deployer) disable(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, err := d.scene(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	g, err := s.get(ctx)
	if err != nil {
		return stage.Outcome{}, err
	}
	p := percent(in)
	wait, err := d.mayLose(ctx, s, strategy.PartOf(g, p), p)
	if err != nil {
		return stage.Outcome{}, err
	}
	if wait != "" {
		return waitFor(s, wait), nil
	}
	if err := s.Disable(ctx, in.Key, s.ref, p); err != nil {
		return stage.Outcome{}, err
	}
	return stage.Done(), nil
}

// mayLose checks a loss against traffic guards, which do not ask about parts of
// a server group, and for strategies against what is left in service.
func (d *deployer) mayLose(ctx context.Context, s scene, loss strategy.Loss, percent int) (wait string, err error) {
	groups, err := s.siblings(ctx)
	if err != nil {
		return "", err
	}
	if percent >= 100 {
		if err := d.guard(ctx, groups, loss); err != nil {
			return "", err
		}
	}
	if s.KeepServing {
		return keepServing(groups, loss)
	}
	return "", nil
}

// waitFor waits for a change of the fleet, and keeps the reason in sight.
func waitFor(s scene, reason string) stage.Outcome {
	return stage.Wait(time.Time{}, s.topic()).WithContext(map[string]any{"lastCapacityCheck": map[string]any{"reason": reason}})
}

func (d *deployer) waitDown(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, g, err := d.look(ctx, in)
	if gennaker.KindOf(err) == gennaker.NotFound && err != nil {
		return stage.Done(), nil
	}
	if err != nil {
		return stage.Outcome{}, err
	}
	ok, reason := strategy.DownEnough(g, percent(in), s.HealthProviders)
	check := checkContext(g, reason)
	if ok {
		return stage.Done().WithContext(check), nil
	}
	return stage.Wait(time.Time{}, s.topic()).WithContext(check), nil
}

func (d *deployer) explainDown(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, g, err := d.look(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	_, reason := strategy.DownEnough(g, percent(in), s.HealthProviders)
	return stage.Fail("%s", reason).WithContext(checkContext(g, reason)), nil
}

// waitDisabled waits until the server group shows that it is disabled, if all
// of it was to be.
func (d *deployer) waitDisabled(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, g, err := d.look(ctx, in)
	switch {
	case gennaker.KindOf(err) == gennaker.NotFound && err != nil:
		return stage.Done(), nil
	case err != nil:
		return stage.Outcome{}, err
	case g.Disabled || percent(in) < 100:
		return stage.Done(), nil
	}
	return waitFor(s, g.Name+" is not disabled yet"), nil
}

// look returns the server group of a stage, as it is.
func (d *deployer) look(ctx context.Context, in stage.Input) (scene, gennaker.ServerGroup, error) {
	s, err := d.scene(in)
	if err != nil {
		return s, gennaker.ServerGroup{}, err
	}
	g, err := s.get(ctx)
	return s, g, err
}

// beforeDestroy disables what is destroyed, unless it is gone already.
func (d *deployer) beforeDestroy(ctx context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	if !direct(in) {
		return d.perTarget(ctx, in)
	}
	c, err := stage.Decode[serverGroupConfig](in.Stage.Context)
	if err != nil || c.SkipDisable {
		return nil, err
	}
	s, g, err := d.look(ctx, in)
	if gennaker.KindOf(err) == gennaker.NotFound && err != nil && s.ref.Name != "" || err == nil && g.Destroying {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	context := pick(in.Stage.Context, "account", "credentials", "cloudProvider", "interestingHealthProviderNames", "keepServing")
	context["serverGroupName"], context["region"] = s.ref.Name, s.ref.Region
	return []gennaker.StageConfig{{Type: "disableServerGroup", Name: "disableServerGroup", Context: context}}, nil
}

func (d *deployer) destroy(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, err := d.scene(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	switch g, err := s.get(ctx); {
	case err != nil && gennaker.KindOf(err) != gennaker.NotFound:
		return stage.Outcome{}, err
	case err == nil && !g.Destroying:
		wait, err := d.mayLose(ctx, s, strategy.WholeGroups([]gennaker.ServerGroup{g}), 100)
		if err != nil {
			return stage.Outcome{}, err
		}
		if wait != "" {
			return waitFor(s, wait), nil
		}
	}
	if err := s.Destroy(ctx, in.Key, s.ref); err != nil {
		return stage.Outcome{}, err
	}
	return stage.Done(), nil
}

func (d *deployer) waitDestroyed(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, g, err := d.look(ctx, in)
	switch {
	case gennaker.KindOf(err) == gennaker.NotFound && err != nil:
		return stage.Done(), nil
	case err != nil:
		return stage.Outcome{}, err
	}
	return waitFor(s, gennaker.Errorf(gennaker.Unavailable, "%s still has %d instances", g.Name, len(g.Instances)).Error()), nil
}

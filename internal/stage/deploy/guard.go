package deploy

import (
	"context"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

type guarded struct {
	Guards []strategy.TrafficGuard `json:"trafficGuards"`
}

func (d *deployer) guard(ctx context.Context, groups []gennaker.ServerGroup, loss strategy.Loss) error {
	return d.config.Guard(ctx, groups, loss)
}

// Guard refuses a loss that a traffic guard of the application forbids: what the
// stages ask before they take something out of service. groups are all server
// groups of one cluster in one region.
//
// Errors: Conflict.
func (c Config) Guard(ctx context.Context, groups []gennaker.ServerGroup, loss strategy.Loss) error {
	if c.Application == nil || len(groups) == 0 || strategy.CheckGuard(groups, loss, c.GuardRatio) == nil {
		return nil
	}
	g := groups[0]
	app, err := c.Application(ctx, g.Moniker.App)
	if gennaker.KindOf(err) == gennaker.NotFound && err != nil {
		return nil
	}
	if err != nil {
		return err
	}
	// The attribute is a list that users write; one that cannot be read protects
	// everything, for a guard must fail closed.
	guards, err := stage.Decode[guarded](app.Attrs)
	if err != nil || slices.ContainsFunc(guards.Guards, func(t strategy.TrafficGuard) bool { return t.Guards(g.Account, g.Region, g.Moniker) }) {
		return strategy.CheckGuard(groups, loss, c.GuardRatio)
	}
	return nil
}

// keepServing refuses a loss of the last healthy instances, unless others are
// about to be healthy: then it says what it waits for.
func keepServing(groups []gennaker.ServerGroup, loss strategy.Loss) (wait string, err error) {
	err = strategy.KeepServing(groups, loss)
	if err == nil {
		return "", nil
	}
	for _, g := range groups {
		if _, goes := loss[g.Name]; goes || g.Disabled || g.Destroying {
			continue
		}
		for _, i := range g.Instances {
			if i.HealthState == gennaker.Starting {
				return "nothing is taken out of service until another instance is healthy: " + i.Name + " " + strategy.Why(i), nil
			}
		}
	}
	return "", err
}

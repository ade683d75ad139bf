package deploy

import (
	"cmp"
	"context"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// crashes is how often every instance of a new server group must have ended
// until it is given up.
const crashes = 5

// upConfig is what a wait for health reads.
type upConfig struct {
	strategy.Want
	patience
	To *gennaker.Capacity `json:"resizeTo"` // what a resize decided on
}

// patience is how long a wait for health goes on.
type patience struct {
	FailFast *bool `json:"failFast"` // false waits for instances that end again and again until the timeout; default true
}

func readUp(in stage.Input) (upConfig, error) {
	c, err := stage.Decode[upConfig](in.Stage.Context)
	if c.To != nil {
		c.Capacity = c.To
	}
	return c, err
}

// checkContext is what a wait keeps in its stage's context.
//
// Source: Spinnaker's lastCapacityCheck; reason is ours.
func checkContext(g gennaker.ServerGroup, reason string) map[string]any {
	n := gennaker.CountInstances(g.Instances)
	check := map[string]any{
		"up": n.Up, "down": n.Down, "outOfService": n.OutOfService, "starting": n.Starting,
		"succeeded": n.Succeeded, "failed": n.Failed, "unknown": n.Unknown,
	}
	if reason != "" {
		check["reason"] = reason
	}
	return map[string]any{"lastCapacityCheck": check, "currentInstanceCount": len(g.Instances)}
}

func capacityContext(c gennaker.Capacity) map[string]any {
	return map[string]any{"min": c.Min, "max": c.Max, "desired": c.Desired}
}

// waitUp waits until enough instances of a server group are healthy.
func (d *deployer) waitUp(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, g, err := d.look(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	c, err := readUp(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	return outcomeUp(in, s, c, g), nil
}

// outcomeUp says what the health of g means for a stage that waits for it.
func outcomeUp(in stage.Input, s scene, c upConfig, g gennaker.ServerGroup) stage.Outcome {
	ok, reason := enough(c.Want, g)
	values := checkContext(g, reason)
	values["targetDesiredSize"] = c.TargetSize(g.Capacity)
	if in.Stage.Context["capacitySnapshot"] == nil {
		values["capacitySnapshot"] = map[string]any{
			"minSize": g.Capacity.Min, "desiredCapacity": g.Capacity.Desired, "maxSize": g.Capacity.Max,
		}
	}
	switch looping, why := strategy.CrashLooping(g, crashes); {
	case ok:
		return stage.Done().WithContext(values)
	case g.Destroying:
		return stage.Fail("%s is being destroyed while its instances are waited for", g.Name).WithContext(values)
	case looping && (c.FailFast == nil || *c.FailFast):
		return stage.Fail("%s", why).WithContext(values).
			WithHint("look at the logs of the instances; set failFast to false in the stage to wait for them nevertheless")
	}
	return stage.Wait(time.Time{}, s.topic()).WithContext(values)
}

// enough is Want.Enough, but for a server group that is disabled it suffices
// that the instances are ready to be enabled.
func enough(want strategy.Want, g gennaker.ServerGroup) (ok bool, reason string) {
	if !g.Disabled {
		return want.Enough(g)
	}
	ready := g
	ready.Instances = nil
	for _, i := range g.Instances {
		if i.HealthState == gennaker.OutOfService || i.HealthState == gennaker.Draining {
			i.Health = []gennaker.Health{{Type: "OutOfService", State: gennaker.Up}}
		}
		ready.Instances = append(ready.Instances, i)
	}
	if len(want.HealthProviders) > 0 {
		want.HealthProviders = nil
	}
	return want.Enough(ready)
}

// explainUp says why a wait for health did not end.
func (d *deployer) explainUp(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, g, err := d.look(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	c, err := readUp(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	ok, reason := enough(c.Want, g)
	if ok {
		return stage.Fail("%s became healthy in the meantime", s.ref.Name).WithContext(checkContext(g, "")), nil
	}
	return stage.Fail("%s", c.ExplainTimeout(g, elapsed(in))).
		WithHint("look at the logs and the health check of the instances").WithContext(checkContext(g, reason)), nil
}

// elapsed is how long a task has run, for people.
func elapsed(in stage.Input) string {
	t := in.Now.Sub(in.TaskStart)
	if in.TaskStart.IsZero() || t < 0 {
		t = 0
	}
	return cmp.Or(t.Round(time.Second), t.Round(time.Millisecond)).String()
}

package deploy

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/strategy"
)

// resizeConfig is what authors write in resizeServerGroup.
type resizeConfig struct {
	where
	strategy.Resize
	HealthyPercentage *int               `json:"targetHealthyDeployPercentage"` // how much of the new size suffices, in percent; default all
	Source            sourceConfig       `json:"source"`                        // server group whose capacity scale_to_server_group takes
	SavedCapacity     *gennaker.Capacity `json:"savedCapacity"`                 // ours: what rollingredblack grows to
	To                *gennaker.Capacity `json:"resizeTo"`                      // ours: what was decided
}

func (d *deployer) registerResize(r *stage.Registry) {
	restart := func(c map[string]any) {
		drop(c, "resizeTo", "capacitySnapshot", "lastCapacityCheck", "targetDesiredSize")
	}
	stage.Add[resizeConfig](r, stage.Definition{
		Type: "resizeServerGroup", Aliases: []string{"resizeAsg"}, Before: d.unlessDirect, Restart: restart,
		Steps: whenDirect(
			task("determineHealthProviders", operationTimeout, d.determineHealthProviders),
			task("resizeServerGroup", operationTimeout, d.resize),
			stage.Step{Name: "waitForCapacityMatch", Task: undoable{d.waitCapacity, d.explainCapacity}, Timeout: upTimeout},
		),
	})
	stage.Add[resizeConfig](r, stage.Definition{
		Type: "pinServerGroup", Internal: true, Restart: restart,
		Steps: []stage.Step{
			task("resizeServerGroup", operationTimeout, d.resize),
			{Name: "waitForCapacityMatch", Task: undoable{d.waitCapacity, d.explainCapacity}, Timeout: unpinTimeout},
		},
	})
}

// resize decides on a capacity once, and stores it before it acts: what is
// relative to the capacity now would be another one afterwards.
func (d *deployer) resize(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[resizeConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	s, g, err := d.look(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if c.To == nil {
		to, err := d.decide(ctx, in, c, s, g)
		if err != nil {
			return stage.Outcome{}, err
		}
		values := map[string]any{"resizeTo": capacityContext(to)}
		if key := "originalCapacity." + g.Name; in.Stage.Context[key] == nil {
			values[key] = capacityContext(g.Capacity)
		}
		return stage.Again(time.Nanosecond).WithContext(values), nil
	}
	if c.To.Desired == 0 {
		wait, err := d.mayLose(ctx, s, strategy.WholeGroups([]gennaker.ServerGroup{g}), 100)
		if err != nil {
			return stage.Outcome{}, err
		}
		if wait != "" {
			return waitFor(s, wait), nil
		}
	}
	if err := s.Resize(ctx, in.Key, s.ref, *c.To); err != nil {
		return stage.Outcome{}, err
	}
	return stage.Done(), nil
}

// decide returns the capacity that a stage asks for.
func (d *deployer) decide(ctx context.Context, in stage.Input, c resizeConfig, s scene, g gennaker.ServerGroup) (gennaker.Capacity, error) {
	if in.Stage.Type == "pinServerGroup" {
		c.Action, c.ResizeType, c.Percent, c.Number, c.Source = strategy.ScaleToServerGroup, "", nil, nil, sourceConfig{}
	}
	r := c.Resize
	original := g.Name
	var others []gennaker.Capacity
	switch {
	case r.Kind() == strategy.ScaleToCluster:
		groups, err := s.siblings(ctx)
		if err != nil {
			return gennaker.Capacity{}, err
		}
		for _, o := range groups {
			others = append(others, o.Capacity)
		}
	case r.Kind() == strategy.ScaleToServerGroup && c.Source.name() != "":
		source, err := s.ServerGroup(ctx, cmp.Or(c.Source.Region, s.ref.Region), c.Source.name())
		if err != nil {
			return gennaker.Capacity{}, err
		}
		original, others = source.Name, append(others, source.Capacity)
	}
	saved, err := stage.Decode[struct {
		Min *int `json:"min"`
	}](asMap(in.Get("originalCapacity." + original)))
	if err != nil {
		return gennaker.Capacity{}, fmt.Errorf("read the original capacity of %s: %w", original, err)
	}
	r.OriginalMin = saved.Min
	if r.OriginalMin == nil && c.SavedCapacity != nil {
		r.OriginalMin = &c.SavedCapacity.Min
	}
	return r.Apply(r.Base(g.Capacity, others...))
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// waitCapacity waits until a server group has the instances that it was resized
// to, and, unless it is disabled or only pinned, until they are healthy.
func (d *deployer) waitCapacity(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	s, g, err := d.look(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	c, err := readUp(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if reason := sizeReason(c, g); reason != "" {
		return stage.Wait(time.Time{}, s.topic()).WithContext(checkContext(g, reason)), nil
	}
	if g.Disabled || in.Stage.Type == "pinServerGroup" {
		return stage.Done().WithContext(checkContext(g, "")), nil
	}
	return outcomeUp(in, s, c, g), nil
}

// sizeReason says why a server group does not have the right number of
// instances; "" if it has.
func sizeReason(c upConfig, g gennaker.ServerGroup) string {
	want, have := g.Capacity.Desired, len(g.Instances)
	if c.HealthyPercentage != nil && have >= c.TargetSize(g.Capacity) && have <= want || have == want {
		return ""
	}
	return fmt.Sprintf("%s has %d instances and is to have %d", g.Name, have, want)
}

func (d *deployer) explainCapacity(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	_, g, err := d.look(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	c, err := readUp(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if reason := sizeReason(c, g); reason != "" {
		return stage.Fail("%s", reason).WithContext(checkContext(g, reason)), nil
	}
	return d.explainUp(ctx, in)
}

package deploy

import (
	"fmt"
	"maps"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/strategy"
)

// stages returns the stages that carry out moves, one for each, in order.
// Common is what all of them have in their contexts.
func stages(common map[string]any, moves []strategy.Move) []gennaker.StageConfig {
	var out []gennaker.StageConfig
	for _, m := range moves {
		s := stageOf(m)
		context := maps.Clone(common)
		maps.Copy(context, s.Context)
		if context["serverGroupName"] != nil { // one server group has one region
			delete(context, "regions")
		}
		s.Context = context
		out = append(out, s)
	}
	return out
}

// object is a part of a stage's context.
type object = map[string]any

func about(ref gennaker.ServerGroupRef, more object) object {
	out := object{
		"serverGroupName": ref.Name, "asgName": ref.Name, "region": ref.Region, "account": ref.Account, "credentials": ref.Account,
		"cluster": gennaker.ParseServerGroupName(ref.Name).Cluster,
	}
	maps.Copy(out, more)
	return out
}

// stageOf returns the stage that carries out one move.
func stageOf(m strategy.Move) gennaker.StageConfig {
	switch m := m.(type) {
	case strategy.Wait:
		return gennaker.StageConfig{Type: "wait", Name: m.Name, Context: object{"waitTime": m.Seconds}}
	case strategy.DetermineTarget:
		return gennaker.StageConfig{Type: "determineTargetServerGroup", Name: "Determine Deployed Server Group", Context: about(m.Target, nil)}
	case strategy.Pin:
		return gennaker.StageConfig{Type: "pinServerGroup", Name: "Pin " + m.Group.Name, Context: about(m.Group, object{"pinMinimumCapacity": true})}
	case strategy.Unpin:
		return gennaker.StageConfig{Type: "pinServerGroup", Name: "Unpin " + m.Group.Name, Context: about(m.Group, object{
			"unpinMinimumCapacity": true, "originalCapacity." + m.Group.Name: object{"min": m.Min},
		})}
	case strategy.Grow:
		return gennaker.StageConfig{Type: "resizeServerGroup", Name: fmt.Sprintf("Grow to %d%% of Desired Size", m.Percent), Context: grow(m)}
	case strategy.Validate:
		return gennaker.StageConfig{Type: "pipeline", Name: "Run Validation Pipeline", Context: validation(m)}
	case strategy.DisableServerGroup:
		return gennaker.StageConfig{
			Type: "disableServerGroup", Name: fmt.Sprintf("Disable %d%% of Traffic on %s", m.Percent, m.Group.Name),
			Context: about(m.Group, object{"desiredPercentage": m.Percent, "keepServing": true}),
		}
	case strategy.EnableServerGroup:
		return gennaker.StageConfig{Type: "enableServerGroup", Name: "Enable " + m.Group.Name, Context: about(m.Group, object{
			"targetHealthyDeployPercentage": m.HealthyPercentage,
		})}
	case strategy.ResizeServerGroup:
		return gennaker.StageConfig{Type: "resizeServerGroup", Name: "Resize " + m.Group.Name, Context: about(m.Group, object{
			"action": string(strategy.ScaleExact), "capacity": capacityContext(m.To), "targetHealthyDeployPercentage": m.HealthyPercentage,
		})}
	case strategy.DestroyServerGroup:
		return gennaker.StageConfig{Type: "destroyServerGroup", Name: "Destroy " + m.Group.Name, Context: about(m.Group, object{"keepServing": m.KeepServing})}
	default:
		return clusterStage(m)
	}
}

func clusterStage(m strategy.Move) gennaker.StageConfig {
	switch m := m.(type) {
	case strategy.ShrinkCluster:
		return gennaker.StageConfig{Type: "shrinkCluster", Context: object{
			"shrinkToSize": m.To, "allowDeleteActive": m.AllowDeleteActive, "retainLargerOverNewer": m.RetainLarger, "continueIfClusterNotFound": true,
		}}
	case strategy.DisableCluster:
		return gennaker.StageConfig{Type: "disableCluster", Context: object{
			"remainingEnabledServerGroups": m.Remaining, "preferLargerOverNewer": m.PreferLarger, "continueIfClusterNotFound": true,
		}}
	case strategy.ScaleDownCluster:
		return gennaker.StageConfig{Type: "scaleDownCluster", Context: object{
			"remainingFullSizeServerGroups": m.Remaining, "preferLargerOverNewer": m.PreferLarger, "allowScaleDownActive": m.AllowActive,
			"continueIfClusterNotFound": true,
		}}
	case strategy.RollbackCluster:
		more := object{
			"onlyEnabledServerGroups": m.OnlyEnabled, "disableOnly": m.DisableOnly, "enableAndDisableOnly": m.EnableAndDisableOnly,
		}
		c := object{"rollbackServerGroupName": m.From.Name, "additionalRollbackContext": more, "region": m.From.Region}
		if m.To != "" {
			c["originalServerGroup"] = m.To
		}
		return gennaker.StageConfig{Type: "rollbackCluster", Context: c}
	}
	panic(fmt.Sprintf("deploy: no stage for a move of type %T", m))
}

func grow(m strategy.Grow) object {
	r := m.Resize()
	c := about(m.Group, object{
		"action": string(r.Action), "scalePct": m.Percent,
		"pinCapacity": r.Pin, "pinMinimumCapacity": r.PinMin, "unpinMinimumCapacity": r.UnpinMin,
	})
	if m.HealthyPercentage != nil {
		c["targetHealthyDeployPercentage"] = *m.HealthyPercentage
	}
	if m.Source == nil {
		c["capacity"], c["savedCapacity"] = capacityContext(m.To), capacityContext(m.To)
		return c
	}
	c["source"] = object{"serverGroupName": m.Source.Name, "asgName": m.Source.Name, "region": m.Source.Region, "credentials": m.Source.Account}
	c["originalCapacity."+m.Source.Name] = object{"min": m.Min}
	return c
}

// validation passes on what was deployed, under names that a pipeline's
// expressions can read.
func validation(m strategy.Validate) object {
	describe := func(ref gennaker.ServerGroupRef) object {
		return object{"serverGroupName": ref.Name, "region": ref.Region, "account": ref.Account}
	}
	parameters := maps.Clone(m.Pipeline.Parameters)
	if parameters == nil {
		parameters = object{}
	}
	parameters["deployedServerGroup"], parameters["percentageComplete"] = describe(m.Deployed), m.Percent
	if m.Source != nil {
		parameters["sourceServerGroup"] = describe(*m.Source)
	}
	return object{"application": m.Pipeline.Application, "pipeline": m.Pipeline.ID, "pipelineParameters": parameters}
}

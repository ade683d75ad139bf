package control

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// waitConfig is the configuration of a wait stage.
type waitConfig struct {
	WaitTime          float64 `json:"waitTime"`          // seconds; nothing given is no wait
	SkipRemainingWait bool    `json:"skipRemainingWait"` // set while it waits, by hand
}

// maxWait bounds a wait: ten years.
const maxWait = 10 * 365 * 24 * time.Hour

// wait pauses a branch of the pipeline for a time.
//
// Source: Spinnaker orca WaitStage; the time counts from the start of the task,
// so that an execution window before it does not use it up.
func wait() stage.Definition {
	return stage.Definition{
		Type:  "wait",
		Steps: []stage.Step{{Name: "wait", Task: stage.TaskFunc(runWait)}},
	}
}

func runWait(_ context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[waitConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	if math.IsNaN(c.WaitTime) || c.WaitTime > maxWait.Seconds() {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "waitTime %v is more than %v seconds, or no number", c.WaitTime, maxWait.Seconds())
	}
	// A deadline that an expression counts down to may be over.
	end := in.TaskStart.Add(time.Duration(max(c.WaitTime, 0) * float64(time.Second)))
	return waitFor(end, c.SkipRemainingWait, in), nil
}

// waitFor waits until end, unless somebody skips it.
func waitFor(end time.Time, skip bool, in stage.Input) stage.Outcome {
	if skip || !in.Now.Before(end) {
		return stage.Done()
	}
	return stage.Wait(end)
}

// waitUntilConfig is the configuration of a waitUntil stage.
type waitUntilConfig struct {
	EpochMillis float64 `json:"epochMillis"` // milliseconds since 1970; nothing given is no wait
}

// waitUntil pauses a branch of the pipeline until a moment.
//
// Source: Spinnaker orca WaitUntilStage.
func waitUntil() stage.Definition {
	return stage.Definition{
		Type:  "waitUntil",
		Steps: []stage.Step{{Name: "waitUntil", Task: stage.TaskFunc(runWaitUntil)}},
	}
}

func runWaitUntil(_ context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[waitUntilConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	latest := in.TaskStart.Add(maxWait)
	if math.IsNaN(c.EpochMillis) || c.EpochMillis > float64(latest.UnixMilli()) {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "epochMillis %v is after %s, or no number", c.EpochMillis, latest.Format(time.DateOnly)).
			WithHint("write milliseconds since 1970, as in ${ T(java.time.Instant).now().toEpochMilli() + 60000 }")
	}
	return waitFor(time.UnixMilli(int64(max(c.EpochMillis, 0))), false, in), nil
}

// conditionConfig is the configuration of a waitForCondition stage.
type conditionConfig struct {
	Status string `json:"status"` // "skipped" does not wait
}

// waitForCondition waits until the operators' conditions allow deployments. No
// condition can be configured here, so that it never has to.
//
// Source: Spinnaker orca WaitForConditionStage.
func waitForCondition() stage.Definition {
	return stage.Definition{
		Type: "waitForCondition",
		Steps: []stage.Step{{Name: "waitForCondition", Task: stage.TaskFunc(func(_ context.Context, in stage.Input) (stage.Outcome, error) {
			c, err := stage.Decode[conditionConfig](in.Stage.Context)
			if err == nil && strings.EqualFold(c.Status, "skipped") {
				return stage.Skip(), nil
			}
			return stage.Done(), err
		})}},
	}
}

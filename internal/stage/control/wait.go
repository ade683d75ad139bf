package control

import (
	"context"
	"math"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// waitConfig is the configuration of a wait stage.
type waitConfig struct {
	WaitTime          *float64 `json:"waitTime"`          // seconds
	SkipRemainingWait bool     `json:"skipRemainingWait"` // set while it waits, by hand
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
	switch {
	case c.SkipRemainingWait:
		return stage.Done(), nil
	case c.WaitTime == nil:
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "waitTime is missing").
			WithHint("set waitTime to a number of seconds")
	case math.IsNaN(*c.WaitTime) || *c.WaitTime < 0 || *c.WaitTime > maxWait.Seconds():
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "waitTime %v is not between 0 and %v seconds", *c.WaitTime, maxWait.Seconds())
	}
	end := in.TaskStart.Add(time.Duration(*c.WaitTime * float64(time.Second)))
	if in.Now.Before(end) {
		return stage.Wait(end), nil
	}
	return stage.Done(), nil
}

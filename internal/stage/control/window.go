package control

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/window"
)

// windowConfig is the configuration of a stage that waits for the execution
// window of its parent.
type windowConfig struct {
	Rules             map[string]any `json:"restrictedExecutionWindow"` // the window
	SkipRemainingWait bool           `json:"skipRemainingWait"`         // set while it waits, by hand
}

// executionWindow waits until a stage may start.
//
// It waits until the window opens, not for a moment to look again. What it
// announces under scheduledTime is that moment; Spinnaker, which looks again
// every 30 seconds, may announce one that is a day late.
//
// Source: Spinnaker orca RestrictExecutionDuringTimeWindow; execution model,
// section 10.
func executionWindow(location *time.Location) stage.Definition {
	open := windowTask{location}
	return stage.Definition{
		Type:     stage.WindowType,
		Internal: true,
		Steps: []stage.Step{
			{Name: "suspendExecutionDuringTimeWindow", Task: open},
			{Name: "waitForJitter", Task: stage.TaskFunc(open.jitter), If: open.jitters},
		},
	}
}

type windowTask struct{ location *time.Location }

func (t windowTask) parse(in stage.Input) (windowConfig, window.Window, error) {
	c, err := stage.Decode[windowConfig](in.Stage.Context)
	if err != nil {
		return c, window.Window{}, err
	}
	location := t.location
	if location == nil {
		if location, err = time.LoadLocation(window.DefaultZone); err != nil {
			return c, window.Window{}, fmt.Errorf("read time zone %s: %w", window.DefaultZone, err)
		}
	}
	w, err := window.Parse(c.Rules, location)
	if err != nil {
		return c, w, fmt.Errorf("restrictedExecutionWindow: %w", err)
	}
	return c, w, nil
}

// Run waits until the window is open.
func (t windowTask) Run(_ context.Context, in stage.Input) (stage.Outcome, error) {
	c, w, err := t.parse(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	next := w.Next(in.Now)
	out := waitFor(next, c.SkipRemainingWait, in)
	if !out.Final() {
		out = out.WithContext(map[string]any{"scheduledTime": float64(next.UnixMilli())})
	}
	return out, nil
}

// jitters reports whether the stage waits a little when its window is open.
func (t windowTask) jitters(in stage.Input) bool {
	_, w, err := t.parse(in)
	return err == nil && w.Jitter.Max > 0 && (!w.Jitter.SkipManual || in.Execution.Trigger.Type != "manual")
}

// jitter waits a little: how long, follows from the key of the step, so that it
// is the same for every attempt.
func (t windowTask) jitter(_ context.Context, in stage.Input) (stage.Outcome, error) {
	c, w, err := t.parse(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(in.Key))
	least, most := uint64(w.Jitter.Min.Seconds()), uint64(w.Jitter.Max.Seconds())
	seconds := least + h.Sum64()%(most-least+1)
	end := in.TaskStart.Add(time.Duration(seconds) * time.Second) //nolint:gosec // a week at most
	return waitFor(end, c.SkipRemainingWait, in).WithContext(map[string]any{"waitTime": float64(seconds)}), nil
}

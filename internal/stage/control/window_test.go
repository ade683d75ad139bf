package control_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// TestJitter holds that a jitter is within its bounds, the same for every
// attempt, and not the same for every stage.
func TestJitter(t *testing.T) {
	t.Parallel()
	step := find(t, nil, stage.WindowType).Step("waitForJitter")
	seconds := func(ctx context.Context, t *rapid.T, key string, least, most int) float64 {
		in := stage.Input{Key: key, Now: start, TaskStart: start, Stage: gennaker.Stage{Context: map[string]any{
			"restrictedExecutionWindow": map[string]any{"jitter": map[string]any{"enabled": true, "minDelay": least, "maxDelay": most}},
		}}}
		if !step.If(in) {
			t.Fatal("no jitter is planned")
		}
		o, err := step.Task.Run(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		seconds, _ := o.Context()["waitTime"].(float64)
		if due := o.Due(start); seconds > 0 && !due.Equal(start.Add(time.Duration(seconds)*time.Second)) {
			t.Fatalf("it waits until %s, for %v seconds", due, seconds)
		}
		return seconds
	}
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		least := rapid.IntRange(0, 1000).Draw(t, "least")
		most := least + rapid.IntRange(0, 1000).Draw(t, "more")
		if most == 0 {
			most = 1
		}
		key := rapid.String().Draw(t, "key")
		got := seconds(ctx, t, key, least, most)
		if got < float64(least) || got > float64(most) {
			t.Fatalf("%v is not from %d to %d", got, least, most)
		}
		if again := seconds(ctx, t, key, least, most); again != got {
			t.Fatalf("%v, and %v again", got, again)
		}
		different := map[float64]bool{}
		for i := range 50 {
			different[seconds(ctx, t, fmt.Sprint(key, i), 0, 1000)] = true
		}
		if len(different) < 25 {
			t.Fatalf("50 stages wait only %d different times", len(different))
		}
	})
}

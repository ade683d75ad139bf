package node_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

// TestKillStorm kills the node at any moment while operations come in. Each is
// repeated with its key until it is done. In the end exactly what was asked for
// runs: no process is lost, doubled or left.
func TestKillStorm(t *testing.T) {
	h := newHarness(t)
	spec := h.spec(2, "")
	spec.StopSeconds = 5
	kept, doomed := h.create(spec), h.create(spec)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	desired, disabled := 2, false
	for round := range 12 {
		// What a round does, in an order that says what must come out.
		desired, disabled = rnd.IntN(4), rnd.IntN(2) == 0
		work := []func(ctx context.Context, key string) error{
			func(ctx context.Context, key string) error {
				return h.Resize(ctx, key, kept, gennaker.Capacity{Max: 4, Desired: desired})
			},
			func(ctx context.Context, key string) error {
				names := slices.Sorted(maps.Values(h.processes()))
				return h.Terminate(ctx, key, kept, names[:min(len(names), 1)])
			},
			func(ctx context.Context, key string) error {
				if disabled {
					return h.Disable(ctx, key, kept, 100)
				}
				return h.Enable(ctx, key, kept)
			},
		}
		if round == 6 {
			work = append(work, func(ctx context.Context, key string) error { return h.Destroy(ctx, key, doomed) })
		}
		delay := time.Duration(rnd.IntN(150)) * time.Millisecond
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			<-time.After(delay)
			h.kill()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		for i, do := range work {
			key := fmt.Sprintf("round-%d-%d", round, i)
			err := do(ctx, key)
			for err != nil {
				if gennaker.KindOf(err) != gennaker.Unavailable {
					t.Fatalf("%s: %v", key, err)
				}
				select {
				case <-killed: // the node is away: start the next, and repeat
					if h.cmd == nil {
						h.run()
					}
				case <-ctx.Done():
					t.Fatalf("%s: %v", key, err)
				}
				err = do(ctx, key)
			}
		}
		cancel()
		<-killed
		if h.cmd == nil {
			h.run()
		}
	}
	state := gennaker.Up
	if disabled {
		state = gennaker.OutOfService
	}
	h.untilGone(doomed)
	h.until(func() string {
		g := h.group(kept)
		want := map[int]string{}
		for _, i := range g.Instances {
			if i.HealthState != state {
				return fmt.Sprintf("%s is %s, want %s: %s", i.Name, i.HealthState, state, i.Reason)
			}
			want[i.PID] = i.Name
		}
		if len(want) != desired || g.Disabled != disabled {
			return fmt.Sprintf("%d instances, want %d; disabled %v, want %v", len(want), desired, g.Disabled, disabled)
		}
		return cmp.Diff(want, h.processes())
	})
}

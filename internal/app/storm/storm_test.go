package storm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/gennaker/gennaker/internal/demo/load"
)

// cast runs scripts, each again and again, until the storm is over.
type cast struct {
	w       *world
	over    chan struct{} // no script begins anew
	running sync.WaitGroup
	begun   sync.WaitGroup // until every script went through once
}

// act begins to run a script.
func (c *cast) act(ctx context.Context, name string, s script) {
	c.begun.Add(1)
	c.running.Go(func() {
		begun := sync.OnceFunc(c.begun.Done)
		defer begun()
		for round := 0; ; round++ {
			if err := s(ctx, round); err != nil {
				c.w.fail("%s, round %d: %v", name, round, err)
				return
			}
			begun()
			select {
			case <-c.over:
				return
			case <-c.w.failed:
				return
			default:
			}
		}
	})
}

// loads sends requests to all load balancers.
func loads(ctx context.Context, t *testing.T, listen map[string]string) map[string]*load.Load {
	t.Helper()
	out := map[string]*load.Load{}
	for stack, addr := range listen {
		c := load.Config{URL: "http://" + addr + "/", Rate: *rate / float64(len(listen)), PostPath: "echo", SlowPath: "slow?ms=150"}
		if stack == "redblack" {
			c.DownloadPath = "download?bytes=200000&rate=200000"
		}
		l, err := load.Run(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		out[stack] = l
	}
	return out
}

func TestStormServer(t *testing.T) {
	random := dice(t)
	w := newWorld(t)
	listen, err := w.prepare(t.Context(), stacks...)
	if err != nil {
		t.Fatal(err)
	}
	o := newOutside(w)
	if err := w.save(t.Context(), "Outside", o.stages()); err != nil {
		t.Fatal(err)
	}
	c := &cast{w: w, over: make(chan struct{})}
	c.act(t.Context(), "red/black", w.redBlack())
	c.act(t.Context(), "rolling red/black", w.rolling())
	c.act(t.Context(), "highlander and none", w.plain())
	c.act(t.Context(), "operations", w.operated())
	c.act(t.Context(), "control", w.control())
	c.act(t.Context(), "outside", w.outsider(o))
	c.begun.Wait()
	sending, stop := context.WithCancel(t.Context())
	defer stop()
	sent := loads(sending, t, listen)
	n, stops, slowest := w.killServer(random)
	close(c.over)
	c.running.Wait()
	stop()
	summary := fmt.Sprintf("%d kills and %d stops; the server was back within %v", n, stops, slowest.Round(time.Millisecond))
	w.checkRequests(sent)
	o.check(w)
	w.check(summary)
}

// killServer kills the server at random moments, and starts it at once. Now and
// then it is stopped in good order instead, which does not count.
func (w *world) killServer(random *rand.Rand) (n, stops int, slowest time.Duration) {
	for n < *kills {
		timer := time.NewTimer(time.Duration(20+random.IntN(680)) * time.Millisecond)
		select {
		case <-timer.C:
		case <-w.failed:
			timer.Stop()
			return n, stops, slowest
		}
		began := time.Now()
		if random.IntN(8) == 0 {
			w.stop()
			stops++
		} else {
			w.kill()
			n++
		}
		w.up()
		slowest = max(slowest, time.Since(began))
	}
	return n, stops, slowest
}

package storm

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
)

// recovery is how long traffic may be away when the node was killed. It is
// generous, for machines that stall; what was measured is logged.
const recovery = 10 * time.Second

func TestStormNode(t *testing.T) {
	random := dice(t)
	w, s := newSteady(t)
	var took []time.Duration
	for len(took) < *nodeKills && s.wait(20+random.IntN(680)) {
		began := time.Now()
		w.killNode()
		took = append(took, s.recovered(began))
	}
	s.finish("kills of the node", took)
}

func TestStormBoth(t *testing.T) {
	random := dice(t)
	w, s := newSteady(t)
	var took []time.Duration
	for len(took) < *bothKills && s.wait(20+random.IntN(680)) {
		began := time.Now()
		if random.IntN(2) == 0 {
			w.killNode()
			w.kill()
		} else {
			w.kill()
			w.killNode()
		}
		w.up()
		took = append(took, s.recovered(began))
	}
	s.finish("kills of both", took)
}

// steady is a world with a cluster that nobody deploys to, beside others, and
// load on all of them.
type steady struct {
	*world
	cast   *cast
	addr   string
	pids   map[string]int // of the instances, by name
	client *http.Client
	stop   func()
}

func newSteady(t *testing.T) (*world, *steady) {
	w := newWorld(t)
	listen, err := w.prepare(t.Context(), append(slices.Clone(stacks), "steady")...)
	if err != nil {
		t.Fatal(err)
	}
	s := &steady{world: w, cast: &cast{w: w, over: make(chan struct{})}, addr: listen["steady"]}
	s.client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: time.Second}).DialContext,
	}}
	if _, err := w.deploy(t.Context(), "Steady", 0); err != nil {
		t.Fatal(err)
	}
	if s.pids, err = s.instances(t.Context()); err != nil || len(s.pids) != 2 {
		t.Fatalf("instances %v, %v", s.pids, err)
	}
	s.cast.act(t.Context(), "red/black", w.redBlack())
	s.cast.act(t.Context(), "rolling red/black", w.rolling())
	s.cast.act(t.Context(), "highlander and none", w.plain())
	s.cast.act(t.Context(), "operations", w.operated())
	s.cast.act(t.Context(), "control", w.control())
	s.cast.begun.Wait()
	sending, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	sent := loads(sending, t, listen)
	s.stop = func() {
		stop()
		var all, lost int64
		for _, l := range sent {
			n := l.Wait()
			all, lost = all+n.Sent, lost+n.Lost
		}
		t.Logf("%d requests, of which %d came while the node was away", all, lost)
	}
	return w, s
}

// wait waits for so many milliseconds; it returns false after a failure.
func (s *steady) wait(ms int) bool {
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.failed:
		return false
	}
}

// instances returns the processes of the steady cluster, as the node knows them.
func (s *steady) instances(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := s.retry(ctx, func() error {
		groups, err := s.node.ServerGroups(ctx, application)
		for _, g := range groups {
			if g.Moniker.Stack != "steady" {
				continue
			}
			for _, i := range g.Instances {
				out[i.Name] = i.PID
			}
		}
		return err
	})
	return out, err
}

// recovered waits until there is traffic again, and returns how long that took.
func (s *steady) recovered(began time.Time) time.Duration {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	err := s.retry(ctx, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/", http.NoBody)
		if err != nil {
			return err
		}
		res, err := s.client.Do(req)
		if err != nil {
			return gennaker.Errorf(gennaker.Unavailable, "%w", err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return gennaker.Errorf(gennaker.Unavailable, "status %d", res.StatusCode)
		}
		return nil
	})
	took := time.Since(began)
	if err != nil || took > recovery {
		s.fail("traffic was away for %v: %v", took, err)
		return took
	}
	if pids, err := s.instances(ctx); err != nil || !maps.Equal(pids, s.pids) {
		s.fail("instances were %v and are %v, %v", s.pids, pids, err)
	}
	return took
}

// finish ends the storm and checks what is left.
func (s *steady) finish(what string, took []time.Duration) {
	close(s.cast.over)
	s.cast.running.Wait()
	s.stop()
	slices.Sort(took)
	for i := range took {
		took[i] = took[i].Round(time.Millisecond)
	}
	s.t.Logf("traffic was back after %v", took)
	s.check(fmt.Sprintf("%d %s", len(took), what))
}

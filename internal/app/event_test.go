package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/event"
	"github.com/gennaker/gennaker/internal/provider"
)

// TestTrafficIsMeasured: while somebody follows the events, once a second, and
// only what changed.
func TestTrafficIsMeasured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // of what the meter reads too
		var asked int
		var away error
		change := func(f func()) {
			mu.Lock()
			defer mu.Unlock()
			f()
		}
		served := func(name string, requests int64) gennaker.LoadBalancerServerGroup {
			return gennaker.LoadBalancerServerGroup{Name: name, Region: "local", Weight: 100, InService: 2, Traffic: gennaker.Traffic{Requests: requests}}
		}
		balancers := []gennaker.LoadBalancer{
			{Name: "front", ServerGroups: []gennaker.LoadBalancerServerGroup{served("demo-prod-v000", 5), served("shop-v001", 7)}},
			{Name: "back", ServerGroups: []gennaker.LoadBalancerServerGroup{served("demo-prod-v000", 1)}},
		}
		log := &event.Log{}
		m := trafficMeter{events: log, account: "local", balancers: func(context.Context) ([]gennaker.LoadBalancer, error) {
			mu.Lock()
			defer mu.Unlock()
			asked++
			now := slices.Clone(balancers)
			for i := range now {
				now[i].ServerGroups = slices.Clone(now[i].ServerGroups)
			}
			return now, away
		}}
		ctx, stop := context.WithCancel(t.Context())
		go m.run(ctx)
		reader, _ := log.Read("")
		heard := func() map[string][]gennaker.TrafficSample {
			synctest.Wait()
			out := map[string][]gennaker.TrafficSample{}
			entries, _, _ := reader.Next()
			for _, e := range entries {
				out[e.Application] = e.Traffic
			}
			return out
		}
		sample := func(lb, group string, requests int64) gennaker.TrafficSample {
			return gennaker.TrafficSample{LoadBalancer: lb, Account: "local", Region: "local", ServerGroup: group, Weight: 100, InService: 2, Traffic: gennaker.Traffic{Requests: requests}}
		}
		check := func(what string, want map[string][]gennaker.TrafficSample) {
			t.Helper()
			if diff := cmp.Diff(want, heard()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		none := map[string][]gennaker.TrafficSample{}

		time.Sleep(time.Minute)
		check("nobody follows", none)
		change(func() {
			if asked != 0 {
				t.Errorf("asked %d times", asked)
			}
		})
		leave := log.Follow()
		time.Sleep(1100 * time.Millisecond)
		check("somebody follows", map[string][]gennaker.TrafficSample{
			"demo": {sample("front", "demo-prod-v000", 5), sample("back", "demo-prod-v000", 1)}, "shop": {sample("front", "shop-v001", 7)},
		})
		time.Sleep(5 * time.Second)
		check("nothing changed", none)
		change(func() { balancers[0].ServerGroups[1].Traffic.Requests++ })
		time.Sleep(time.Second)
		check("one changed", map[string][]gennaker.TrafficSample{"shop": {sample("front", "shop-v001", 8)}})
		change(func() { away = errors.New("the node is away") })
		time.Sleep(time.Second)
		check("the node is away", none)
		leave()
		change(func() { asked = 0 })
		time.Sleep(time.Minute)
		change(func() {
			if asked != 0 {
				t.Errorf("asked %d times while nobody followed", asked)
			}
		})
		stop()
	})
}

func TestConcerned(t *testing.T) {
	t.Parallel()
	for what, tt := range map[string]struct {
		change provider.Change
		want   []gennaker.EventType
	}{
		"anything":       {provider.Change{}, []gennaker.EventType{gennaker.ServerGroupChanged, gennaker.LoadBalancerChanged}},
		"of a namespace": {provider.Change{Region: "shop"}, []gennaker.EventType{gennaker.ServerGroupChanged, gennaker.LoadBalancerChanged}},
		"a server group": {provider.Change{Application: "demo", Region: "shop", ServerGroup: "web-v001"}, []gennaker.EventType{gennaker.ServerGroupChanged}},
		"another thing":  {provider.Change{Application: "demo"}, []gennaker.EventType{gennaker.LoadBalancerChanged}},
	} {
		if diff := cmp.Diff(tt.want, concerned(tt.change)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

package providertest

import (
	"fmt"
	"sync"

	"github.com/gennaker/gennaker"
)

// requests sends n requests and returns how many each version answered.
func (w *world) requests(lb string, n int) map[string]int {
	w.Helper()
	got := map[string]int{}
	for range n {
		version, err := w.Get(lb)
		if err != nil {
			w.Fatalf("request: %v", err)
		}
		got[version]++
	}
	return got
}

func (w *world) version(version string, n int, lbs ...string) string {
	w.Helper()
	spec := w.Good(version)
	spec.Capacity, spec.LoadBalancers = pinned(n), lbs
	return w.create(spec)
}

func reach(w *world) {
	if w.Get == nil {
		return
	}
	ctx, p := w.Context(), w.Provider
	lb := w.balancer()
	if version, err := w.Get(lb); err == nil {
		w.Errorf("a load balancer without server groups answered %q", version)
	}
	one := w.version("v1", 1, lb)
	w.untilStates(one, gennaker.Up, 1)
	w.until(func() string { return w.only(lb, "v1") })

	dark := w.Good("v2")
	dark.Capacity, dark.LoadBalancers, dark.Disabled = pinned(1), []string{lb}, true
	two := w.create(dark)
	w.untilStates(two, gennaker.OutOfService, 1)
	sick := w.Bad()
	sick.Capacity, sick.LoadBalancers = pinned(1), []string{lb}
	w.create(sick)
	if problem := w.only(lb, "v1"); problem != "" {
		w.Error(problem)
	}

	w.must(p.Enable(ctx, w.key(), w.ref(two)))
	w.untilStates(two, gennaker.Up, 1)
	w.until(func() string {
		if got := w.requests(lb, 40); got["v1"] == 0 || got["v2"] == 0 {
			return fmt.Sprintf("both versions should get requests, got %v", got)
		}
		return ""
	})
	w.must(p.Disable(ctx, w.key(), w.ref(one), 100))
	w.untilStates(one, gennaker.OutOfService, 1)
	if problem := w.only(lb, "v2"); problem != "" {
		w.Error(problem)
	}
}

// only returns "" if all requests are answered by version.
func (w *world) only(lb, version string) string {
	w.Helper()
	const n = 20
	if got := w.requests(lb, n); got[version] != n {
		return fmt.Sprintf("requests should only reach %s, got %v", version, got)
	}
	return ""
}

// load sends requests all the time until stop is called; all must be answered.
func (w *world) load(lb string) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := w.Get(lb); err != nil {
					w.Errorf("a request was lost: %v", err)
					return
				}
			}
		})
	}
	return func() { close(done); wg.Wait() }
}

// rollout enables the new, disables the old and destroys it, three times, while
// requests come all the time.
func rollout(w *world) {
	if w.Get == nil {
		return
	}
	ctx, p := w.Context(), w.Provider
	lb := w.balancer()
	old := w.version("v0", 2, lb)
	w.untilStates(old, gennaker.Up, 2)
	w.until(func() string { return w.only(lb, "v0") })

	defer w.load(lb)()
	for i := range 3 {
		version := fmt.Sprintf("v%d", i+1)
		next := w.version(version, 2, lb)
		w.untilStates(next, gennaker.Up, 2)
		w.must(p.Disable(ctx, w.key(), w.ref(old), 50))
		w.must(p.Disable(ctx, w.key(), w.ref(old), 100))
		w.untilStates(old, gennaker.OutOfService, 2)
		if problem := w.only(lb, version); problem != "" {
			w.Error(problem)
		}
		w.must(p.Destroy(ctx, w.key(), w.ref(old)))
		w.untilGone(old)
		old = next
	}
}

// churn resizes and terminates while requests come all the time.
func churn(w *world) {
	if w.Get == nil {
		return
	}
	ctx, p := w.Context(), w.Provider
	lb := w.balancer()
	name := w.version("v1", 3, lb)
	w.untilStates(name, gennaker.Up, 3)
	w.until(func() string { return w.only(lb, "v1") })
	defer w.load(lb)()
	w.must(p.Resize(ctx, w.key(), w.ref(name), pinned(1)))
	w.untilStates(name, gennaker.Up, 1)
	w.must(p.Resize(ctx, w.key(), w.ref(name), pinned(2)))
	w.untilStates(name, gennaker.Up, 2)
	for _, old := range instanceNames(w.group(name)) {
		w.must(p.Terminate(ctx, w.key(), w.ref(name), []string{old}))
		w.untilReplaced(name, []string{old}, gennaker.Up, 2)
	}
}

// traffic: the requests that a server group finished are counted.
func traffic(w *world) {
	if w.Get == nil {
		return
	}
	lb := w.balancer()
	name := w.version("v1", 1, lb)
	w.untilStates(name, gennaker.Up, 1)
	w.until(func() string { return w.only(lb, "v1") })
	const few, many = 20, 2000
	sent := few // by only
	for w.group(name).Traffic.Requests < few || w.findBalancer(lb).ServerGroups[0].Traffic.Requests < few {
		if sent++; sent > many {
			w.Fatalf("%d requests were answered, but the traffic is %+v", many, w.group(name).Traffic)
		}
		w.requests(lb, 1)
	}
	if got := w.group(name).Traffic; got.Requests > int64(2*many) || got.Errors != 0 {
		w.Errorf("traffic is %+v", got)
	}
}

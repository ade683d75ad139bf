// Package providertest is the definition of a provider: the cases that every
// implementation of package provider passes, the fake as well as real ones.
//
//	func TestConformance(t *testing.T) {
//		providertest.Run(t, func(t *testing.T) providertest.Harness { ... })
//	}
//
// The cases never sleep: they look, and look again when Watch reports a change.
package providertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// Harness is a provider, and what is needed to use it.
type Harness struct {
	Provider provider.Provider
	Region   string
	// Application is a name that only this harness uses. Server groups and load
	// balancers of others may be in the account too.
	Application string
	// Good returns a spec of a server group that becomes healthy, and drains and
	// stops within seconds. Account, region, application and artifact are set; a
	// case sets the rest. If there is a Get, requests to it answer version.
	Good func(version string) gennaker.ServerGroupSpec
	// Bad returns a spec whose instances can be started but never become healthy.
	Bad func() gennaker.ServerGroupSpec
	// Listen returns an address for a load balancer that nothing else uses.
	Listen func() string
	// Output is in a line that each instance of Good writes at its start.
	Output string
	// Get sends a request to a load balancer and returns the version that
	// answered, or an error if it was not answered well. It is called
	// concurrently. Nil if nothing serves.
	Get func(loadBalancer string) (version string, err error)
	// Job returns the spec of a job whose application is set and that writes
	// Output at its start. Nil if the provider runs no jobs.
	Job func(Kind) gennaker.JobSpec
}

// Kind is what becomes of a job.
type Kind string

// The kinds of jobs.
const (
	GoodJob    Kind = "good"    // writes "greeting=hello" into the file out.properties, which is its only output file, and exits with 0
	BadJob     Kind = "bad"     // exits with 3
	EndlessJob Kind = "endless" // runs until it is canceled
)

// deadline bounds a wait for something that should happen soon.
const deadline = 90 * time.Second

// Run runs all cases, each with a harness of its own, in parallel.
func Run(t *testing.T, factory func(t *testing.T) Harness) {
	t.Helper()
	cases := map[string]func(*world){
		"names and numbers":            naming,
		"create":                       create,
		"create refuses":               createInvalid,
		"bad never up":                 bad,
		"keys":                         keys,
		"keys of concurrent calls":     concurrentKeys,
		"enable and disable":           enableDisable,
		"disable by percent":           percent,
		"disable bounds":               percentBounds,
		"start disabled":               startDisabled,
		"resize":                       resize,
		"resize bounds":                resizeBounds,
		"resize disabled":              resizeDisabled,
		"destroy":                      destroy,
		"terminate":                    terminate,
		"not found":                    notFound,
		"load balancers":               loadBalancers,
		"load balancer refuses":        loadBalancerInvalid,
		"load balancer in use":         loadBalancerConflict,
		"inventory":                    inventory,
		"watch":                        watch,
		"logs":                         logs,
		"logs of a server group":       groupLogs,
		"logs follow":                  follow,
		"canceled":                     canceled,
		"requests reach enabled":       reach,
		"no request lost in a rollout": rollout,
		"no request lost in a churn":   churn,
		"requests are counted":         traffic,
		"jobs":                         jobs,
		"job fails":                    jobFails,
		"job refuses":                  jobInvalid,
		"job keys":                     jobKeys,
		"job canceled":                 jobCanceled,
		"job canceled before":          jobCanceledBefore,
		"job not found":                jobNotFound,
		"job logs follow":              jobFollow,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(start(t, factory(t)))
		})
	}
}

// world is a harness while it is watched.
type world struct {
	*testing.T
	Harness
	changes chan struct{} // holds one
	count   int           // keys made
}

func start(t *testing.T, h Harness) *world {
	t.Helper()
	w := &world{T: t, Harness: h, changes: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Provider.Watch(ctx, func(provider.Change) {
			select {
			case w.changes <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() { w.cleanUp(); cancel(); <-done })
	return w
}

// cleanUp destroys what the case left behind, so that real processes end.
func (w *world) cleanUp() {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	groups, err := w.Provider.ServerGroups(ctx, w.Application)
	if err != nil {
		w.Errorf("clean up: %v", err)
	}
	for _, g := range groups {
		if err := w.Provider.Destroy(ctx, "clean-up-"+g.Name, g.Ref()); err != nil {
			w.Errorf("clean up: %v", err)
		}
	}
}

// until looks until problem returns "".
func (w *world) until(problem func() string) {
	w.Helper()
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	for {
		last := problem()
		if last == "" {
			return
		}
		select {
		case <-w.changes:
		case <-timer.C:
			if last = problem(); last == "" {
				w.Fatal("it came, but Watch did not report it")
			}
			w.Fatalf("waited too long: %s", last)
		}
	}
}

// key returns a new key.
func (w *world) key() string {
	w.count++
	return fmt.Sprintf("%s-%d", w.Application, w.count)
}

func (w *world) ref(name string) gennaker.ServerGroupRef {
	return gennaker.ServerGroupRef{Account: w.Provider.Account.Name, Region: w.Region, Name: name}
}

// good returns a spec of n instances.
func (w *world) good(n int, lbs ...string) gennaker.ServerGroupSpec {
	spec := w.Good("v1")
	spec.Capacity = pinned(n)
	spec.LoadBalancers = lbs
	return spec
}

func pinned(n int) gennaker.Capacity { return gennaker.Capacity{Min: n, Max: n, Desired: n} }

func (w *world) create(spec gennaker.ServerGroupSpec) string {
	w.Helper()
	name, err := w.Provider.Create(w.Context(), w.key(), spec)
	if err != nil {
		w.Fatalf("Create: %v", err)
	}
	return name
}

// created creates a server group of n healthy instances.
func (w *world) created(n int, lbs ...string) string {
	w.Helper()
	name := w.create(w.good(n, lbs...))
	w.untilStates(name, gennaker.Up, n)
	return name
}

func (w *world) group(name string) gennaker.ServerGroup {
	w.Helper()
	g, err := w.Provider.ServerGroup(w.Context(), w.Region, name)
	if err != nil {
		w.Fatalf("ServerGroup: %v", err)
	}
	return g
}

// untilStates waits until the group has exactly n instances, all in state.
func (w *world) untilStates(name string, state gennaker.HealthState, n int) {
	w.Helper()
	w.until(func() string {
		g := w.group(name)
		if len(g.Instances) == n && len(inState(g, state)) == n {
			return ""
		}
		return fmt.Sprintf("%s should have %d instances that are %s, has %s", name, n, state, show(g))
	})
}

// untilGone waits until the group is not found.
func (w *world) untilGone(name string) {
	w.Helper()
	w.until(func() string {
		_, err := w.Provider.ServerGroup(w.Context(), w.Region, name)
		switch {
		case err == nil:
			return name + " still exists"
		case gennaker.KindOf(err) != gennaker.NotFound:
			return err.Error()
		}
		return ""
	})
}

func (w *world) balancer() string {
	w.Helper()
	w.count++
	name := fmt.Sprintf("%s-lb%d", w.Application, w.count) // no other application is called so
	w.upsert(name, w.Listen())
	return name
}

func (w *world) upsert(name, listen string) {
	w.Helper()
	if err := w.Provider.UpsertLoadBalancer(w.Context(), w.lb(name, listen)); err != nil {
		w.Fatalf("UpsertLoadBalancer: %v", err)
	}
}

func (w *world) lb(name, listen string) gennaker.LoadBalancer {
	return gennaker.LoadBalancer{
		Name: name, Account: w.Provider.Account.Name, Region: w.Region, Application: w.Application, Listen: listen,
	}
}

// findBalancer returns a load balancer, or nil.
func (w *world) findBalancer(name string) *gennaker.LoadBalancer {
	w.Helper()
	all, err := w.Provider.LoadBalancers(w.Context())
	if err != nil {
		w.Fatalf("LoadBalancers: %v", err)
	}
	i := slices.IndexFunc(all, func(lb gennaker.LoadBalancer) bool { return lb.Name == name && lb.Region == w.Region })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// must fails the case if an operation did.
func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// wantKind checks the kind of an error.
func (w *world) wantKind(what string, err error, want gennaker.Kind) {
	w.Helper()
	switch {
	case err == nil:
		w.Errorf("%s: no error, want %s", what, want)
	case gennaker.KindOf(err) != want:
		w.Errorf("%s: %v is %s, want %s", what, err, gennaker.KindOf(err), want)
	}
}

// inState returns the names of the instances in a state, sorted.
func inState(g gennaker.ServerGroup, state gennaker.HealthState) []string {
	names := []string{}
	for _, i := range g.Instances {
		if i.HealthState == state {
			names = append(names, i.Name)
		}
	}
	slices.Sort(names)
	return names
}

func instanceNames(g gennaker.ServerGroup) []string {
	names := []string{}
	for _, i := range g.Instances {
		names = append(names, i.Name)
	}
	slices.Sort(names)
	return names
}

func show(g gennaker.ServerGroup) string {
	var b strings.Builder
	for _, i := range g.Instances {
		fmt.Fprintf(&b, "[%s %s %s]", i.Name, i.HealthState, i.Reason)
	}
	return b.String()
}

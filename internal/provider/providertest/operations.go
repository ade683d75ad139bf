package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
)

func naming(w *world) {
	spec := w.good(1)
	spec.Stack, spec.Detail = "prod", "blue-1"
	prefix := w.Application + "-prod-blue-1-v00"
	for _, want := range []string{"0", "1", "2"} {
		if got := w.create(spec); got != prefix+want {
			w.Fatalf("Create: %q, want %q", got, prefix+want)
		}
	}
	w.must(w.Provider.Destroy(w.Context(), w.key(), w.ref(prefix+"2")))
	w.untilGone(prefix + "2")
	if got := w.create(spec); got != prefix+"3" {
		w.Errorf("Create: %q, want %q: numbers are not used again while the cluster has groups", got, prefix+"3")
	}

	for cluster, change := range map[string]func(*gennaker.ServerGroupSpec){
		"":        func(*gennaker.ServerGroupSpec) {},
		"-test":   func(s *gennaker.ServerGroupSpec) { s.Stack = "test" },
		"--green": func(s *gennaker.ServerGroupSpec) { s.Detail = "green" },
	} {
		spec := w.good(0)
		change(&spec)
		name := w.create(spec)
		if want := w.Application + cluster + "-v000"; name != want {
			w.Errorf("Create: %q, want %q", name, want)
		}
		want := gennaker.Moniker{
			App: w.Application, Stack: spec.Stack, Detail: spec.Detail,
			Cluster: w.Application + cluster, Sequence: new(0),
		}
		if diff := cmp.Diff(want, w.group(name).Moniker); diff != "" {
			w.Errorf("moniker (-want +got):\n%s", diff)
		}
	}
}

func create(w *world) {
	lb := w.balancer()
	spec := w.good(2, lb)
	spec.Capacity = gennaker.Capacity{Min: 1, Max: 3, Desired: 2}
	name := w.create(spec)
	w.untilStates(name, gennaker.Up, 2)
	g := w.group(name)

	if diff := cmp.Diff(w.ref(name), g.Ref()); diff != "" {
		w.Errorf("reference (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(spec.Capacity, g.Capacity); diff != "" {
		w.Errorf("capacity (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{lb}, g.LoadBalancers); diff != "" {
		w.Errorf("load balancers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(gennaker.InstanceCounts{Total: 2, Up: 2}, g.InstanceCounts); diff != "" {
		w.Errorf("instance counts (-want +got):\n%s", diff)
	}
	if g.Disabled || g.Destroying || g.Weight != 100 || g.Cluster != w.Application || g.CloudProvider != w.Provider.Account.CloudProvider {
		w.Errorf("server group is %+v", g)
	}
	if g.LaunchConfig == nil || g.LaunchConfig.Artifact.Reference != spec.Artifact.Reference {
		w.Errorf("launch config is %+v, want artifact %s", g.LaunchConfig, spec.Artifact.Reference)
	}
	for _, i := range g.Instances {
		w.checkHealth(i)
	}
}

// checkHealth checks the sources of an instance that is Up.
func (w *world) checkHealth(i gennaker.Instance) {
	w.Helper()
	var platform, traffic bool
	for _, h := range i.Health {
		if h.Class == gennaker.PlatformClass {
			platform = platform || h.State == gennaker.Unknown || h.State == gennaker.Up
			continue
		}
		traffic = traffic || h.State == gennaker.Up
	}
	if !platform || !traffic {
		w.Errorf("health of an Up instance is %+v, want one of the platform and one that is Up", i.Health)
	}
	if i.Reason != "" {
		w.Errorf("an Up instance has reason %q", i.Reason)
	}
}

func createInvalid(w *world) {
	for name, change := range map[string]func(*gennaker.ServerGroupSpec){
		"no artifact":           func(s *gennaker.ServerGroupSpec) { s.Artifact = gennaker.RunArtifact{} },
		"missing artifact":      func(s *gennaker.ServerGroupSpec) { s.Artifact.Reference = "/nonexistent/artifact.tar.gz" },
		"wrong digest":          func(s *gennaker.ServerGroupSpec) { s.Artifact.Digest = "sha256:" + strings.Repeat("0", 64) },
		"unknown load balancer": func(s *gennaker.ServerGroupSpec) { s.LoadBalancers = []string{"no-such"} },
		"unknown region":        func(s *gennaker.ServerGroupSpec) { s.Region = "no-such" },
		"negative capacity":     func(s *gennaker.ServerGroupSpec) { s.Capacity = gennaker.Capacity{Min: -1, Max: 1, Desired: 1} },
		"desired over max":      func(s *gennaker.ServerGroupSpec) { s.Capacity = gennaker.Capacity{Min: 1, Max: 1, Desired: 2} },
		"no application":        func(s *gennaker.ServerGroupSpec) { s.Application = "" },
		"bad stack":             func(s *gennaker.ServerGroupSpec) { s.Stack = "a/b" },
	} {
		spec := w.good(1)
		change(&spec)
		key := w.key()
		_, err := w.Provider.Create(w.Context(), key, spec)
		w.wantKind(name, err, gennaker.Invalid)
	}
	groups, err := w.Provider.ServerGroups(w.Context(), w.Application)
	w.must(err)
	if len(groups) != 0 {
		w.Errorf("refused, but there are %d server groups", len(groups))
	}
}

func bad(w *world) {
	spec := w.Bad()
	spec.Capacity = pinned(1)
	name := w.create(spec)
	w.until(func() string {
		g := w.group(name)
		if up := inState(g, gennaker.Up); len(up) > 0 {
			w.Fatalf("%v came Up", up)
		}
		if len(g.Instances) == 1 && g.Instances[0].Reason != "" {
			return ""
		}
		return "the instance should say why it is not Up, is " + show(g)
	})
	w.must(w.Provider.Destroy(w.Context(), w.key(), w.ref(name)))
	w.untilGone(name)
}

// keys checks that a key that was done changes nothing, whatever came after it.
func keys(w *world) {
	ctx, p := w.Context(), w.Provider
	first, err := p.Create(ctx, "create-"+w.Application, w.good(1))
	w.must(err)
	again, err := p.Create(ctx, "create-"+w.Application, w.good(1))
	w.must(err)
	if first != again {
		w.Fatalf("Create with one key: %q, then %q", first, again)
	}
	ref := w.ref(first)
	w.untilStates(first, gennaker.Up, 1)

	disable, enable := w.key(), w.key()
	w.must(p.Disable(ctx, disable, ref, 100))
	w.must(p.Enable(ctx, enable, ref))
	w.must(p.Disable(ctx, disable, ref, 100))
	if w.group(first).Disabled {
		w.Error("Disable with a key that was done disabled again")
	}
	w.must(p.Disable(ctx, w.key(), ref, 100))
	w.must(p.Enable(ctx, enable, ref))
	if !w.group(first).Disabled {
		w.Error("Enable with a key that was done enabled again")
	}

	up, down := w.key(), w.key()
	w.must(p.Resize(ctx, up, ref, pinned(2)))
	w.must(p.Resize(ctx, down, ref, pinned(1)))
	w.must(p.Resize(ctx, up, ref, pinned(2)))
	if got := w.group(first).Capacity; got != pinned(1) {
		w.Errorf("Resize with a key that was done resized again, to %+v", got)
	}
	w.untilStates(first, gennaker.OutOfService, 1)

	terminate := w.key()
	old := instanceNames(w.group(first))
	w.must(p.Terminate(ctx, terminate, ref, old))
	w.untilReplaced(first, old, gennaker.OutOfService, 1)
	w.must(p.Terminate(ctx, terminate, ref, old))

	destroy := w.key()
	w.must(p.Destroy(ctx, destroy, ref))
	w.untilGone(first)
	w.must(p.Destroy(ctx, destroy, ref))
	gone, err := p.Create(ctx, "create-"+w.Application, w.good(1))
	w.must(err)
	if gone != first {
		w.Errorf("Create with a key that was done: %q, want %q", gone, first)
	}
	groups, err := p.ServerGroups(ctx, w.Application)
	w.must(err)
	if len(groups) != 0 {
		w.Errorf("Create with a key that was done made a server group again: %v", groups)
	}
}

// concurrently runs f n times at once and returns the answers.
func concurrently(n int, f func() (string, error)) (answers []string, errs []error) {
	answers, errs = make([]string, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { answers[i], errs[i] = f() })
	}
	wg.Wait()
	return answers, errs
}

func concurrentKeys(w *world) {
	const n = 8
	ctx, key := w.Context(), w.key()
	names, errs := concurrently(n, func() (string, error) { return w.Provider.Create(ctx, key, w.good(1)) })
	w.must(errors.Join(errs...))
	for i := range names {
		if names[i] != names[0] {
			w.Fatalf("Create with one key at once: %q and %q", names[0], names[i])
		}
	}
	other := w.key()
	names, errs = concurrently(n, func() (string, error) { return w.Provider.Create(ctx, other, w.good(0)) })
	w.must(errors.Join(errs...))
	groups, err := w.Provider.ServerGroups(ctx, w.Application)
	w.must(err)
	if len(groups) != 2 {
		w.Errorf("%d server groups, want 2 for two keys", len(groups))
	}
	ref := w.ref(names[0])
	var count atomic.Int32
	others, errs := concurrently(n, func() (string, error) {
		return w.Provider.Create(ctx, fmt.Sprintf("%s-other-%d", key, count.Add(1)), w.good(0))
	})
	w.must(errors.Join(errs...))
	slices.Sort(others)
	if got := slices.Compact(slices.Clone(others)); len(got) != n {
		w.Errorf("Create with %d keys at once: %v, want %d names", n, others, n)
	}
	for name, op := range map[string]func(key string) error{
		"Resize":    func(key string) error { return w.Provider.Resize(ctx, key, ref, pinned(0)) },
		"Disable":   func(key string) error { return w.Provider.Disable(ctx, key, ref, 100) },
		"Enable":    func(key string) error { return w.Provider.Enable(ctx, key, ref) },
		"Terminate": func(key string) error { return w.Provider.Terminate(ctx, key, ref, []string{"no-such"}) },
	} {
		key := w.key()
		_, errs := concurrently(n, func() (string, error) { return "", op(key) })
		for _, err := range errs {
			if err != nil {
				w.Errorf("%s with one key at once: %v", name, err)
			}
		}
	}
	key = w.key()
	_, errs = concurrently(n, func() (string, error) { return "", w.Provider.Destroy(ctx, key, ref) })
	w.must(errors.Join(errs...))
	w.untilGone(names[0])
}

func enableDisable(w *world) {
	lb := w.balancer()
	name := w.created(2, lb)
	w.must(w.Provider.Disable(w.Context(), w.key(), w.ref(name), 100))
	if !w.group(name).Disabled {
		w.Error("not disabled when Disable returned")
	}
	w.untilStates(name, gennaker.OutOfService, 2)
	if got := w.inService(lb, name); got != 0 {
		w.Errorf("%d instances in service of a disabled server group", got)
	}
	w.must(w.Provider.Disable(w.Context(), w.key(), w.ref(name), 100)) // a disabled one stays so
	w.must(w.Provider.Enable(w.Context(), w.key(), w.ref(name)))
	if w.group(name).Disabled {
		w.Error("disabled when Enable returned")
	}
	w.untilStates(name, gennaker.Up, 2)
	w.until(func() string {
		if got := w.inService(lb, name); got != 2 {
			return "both instances should be in service again"
		}
		return ""
	})
	w.must(w.Provider.Enable(w.Context(), w.key(), w.ref(name)))
}

// inService returns how many instances of a server group a load balancer uses.
func (w *world) inService(lb, name string) int {
	w.Helper()
	b := w.findBalancer(lb)
	if b == nil {
		w.Fatalf("there is no load balancer %s", lb)
	}
	for _, g := range b.ServerGroups {
		if g.Name == name {
			return g.InService
		}
	}
	w.Fatalf("%s is not behind %s: %+v", name, lb, b.ServerGroups)
	return 0
}

// percent: ceil, counted with those that already are, the same ones.
func percent(w *world) {
	ctx := w.Context()
	name := w.created(3)
	ref := w.ref(name)
	var before []string
	for _, tt := range []struct {
		percent, out int
		disabled     bool
	}{{34, 2, false}, {10, 2, false}, {50, 2, false}, {67, 3, false}, {100, 3, true}} {
		w.must(w.Provider.Disable(ctx, w.key(), ref, tt.percent))
		w.until(func() string {
			if g := w.group(name); len(inState(g, gennaker.OutOfService)) != tt.out || len(inState(g, gennaker.Up)) != 3-tt.out {
				return show(g)
			}
			return ""
		})
		g := w.group(name)
		if g.Disabled != tt.disabled {
			w.Errorf("after %d percent disabled is %v", tt.percent, g.Disabled)
		}
		out := inState(g, gennaker.OutOfService)
		for _, i := range before {
			if !slices.Contains(out, i) {
				w.Errorf("after %d percent %v are out, and %s is not any more", tt.percent, out, i)
			}
		}
		before = out
	}
	w.must(w.Provider.Enable(ctx, w.key(), ref))
	w.untilStates(name, gennaker.Up, 3)

	// Instances that start later are in service unless the group is disabled.
	w.must(w.Provider.Disable(ctx, w.key(), ref, 30))
	w.must(w.Provider.Resize(ctx, w.key(), ref, pinned(4)))
	w.until(func() string {
		if g := w.group(name); len(inState(g, gennaker.OutOfService)) != 1 || len(inState(g, gennaker.Up)) != 3 {
			return show(g)
		}
		return ""
	})
}

func percentBounds(w *world) {
	name := w.create(w.good(0))
	for _, n := range []int{-1, 101} {
		w.wantKind("Disable", w.Provider.Disable(w.Context(), w.key(), w.ref(name), n), gennaker.Invalid)
	}
}

func startDisabled(w *world) {
	lb := w.balancer()
	spec := w.good(1, lb)
	spec.Disabled, spec.Weight = true, 30
	name := w.create(spec)
	if !w.group(name).Disabled {
		w.Error("not disabled when Create returned")
	}
	w.untilStates(name, gennaker.OutOfService, 1)
	if got := w.findBalancer(lb).ServerGroups; len(got) != 1 || !got[0].Disabled || got[0].InService != 0 || got[0].Weight != 30 {
		w.Errorf("behind the load balancer: %+v, want it disabled, of weight 30, with nothing in service", got)
	}
	w.must(w.Provider.Enable(w.Context(), w.key(), w.ref(name)))
	w.untilStates(name, gennaker.Up, 1)
}

func resize(w *world) {
	ctx := w.Context()
	name := w.created(1)
	ref := w.ref(name)
	first := instanceNames(w.group(name))
	to := gennaker.Capacity{Min: 1, Max: 5, Desired: 3}
	w.must(w.Provider.Resize(ctx, w.key(), ref, to))
	if got := w.group(name).Capacity; got != to {
		w.Errorf("capacity is %+v when Resize returned, want %+v", got, to)
	}
	w.untilStates(name, gennaker.Up, 3)
	three := instanceNames(w.group(name))
	if !slices.Contains(three, first[0]) {
		w.Errorf("Resize up replaced %s: %v", first[0], three)
	}
	w.must(w.Provider.Resize(ctx, w.key(), ref, pinned(2)))
	w.untilStates(name, gennaker.Up, 2)
	for _, i := range instanceNames(w.group(name)) {
		if !slices.Contains(three, i) {
			w.Errorf("Resize down started %s", i)
		}
	}
	w.must(w.Provider.Resize(ctx, w.key(), ref, pinned(0)))
	w.untilStates(name, gennaker.Up, 0)
	w.must(w.Provider.Resize(ctx, w.key(), ref, pinned(1)))
	w.untilStates(name, gennaker.Up, 1)
}

func resizeBounds(w *world) {
	name := w.create(w.good(0))
	for what, to := range map[string]gennaker.Capacity{
		"negative":         {Min: -1, Max: 1, Desired: 0},
		"desired over max": {Min: 0, Max: 1, Desired: 2},
		"desired below min": {
			Min: 2, Max: 3, Desired: 1,
		},
		"too many": pinned(gennaker.MaxInstances + 1),
	} {
		w.wantKind(what, w.Provider.Resize(w.Context(), w.key(), w.ref(name), to), gennaker.Invalid)
	}
	if got := w.group(name).Capacity; got != pinned(0) {
		w.Errorf("capacity is %+v after refused resizes", got)
	}
}

func resizeDisabled(w *world) {
	name := w.created(1)
	w.must(w.Provider.Disable(w.Context(), w.key(), w.ref(name), 100))
	w.must(w.Provider.Resize(w.Context(), w.key(), w.ref(name), pinned(2)))
	w.untilStates(name, gennaker.OutOfService, 2)
}

func destroy(w *world) {
	ctx := w.Context()
	lb := w.balancer()
	name := w.created(1, lb)
	w.must(w.Provider.Destroy(ctx, w.key(), w.ref(name)))
	if g, err := w.Provider.ServerGroup(ctx, w.Region, name); err == nil && !(g.Destroying && g.Disabled) {
		w.Errorf("after Destroy it is there and destroying=%v, disabled=%v", g.Destroying, g.Disabled)
	}
	w.must(w.Provider.Destroy(ctx, w.key(), w.ref(name)))
	w.untilGone(name)
	w.must(w.Provider.Destroy(ctx, w.key(), w.ref(name)))
	w.must(w.Provider.Destroy(ctx, w.key(), w.ref(w.Application+"-never-v007")))
	if b := w.findBalancer(lb); b == nil || len(b.ServerGroups) != 0 {
		w.Errorf("behind the load balancer after Destroy: %+v", b)
	}
}

// untilReplaced waits until there are n instances in state, none of them old.
func (w *world) untilReplaced(name string, old []string, state gennaker.HealthState, n int) {
	w.Helper()
	w.until(func() string {
		g := w.group(name)
		for _, i := range instanceNames(g) {
			if slices.Contains(old, i) {
				return i + " should go, is in " + show(g)
			}
		}
		if len(inState(g, state)) != n {
			return show(g)
		}
		return ""
	})
}

func terminate(w *world) {
	name := w.created(2)
	old := instanceNames(w.group(name))
	w.must(w.Provider.Terminate(w.Context(), w.key(), w.ref(name), []string{old[0], "no-such"}))
	w.untilReplaced(name, old[:1], gennaker.Up, 2)
	if got := instanceNames(w.group(name)); !slices.Contains(got, old[1]) {
		w.Errorf("Terminate of %s also replaced %s: %v", old[0], old[1], got)
	}
}

func notFound(w *world) {
	ctx, p := w.Context(), w.Provider
	name := w.Application + "-v042"
	for _, ref := range []gennaker.ServerGroupRef{w.ref(name), {Account: p.Account.Name, Region: "no-such", Name: name}} {
		_, err := p.ServerGroup(ctx, ref.Region, ref.Name)
		w.wantKind("ServerGroup", err, gennaker.NotFound)
		w.wantKind("Resize", p.Resize(ctx, w.key(), ref, pinned(1)), gennaker.NotFound)
		w.wantKind("Enable", p.Enable(ctx, w.key(), ref), gennaker.NotFound)
		w.wantKind("Disable", p.Disable(ctx, w.key(), ref, 100), gennaker.NotFound)
		w.wantKind("Terminate", p.Terminate(ctx, w.key(), ref, nil), gennaker.NotFound)
		_, err = p.Logs.Logs(ctx, ref, "", 10, false)
		w.wantKind("Logs", err, gennaker.NotFound)
	}
}

// canceled checks that calls stop with their context.
func canceled(w *world) {
	name := w.create(w.good(0))
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	if err := w.Provider.Resize(ctx, w.key(), w.ref(name), pinned(1)); err == nil {
		w.Error("Resize answered when its context had ended")
	}
	if _, err := w.Provider.ServerGroups(ctx, w.Application); err == nil {
		w.Error("ServerGroups answered when its context had ended")
	}
}

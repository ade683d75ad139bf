package fake_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/fake"
)

func spec(n int) gennaker.ServerGroupSpec {
	return gennaker.ServerGroupSpec{
		Account: "fake", Region: "local", Application: "demo", Artifact: gennaker.RunArtifact{Reference: "/app"},
		Capacity: gennaker.Capacity{Min: n, Max: n, Desired: n},
	}
}

func scripted(s fake.Script) *fake.Provider {
	return fake.New(fake.Config{Script: func(gennaker.ServerGroupSpec) fake.Script { return s }})
}

func ref(name string) gennaker.ServerGroupRef {
	return gennaker.ServerGroupRef{Account: "fake", Region: "local", Name: name}
}

func create(t *testing.T, p *fake.Provider, key string, n int) string {
	t.Helper()
	name, err := p.Create(t.Context(), key, spec(n))
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// states returns the health of each instance, in order; "gone" without a group.
func states(t *testing.T, p *fake.Provider, name string) string {
	t.Helper()
	g, err := p.ServerGroup(t.Context(), "local", name)
	if gennaker.KindOf(err) == gennaker.NotFound {
		return "gone"
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range g.Instances {
		out = append(out, string(i.HealthState))
	}
	return strings.Join(out, " ")
}

func wantStates(t *testing.T, p *fake.Provider, name string, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := states(t, p, name); got != w {
			t.Errorf("instances are %q, want %q", got, w)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pace   fake.Pace
		looks  []string
		finish string
	}{
		"at once":     {fake.AtOnce(), []string{"Up", "Up"}, "Up"},
		"after looks": {fake.AfterLooks(3), []string{"Starting", "Starting", "Up", "Up"}, "Up"},
		"on command":  {fake.OnCommand(), []string{"Starting", "Starting"}, "Up"},
		"never":       {fake.Never(), []string{"Down", "Down"}, "Down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := scripted(fake.Script{Start: tt.pace})
			group := create(t, p, "k", 1)
			wantStates(t, p, group, tt.looks...)
			p.Finish(group)
			wantStates(t, p, group, tt.finish)
		})
	}
}

func TestDrainAndStop(t *testing.T) {
	t.Parallel()
	p := scripted(fake.Script{Drain: fake.OnCommand(), Stop: fake.AfterLooks(2)})
	group := create(t, p, "k", 2)
	must(t, p.Disable(t.Context(), "d", ref(group), 50))
	wantStates(t, p, group, "Draining Up", "Draining Up")
	must(t, p.Destroy(t.Context(), "x", ref(group)))
	wantStates(t, p, group, "Draining Draining")
	if err := p.Enable(t.Context(), "e", ref(group)); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("Enable of a server group that is being destroyed: %v", err)
	}
	p.Finish(group)
	wantStates(t, p, group, "gone")

	group = create(t, p, "k2", 1)
	must(t, p.Resize(t.Context(), "r", ref(group), gennaker.Capacity{}))
	wantStates(t, p, group, "Draining")
	p.Finish(group)
	wantStates(t, p, group, "")
	must(t, p.Destroy(t.Context(), "x2", ref(group)))
	wantStates(t, p, group, "", "gone")
}

func TestSetHealth(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Config{})
	group := create(t, p, "k", 2)
	g, err := p.ServerGroup(t.Context(), "local", group)
	must(t, err)
	name := g.Instances[0].Name
	p.SetHealth(name, gennaker.Down, "it crashed")
	wantStates(t, p, group, "Down Up")
	g, err = p.ServerGroup(t.Context(), "local", group)
	must(t, err)
	if g.Instances[0].Reason != "it crashed" || g.InstanceCounts.Down != 1 {
		t.Errorf("instance is %+v", g.Instances[0])
	}
	p.SetHealth(name, gennaker.Up, "")
	wantStates(t, p, group, "Up Up")
}

func TestFail(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Config{})
	p.Fail(fake.Create, 2, gennaker.Unavailable)
	for range 2 {
		if _, err := p.Create(t.Context(), "k", spec(1)); gennaker.KindOf(err) != gennaker.Unavailable {
			t.Errorf("Create: %v, want it to fail", err)
		}
	}
	if got := p.Effects(); len(got) != 0 {
		t.Errorf("failed, but did %v", got)
	}
	create(t, p, "k", 1)
	if got := p.Calls(fake.Create); got != 3 {
		t.Errorf("%d calls, want 3", got)
	}
	p.Fail(fake.Read, 1, gennaker.Internal)
	if _, err := p.LoadBalancers(t.Context()); gennaker.KindOf(err) != gennaker.Internal {
		t.Errorf("LoadBalancers: %v, want it to fail", err)
	}
}

func TestLose(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Config{})
	p.Lose(fake.Create, 1)
	if _, err := p.Create(t.Context(), "k", spec(1)); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("Create: %v, want its answer lost", err)
	}
	name := create(t, p, "k", 1)
	must(t, p.Disable(t.Context(), "d", ref(name), 100))
	p.Lose(fake.UpsertLoadBalancer, 1)
	lb := gennaker.LoadBalancer{Name: "lb", Region: "local", Listen: "127.0.0.1:1"}
	if err := p.UpsertLoadBalancer(t.Context(), lb); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("UpsertLoadBalancer: %v, want its answer lost", err)
	}
	must(t, p.UpsertLoadBalancer(t.Context(), lb))
	must(t, p.DeleteLoadBalancer(t.Context(), "local", "lb"))
	want := []fake.Effect{
		{Op: fake.Create, Key: "k", Target: name}, {Op: fake.Disable, Key: "d", Target: name},
		{Op: fake.UpsertLoadBalancer, Target: "lb"}, {Op: fake.DeleteLoadBalancer, Target: "lb"},
	}
	if diff := cmp.Diff(want, p.Effects()); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

func TestBlock(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Config{})
	entered, release := p.Block(fake.Create)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("the stage was canceled")
	errs := make(chan error)
	go func() {
		_, err := p.Create(ctx, "k", spec(1))
		errs <- err
	}()
	<-entered
	cancel(stopped)
	if err := <-errs; !errors.Is(err, stopped) {
		t.Errorf("Create: %v, want the cause of the end", err)
	}
	go func() {
		_, err := p.Create(t.Context(), "k", spec(1))
		errs <- err
	}()
	release()
	release() // again is nothing
	must(t, <-errs)
	create(t, p, "k2", 1)
	if got := len(p.Effects()); got != 2 {
		t.Errorf("%d effects, want 2", got)
	}
}

// The fake refuses what is a mistake of its caller.
func TestStrict(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Config{})
	name := create(t, p, "k", 1)
	for what, err := range map[string]error{
		"no key":                p.Enable(t.Context(), "", ref(name)),
		"key of another op":     p.Enable(t.Context(), "k", ref(name)),
		"key of another target": second(p.Create(t.Context(), "k", gennaker.ServerGroupSpec{Application: "other", Region: "local"})),
		"other account":         second(p.Create(t.Context(), "k3", gennaker.ServerGroupSpec{Account: "x", Application: "demo", Region: "local"})),
		"negative tail":         second(p.Logs(t.Context(), ref(name), "", -1, false)),
		"negative drain": second(p.Create(t.Context(), "k4", gennaker.ServerGroupSpec{
			Account: "fake", Application: "demo", Region: "local", Artifact: gennaker.RunArtifact{Reference: "/app"}, DrainSeconds: -1,
		})),
	} {
		if gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("%s: %v, want Invalid", what, err)
		}
	}
	other := ref(name)
	other.Account = "x"
	if err := p.Enable(t.Context(), "e", other); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("Enable in another account: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestNumbersWrap(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Config{})
	keep := create(t, p, "keep", 0)
	last := ""
	for i := range gennaker.MaxSequence {
		last = create(t, p, "k"+string(rune('0'+i)), 0)
		if i < gennaker.MaxSequence-1 {
			must(t, p.Destroy(t.Context(), "d"+last, ref(last)))
		}
	}
	if keep != "demo-v000" || last != "demo-v001" {
		t.Errorf("the first is %s and the one after 999 is %s, want demo-v000 and, as that is taken, demo-v001", keep, last)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	p := scripted(fake.Script{Output: "started\n"})
	group := create(t, p, "k", 1)
	g, err := p.ServerGroup(t.Context(), "local", group)
	must(t, err)
	name := g.Instances[0].Name
	r, err := p.Logs(t.Context(), ref(group), name, 4, true)
	must(t, err)
	p.Write(name, "more")
	must(t, p.Terminate(t.Context(), "t", ref(group), []string{name})) // what it wrote is kept
	var got strings.Builder
	buf := make([]byte, 3)
	for got.Len() < len("ted\nmore") {
		n, err := r.Read(buf)
		must(t, err)
		got.Write(buf[:n])
	}
	if got.String() != "ted\nmore" {
		t.Errorf("read %q", got.String())
	}
	must(t, r.Close())
	if _, err := r.Read(buf); !errors.Is(err, io.EOF) {
		t.Errorf("after Close: %v, want EOF", err)
	}
}

// What is read is the reader's.
func TestViewsShareNothing(t *testing.T) {
	t.Parallel()
	p := fake.New(fake.Config{})
	name := create(t, p, "k", 1)
	a, err := p.ServerGroup(t.Context(), "local", name)
	must(t, err)
	want, err := p.ServerGroup(t.Context(), "local", name)
	must(t, err)
	a.Instances[0].Name = "x"
	*a.Moniker.Sequence = 9
	a.LaunchConfig.Application = "x"
	got, err := p.ServerGroup(t.Context(), "local", name)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a reader changed the server group (-want +got):\n%s", diff)
	}
}

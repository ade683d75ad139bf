package node_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/durable"
	"github.com/gennaker/gennaker/internal/node"
	"github.com/gennaker/gennaker/internal/node/state"
	"github.com/gennaker/gennaker/internal/provider/local"
)

type nodeConfig struct {
	logBytes  int64
	writeFile func(string, []byte) error
	keepJobs  int
	shim      []string
}

// running is a node in this process.
type running struct {
	h      *harness
	cancel context.CancelFunc
	done   chan error
}

// inProcess runs a node in this process, in the directory of h, whose own node
// does not run.
func inProcess(t *testing.T, h *harness, cfg nodeConfig) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{h: h, cancel: cancel, done: make(chan error, 1)}
	go func() {
		r.done <- node.Run(ctx, node.Config{
			Dir: h.dir, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), LogBytes: cfg.logBytes, WriteFile: cfg.writeFile,
			KeepJobs: cfg.keepJobs, Shim: cfg.shim,
		})
	}()
	if err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// stop ends the node, by the API with its instances, or by its context.
func (r *running) stop(instances bool) {
	r.h.Helper()
	if instances {
		if err := r.h.Stop(r.h.Context(), true); err != nil {
			r.h.Fatal(err)
		}
	}
	defer r.cancel()
	if !instances {
		r.cancel()
	}
	if err := <-r.done; err != nil {
		r.h.Fatal(err)
	}
}

// down stops the node process of h and leaves its instances.
func (h *harness) down() {
	h.Helper()
	if err := h.Stop(h.Context(), false); err != nil {
		h.Fatal(err)
	}
	if err := h.cmd.Wait(); err != nil {
		h.Fatal(err)
	}
	h.cmd = nil
}

func newClient(t *testing.T, dir string) *local.Client {
	t.Helper()
	c := local.New(dir, "local")
	t.Cleanup(c.Close)
	return c
}

func pids(g gennaker.ServerGroup) map[string]int {
	m := map[string]int{}
	for _, i := range g.Instances {
		m[i.Name] = i.PID
	}
	return m
}

// TestKilledNode: the node is killed again and again under load. Instances run
// on, nothing is lost or doubled, and traffic is back.
func TestKilledNode(t *testing.T) {
	h := newHarness(t)
	address := h.balancer("lb")
	spec := h.spec(3, "", "lb")
	spec.HealthCheck.HealthyThreshold, spec.HealthCheck.IntervalMS = 10, 100
	serving := h.create(spec)
	dark := h.create(h.spec(2, "", "lb"))
	before := pids(h.untilState(serving, gennaker.Up, 3))
	h.untilState(dark, gennaker.Up, 2)
	if err := h.Disable(t.Context(), h.key(), dark, 50); err != nil {
		t.Fatal(err)
	}

	var answered, wrong atomic.Int64
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 2 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				body, err := get(context.Background(), address, "/")
				switch {
				case err == nil && body == "v1":
					answered.Add(1)
				case err == nil:
					wrong.Add(1)
				}
			}
		})
	}
	defer func() { close(stop); load.Wait() }()

	for range 3 {
		h.untilSaved(serving)
		h.kill()
		if got := len(h.processes()); got != 5 {
			t.Fatalf("%d processes run without the node, want 5", got)
		}
		h.run()
		// Healthy before, so healthy at once: ten checks would take a second.
		g := h.group(serving)
		if diff := cmp.Diff(before, pids(g)); diff != "" {
			t.Fatalf("other processes after the restart (-want +got):\n%s", diff)
		}
		if g.InstanceCounts.Up != 3 {
			t.Errorf("counts at once: %+v", g.InstanceCounts)
		}
		if d := h.group(dark); d.Disabled || d.InstanceCounts.OutOfService != 1 {
			t.Errorf("the half-disabled group is %+v", d.InstanceCounts)
		}
		start := answered.Load()
		h.until(func() string {
			if answered.Load() < start+20 {
				return "traffic is not back"
			}
			return ""
		})
		if got := len(h.processes()); got != 5 {
			t.Fatalf("%d processes run after the restart, want 5", got)
		}
	}
	if wrong.Load() > 0 {
		t.Errorf("%d requests were answered wrongly", wrong.Load())
	}
}

// TestKilledInTheMiddle: operations that were decided go on after a crash.
func TestKilledInTheMiddle(t *testing.T) {
	h := newHarness(t)
	doomed := h.create(h.spec(2, "stubborn"))
	h.untilState(doomed, gennaker.Up, 2)
	growing := h.create(h.spec(1, ""))
	h.untilState(growing, gennaker.Up, 1)
	if err := h.Destroy(t.Context(), h.key(), doomed); err != nil {
		t.Fatal(err)
	}
	to := gennaker.Capacity{Min: 4, Max: 4, Desired: 4}
	if err := h.Resize(t.Context(), h.key(), growing, to); err != nil {
		t.Fatal(err)
	}
	h.kill() // while instances of one start and of the other stop
	h.run()
	h.untilState(growing, gennaker.Up, 4)
	if g, err := h.ServerGroup(t.Context(), doomed.Region, doomed.Name); err == nil && !g.Destroying {
		t.Error("the destroy is forgotten")
	}
	for pid, name := range h.processes() { // they ignore SIGTERM; do not wait 20 s
		if strings.HasPrefix(name, doomed.Name) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	h.untilGone(doomed)
	names := slices.Sorted(maps.Values(h.processes()))
	want := []string{}
	for _, i := range h.group(growing).Instances {
		want = append(want, i.Name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("processes (-want +got):\n%s", diff)
	}
}

// TestForkedButNotWrittenDown: a crash between the fork and its record.
func TestForkedButNotWrittenDown(t *testing.T) {
	h := newHarness(t)
	ref := h.create(h.spec(1, ""))
	before := h.untilState(ref, gennaker.Up, 1).Instances[0]
	h.kill()
	path := filepath.Join(h.dir, "state", "groups", ref.Name+".json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := state.DecodeGroup(b)
	if err != nil {
		t.Fatal(err)
	}
	store, _, err := state.Open(filepath.Join(h.dir, "state"), nil)
	if err != nil {
		t.Fatal(err)
	}
	in := &g.Instances[0]
	in.PID, in.StartTicks, in.Port, in.Healthy = 0, 0, 0, false
	if err := store.SaveGroup(g); err != nil {
		t.Fatal(err)
	}
	h.run()
	after := h.untilState(ref, gennaker.Up, 1).Instances[0]
	if after.PID != before.PID || after.Address != before.Address || after.Restarts != 0 {
		t.Errorf("it was %+v and is %+v", before, after)
	}
}

// TestOrphan: what runs for no instance is killed when the node starts.
func TestOrphan(t *testing.T) {
	h := newHarness(t)
	ref := h.create(h.spec(1, ""))
	h.untilState(ref, gennaker.Up, 1)
	h.kill()
	if err := os.Remove(filepath.Join(h.dir, "state", "groups", ref.Name+".json")); err != nil {
		t.Fatal(err)
	}
	h.run()
	h.until(func() string {
		if left := h.processes(); len(left) > 0 {
			return fmt.Sprintf("processes are left: %v", left)
		}
		return ""
	})
}

// TestBrokenState: a broken file does not stop the rest, its name is not given
// away again, and what may belong to it is left alone until it is mended.
func TestBrokenState(t *testing.T) {
	h := newHarness(t)
	broken, good := h.create(h.spec(1, "")), h.create(h.spec(1, ""))
	pid := h.untilState(broken, gennaker.Up, 1).Instances[0].PID
	h.untilState(good, gennaker.Up, 1)
	h.down()
	path := filepath.Join(h.dir, "state", "groups", broken.Name+".json")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	h.run()
	status, err := h.Ping(t.Context())
	if err != nil || len(status.Problems) != 2 {
		t.Errorf("problems are %q, %v", status.Problems, err)
	}
	h.untilState(good, gennaker.Up, 1)
	if third := h.create(h.spec(0, "")); third.Name != "demo-v002" {
		t.Errorf("the next is %s", third.Name)
	}
	h.down()
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	h.run()
	if got := h.untilState(broken, gennaker.Up, 1).Instances[0].PID; got != pid {
		t.Errorf("after mending process %d runs, want %d", got, pid)
	}
}

func TestStopInstances(t *testing.T) {
	h := newHarness(t)
	ref := h.create(h.spec(2, ""))
	h.untilState(ref, gennaker.Up, 2)
	if err := h.Stop(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Wait(); err != nil {
		t.Error(err)
	}
	if left := h.processes(); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	_, err := h.ServerGroups(t.Context(), "")
	if gennaker.KindOf(err) != gennaker.Unavailable || gennaker.HintOf(err) == "" {
		t.Errorf("without a node: %v, hint %q", err, gennaker.HintOf(err))
	}
	h.run()
	h.untilState(ref, gennaker.Up, 2)
}

func TestOneNodePerDirectory(t *testing.T) {
	h := newHarness(t)
	err := node.Run(t.Context(), node.Config{Dir: h.dir})
	if gennaker.KindOf(err) != gennaker.Conflict || !strings.Contains(err.Error(), fmt.Sprint(h.cmd.Process.Pid)) {
		t.Errorf("got %v", err)
	}
}

func TestSocketOfALongDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 40))
	h := &harness{T: t, dir: dir, changes: make(chan struct{}, 1)}
	h.Client = newClient(t, dir)
	run := inProcess(t, h, nodeConfig{})
	path := node.SocketPath(dir)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || len(path) > 100 {
		t.Errorf("socket %s: %v, %v", path, info, err)
	}
	parent, err := os.Stat(filepath.Dir(path))
	if err != nil || parent.Mode().Perm() != 0o700 {
		t.Errorf("its directory: %v, %v", parent, err)
	}
	run.stop(true)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestBalancerAddressTaken(t *testing.T) {
	h := newHarness(t)
	address := h.balancer("lb")
	ref := h.create(h.spec(1, "", "lb"))
	h.untilState(ref, gennaker.Up, 1)
	h.down()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	h.run()
	if lb := h.findBalancer("lb"); lb.Reason == "" {
		t.Error("it says nothing of the taken address")
	}
	ln.Close()
	h.until(func() string { return h.findBalancer("lb").Reason })
	if body, err := get(t.Context(), address, "/"); err != nil || body != "v1" {
		t.Errorf("got %q, %v", body, err)
	}
}

// TestNumbersWrap: behind 999 comes 000, and what exists is skipped.
func TestNumbersWrap(t *testing.T) {
	h := newHarness(t)
	first := h.create(h.spec(0, ""))
	h.down()
	store, _, err := state.Open(filepath.Join(h.dir, "state"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.SaveCluster(state.Cluster{Name: "demo", Next: 998}); err != nil {
		t.Fatal(err)
	}
	h.run()
	got := []string{first.Name}
	for range 4 {
		got = append(got, h.create(h.spec(0, "")).Name)
	}
	want := []string{"demo-v000", "demo-v998", "demo-v999", "demo-v001", "demo-v002"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// TestKeys: an operation that was done is not done again, whatever happened.
func TestKeys(t *testing.T) {
	h := newHarness(t)
	spec := h.spec(0, "")
	name, err := h.Create(t.Context(), "create", spec)
	if err != nil {
		t.Fatal(err)
	}
	ref := gennaker.ServerGroupRef{Account: "local", Region: node.Region, Name: name}
	again := func() {
		t.Helper()
		got, err := h.Create(t.Context(), "create", spec)
		if err != nil || got != name {
			t.Errorf("create again: %s, %v", got, err)
		}
	}
	to := func(n int) gennaker.Capacity { return gennaker.Capacity{Max: 9, Desired: n} }
	for n, key := range []string{"none", "one", "two"} {
		if err := h.Resize(t.Context(), key, ref, to(n)); err != nil {
			t.Fatal(err)
		}
	}
	h.kill()
	h.run()
	again()
	if err := h.Resize(t.Context(), "one", ref, to(1)); err != nil {
		t.Fatal(err)
	}
	if got := h.group(ref).Capacity.Desired; got != 2 {
		t.Errorf("an old resize was done again: %d", got)
	}
	if err := h.Destroy(t.Context(), "destroy", ref); err != nil {
		t.Fatal(err)
	}
	h.untilGone(ref)
	again()
	h.kill()
	h.run()
	again()
	all, err := h.ServerGroups(t.Context(), "")
	if err != nil || len(all) != 0 {
		t.Errorf("server groups: %v, %v", all, err)
	}
	if next := h.create(spec); next.Name != "demo-v001" {
		t.Errorf("the next is %s: the number of a destroyed one was used again", next.Name)
	}
}

// TestDiskFull: what cannot be made durable fails and changes nothing.
func TestDiskFull(t *testing.T) {
	h := newHarness(t)
	h.down()
	var full atomic.Bool
	run := inProcess(t, h, nodeConfig{writeFile: func(path string, data []byte) error {
		if full.Load() {
			return &os.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}
		}
		return durable.WriteFile(path, data)
	}})
	address := h.balancer("lb")
	ref := h.create(h.spec(1, "", "lb"))
	before := h.untilState(ref, gennaker.Up, 1)
	full.Store(true)
	for what, err := range map[string]error{
		"resize":   h.Resize(t.Context(), h.key(), ref, gennaker.Capacity{Min: 3, Max: 3, Desired: 3}),
		"disable":  h.Disable(t.Context(), h.key(), ref, 100),
		"destroy":  h.Destroy(t.Context(), h.key(), ref),
		"balancer": h.UpsertLoadBalancer(t.Context(), gennaker.LoadBalancer{Name: "other", Listen: "127.0.0.1:0"}),
		"create":   func() error { _, err := h.Create(t.Context(), h.key(), h.spec(1, "")); return err }(),
	} {
		if gennaker.KindOf(err) != gennaker.Unavailable || gennaker.HintOf(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	after := h.group(ref)
	after.Traffic, before.Traffic = gennaker.Traffic{}, gennaker.Traffic{}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the server group changed (-want +got):\n%s", diff)
	}
	all, err := h.LoadBalancers(t.Context())
	if err != nil || len(all) != 1 {
		t.Errorf("load balancers: %v, %v", all, err)
	}
	if _, err := get(t.Context(), address, "/"); err != nil {
		t.Errorf("a request with a full disk: %v", err)
	}
	full.Store(false)
	if err := h.Resize(t.Context(), h.key(), ref, gennaker.Capacity{Min: 2, Max: 2, Desired: 2}); err != nil {
		t.Fatal(err)
	}
	h.untilState(ref, gennaker.Up, 2)
	run.stop(true)
}

// TestNothingIsLeftInMemory: no goroutine outlives a node. It runs alone, since
// the goroutines of other tests' nodes look the same.
func TestNothingIsLeftInMemory(t *testing.T) {
	h := newSerialHarness(t)
	h.down()
	run := inProcess(t, h, nodeConfig{})
	lb := h.balancer("lb")
	ref := h.create(h.spec(2, "", "lb"))
	h.untilState(ref, gennaker.Up, 2)
	if _, err := get(t.Context(), lb, "/"); err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	if len(goroutines(t)) == 0 {
		t.Fatal("goroutines of a running node are not found")
	}
	run.stop(false)
	h.until(func() string {
		if left := goroutines(t); len(left) > 0 {
			return strings.Join(left, "\n\n")
		}
		return ""
	})
}

// goroutines returns the stacks of nodes in this process.
func goroutines(t *testing.T) []string {
	t.Helper()
	var b strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&b, 2); err != nil {
		t.Fatal(err)
	}
	var found []string
	for stack := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(stack, "gennaker/internal/node.") ||
			strings.Contains(stack, "node/balancer.") || strings.Contains(stack, "node/process.") {
			found = append(found, stack)
		}
	}
	return found
}

// untilSaved waits until the record says that all instances are healthy.
func (h *harness) untilSaved(ref gennaker.ServerGroupRef) {
	h.Helper()
	h.until(func() string {
		b, err := os.ReadFile(filepath.Join(h.dir, "state", "groups", ref.Name+".json"))
		if err != nil {
			h.Fatal(err)
		}
		g, err := state.DecodeGroup(b)
		if err != nil {
			h.Fatal(err)
		}
		for _, i := range g.Instances {
			if !i.Healthy {
				return "the record does not say that all are healthy"
			}
		}
		return ""
	})
}

// TestCheckPeer: this user is let in, who cannot be told is not.
func TestCheckPeer(t *testing.T) {
	t.Parallel()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := node.CheckPeer(c); err != nil {
		t.Errorf("this user: %v", err)
	}
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if err := node.CheckPeer(a); gennaker.KindOf(err) != gennaker.Denied {
		t.Errorf("no unix socket: %v", err)
	}
}

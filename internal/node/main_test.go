package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node"
	"github.com/gennaker/gennaker/internal/node/shim"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/local"
)

// The test binary is also the node and the instances that the tests run.
const (
	nodeDir = "NODE_TEST_DIR" // set: run a node there
	mode    = "MODE"          // how an instance behaves

	shimArg   = "stay-with-job" // run a shim in the directory that follows
	brokenArg = "leave-job"     // be a shim that does nothing
)

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 3 && os.Args[1] == shimArg:
		if err := shim.Run(context.Background(), os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case len(os.Args) == 3 && os.Args[1] == brokenArg:
		os.Exit(1)
	case os.Getenv("GENNAKER_INSTANCE") != "":
		instance()
	case os.Getenv(nodeDir) != "":
		runNode(os.Getenv(nodeDir))
	default:
		os.Exit(m.Run())
	}
}

func runNode(dir string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := node.Run(ctx, node.Config{Dir: dir, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Shim: []string{shimArg}}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func instance() {
	switch os.Getenv(mode) {
	case "exit":
		return
	case "fork": // leaves a process behind that is in nobody's group, and ends
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), mode+"=linger")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			panic(err)
		}
		fmt.Printf("left %d behind\n", cmd.Process.Pid)
	case "linger", "deaf":
		forever()
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		serve()
	case "line":
		os.Stdout.WriteString(strings.Repeat("x", 10<<20) + "\nend of line\n")
		serve()
	case "talk":
		line := []byte(strings.Repeat("y", 1023) + "\n")
		for range 8 << 10 {
			os.Stdout.Write(line)
		}
		serve()
	case "check": // the health command of itself: hangs unless told not to
		if len(os.Args) > 1 && os.Args[1] == "well" {
			return
		}
		if len(os.Args) > 1 && os.Args[1] == "hang" {
			forever()
		}
		serve()
	default:
		serve()
	}
}

// serve answers until SIGTERM: /env with its environment, /hold when /release
// is called, /hang never, anything else with its version.
func serve() {
	fmt.Println("serving")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if os.Getenv(mode) == "stubborn" {
		stop()
		ctx = context.Background()
		signal.Ignore(syscall.SIGTERM)
	}
	var once sync.Once
	released := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/env", func(w http.ResponseWriter, _ *http.Request) {
		wd, _ := os.Getwd()
		sid, _, _ := syscall.RawSyscall(syscall.SYS_GETSID, 0, 0, 0)
		_ = json.NewEncoder(w).Encode(seen{Env: os.Environ(), Dir: wd, PID: os.Getpid(), Session: int(sid)})
	})
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/hold", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-released
		_, _ = io.WriteString(w, "held")
	})
	mux.HandleFunc("/release", func(http.ResponseWriter, *http.Request) { once.Do(func() { close(released) }) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, os.Getenv("VERSION")) })
	srv := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: mux}
	go func() {
		<-ctx.Done()
		_ = srv.Shutdown(context.Background())
		os.Exit(0)
	}()
	if err := srv.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Println(err)
		os.Exit(3)
	}
	forever()
}

// forever is longer than any test. Without a timer the runtime would find a
// deadlock.
func forever() { <-time.After(time.Hour) }

// seen is what an instance sees of itself.
type seen struct {
	Env          []string
	Dir          string
	PID, Session int
}

// deadline bounds a wait for something that should happen soon.
const deadline = 90 * time.Second

// harness is a node in a process of its own and its client.
type harness struct {
	*testing.T
	*local.Client
	dir     string
	binary  string
	cmd     *exec.Cmd
	changes chan struct{}
	keys    int
}

// newHarness starts a node; at the end of the test it is stopped, with all that
// it runs.
func newHarness(t *testing.T) *harness {
	t.Helper()
	t.Parallel()
	return newSerialHarness(t)
}

// newSerialHarness is newHarness for a test that runs alone.
func newSerialHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{T: t, dir: t.TempDir(), changes: make(chan struct{}, 1)}
	var err error
	if h.binary, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	h.Client = local.New(h.dir, "local")
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		h.Watch(ctx, func(provider.Change) {
			select {
			case h.changes <- struct{}{}:
			default:
			}
		})
	})
	t.Cleanup(func() {
		if h.cmd == nil {
			h.run()
		}
		stopping, cancelStop := context.WithTimeout(context.Background(), deadline)
		defer cancelStop()
		if err := h.Stop(stopping, true); err != nil {
			t.Errorf("stop: %v", err)
		}
		if err := h.cmd.Wait(); err != nil {
			t.Errorf("the node ended with %v", err)
		}
		if left := h.processes(); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
		cancel()
		watching.Wait()
		h.Close()
	})
	h.run()
	return h
}

// run starts a node process and waits until it answers.
func (h *harness) run() {
	h.Helper()
	h.cmd = exec.Command(h.binary)
	h.cmd.Env = append(os.Environ(), nodeDir+"="+h.dir, "SECRET=of the node")
	h.cmd.Stderr = h.Output()
	if err := h.cmd.Start(); err != nil {
		h.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := h.Wait(ctx); err != nil {
		h.Fatal(err)
	}
}

// kill kills the node as a crash would.
func (h *harness) kill() {
	h.Helper()
	if err := h.cmd.Process.Kill(); err != nil {
		h.Fatal(err)
	}
	_ = h.cmd.Wait()
	h.cmd = nil
}

// processes returns the processes, by number, that belong to the node.
func (h *harness) processes() map[int]string {
	h.Helper()
	id, err := os.ReadFile(filepath.Join(h.dir, "node.id"))
	if err != nil {
		h.Fatal(err)
	}
	found := map[int]string{}
	dirs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		h.Fatal(err)
	}
	for _, path := range dirs {
		env, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(env), string(id)) {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		for v := range strings.SplitSeq(string(env), "\x00") {
			for _, mark := range []string{"GENNAKER_INSTANCE=", "GENNAKER_JOB="} {
				if name, ok := strings.CutPrefix(v, mark); ok {
					found[pid] = name
				}
			}
		}
	}
	return found
}

func (h *harness) key() string {
	h.keys++
	return fmt.Sprintf("key-%d", h.keys)
}

// spec returns a spec of n instances of the test binary.
func (h *harness) spec(n int, how string, lbs ...string) gennaker.ServerGroupSpec {
	return gennaker.ServerGroupSpec{
		Account: "local", Region: node.Region, Application: "demo",
		Capacity: gennaker.Capacity{Min: n, Max: n, Desired: n}, LoadBalancers: lbs,
		Artifact:    gennaker.RunArtifact{Reference: h.binary},
		Env:         map[string]string{mode: how, "VERSION": "v1"},
		HealthCheck: gennaker.HealthCheck{Path: "/", IntervalMS: 100, TimeoutMS: 10_000}, DrainSeconds: 60, StopSeconds: 20,
	}
}

func (h *harness) create(spec gennaker.ServerGroupSpec) gennaker.ServerGroupRef {
	h.Helper()
	name, err := h.Create(h.Context(), h.key(), spec)
	if err != nil {
		h.Fatalf("create: %v", err)
	}
	return gennaker.ServerGroupRef{Account: "local", Region: node.Region, Name: name}
}

func (h *harness) group(ref gennaker.ServerGroupRef) gennaker.ServerGroup {
	h.Helper()
	g, err := h.ServerGroup(context.WithoutCancel(h.Context()), ref.Region, ref.Name)
	if err != nil {
		h.Fatal(err)
	}
	return g
}

// until looks until problem returns "".
func (h *harness) until(problem func() string) {
	h.Helper()
	over := time.After(deadline)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		last := problem()
		if last == "" {
			return
		}
		select {
		case <-h.changes:
		case <-tick.C:
		case <-over:
			h.Fatalf("waited too long: %s", last)
		}
	}
}

// untilState waits until the group has n instances, all in state.
func (h *harness) untilState(ref gennaker.ServerGroupRef, state gennaker.HealthState, n int) gennaker.ServerGroup {
	h.Helper()
	var g gennaker.ServerGroup
	h.until(func() string {
		g = h.group(ref)
		for _, i := range g.Instances {
			if i.HealthState != state {
				return fmt.Sprintf("%s is %s: %s", i.Name, i.HealthState, i.Reason)
			}
		}
		if len(g.Instances) != n {
			return fmt.Sprintf("there are %d instances", len(g.Instances))
		}
		return ""
	})
	return g
}

func (h *harness) untilGone(ref gennaker.ServerGroupRef) {
	h.Helper()
	h.until(func() string {
		if _, err := h.ServerGroup(h.Context(), ref.Region, ref.Name); gennaker.KindOf(err) != gennaker.NotFound {
			return fmt.Sprintf("%s still exists: %v", ref.Name, err)
		}
		return ""
	})
}

// untilReason waits until the first instance has a reason with text in it.
func (h *harness) untilReason(ref gennaker.ServerGroupRef, text string) gennaker.Instance {
	h.Helper()
	var i gennaker.Instance
	h.until(func() string {
		g := h.group(ref)
		if len(g.Instances) == 0 {
			return "there is no instance"
		}
		i = g.Instances[0]
		if !strings.Contains(i.Reason, text) {
			return fmt.Sprintf("the reason is %q, want %q in it", i.Reason, text)
		}
		return ""
	})
	return i
}

func (h *harness) balancer(name string) (address string) {
	h.Helper()
	err := h.UpsertLoadBalancer(h.Context(), gennaker.LoadBalancer{
		Name: name, Account: "local", Region: node.Region, Application: "demo", Listen: "127.0.0.1:0",
	})
	if err != nil {
		h.Fatal(err)
	}
	return h.findBalancer(name).Listen
}

func (h *harness) findBalancer(name string) gennaker.LoadBalancer {
	h.Helper()
	all, err := h.LoadBalancers(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	for _, lb := range all {
		if lb.Name == name {
			return lb
		}
	}
	h.Fatalf("there is no load balancer %s", name)
	return gennaker.LoadBalancer{}
}

// get returns the body that an address answers with.
func get(ctx context.Context, address, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", res.StatusCode, b)
	}
	return string(b), err
}

func (h *harness) log(ref gennaker.ServerGroupRef, instance string, tail int64) string {
	h.Helper()
	r, err := h.Logs(h.Context(), ref, instance, tail, false)
	if err != nil {
		h.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		h.Fatal(err)
	}
	return string(b)
}

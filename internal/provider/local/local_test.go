package local_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node"
	"github.com/gennaker/gennaker/internal/node/shim"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/local"
	"github.com/gennaker/gennaker/internal/provider/providertest"
)

// TestMain is an instance, or the shim of a job, when it is run as one: the
// tests deploy their own binary.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "shim" {
		if err := shim.Run(context.Background(), os.Args[2]); err != nil {
			os.Exit(1)
		}
		return
	}
	if os.Getenv("GENNAKER_INSTANCE") != "" {
		serve()
		return
	}
	os.Exit(m.Run())
}

func serve() {
	fmt.Println("hello from " + os.Getenv("VERSION"))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if os.Getenv("VERSION") == "bad" {
		<-ctx.Done()
		return
	}
	srv := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, os.Getenv("VERSION"))
	})}
	go func() {
		<-ctx.Done()
		_ = srv.Close()
	}()
	_ = srv.ListenAndServe()
}

// start runs a node until stop is called, or the test ends.
func start(t *testing.T, dir string) (c *local.Client, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	go func() { done <- node.Run(ctx, node.Config{Dir: dir, Log: log, Shim: []string{"shim"}}) }()
	c = local.New(dir, "local")
	stop = sync.OnceFunc(func() {
		defer cancel()
		stopping, cancelStop := context.WithTimeout(context.Background(), time.Minute)
		defer cancelStop()
		if err := c.Stop(stopping, true); err != nil {
			t.Errorf("stop the node: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("the node: %v", err)
		}
		c.Close()
	})
	t.Cleanup(stop)
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, stop
}

// TestNodeAway: without a node everything is Unavailable, with what to do.
func TestNodeAway(t *testing.T) {
	t.Parallel()
	c := local.New(t.TempDir(), "local")
	defer c.Close()
	ctx := t.Context()
	ref := gennaker.ServerGroupRef{Account: "local", Region: node.Region, Name: "demo-v000"}
	errs := map[string]error{
		"destroy": c.Destroy(ctx, "k", ref), "resize": c.Resize(ctx, "k", ref, gennaker.Capacity{}),
		"upsert": c.UpsertLoadBalancer(ctx, gennaker.LoadBalancer{Name: "lb"}),
	}
	_, errs["create"] = c.Create(ctx, "k", gennaker.ServerGroupSpec{})
	_, errs["server groups"] = c.ServerGroups(ctx, "")
	_, errs["load balancers"] = c.LoadBalancers(ctx)
	_, errs["logs"] = c.Logs(ctx, ref, "", 1, true)
	_, errs["run job"] = c.RunJob(ctx, "k", gennaker.JobSpec{})
	_, errs["job"] = c.Job(ctx, "demo-x-0123456789abcdef")
	_, errs["job logs"] = c.JobLogs(ctx, "demo-x-0123456789abcdef", 1, true)
	errs["cancel job"] = c.CancelJob(ctx, "demo-x-0123456789abcdef")
	_, errs["ping"] = c.Ping(ctx)
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	errs["wait"] = c.Wait(short)
	for what, err := range errs {
		if gennaker.KindOf(err) != gennaker.Unavailable || gennaker.HintOf(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestOlderNode: a node that does not know what is asked for is one of an older
// version.
func TestOlderNode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", node.SocketPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = srv.Serve(ln) }()
	defer srv.Close()
	c := local.New(dir, "local")
	defer c.Close()
	_, err = c.RunJob(t.Context(), "k", gennaker.JobSpec{})
	if gennaker.KindOf(err) != gennaker.Unavailable || !strings.Contains(gennaker.HintOf(err), "restart it") {
		t.Errorf("got %v, hint %q", err, gennaker.HintOf(err))
	}
}

// TestWatchReconnects: a watch outlives the node, and says that it missed
// something.
func TestWatchReconnects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, stop := start(t, dir)
	changes := make(chan provider.Change, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watcher := local.New(dir, "local")
	defer watcher.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		watcher.Watch(ctx, func(c provider.Change) { changes <- c })
	}()
	until := func(want provider.Change) {
		t.Helper()
		over := time.After(time.Minute)
		for {
			select {
			case got := <-changes:
				if got == want {
					return
				}
			case <-over:
				t.Fatalf("waited too long for %v", want)
			}
		}
	}
	until(provider.Change{})
	lb := gennaker.LoadBalancer{Name: "lb", Application: "demo", Region: node.Region, Listen: "127.0.0.1:0"}
	if err := c.UpsertLoadBalancer(t.Context(), lb); err != nil {
		t.Fatal(err)
	}
	until(provider.Change{Application: "demo", Region: node.Region})
	stop()
	c, _ = start(t, dir)
	until(provider.Change{})
	if err := c.DeleteLoadBalancer(t.Context(), node.Region, "lb"); err != nil {
		t.Fatal(err)
	}
	until(provider.Change{Application: "demo", Region: node.Region})
	cancel()
	<-done
}

// TestErrorsCrossTheSocket: kind, message and hint are the node's.
func TestErrorsCrossTheSocket(t *testing.T) {
	t.Parallel()
	c, _ := start(t, t.TempDir())
	_, err := c.Create(t.Context(), "k", gennaker.ServerGroupSpec{
		Application: "demo", LoadBalancers: []string{"no-such"}, Artifact: gennaker.RunArtifact{Reference: ownBinary(t)},
	})
	if gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), `"no-such"`) ||
		!strings.Contains(gennaker.HintOf(err), "make it first") {
		t.Errorf("got %v, hint %q", err, gennaker.HintOf(err))
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	c, _ := start(t, t.TempDir())
	var count atomic.Int64
	providertest.Run(t, func(t *testing.T) providertest.Harness {
		application := fmt.Sprintf("app%d", count.Add(1))
		binary := ownBinary(t)
		spec := func(version string) gennaker.ServerGroupSpec {
			return gennaker.ServerGroupSpec{
				Account: "local", Region: node.Region, Application: application,
				Artifact: gennaker.RunArtifact{Reference: binary}, Env: map[string]string{"VERSION": version},
				HealthCheck: gennaker.HealthCheck{Path: "/", IntervalMS: 200, TimeoutMS: 5000}, DrainSeconds: 5, StopSeconds: 5,
			}
		}
		return providertest.Harness{
			Provider: c.Provider(), Region: node.Region, Application: application,
			Good: spec, Bad: func() gennaker.ServerGroupSpec { return spec("bad") },
			Listen: func() string { return freeAddress(t) }, Output: "hello from",
			Get: func(lb string) (string, error) { return get(t, c, lb) },
			Job: func(kind providertest.Kind) gennaker.JobSpec { return job(application, kind) },
		}
	})
}

func job(application string, kind providertest.Kind) gennaker.JobSpec {
	spec := gennaker.JobSpec{Application: application, StopSeconds: 5}
	switch kind {
	case providertest.GoodJob:
		spec.Script = "echo hello from a job; printf greeting=hello > out.properties"
		spec.OutputFiles = []string{"out.properties"}
	case providertest.BadJob:
		spec.Script = "echo hello from a job; exit 3"
	case providertest.EndlessJob:
		spec.Script = "echo hello from a job; exec sleep 1000"
	}
	return spec
}

func ownBinary(t *testing.T) string {
	t.Helper()
	binary, err := os.Executable()
	if err == nil {
		binary, err = filepath.EvalSymlinks(binary)
	}
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func get(t *testing.T, c *local.Client, lb string) (string, error) {
	all, err := c.LoadBalancers(context.WithoutCancel(t.Context()))
	if err != nil {
		return "", err
	}
	for _, b := range all {
		if b.Name != lb {
			continue
		}
		res, err := http.Get("http://" + b.Listen + "/")
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d: %s", res.StatusCode, text)
		}
		return strings.TrimSpace(string(text)), err
	}
	return "", fmt.Errorf("no load balancer %s", lb)
}

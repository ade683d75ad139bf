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
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node"
	"github.com/gennaker/gennaker/internal/provider/local"
	"github.com/gennaker/gennaker/internal/provider/providertest"
)

// TestMain is an instance when it is run as one: the tests deploy their own
// binary.
func TestMain(m *testing.M) {
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

// start runs a node until the test ends.
func start(t *testing.T) *local.Client {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	go func() { done <- node.Run(ctx, node.Config{Dir: dir, Log: log}) }()
	c := local.New(dir, "local")
	t.Cleanup(func() {
		stopping, cancelStop := context.WithTimeout(context.Background(), time.Minute)
		defer cancelStop()
		if err := c.Stop(stopping, true); err != nil {
			t.Errorf("stop the node: %v", err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the node: %v", err)
		}
		c.Close()
	})
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConformance(t *testing.T) {
	t.Parallel()
	c := start(t)
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
		}
	})
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

package hello_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gennaker/gennaker/internal/demo/hello"
)

// start runs the service and returns its URL, what stops it and what it returns.
func start(t *testing.T, c hello.Config) (string, context.CancelFunc, <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	addr := make(chan net.Addr, 1)
	done := make(chan error, 1)
	c.Addr = "127.0.0.1:0"
	c.Listening = func(a net.Addr) { addr <- a }
	go func() { done <- hello.Run(ctx, c) }()
	select {
	case a := <-addr:
		return "http://" + a.String(), cancel, done
	case err := <-done:
		t.Fatalf("ended: %v", err)
		return "", nil, nil
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	healthy, _, _ := start(t, hello.Config{Version: "v1", Healthy: true, StartDelay: time.Millisecond})
	ill, _, _ := start(t, hello.Config{Version: "v2"})
	cases := map[string]struct {
		method, url, body string
		status            int
		want              string
	}{
		"version":   {"GET", healthy + "/", "", 200, "hello from v1\n"},
		"echo":      {"POST", healthy + "/echo", "abc", 200, "abc"},
		"slow":      {"GET", healthy + "/slow?ms=5", "", 200, "hello from v1\n"},
		"bad ms":    {"GET", healthy + "/slow?ms=x", "", 400, ""},
		"download":  {"GET", healthy + "/download?bytes=100000", "", 200, strings.Repeat("\x00", 100000)},
		"at a rate": {"GET", healthy + "/download?bytes=1000&rate=10000", "", 200, strings.Repeat("\x00", 1000)},
		"too many":  {"GET", healthy + "/download?bytes=99999999999999", "", 400, ""},
		"healthy":   {"GET", healthy + "/health", "", 200, ""},
		"ill":       {"GET", ill + "/health", "", 503, "not healthy\n"},
		"unknown":   {"GET", healthy + "/x", "", 404, ""},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), tt.method, tt.url, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != tt.status || (tt.want != "" && string(body) != tt.want) || res.Header.Get("X-Version") == "" {
				t.Errorf("got %d %.40q (%d bytes) version %q, %v; want %d %.40q",
					res.StatusCode, body, len(body), res.Header.Get("X-Version"), err, tt.status, tt.want)
			}
		})
	}
}

// TestStop is not parallel: the signal goes to the whole process.
func TestStop(t *testing.T) {
	for name, stop := range map[string]func(context.CancelFunc) error{
		"context": func(cancel context.CancelFunc) error { cancel(); return nil },
		"SIGTERM": func(context.CancelFunc) error { return syscall.Kill(os.Getpid(), syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			url, cancel, done := start(t, hello.Config{Version: "v1", Log: slog.New(slog.NewTextHandler(&log, nil))})
			res, err := http.Get(url + "/download?bytes=20000&rate=40000")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if err := stop(cancel); err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, res.Body); n != 20000 || err != nil {
				t.Errorf("download ended after %d bytes: %v", n, err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			if lines := strings.Count(log.String(), "\n"); lines != 2 || !strings.Contains(log.String(), "clean=true") {
				t.Errorf("log:\n%s", &log)
			}
		})
	}
}

func TestStopLimit(t *testing.T) {
	url, cancel, done := start(t, hello.Config{Version: "v1", StopLimit: time.Millisecond})
	res, err := http.Get(url + "/download?bytes=1000000&rate=100")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	cancel()
	if err := <-done; err == nil {
		t.Error("no error although a request was cut")
	}
	if _, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Error("the cut download looks complete")
	}
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := hello.Run(t.Context(), hello.Config{Addr: fmt.Sprint(l.Addr())}); err == nil {
		t.Error("no error")
	}
}

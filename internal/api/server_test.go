package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// listen serves w on a port of this machine until the test ends, and returns
// the server, its base URL and what Serve returned.
func listen(t *testing.T, w *world) (*api.Server, string, <-chan error) {
	t.Helper()
	s := api.New(w.config())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	return s, "http://" + ln.Addr().String(), served
}

func get(t *testing.T, url string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func TestBodyOverTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, base, _ := listen(t, w)
	t.Run("said", func(t *testing.T) {
		t.Parallel()
		// Only the header is sent: the answer comes before the body is read.
		conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(conn, "POST /pipelines HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", gennaker.MaxDocumentBytes+1)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", res.StatusCode)
		}
	})
	for name, size := range map[string]int{"unsaid": gennaker.MaxDocumentBytes + 1, "at the limit": gennaker.MaxDocumentBytes} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const head, tail = `{"application":"demo","name":"x","note":"`, `"}`
			body := io.MultiReader(strings.NewReader(head+strings.Repeat("x", size-len(head+tail))), strings.NewReader(tail)) // chunked
			res, err := http.Post(base+"/pipelines", "application/json", body)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			want := 200
			if name == "unsaid" {
				want = http.StatusRequestEntityTooLarge
			}
			if res.StatusCode != want {
				t.Errorf("status %d, want %d", res.StatusCode, want)
			}
		})
	}
}

func TestShutdownEndsStreamsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	logs, writer := io.Pipe() // nobody ever writes
	defer writer.Close()
	w.openLog = logs
	s, base, served := listen(t, w)
	events := get(t, base+"/api/v1/events")
	log := get(t, base+"/api/v1/server-groups/local/local/demo-prod-v001/logs?follow=true&instance=i1&tail=9")
	line, err := bufio.NewReader(log.Body).ReadString('\n')
	if err != nil || line != "hello\n" || log.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Fatalf("log begins with %q (%v), %v", line, err, log.Header)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	for name, body := range map[string]io.Reader{"events": events.Body, "log": log.Body} {
		if _, err := io.ReadAll(body); err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
	}
}

func TestShutdownCutsOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	entered, release := make(chan struct{}), make(chan struct{})
	cfg := w.config()
	cfg.Health = func(context.Context) []string {
		close(entered)
		<-release
		return nil
	}
	defer close(release)
	s := api.New(cfg)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	go http.Get("http://" + ln.Addr().String() + "/health")
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("no error though a request was cut off")
	}
}

// nextEvent reads up to the empty line behind an event.
func nextEvent(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("after %q: %v", b.String(), err)
		}
		if line == "\n" {
			return b.String()
		}
		b.WriteString(line)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := api.New(newWorld(t).config())
		for range 2000 {
			go call(s, "GET", "/api/v1/events", "")
		}
		synctest.Wait()
		failure(t, call(s, "GET", "/api/v1/events", ""), http.StatusServiceUnavailable)
		if res := call(s, "GET", "/version", ""); res.Code != 200 {
			t.Errorf("another request: status %d", res.Code)
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if res := call(s, "GET", "/api/v1/events", ""); res.Code != 200 { // ends at once
			t.Errorf("when the others are gone: status %d", res.Code)
		}
	})
}

func TestLogs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := api.New(w.config())
	const base = "/api/v1/server-groups/local/local/demo-prod-v001/logs"
	if got := call(s, "GET", base+"?instance=i1&tail=9", "").Body.String(); got != "hello\ni1 9\n" {
		t.Errorf("got %q", got)
	}
	if got := call(s, "GET", base, "").Body.String(); got != "hello\n 65536\n" {
		t.Errorf("got %q", got)
	}
	for target, status := range map[string]int{
		base + "?tail=-1":                                      400,
		base + "?follow=maybe":                                 400,
		"/api/v1/server-groups/local/local/nope/logs":          404,
		"/api/v1/server-groups/moon/local/demo-prod-v001/logs": 404,
		"/api/v1/server-groups/local/moon/demo-prod-v001/logs": 404,
	} {
		failure(t, call(s, "GET", target, ""), status)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.config()
	var reasons []string
	cfg.Health = func(context.Context) []string { return reasons }
	s := api.New(cfg)
	if res := call(s, "GET", "/health", ""); res.Code != 200 || res.Body.String() != `{"status":"UP"}`+"\n" {
		t.Errorf("status %d, body %s", res.Code, res.Body)
	}
	reasons = []string{"the database does not answer"}
	if res := call(s, "GET", "/health", ""); res.Code != 503 || res.Body.String() != `{"status":"DOWN","reasons":["the database does not answer"]}`+"\n" {
		t.Errorf("status %d, body %s", res.Code, res.Body)
	}
}

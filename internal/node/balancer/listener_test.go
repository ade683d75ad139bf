package balancer_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/balancer"
)

func TestListenErrors(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cases := map[string]struct {
		addr string
		kind gennaker.Kind
	}{
		"taken":             {taken.Addr().String(), gennaker.Conflict},
		"taken by us":       {f.Addr("lb"), gennaker.Conflict},
		"empty":             {"", gennaker.Invalid},
		"no port":           {"127.0.0.1", gennaker.Invalid},
		"named port":        {"127.0.0.1:http", gennaker.Invalid},
		"high port":         {"127.0.0.1:65536", gennaker.Invalid},
		"host name":         {"example.com:80", gennaker.Invalid},
		"another machine's": {"192.0.2.1:0", gennaker.Invalid},
	}
	for name, tt := range cases {
		err := f.Listen(t.Context(), "other", tt.addr)
		if gennaker.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.addr) || gennaker.HintOf(err) == "" {
			t.Errorf("%s: got %v, hint %q, want kind %s", name, err, gennaker.HintOf(err), tt.kind)
		}
		// A listener that cannot move stays.
		if err := f.Listen(t.Context(), "lb", tt.addr); name != "taken by us" && gennaker.KindOf(err) != tt.kind {
			t.Errorf("%s: moving: got %v", name, err)
		}
	}
	if f.Addr("other") != "" {
		t.Errorf("other listens on %s", f.Addr("other"))
	}
	if got := f.get(); !strings.HasPrefix(got, "503") {
		t.Errorf("got %s", got)
	}
}

func TestListenOnAllInterfaces(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(balancer.Table{"lb": {{"v1", 1, []balancer.Target{named(t, "a")}}}})
	_, port, err := net.SplitHostPort(f.Addr("lb"))
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{":" + port, "127.0.0.1:" + port, "0.0.0.0:" + port, "localhost:0", "[::1]:0"} {
		if err := f.Listen(t.Context(), "lb", addr); err != nil {
			if strings.HasPrefix(addr, "[::1]") {
				continue // a machine without IPv6
			}
			t.Fatalf("%s: %v", addr, err)
		}
		f.client.CloseIdleConnections()
		if got := f.get(); got != "200 a" {
			t.Errorf("%s: got %s", addr, got)
		}
	}
}

// TestFailedSwapKeepsServing moves from 127.0.0.1:p to :p while something else
// has another local address with that port.
func TestFailedSwapKeepsServing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(one(named(t, "a")))
	was := f.Addr("lb")
	_, port, _ := net.SplitHostPort(was)
	other, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Fatal(err) // all of 127.0.0.0/8 is loopback on Linux
	}
	defer other.Close()
	if err := f.Listen(t.Context(), "lb", ":"+port); gennaker.KindOf(err) != gennaker.Conflict {
		t.Errorf("got %v", err)
	}
	f.client.CloseIdleConnections()
	if got := f.get(); got != "200 a" || f.Addr("lb") != was {
		t.Errorf("got %s on %s, want %s", got, f.Addr("lb"), was)
	}
}

func TestListenAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	was := f.Addr("lb")
	conn, err := net.Dial("tcp", was)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, addr := range []string{"127.0.0.1:0", was} {
		if err := f.Listen(t.Context(), "lb", addr); err != nil || f.Addr("lb") != was {
			t.Errorf("%s again: %v, %s, want %s", addr, err, f.Addr("lb"), was)
		}
	}
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.Close {
		t.Errorf("an open connection was told to close: %+v, %v", res, err)
	}
}

func TestMovingAListenerUnderLoad(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(one(backend(t, "a", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })))
	h := newHammer(f, func() string { return f.Addr("lb") })
	for range 5 {
		h.passes(t, 30)
		to := free(t)
		if err := f.Listen(t.Context(), "lb", to); err != nil {
			t.Fatal(err)
		}
		if got := f.Addr("lb"); got != to {
			t.Fatalf("listens on %s, want %s", got, to)
		}
	}
	h.passes(t, 30)
	h.stop(t)
}

func TestMovingBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(one(named(t, "a")))
	was := f.Addr("lb")
	for _, to := range []string{free(t), was} { // the listener on was is still retiring
		if err := f.Listen(t.Context(), "lb", to); err != nil {
			t.Fatal(err)
		}
		if got := f.get(); got != "200 a" || f.Addr("lb") != to {
			t.Errorf("got %s on %s, want %s", got, f.Addr("lb"), to)
		}
	}
}

func TestRemoveFinishesRequests(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	arrived, release := make(chan struct{}, 2), make(chan struct{})
	f.Set(one(backend(t, "a", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first ")
		_ = http.NewResponseController(w).Flush()
		arrived <- struct{}{}
		<-release
		_, _ = io.WriteString(w, "last")
	})))
	addr := f.Addr("lb")
	res, err := f.client.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	<-arrived
	removed := make(chan error, 1)
	go func() { removed <- f.Remove(t.Context(), "lb") }()
	eventually(t, "the socket being closed", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-removed:
		t.Errorf("removed with a request in flight: %v", err)
	default:
	}
	close(release)
	if body, err := io.ReadAll(res.Body); string(body) != "first last" || err != nil {
		t.Errorf("got %q, %v", body, err)
	}
	if err := <-removed; err != nil {
		t.Error(err)
	}
	if err := f.Remove(t.Context(), "lb"); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := f.Listen(t.Context(), "lb", addr); err != nil {
		t.Errorf("listen again: %v", err)
	}
	if got := f.get(); !strings.HasPrefix(got, "200 first") { // the table was kept
		t.Errorf("got %q", got)
	}
}

func TestRemoveCuts(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1)
	hang := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			echo(w, r)
			return
		}
		_, _ = io.WriteString(w, "first ")
		_ = http.NewResponseController(w).Flush()
		arrived <- struct{}{}
		<-r.Context().Done()
	}
	for name, open := range map[string]func(f *fixture) io.Reader{
		"request": func(f *fixture) io.Reader {
			res, err := f.client.Get("http://" + f.Addr("lb"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = res.Body.Close() })
			<-arrived
			return res.Body
		},
		"upgraded": func(f *fixture) io.Reader {
			_, r := f.tunnel()
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.Set(one(backend(t, "a", hang)))
			body := open(f)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			err := f.Remove(ctx, "lb")
			if gennaker.KindOf(err) != gennaker.Unavailable || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 requests") {
				t.Errorf("got %v", err)
			}
			if _, err := io.ReadAll(body); err == nil && name == "request" {
				t.Error("the response looks complete")
			}
			f.Set(nil)
			if err := f.Drained(t.Context(), "a"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	addr := f.Addr("lb")
	for range 2 {
		if err := f.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("it still accepts")
	}
	if err := f.Listen(t.Context(), "lb", addr); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("Listen after Close: %v", err)
	}
}

// free returns an address that nothing listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

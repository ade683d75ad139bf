package balancer_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/balancer"
)

// h2 returns a client that speaks HTTP/2 without TLS only.
func h2(t testing.TB) *http.Client {
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// echo upgrades the connection and sends back what it gets.
func echo(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "echo" {
		w.WriteHeader(http.StatusUpgradeRequired)
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	_ = rw.Flush()
	_, _ = io.Copy(conn, rw)
}

// tunnel opens an upgraded connection through the balancer and checks that it
// works.
func (f *fixture) tunnel() (net.Conn, *bufio.Reader) {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.Addr("lb"))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		f.t.Fatalf("upgrade: %+v, %v", res, err)
	}
	talk(f.t, conn, r)
	return conn, r
}

func talk(t testing.TB, conn io.Writer, r *bufio.Reader) {
	t.Helper()
	_, _ = io.WriteString(conn, "hi there\n")
	if line, err := r.ReadString('\n'); line != "hi there\n" {
		t.Fatalf("echo: got %q, %v", line, err)
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(one(backend(t, "a", echo)))
	conn, r := f.tunnel()
	if n := f.InFlight("a"); n != 1 {
		t.Errorf("%d in flight, want 1", n)
	}
	f.Set(nil)
	talk(t, conn, r)
	drained := make(chan error, 1)
	go func() { drained <- f.Drained(t.Context(), "a") }()
	talk(t, conn, r)
	select {
	case err := <-drained:
		t.Errorf("drained with an open tunnel: %v", err)
	default:
	}
	_ = conn.Close()
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if got := f.Traffic("lb", "v001"); got.Requests != 1 || got.Errors != 0 || got.InFlight != 0 {
		t.Errorf("traffic %+v", got)
	}
}

func TestDrainDeadlineCutsUpgrades(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(one(backend(t, "a", echo)))
	conn, r := f.tunnel()

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	f.Set(nil)
	if err := f.Drained(cancelled, "a"); !errors.Is(err, context.Canceled) || gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("cancelled: got %v", err)
	}
	talk(t, conn, r)

	past, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := f.Drained(past, "a"); err != nil {
		t.Errorf("deadline: got %v", err)
	}
	if _, err := r.ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the tunnel is open: %v", err)
	}
}

func TestDrainDeadlineLeavesRequests(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	f.Set(one(backend(t, "a", func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
	})))
	got := make(chan string, 1)
	go func() { got <- f.get() }()
	<-arrived
	past, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := f.Drained(past, "a"); !strings.Contains(fmt.Sprint(err), "still in service") {
		t.Errorf("in service: got %v", err)
	}
	f.Set(nil)
	err := f.Drained(past, "a")
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 requests in flight") || gennaker.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
	close(release)
	if body := <-got; body != "200 " {
		t.Errorf("the request got %q", body)
	}
	if err := f.Drained(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}

func TestHTTP2AndGRPC(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(one(backend(t, "a", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Proto", r.Proto)
		w.Header().Set("X-Te", r.Header.Get("Te"))
		w.Header().Set("Trailer", "Announced")
		_, _ = w.Write(body)
		w.Header().Set("Announced", "1")
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	})))
	for name, tt := range map[string]struct {
		client *http.Client
		kind   string
		proto  string // at the backend
	}{
		"HTTP/1":           {f.client, "text/plain", "HTTP/1.1"},
		"HTTP/2":           {h2(t), "text/plain", "HTTP/1.1"},
		"gRPC":             {h2(t), "application/grpc+proto", "HTTP/2.0"},
		"gRPC over HTTP/1": {f.client, "application/grpc", "HTTP/1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, body := range []io.Reader{strings.NewReader("ping"), io.MultiReader(strings.NewReader("ping"))} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.Addr("lb")+"/svc/Call", body)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", tt.kind)
				req.Header.Set("Te", "trailers")
				res, err := tt.client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				got, err := io.ReadAll(res.Body)
				if string(got) != "ping" || err != nil || res.Header.Get("X-Proto") != tt.proto || res.Header.Get("X-Te") != "trailers" {
					t.Errorf("got %q, %v, headers %v; want ping over %s", got, err, res.Header, tt.proto)
				}
				if res.Trailer.Get("Announced") != "1" || res.Trailer.Get("Grpc-Status") != "0" {
					t.Errorf("trailers %v", res.Trailer)
				}
			}
		})
	}
}

func TestStreamsBothWays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(one(backend(t, "a", func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		_ = rc.Flush()
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			_, _ = w.Write(buf[:n])
			_ = rc.Flush()
			if err != nil {
				return
			}
		}
	})))
	for name, tt := range map[string]struct {
		client *http.Client
		kind   string
	}{"HTTP/1": {f.client, "text/plain"}, "HTTP/2": {h2(t), "text/plain"}, "gRPC": {h2(t), "application/grpc"}} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			body, in := io.Pipe()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+f.Addr("lb"), body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", tt.kind)
			res, err := tt.client.Do(req) // returns before there is any body
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			r := bufio.NewReader(res.Body)
			for range 3 {
				talk(t, in, r)
			}
			_ = in.Close()
			if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
				t.Errorf("rest %q, %v", rest, err)
			}
		})
	}
}

func TestSlowResponseIsNotHeldBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	next := make(chan struct{})
	f.Set(one(backend(t, "a", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "2")
		rc := http.NewResponseController(w)
		for _, part := range []string{"", "a", "b"} {
			_, _ = io.WriteString(w, part)
			_ = rc.Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	})))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.Addr("lb"), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.client.Do(req) // the headers come before the first byte
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	buf := make([]byte, 1)
	for _, want := range []string{"a", "b"} {
		next <- struct{}{}
		if _, err := io.ReadFull(res.Body, buf); err != nil || string(buf) != want {
			t.Fatalf("got %q, %v, want %q", buf, err, want)
		}
	}
	next <- struct{}{}
}

func TestDownloadIsNotBuffered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const size = 256 << 20
	stuck := make(chan bool, 1)
	f.Set(one(backend(t, "a", func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		part := make([]byte, 1<<20)
		for n := 0; n < size; n += len(part) {
			// The client reads nothing, so somewhere it must get stuck.
			_ = rc.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := w.Write(part); err != nil {
				stuck <- true
				return
			}
		}
		stuck <- false
	})))
	res, err := f.client.Get("http://" + f.Addr("lb"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if !<-stuck {
		t.Errorf("the backend could send %d bytes that nobody reads", size)
	}
	if _, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Error("the broken download looks complete")
	}
}

func TestLargeBodies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(one(backend(t, "a", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})))
	for _, size := range []int{1, 64 << 10, 64<<10 + 1, 5 << 20} {
		sent := bytes.Repeat([]byte("x"), size)
		status, got, err := f.do(http.MethodPost, "/", bytes.NewReader(sent))
		if err != nil || status != http.StatusOK || got != string(sent) {
			t.Errorf("%d bytes: status %d, %d bytes back, %v", size, status, len(got), err)
		}
	}
}

func TestClientGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	arrived, gone := make(chan struct{}), make(chan struct{})
	f.Set(one(backend(t, "a", func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(gone)
	})))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.Addr("lb"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := f.client.Do(req); err == nil {
		_ = res.Body.Close()
		t.Error("answered")
	}
	<-gone
	f.Set(nil)
	if err := f.Drained(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if got, want := f.Traffic("lb", "v001"), (gennaker.Traffic{Requests: 1}); got != want {
		t.Errorf("traffic %+v, want %+v", got, want)
	}
}

func TestTargetDiesInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]string{"known length": "100", "unknown length": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.Set(one(backend(t, "a", func(w http.ResponseWriter, _ *http.Request) {
				if length != "" {
					w.Header().Set("Content-Length", length)
				}
				_, _ = io.WriteString(w, "half")
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			})))
			for name, client := range map[string]*http.Client{"HTTP/1": f.client, "HTTP/2": h2(t)} {
				res, err := client.Get("http://" + f.Addr("lb"))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				body, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if err == nil || string(body) != "half" {
					t.Errorf("%s: got %q and a clean end", name, body)
				}
			}
			eventually(t, "two errors", func() bool {
				got := f.Traffic("lb", "v001")
				return got.Requests == 2 && got.Errors == 2 && got.InFlight == 0 && got.LatencyMS > 0
			})
		})
	}
}

func TestConnectIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(one(balancer.Target{ID: "a", Address: "127.0.0.1:1"}))
	conn, err := net.Dial("tcp", f.Addr("lb"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("got %+v, %v", res, err)
	}
}

package balancer_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gennaker/gennaker/internal/node/balancer"
)

// raw starts a server that gives each request to serve with its connection,
// until that returns false, which closes the connection.
func raw(t testing.TB, id string, serve func(net.Conn, *http.Request) bool) balancer.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					if !serve(conn, req) {
						return
					}
				}
			}()
		}
	}()
	return balancer.Target{ID: id, Address: l.Addr().String()}
}

// stream hides the size of a body, so that it is sent in chunks.
func stream(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }

func TestRefusedConnections(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(balancer.Table{"lb": {
		{"v1", 1000, []balancer.Target{refusing(t, "a"), refusing(t, "b")}},
		{"v2", 1, []balancer.Target{refusing(t, "c"), backend(t, "d", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = w.Write(body)
		})}},
	}})
	large := strings.Repeat("x", 1<<20)
	for range 2 {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			for _, body := range []string{"small", large} {
				for name, r := range map[string]io.Reader{"sized": strings.NewReader(body), "stream": stream(body)} {
					if status, got, err := f.do(method, "/", r); status != http.StatusOK || got != body || err != nil {
						t.Errorf("%s %s of %d bytes: got %d, %d bytes, %v", method, name, len(body), status, len(got), err)
					}
				}
			}
		}
	}
	if got := f.Traffic("lb", ""); got.Errors != 0 {
		t.Errorf("traffic %+v", got)
	}
}

func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		method string
		body   io.Reader
		saved  bool
	}{
		"GET":           {http.MethodGet, nil, true},
		"HEAD":          {http.MethodHead, nil, true},
		"OPTIONS":       {http.MethodOptions, nil, true},
		"DELETE":        {http.MethodDelete, nil, true},
		"small PUT":     {http.MethodPut, strings.NewReader("x"), true},
		"large PUT":     {http.MethodPut, strings.NewReader(strings.Repeat("x", 1<<17)), false},
		"streamed PUT":  {http.MethodPut, stream("x"), false},
		"POST":          {http.MethodPost, strings.NewReader("x"), false},
		"POST, no body": {http.MethodPost, nil, false},
		"PATCH":         {http.MethodPatch, strings.NewReader("x"), false},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			var broken, fine atomic.Int64
			breaks := func(net.Conn, *http.Request) bool { broken.Add(1); return false }
			// The one that breaks comes first: it is of the heavy group.
			table := balancer.Table{"lb": {
				{"v1", 1000, []balancer.Target{raw(t, "a", breaks)}},
				{"v2", 1, []balancer.Target{backend(t, "b", func(http.ResponseWriter, *http.Request) { fine.Add(1) })}},
			}}
			f.Set(table)
			status, _, err := f.do(tt.method, "/", tt.body)
			want := http.StatusBadGateway
			if tt.saved {
				want = http.StatusOK
			}
			if err != nil || status != want || broken.Load() != 1 || (fine.Load() == 1) != tt.saved {
				t.Errorf("got %d, %v, want %d; broken %d times, answered %d times", status, err, want, broken.Load(), fine.Load())
			}
		})
	}
	t.Run("once only", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		var broken atomic.Int64
		breaks := func(net.Conn, *http.Request) bool { broken.Add(1); return false }
		f.Set(one(raw(t, "a", breaks), raw(t, "b", breaks), raw(t, "c", breaks)))
		if status, _, err := f.do(http.MethodGet, "/", nil); status != http.StatusBadGateway || err != nil || broken.Load() != 2 {
			t.Errorf("got %d, %v after %d attempts, want 502 after 2", status, err, broken.Load())
		}
	})
}

// TestIdleConnectionsThatClose has a backend that closes each connection after a
// response without saying so: no GET may be lost, no POST may act twice.
func TestIdleConnectionsThatClose(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var acted sync.Map
	f.Set(one(raw(t, "a", func(conn net.Conn, r *http.Request) bool {
		if r.Method == http.MethodPost {
			if _, twice := acted.LoadOrStore(r.URL.Path, true); twice {
				t.Errorf("POST %s acted twice", r.URL.Path)
			}
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		return false
	})))
	answered := 0
	for i := range 60 {
		if status, body, err := f.do(http.MethodGet, "/", nil); status != http.StatusOK || body != "ok" || err != nil {
			t.Fatalf("GET: %d %q, %v", status, body, err)
		}
		status, _, err := f.do(http.MethodPost, "/"+strconv.Itoa(i), strings.NewReader("x"))
		if err != nil || (status != http.StatusOK && status != http.StatusBadGateway) {
			t.Fatalf("POST: %d, %v", status, err)
		}
		if status == http.StatusOK {
			answered++
		}
	}
	if answered == 0 {
		t.Error("no POST was answered")
	}
}

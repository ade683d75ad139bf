package balancer_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/balancer"
)

const patience = 30 * time.Second

// fixture is a balancer with one listener, "lb".
type fixture struct {
	*balancer.Balancer
	t      testing.TB
	client *http.Client
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	b := balancer.New(slog.New(slog.DiscardHandler))
	if err := b.Listen(t.Context(), "lb", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &fixture{b, t, &http.Client{Transport: tr}}
}

// backend starts a server and returns it as a target.
func backend(t testing.TB, id string, h http.HandlerFunc) balancer.Target {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return balancer.Target{ID: id, Address: s.Listener.Addr().String()}
}

// named answers with its own name.
func named(t testing.TB, id string) balancer.Target {
	t.Helper()
	return backend(t, id, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, id) })
}

// refusing returns a target that nothing listens on.
func refusing(t testing.TB, id string) balancer.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return balancer.Target{ID: id, Address: l.Addr().String()}
}

func one(targets ...balancer.Target) balancer.Table {
	return balancer.Table{"lb": {{Name: "v001", Weight: 100, Targets: targets}}}
}

// do sends a request and returns status and body.
func (f *fixture) do(method, path string, body io.Reader) (int, string, error) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+f.Addr("lb")+path, body)
	if err != nil {
		return 0, "", err
	}
	res, err := f.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func (f *fixture) get() string {
	f.t.Helper()
	status, body, err := f.do(http.MethodGet, "/", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return fmt.Sprint(status, " ", body)
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s did not happen", what)
		}
	}
}

func TestForwards(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Set(one(backend(t, "a", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", strings.Join([]string{
			r.Method, r.Host, r.RequestURI, string(body), r.Header.Get("X-Forwarded-Host"), r.Header.Get("X-Forwarded-Proto"),
			r.Header.Get("X-Forwarded-For"), r.Header.Get("Accept-Encoding"), r.Header.Get("User-Agent"),
		}, "|"))
		w.WriteHeader(http.StatusTeapot)
	})))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://"+f.Addr("lb")+"/a%2Fb/../c?x=1;y&%zz", strings.NewReader("hi"))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "shop.example"
	req.Header.Set("X-Forwarded-For", "6.6.6.6")
	req.Header.Set("User-Agent", "me")
	req.Header.Set("Accept-Encoding", "br")
	res, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	want := "PATCH|shop.example|/a%2Fb/../c?x=1;y&%zz|hi|shop.example|http|127.0.0.1|br|me"
	if got := res.Header.Get("X-Seen"); got != want || res.StatusCode != http.StatusTeapot {
		t.Errorf("backend saw\n%s (status %d), want\n%s", got, res.StatusCode, want)
	}
}

func TestNoTarget(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		table balancer.Table
		want  string
	}{
		"no table":    {nil, "no instance in service"},
		"no target":   {one(), "no instance in service"},
		"other":       {balancer.Table{"other": {{Name: "v001", Weight: 1, Targets: []balancer.Target{{ID: "a", Address: "127.0.0.1:1"}}}}}, "no instance in service"},
		"no weight":   {balancer.Table{"lb": {{Name: "v001", Targets: []balancer.Target{{ID: "a", Address: "127.0.0.1:1"}}}}}, "weight 0"},
		"unreachable": {one(refusing(t, "a"), refusing(t, "b")), "accepts connections"},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.Set(tt.table)
			res, err := f.client.Get("http://" + f.Addr("lb") + "/")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "1" || !strings.Contains(string(body), tt.want) {
				t.Errorf("got %d %q, Retry-After %q; want 503 with %q and 1", res.StatusCode, body, res.Header.Get("Retry-After"), tt.want)
			}
			eventually(t, "the error being counted", func() bool {
				return f.Traffic("lb", "") == gennaker.Traffic{Requests: 1, Errors: 1}
			})
		})
	}
}

func TestSwitch(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a, b := named(t, "a"), named(t, "b")
	for _, target := range []balancer.Target{a, b, a} {
		f.Set(one(target))
		if got, want := f.get(), "200 "+target.ID; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

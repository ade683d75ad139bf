package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// named lets everyone in, under the name that a header says.
type named struct{ everyone }

func (named) Caller(r *http.Request) (api.Caller, error) {
	return api.Caller{User: r.Header.Get("X-User")}, nil
}

// limited is a server that takes two requests at once, and one each second.
func limited(t *testing.T) *api.Server {
	t.Helper()
	cfg := newWorld(t).config()
	cfg.Access, cfg.Rate = named{}, api.Rate{PerSecond: 1, Burst: 2}
	return api.New(cfg)
}

// ask sends a request of a user from an address.
func ask(s *api.Server, target, user, from string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://localhost:8084"+target, nil)
	r.RemoteAddr = from
	r.Header.Set("X-User", user)
	out := httptest.NewRecorder()
	s.ServeHTTP(out, r)
	return out
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := limited(t)
		const here = "127.0.0.1:1"
		for range 2 {
			if res := ask(s, "/applications", "ann", here); res.Code != 200 {
				t.Fatalf("status %d", res.Code)
			}
		}
		res := ask(s, "/applications", "ann", here)
		b := failure(t, res, http.StatusTooManyRequests)
		if res.Header().Get("Retry-After") != "1" || b.Hint == "" || res.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("header %v, body %+v", res.Header(), b)
		}
		for name, other := range map[string][2]string{"another user": {"bob", here}, "nobody known": {gennaker.Anonymous, here}} {
			if res := ask(s, "/applications", other[0], other[1]); res.Code != 200 {
				t.Errorf("%s: status %d", name, res.Code)
			}
		}
		for range 5 {
			if res := ask(s, "/health", "ann", here); res.Code != 200 {
				t.Errorf("what everyone may: status %d", res.Code)
			}
		}
		<-time.After(time.Second)
		if res := ask(s, "/applications", "ann", here); res.Code != 200 {
			t.Errorf("after a second: status %d", res.Code)
		}
		failure(t, ask(s, "/applications", "ann", here), http.StatusTooManyRequests)
	})
}

func TestRateLimitOfAddresses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		a, b string
		same bool
	}{
		"another port":            {"10.0.0.1:1", "10.0.0.1:2", true},
		"another address":         {"10.0.0.1:1", "10.0.0.2:1", false},
		"the same network":        {"[2001:db8::1]:1", "[2001:db8::ffff:2]:1", true},
		"another network":         {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		"IPv4 in IPv6":            {"[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.2]:1", false},
		"a zone says nothing":     {"[fe80::1%eth0]:1", "[fe80::1%eth1]:1", true},
		"what is no address":      {"pipe", "pipe", true},
		"what is another neither": {"pipe", "@", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := limited(t)
				for range 2 {
					ask(s, "/applications", gennaker.Anonymous, tt.a)
				}
				if got := ask(s, "/applications", gennaker.Anonymous, tt.b).Code == http.StatusTooManyRequests; got != tt.same {
					t.Errorf("counted as one: %t", got)
				}
			})
		})
	}
}

// TestRateLimitForgets: callers that came by do not stay, and who is short is
// not forgotten for that.
func TestRateLimitForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := limited(t)
		for i := range 15_000 {
			ask(s, "/applications", fmt.Sprint("user ", i), "10.0.0.1:1")
			if i%5000 == 0 {
				for range 3 {
					ask(s, "/applications", "busy", "10.0.0.1:1")
				}
			}
		}
		failure(t, ask(s, "/applications", "busy", "10.0.0.1:1"), http.StatusTooManyRequests)
		<-time.After(2 * time.Second)
		for range 2 {
			if res := ask(s, "/applications", "busy", "10.0.0.1:1"); res.Code != 200 {
				t.Errorf("later: status %d", res.Code)
			}
		}
		failure(t, ask(s, "/applications", "busy", "10.0.0.1:1"), http.StatusTooManyRequests)
	})
}

func TestRateLimitOfWholeSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := newWorld(t).config()
		cfg.Rate = api.Rate{PerSecond: 2.5} // three at once
		s := api.New(cfg)
		for range 3 {
			if res := call(s, "GET", "/applications", ""); res.Code != 200 {
				t.Fatalf("status %d", res.Code)
			}
		}
		failure(t, call(s, "GET", "/applications", ""), http.StatusTooManyRequests)
	})
}

// TestEveryRouteIsLimited, but what everyone may ask.
func TestEveryRouteIsLimited(t *testing.T) {
	t.Parallel()
	for _, row := range api.New(newWorld(t).config()).Routes() {
		if row.Permission == api.Public {
			continue
		}
		name := row.Method + " " + row.Pattern
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			cfg := w.config()
			cfg.Rate = api.Rate{PerSecond: 1e-9, Burst: 1}
			s := api.New(cfg)
			call(s, "GET", "/auth/user", "") // the one that is allowed
			res := conforming(t, s, row.Method, samples()[name].target, samples()[name].body)
			failure(t, res, http.StatusTooManyRequests)
			if len(w.changes()) > 0 {
				t.Errorf("did %v", w.changes())
			}
		})
	}
}

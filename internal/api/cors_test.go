package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gennaker/gennaker/internal/api"
)

const deck = "https://deck.example.com:9000"

// fromDeck is a server whose API a Deck at another site may use.
func fromDeck(t *testing.T) (*world, *api.Server) {
	t.Helper()
	w := newWorld(t)
	cfg := w.config()
	cfg.Origins = []string{"https://other.example.com", deck}
	return w, api.New(cfg)
}

func TestTrustedPageAsksBeforehand(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/pipelines/01E2/cancel", "/applications", "/nothing"} {
		w, s := fromDeck(t)
		res := call(s, "OPTIONS", target, "", "Origin", deck, "Access-Control-Request-Method", "PUT",
			"Access-Control-Request-Headers", "content-type,x-ratelimit-app")
		if res.Code != http.StatusNoContent || res.Body.Len() > 0 {
			t.Fatalf("status %d, body %q", res.Code, res.Body)
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin":      deck,
			"Access-Control-Allow-Credentials": "true",
			"Access-Control-Allow-Methods":     "GET, POST, PUT, PATCH, DELETE, OPTIONS",
			"Access-Control-Allow-Headers":     "x-requested-with, content-type, authorization, x-ratelimit-app",
			"Access-Control-Max-Age":           "600",
			"Vary":                             "Origin",
		} {
			if got := res.Header().Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if len(w.changes()) > 0 {
			t.Errorf("changed %v", w.changes())
		}
	}
}

func TestTrustedPageUsesTheAPI(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, target string
		status         int
	}{
		"read":    {"GET", "/applications", 200},
		"write":   {"PUT", "/pipelines/01E2/cancel", 200},
		"failure": {"GET", "/pipelines/nope", 404},
		"nothing": {"GET", "/nothing", 404},
		"method":  {"PUT", "/health", 405},
		"stream":  {"GET", "/api/v1/events", 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, s := fromDeck(t)
			_ = s.Shutdown(t.Context()) // streams end at once
			res := call(s, tt.method, tt.target, "", "Origin", deck, "Sec-Fetch-Site", "cross-site")
			h := res.Header()
			if res.Code != tt.status || h.Get("Access-Control-Allow-Origin") != deck || h.Get("Access-Control-Allow-Credentials") != "true" {
				t.Fatalf("status %d, header %v: %s", res.Code, h, res.Body)
			}
			if got := h.Get("Access-Control-Expose-Headers"); got != "ETag, Retry-After, X-Gennaker-Stale, X-Gennaker-Warnings" {
				t.Errorf("the page may read %q", got)
			}
		})
	}
}

func TestOtherPages(t *testing.T) {
	t.Parallel()
	for name, origin := range map[string]string{
		"another site":   "https://evil.example.com",
		"another port":   "https://deck.example.com",
		"another scheme": strings.Replace(deck, "https", "http", 1),
		"a longer name":  deck + ".evil.example.com",
		"a sandbox":      "null",
		"none":           "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, s := fromDeck(t)
			header := []string{"Sec-Fetch-Site", "cross-site"}
			if origin != "" {
				header = append(header, "Origin", origin)
			}
			failure(t, call(s, "PUT", "/pipelines/01E2/cancel", "", header...), 403)
			failure(t, call(s, "OPTIONS", "/pipelines/01E2/cancel", "", append(header, "Access-Control-Request-Method", "PUT")...), 405)
			for _, res := range []*httptest.ResponseRecorder{
				call(s, "GET", "/applications", "", header...),
				call(s, "OPTIONS", "/applications", "", append(header, "Access-Control-Request-Method", "PUT")...),
			} {
				for name := range res.Header() {
					if strings.HasPrefix(name, "Access-Control-") {
						t.Errorf("%s: %q", name, res.Header()[name])
					}
				}
				if got := res.Header().Values("Vary"); len(got) == 0 || got[0] != "Origin" {
					t.Errorf("Vary: %q", got)
				}
			}
			if len(w.changes()) > 0 {
				t.Errorf("changed %v", w.changes())
			}
		})
	}
}

func TestWithoutOriginsNobodyIsTrusted(t *testing.T) {
	t.Parallel()
	res := call(api.New(newWorld(t).config()), "GET", "/applications", "", "Origin", deck)
	if res.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("header %v", res.Header())
	}
}

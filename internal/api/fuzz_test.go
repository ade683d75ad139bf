package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gennaker/gennaker/internal/api"
)

// FuzzServe sends any path and body. Whatever comes, the answer is no internal
// error, JSON where it must be, and what is refused changes nothing.
func FuzzServe(f *testing.F) {
	for name, sm := range samples() {
		method, _, _ := strings.Cut(name, " ")
		f.Add(method, sm.target, sm.body)
	}
	f.Add("POST", "/pipelines", `{"name":"x","application":"a","stages":[{"type":"wait","waitTime":-1},7]}`)
	f.Add("POST", "/pipelines/demo/p1", `{"trigger":{"parameters":{"tag":null}},"executionId":1}`)
	f.Add("POST", "/tasks", `{"application":"a","job":[null,{"type":"wait","capacity":{"min":"x"}}]}`)
	f.Add("GET", "/applications/%2e%2e/pipelineConfigs/%00", "")
	f.Add("PUT", "/pipelines/0/stages/0/restart", "0")
	f.Add("GET", "/executions?limit=9999999999999999999&statuses=,,", "")
	f.Fuzz(func(t *testing.T, method, target, body string) {
		u, err := url.ParseRequestURI("http://localhost" + target)
		if err != nil || u.Host != "localhost" || strings.HasPrefix(u.Path, "/api/v1/events") {
			t.Skip("not a request that a server gets to see, or one that does not end")
		}
		w := newWorld(t)
		r := &http.Request{
			Method: method, URL: u, Host: u.Host, RemoteAddr: "127.0.0.1:1", Header: http.Header{},
			Body: http.NoBody, ContentLength: -1, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		}
		if body != "" {
			r.Body = httptest.NewRequest("POST", "/", strings.NewReader(body)).Body
		}
		res := httptest.NewRecorder()
		api.New(w.config()).ServeHTTP(res, r.WithContext(t.Context()))
		if res.Code >= 500 {
			t.Fatalf("status %d: %s", res.Code, res.Body)
		}
		if res.Header().Get("Content-Type") == "application/json" && !json.Valid(res.Body.Bytes()) {
			t.Fatalf("not JSON: %q", res.Body)
		}
		if res.Code >= 400 {
			failure(t, res, res.Code)
			if len(w.changes()) > 0 {
				t.Fatalf("refused with %d, but did %v", res.Code, w.changes())
			}
		}
	})
}

// FuzzHeaders sends any header about what a client knows, takes and comes from.
// The answer is always the same, or that it did not change.
func FuzzHeaders(f *testing.F) {
	f.Add("gzip;q=0.5, *;q=0", `W/"x", "y"`, deck)
	f.Add("gzip, deflate", "*", "null")
	f.Add(";;q=,", `W/`, "https://evil.example.com")
	w := newWorld(f)
	for range 50 {
		w.apps = append(w.apps, w.apps[0])
	}
	cfg := w.config()
	cfg.Origins = []string{deck}
	s := api.New(cfg)
	first := call(s, "GET", "/applications", "")
	want, tag := first.Body.String(), first.Header().Get("ETag")
	f.Fuzz(func(t *testing.T, accepts, known, origin string) {
		res := call(s, "GET", "/applications", "", "Accept-Encoding", accepts, "If-None-Match", known, "Origin", origin)
		switch res.Code {
		case http.StatusOK:
			if got := plain(t, res); got != want {
				t.Fatalf("holds %q", got)
			}
		case http.StatusNotModified:
			if !strings.Contains(known, strings.TrimPrefix(tag, "W/")) && !strings.Contains(known, "*") || res.Body.Len() > 0 {
				t.Fatalf("knows %q, but it has the tag %s", known, tag)
			}
		default:
			t.Fatalf("status %d: %s", res.Code, res.Body)
		}
		if got := res.Header().Get("Access-Control-Allow-Origin"); got != "" && (got != deck || origin != deck) {
			t.Fatalf("a page of %q may read", origin)
		}
	})
}

// FuzzQuery sends any query to routes that read one of each kind.
func FuzzQuery(f *testing.F) {
	f.Add("executionIds=01E2&limit=1&statuses=RUNNING,,&expand=false")
	f.Add("expression=${a;b}&%zz")
	f.Add("q=demo&type=instances,applications&pageSize=1&page=3&allowShortQuery=true")
	f.Add("ids=a:b:c&applications=&after=%ff&status=up&limit=2")
	f.Add("tail=-1&follow=maybe&instance=%00")
	f.Add("limit=99999999999999999999&limit=1&page=0x1")
	f.Fuzz(func(t *testing.T, query string) {
		s := api.New(newWorld(t).config())
		for _, path := range []string{
			"/executions", "/applications/demo/tasks", "/applications/demo/pipelineConfigs", "/pipelines/01E2/evaluateExpression",
			"/api/v1/server-groups/local/local/demo-prod-v001/logs", "/search", "/serverGroups", "/api/v1/server-groups", "/credentials/type/kubernetes",
		} {
			r := httptest.NewRequest("GET", "http://localhost"+path, nil)
			r.RemoteAddr, r.URL.RawQuery = "127.0.0.1:1", query
			if strings.Contains(query, "follow") && strings.HasSuffix(path, "/logs") {
				continue // which may not end
			}
			res := httptest.NewRecorder()
			s.ServeHTTP(res, r)
			switch {
			case res.Code == http.StatusOK:
			case res.Code >= 400 && res.Code < 500:
				failure(t, res, res.Code)
			default:
				t.Fatalf("%s: status %d: %s", path, res.Code, res.Body)
			}
		}
	})
}

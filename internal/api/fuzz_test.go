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

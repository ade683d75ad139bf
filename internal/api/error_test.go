package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gennaker/gennaker/internal/api"
)

// TestRefusals: whatever is wrong with a request, the answer is the same JSON.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const object = `{"application":"demo","job":[{"type":"wait"}]}`
	tests := map[string]struct {
		method, target, body string
		header               []string
		status               int
	}{
		"no route":                {"GET", "/gate", "", nil, 404},
		"another method":          {"DELETE", "/applications", "", nil, 405},
		"options":                 {"OPTIONS", "/applications", "", nil, 405},
		"path is not UTF-8":       {"GET", "/applications/%ff", "", nil, 400},
		"query is cut off":        {"GET", "/applications/demo?expand=%4", "", nil, 400},
		"query is no hexadecimal": {"GET", "/applications?x=%zz", "", nil, 400},
		"query is not UTF-8":      {"GET", "/applications?x=%ff", "", nil, 400},
		"name in the query too":   {"GET", "/applications?%ff=x", "", nil, 400},
		"compressed body":         {"POST", "/tasks", object, []string{"Content-Encoding", "gzip"}, 400},
		"no body":                 {"POST", "/tasks", "", nil, 400},
		"body is no JSON":         {"POST", "/tasks", "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400},
		"body is no object":       {"POST", "/tasks", "[]", nil, 400},
		"body is not UTF-8":       {"POST", "/tasks", "{\"application\":\"\xff\"}", nil, 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			res := conforming(t, api.New(w.config()), tt.method, tt.target, tt.body, tt.header...)
			failure(t, res, tt.status)
			if len(w.changes()) > 0 {
				t.Errorf("did %v", w.changes())
			}
		})
	}
}

// TestMediaTypesAreNotAskedFor: spin and curl say little about what they send,
// and may be understood all the same.
func TestMediaTypesAreNotAskedFor(t *testing.T) {
	t.Parallel()
	for _, header := range [][]string{
		nil,
		{"Content-Type", "text/plain"},
		{"Content-Type", "application/x-www-form-urlencoded"},
		{"Content-Type", "no media type"},
		{"Content-Encoding", "identity"},
		{"Accept", "application/xml"},
	} {
		w := newWorld(t)
		res := conforming(t, api.New(w.config()), "POST", "/tasks", `{"application":"demo","job":[{"type":"wait"}]}`, header...)
		if res.Code != 200 || len(w.changes()) != 1 {
			t.Errorf("%v: status %d: %s", header, res.Code, res.Body)
		}
	}
}

func TestSemicolonInAQuery(t *testing.T) {
	t.Parallel()
	res := call(api.New(newWorld(t).config()), "GET", "/pipelines/01E2/evaluateExpression?expression=a;b", "")
	if got := res.Body.String(); res.Code != 200 || got != `{"result":"a;b"}`+"\n" {
		t.Errorf("status %d: %s", res.Code, got)
	}
}

// TestEveryRouteReadsItsQuery, or refuses it.
func TestEveryRouteReadsItsQuery(t *testing.T) {
	t.Parallel()
	for _, row := range api.New(newWorld(t).config()).Routes() {
		name := row.Method + " " + row.Pattern
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, sm := newWorld(t), samples()[name]
			path, query, _ := strings.Cut(sm.target, "?")
			res := conforming(t, api.New(w.config()), row.Method, path+"?"+query+"&x=%zz", sm.body)
			failure(t, res, http.StatusBadRequest)
			if len(w.changes()) > 0 {
				t.Errorf("did %v", w.changes())
			}
		})
	}
}

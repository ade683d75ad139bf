package deck

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/internal/api/apitest"
)

// origin is the site of a Deck.
const origin = "https://deck.example.com"

// TestPages asks what Deck asks on its pages, page by page, as a browser that
// shows Deck does.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fields := readFields(t)
	files, err := filepath.Glob("testdata/pages/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are %d pages: %v", len(files), err)
	}
	for _, file := range files {
		page, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			p := *w
			p.T = t
			for _, f := range page.Files {
				p.replay(fields, f.Name, string(f.Data))
			}
		})
	}
	fields.unseen(t)
}

// replay does one request, "METHOD path", and checks its answer. With "until
// STATUS" at its end it is repeated until the answer has that status, as Deck
// repeats it.
func (w *world) replay(fields *fields, request, body string) {
	w.Helper()
	request, status, repeated := strings.Cut(request, " until ")
	method, path, _ := strings.Cut(request, " ")
	path, body = w.expand(path), w.expand(body)
	if !repeated {
		w.check(fields, method, path, body)
		return
	}
	lab.Eventually(w, request+" until "+status, func(context.Context) (bool, error) {
		answer, _ := w.check(fields, method, path, body).(object)
		return answer["status"] == status || w.Failed(), nil
	})
}

// check does a request, and returns its answer when that is what Deck reads.
func (w *world) check(fields *fields, method, path, body string) any {
	w.Helper()
	res, text := w.send(method, path, body)
	route := fields.route(method, path)
	if route == nil {
		w.Errorf("%s %s: fields.txtar does not say what Deck reads there", method, path)
		return nil
	}
	if res.StatusCode != route.status {
		w.Errorf("%s %s: it answers %d, want %d: %.300s", method, path, res.StatusCode, route.status, text)
		return nil
	}
	for name, want := range map[string]string{"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"} {
		if got := res.Header.Get(name); got != want {
			w.Errorf("%s %s: the header %s is %q, want %q", method, path, name, got, want)
		}
	}
	var answer any
	if len(bytes.TrimSpace(text)) > 0 {
		// Deck takes any other type for the page of a login.
		if media, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || media != "application/json" {
			w.Errorf("%s %s: it answers with %q", method, path, res.Header.Get("Content-Type"))
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			w.Errorf("%s %s: %v", method, path, err)
			return nil
		}
	}
	for _, wrong := range route.check(answer) {
		w.Errorf("%s %s: %s", method, path, wrong)
	}
	if o, ok := answer.(object); ok && method == http.MethodPost {
		if ref, ok := o["ref"].(string); ok {
			w.ref = ref
		}
	}
	return answer
}

// send does a request as Deck's page does it in a browser.
func (w *world) send(method, path, body string) (*http.Response, []byte) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.server.URL()+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Origin", origin)
	req.Header.Set("X-RateLimit-App", "deck")
	if body != "" {
		req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	}
	res, err := apitest.Transport(w, http.DefaultTransport).RoundTrip(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return res, text
}

// TestPreflight asks what a browser asks before it lets Deck's page ask.
func TestPreflight(t *testing.T) {
	t.Parallel()
	w := newServer(t)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, w.server.URL()+"/pipelines/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", origin)
		req.Header.Set("Access-Control-Request-Method", method)
		req.Header.Set("Access-Control-Request-Headers", "content-type,x-ratelimit-app")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header; res.StatusCode >= 300 || got.Get("Access-Control-Allow-Origin") != origin || got.Get("Access-Control-Allow-Credentials") != "true" ||
			!strings.Contains(got.Get("Access-Control-Allow-Methods"), method) || !strings.Contains(got.Get("Access-Control-Allow-Headers"), "x-ratelimit-app") {
			t.Errorf("%s: %s %v", method, res.Status, got)
		}
	}
}

// fields is what Deck reads of the answers, by route.
type fields struct {
	mux    *http.ServeMux
	routes map[string]*route
}

// A route is what Deck wants of the answers of one.
type route struct {
	pattern string
	status  int
	fields  []field
}

// readFields reads testdata/fields.txtar: a section for each route, and a line
// for each field, as "stages[].tasks[].name string": [] is every element of a
// list, {} every value of an object, "." is the answer itself, a ? after a name
// allows that it is absent. Types that are allowed too follow after a |.
func readFields(t *testing.T) *fields {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/fields.txtar")
	if err != nil {
		t.Fatal(err)
	}
	out := &fields{http.NewServeMux(), map[string]*route{}}
	for _, f := range archive.Files {
		words := strings.Fields(f.Name)
		r := &route{pattern: words[0] + " " + words[1], status: http.StatusOK}
		if len(words) > 2 {
			if r.status, err = strconv.Atoi(words[2]); err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
		}
		for line := range strings.Lines(string(f.Data)) {
			path, types, ok := strings.Cut(strings.TrimSpace(line), " ")
			if !ok {
				t.Fatalf("%s: the line %q has no type", f.Name, line)
			}
			r.fields = append(r.fields, field{path: path, types: strings.Split(types, "|")})
		}
		out.mux.Handle(r.pattern, http.NotFoundHandler())
		out.routes[r.pattern] = r
	}
	return out
}

// route returns what is said of the route of a request.
func (f *fields) route(method, path string) *route {
	req, err := http.NewRequest(method, path, nil) //nolint:noctx // it is not sent
	if err != nil {
		return nil
	}
	_, pattern := f.mux.Handler(req)
	return f.routes[pattern]
}

// unseen complains of the fields that no answer had: nothing checked them.
func (f *fields) unseen(t *testing.T) {
	t.Helper()
	for pattern, r := range f.routes {
		if i := slices.IndexFunc(r.fields, func(f field) bool { return !f.seen }); i >= 0 {
			t.Errorf("%s: no answer had %s", pattern, r.fields[i].path)
		}
	}
}

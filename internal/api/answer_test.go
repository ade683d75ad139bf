package api_test

import (
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// long is a world whose list of applications has many bytes.
func long(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for range 100 {
		w.apps = append(w.apps, gennaker.Application{Name: "again", Email: "a@example.com", Attrs: map[string]any{"name": "again"}})
	}
	return w
}

// plain returns what an answer holds, whatever it is compressed with.
func plain(t *testing.T, res *httptest.ResponseRecorder) string {
	t.Helper()
	var in io.Reader = res.Body
	if res.Header().Get("Content-Encoding") == "gzip" {
		var err error
		if in, err = gzip.NewReader(in); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCompression(t *testing.T) {
	t.Parallel()
	w := long(t)
	s := api.New(w.config())
	whole := call(s, "GET", "/applications", "").Body.String()
	tests := map[string]struct {
		target, accepts string
		want            string
	}{
		"accepted":             {"/applications", "gzip, deflate, br", "gzip"},
		"accepted with weight": {"/applications", "br;q=1.0, gzip;q=0.5", "gzip"},
		"everything accepted":  {"/applications", "*", "gzip"},
		"upper case":           {"/applications", "GZIP", "gzip"},
		"not said":             {"/applications", "", ""},
		"another":              {"/applications", "br", ""},
		"refused":              {"/applications", "gzip;q=0, *", ""},
		"all refused":          {"/applications", "*;q=0", ""},
		"nonsense":             {"/applications", "gzip;q=x;;,", ""},
		"small":                {"/version", "gzip", ""},
		"a page":               {"/api/v1/openapi.json", "gzip", "gzip"},
		"a failure":            {"/pipelines/nope", "gzip", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := call(s, "GET", tt.target, "", "Accept-Encoding", tt.accepts)
			if got := res.Header().Get("Content-Encoding"); got != tt.want {
				t.Fatalf("encoding %q, want %q", got, tt.want)
			}
			if !slices.Contains(res.Header().Values("Vary"), "Accept-Encoding") {
				t.Errorf("Vary: %q", res.Header().Values("Vary"))
			}
			if size := res.Body.Len(); tt.want == "gzip" && tt.target == "/applications" && size > len(whole)/5 {
				t.Errorf("%d bytes of %d", size, len(whole))
			}
			if got := plain(t, res); tt.target == "/applications" && got != whole {
				t.Errorf("holds %q", got)
			}
		})
	}
}

func TestStreamsAreNotCompressed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.log = strings.Repeat("a long line\n", 1000)
	res := call(api.New(w.config()), "GET", "/api/v1/server-groups/local/local/demo-prod-v001/logs", "", "Accept-Encoding", "gzip")
	if res.Code != 200 || res.Header().Get("Content-Encoding") != "" || res.Header().Get("ETag") != "" || res.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, header %v", res.Code, res.Header())
	}
}

func TestRevalidation(t *testing.T) {
	t.Parallel()
	w := long(t)
	s := api.New(w.config())
	first := call(s, "GET", "/applications", "")
	tag := first.Header().Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) || first.Header().Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("header %v", first.Header())
	}
	for name, known := range map[string]string{
		"the same": tag, "strong": strings.TrimPrefix(tag, "W/"), "among others": `"a", ` + tag + `, W/"b"`, "any": "*",
	} {
		for _, accepts := range []string{"", "gzip"} {
			res := conforming(t, s, "GET", "/applications", "", "If-None-Match", known, "Accept-Encoding", accepts)
			h := res.Header()
			if res.Code != http.StatusNotModified || res.Body.Len() > 0 || h.Get("ETag") != tag || h.Get("Content-Encoding") != "" || h.Get("Content-Length") != "" {
				t.Errorf("%s: status %d, header %v, %d bytes", name, res.Code, h, res.Body.Len())
			}
		}
	}
	if res := call(s, "HEAD", "/applications", "", "If-None-Match", tag); res.Code != http.StatusNotModified {
		t.Errorf("HEAD: status %d", res.Code)
	}
	if res := call(s, "GET", "/applications", "", "If-None-Match", `W/"another"`); res.Code != 200 || res.Body.String() != first.Body.String() {
		t.Errorf("of another: status %d", res.Code)
	}
	w.apps = w.apps[1:]
	res := call(s, "GET", "/applications", "", "If-None-Match", tag)
	if res.Code != 200 || res.Header().Get("ETag") == tag {
		t.Errorf("when it changed: status %d, header %v", res.Code, res.Header())
	}
}

func TestWhatIsNotKept(t *testing.T) {
	t.Parallel()
	s := api.New(newWorld(t).config())
	for name, req := range map[string][2]string{
		"a failure":   {"GET", "/pipelines/nope"},
		"no route":    {"GET", "/nothing"},
		"a change":    {"PUT", "/pipelines/01E2/cancel"},
		"a redirect":  {"GET", "/"},
		"bad health":  {"GET", "/pipelines/%ff"},
		"with a body": {"POST", "/pipelines/demo/p1"},
	} {
		res := call(s, req[0], req[1], "", "If-None-Match", "*")
		if res.Code == http.StatusNotModified || res.Header().Get("ETag") != "" || res.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: status %d, header %v", name, res.Code, res.Header())
		}
	}
}

func TestObservedIsTheTimeUntilTheAnswerBegins(t *testing.T) {
	t.Parallel()
	inMemoryWith(t, func(cfg *api.Config, seen chan<- time.Duration) {
		cfg.Observe = func(_ string, _ int, took time.Duration) { seen <- took }
	}, func(t *testing.T, w *world, conn net.Conn, seen <-chan time.Duration) {
		w.apps = long(t).apps
		if _, err := io.WriteString(conn, "GET /applications HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-time.After(10 * time.Second) // the client is slow
		go io.Copy(io.Discard, conn)
		if took := <-seen; took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

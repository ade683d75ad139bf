package api_test

import (
	"bufio"
	"cmp"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gennaker/gennaker/internal/api"
)

// built is what a build of the pages leaves.
func built() fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		".gitkeep":               "",
		"index.html":             "<title>pages</title>",
		"favicon.svg":            "<svg/>",
		"assets/app-1a2b.js":     "plain script",
		"assets/app-1a2b.js.br":  "script as br",
		"assets/app-1a2b.js.gz":  "script as gzip",
		"assets/font-3c4d.woff2": "font",
		"assets/other-5e6f.data": "bytes",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func pagesOf(t *testing.T, files fs.FS) *api.Server {
	t.Helper()
	pages, err := api.ReadPages(files)
	if err != nil {
		t.Fatal(err)
	}
	cfg := newWorld(t).config()
	cfg.Pages = pages
	return api.New(cfg)
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := pagesOf(t, built())
	const always, ask, html, script = "public, max-age=31536000, immutable", "no-cache", "text/html; charset=utf-8", "text/javascript; charset=utf-8"
	for name, tt := range map[string]struct {
		method, target, accept string
		status                 int
		media, cache, body     string
		coding                 string
	}{
		"start":                      {target: "/ui/", media: html, cache: ask, body: "<title>pages</title>"},
		"place in the pages":         {target: "/ui/applications/demo?tab=fleet", media: html, cache: ask, body: "<title>pages</title>"},
		"place with a slash":         {target: "/ui/applications/", media: html, cache: ask, body: "<title>pages</title>"},
		"place that looks as a file": {target: "/ui/applications/demo.js", media: html, cache: ask, body: "<title>pages</title>"},
		"index by its name":          {target: "/ui/index.html", media: html, cache: ask, body: "<title>pages</title>"},
		"file that keeps its name":   {target: "/ui/favicon.svg", media: "image/svg+xml", cache: ask, body: "<svg/>"},
		"asset":                      {target: "/ui/assets/app-1a2b.js", media: script, cache: always, body: "plain script"},
		"asset, gzip":                {target: "/ui/assets/app-1a2b.js", accept: "gzip, deflate", media: script, cache: always, body: "script as gzip", coding: "gzip"},
		"asset, brotli":              {target: "/ui/assets/app-1a2b.js", accept: "gzip, deflate, br, zstd", media: script, cache: always, body: "script as br", coding: "br"},
		"asset, brotli not wanted":   {target: "/ui/assets/app-1a2b.js", accept: "br;q=0, gzip", media: script, cache: always, body: "script as gzip", coding: "gzip"},
		"asset that is small":        {target: "/ui/assets/font-3c4d.woff2", accept: "gzip, br", media: "font/woff2", cache: always, body: "font"},
		"asset of no known kind":     {target: "/ui/assets/other-5e6f.data", media: "application/octet-stream", cache: always, body: "bytes"},
		"asset of an older build":    {target: "/ui/assets/app-0000.js", status: http.StatusNotFound},
		"what is compressed":         {target: "/ui/assets/app-1a2b.js.br", status: http.StatusNotFound},
		"no page":                    {target: "/ui/.gitkeep", media: html, cache: ask, body: "<title>pages</title>"},
		"folder of assets":           {target: "/ui/assets/", media: html, cache: ask, body: "<title>pages</title>"},
		"nothing is above":           {target: "/ui/%2e%2e/embed.go", media: html, cache: ask, body: "<title>pages</title>"},
		"head":                       {method: "HEAD", target: "/ui/assets/app-1a2b.js", media: script, cache: always, body: "plain script"},
		"post":                       {method: "POST", target: "/ui/x", status: http.StatusMethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := call(s, cmp.Or(tt.method, "GET"), tt.target, "", "Accept-Encoding", tt.accept)
			if tt.status != 0 {
				failure(t, res, tt.status)
				return
			}
			h := res.Header()
			if res.Code != http.StatusOK || res.Body.String() != tt.body || h.Get("Content-Type") != tt.media || h.Get("Cache-Control") != tt.cache || h.Get("Content-Encoding") != tt.coding {
				t.Fatalf("status %d, header %v, body %q", res.Code, h, res.Body)
			}
			if strings.Contains(tt.target, ".js") && strings.Contains(tt.target, "assets") != (h.Get("Vary") == "Accept-Encoding") {
				t.Errorf("Vary is %q", h.Get("Vary"))
			}
			if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'self';") || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("header %v", h)
			}
			again := call(s, cmp.Or(tt.method, "GET"), tt.target, "", "If-None-Match", h.Get("ETag"))
			if again.Code != http.StatusNotModified || again.Body.Len() != 0 || again.Header().Get("Cache-Control") != tt.cache {
				t.Errorf("again: status %d, header %v, body %q", again.Code, again.Header(), again.Body)
			}
		})
	}
}

// TestPagesOverTheWire: a connection goes on after a HEAD, which has no body.
func TestPagesOverTheWire(t *testing.T) {
	t.Parallel()
	inMemoryWith(t, func(cfg *api.Config, _ chan<- time.Duration) {
		pages, err := api.ReadPages(built())
		if err != nil {
			t.Fatal(err)
		}
		cfg.Pages = pages
	}, func(t *testing.T, _ *world, conn net.Conn, _ <-chan time.Duration) {
		in := bufio.NewReader(conn)
		for _, method := range []string{"HEAD", "GET"} {
			if _, err := io.WriteString(conn, method+" /ui/assets/app-1a2b.js HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: br\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(in, &http.Request{Method: method})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || res.ContentLength != int64(len("script as br")) || (method == "GET") != (string(body) == "script as br") {
				t.Errorf("%s: %d bytes, body %q, %v", method, res.ContentLength, body, err)
			}
		}
	})
}

func TestWhereThePagesAre(t *testing.T) {
	t.Parallel()
	s := pagesOf(t, built())
	for _, from := range []string{"/", "/ui"} {
		if res := call(s, "GET", from, ""); res.Code != http.StatusFound || res.Header().Get("Location") != "/ui/" {
			t.Errorf("%s: status %d to %q", from, res.Code, res.Header().Get("Location"))
		}
	}
}

// TestNoPages: a server that was built without pages says how to build them.
func TestNoPages(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("ui.html")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*api.Server{
		"not configured": api.New(newWorld(t).config()),
		"not built":      pagesOf(t, fstest.MapFS{".gitkeep": {}}),
	} {
		res := call(s, "GET", "/ui/applications/demo", "")
		if res.Code != http.StatusOK || res.Body.String() != string(want) || !strings.Contains(string(want), "make ui") {
			t.Errorf("%s: status %d, body %s", name, res.Code, res.Body)
		}
	}
}

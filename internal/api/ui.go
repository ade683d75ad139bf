package api

import (
	_ "embed"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

//go:embed ui.html
var plainPage []byte

// assets is where the build puts files whose names change with what they hold.
const assets = "assets/"

// Pages are the files of the user interface, in memory as they are sent.
type Pages struct {
	files map[string]*page
	index *page
}

// page is a file in every coding that it was built in; "" is as it is.
type page struct {
	media, cache, tag string
	coded             map[string][]byte
}

// codings are those that the build may have compressed a file with, the best
// first, and how the names of such files end.
var codings = []struct{ name, ending string }{{"br", ".br"}, {"gzip", ".gz"}}

// mediaTypes are those of the files, whatever this machine calls them.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".ico": "image/x-icon", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".map": "application/json", ".png": "image/png", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json", ".woff2": "font/woff2",
}

// pageHeader lets a page use nothing but this server, and nobody frame it.
var pageHeader = http.Header{
	"Content-Security-Policy": {"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"},
	"Referrer-Policy":         {"no-referrer"},
}

// ReadPages reads a tree that was built: index.html, what it names, and beside a
// file x what it is compressed, x.br and x.gz. Without an index.html there are no
// pages but one that says so.
func ReadPages(built fs.FS) (*Pages, error) {
	p := noPages()
	err := fs.WalkDir(built, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") || compressed(name) {
			return err
		}
		p.files[name], err = readPage(built, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	if index := p.files["index.html"]; index != nil {
		p.index = index
	}
	return p, nil
}

// noPages is one page that says how to build the others.
func noPages() *Pages {
	return &Pages{files: map[string]*page{}, index: newPage("index.html", plainPage)}
}

func compressed(name string) bool {
	for _, c := range codings {
		if strings.HasSuffix(name, c.ending) {
			return true
		}
	}
	return false
}

func readPage(built fs.FS, name string) (*page, error) {
	text, err := fs.ReadFile(built, name)
	if err != nil {
		return nil, err
	}
	p := newPage(name, text)
	for _, c := range codings {
		if text, err := fs.ReadFile(built, name+c.ending); err == nil {
			p.coded[c.name] = text
		}
	}
	return p, nil
}

func newPage(name string, text []byte) *page {
	p := &page{media: mediaTypes[path.Ext(name)], cache: "no-cache", tag: tagOf(text), coded: map[string][]byte{"": text}}
	if p.media == "" {
		p.media = "application/octet-stream"
	}
	if strings.HasPrefix(name, assets) {
		p.cache = "public, max-age=31536000, immutable"
	}
	return p
}

// root says where the pages are. They are below /ui/, with the slash.
func (*Server) root(r *Request) (Nothing, error) {
	r.Answer.Set("Location", "/ui/")
	return Nothing{}, nil
}

// page finds a file. What is none is a place within the pages, which they find
// themselves; but what a page loads must be there.
func (s *Server) page(r *Request) (*page, error) {
	name := r.PathValue("rest")
	if p := s.Pages.files[name]; p != nil {
		return p, nil
	}
	if strings.HasPrefix(name, assets) {
		return nil, gennaker.Errorf(gennaker.NotFound, "There is no such file of the pages").WithHint("load the page again: the server has newer ones")
	}
	return s.Pages.index, nil
}

// sendPage sends what was made ready when the server was.
func (s *Server) sendPage(w http.ResponseWriter, r *http.Request, p *page) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	h := w.Header()
	maps.Copy(h, pageHeader)
	h.Set("Cache-Control", p.cache)
	h.Set("ETag", p.tag)
	if len(p.coded) > 1 {
		h.Set("Vary", "Accept-Encoding")
	}
	if has(r, p.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	text := p.coded[""]
	for _, c := range codings {
		if coded := p.coded[c.name]; coded != nil && accepts(r.Header, c.name) {
			h.Set("Content-Encoding", c.name)
			text = coded
			break
		}
	}
	h.Set("Content-Type", p.media)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(text)
}

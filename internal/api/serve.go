package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gennaker/gennaker"
)

// ServeHTTP answers one request. A panic of a handler becomes an answer with
// status 500 and a line in the log.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	out := &writer{ResponseWriter: w}
	var route string
	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			err := fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			if out.status != 0 { // too late for another answer than a torn one
				s.Log.ErrorContext(r.Context(), "request failed", "route", route, "error", err)
				panic(http.ErrAbortHandler)
			}
			s.fail(out, r, err)
		}
		if s.Observe != nil {
			s.Observe(route, out.status, out.began(time.Now()).Sub(began))
		}
	}()
	if r.ContentLength != 0 { // also for a body that nobody reads: the server looks for its end
		_ = http.NewResponseController(w).SetReadDeadline(began.Add(bodyTimeout))
	}
	out.Header().Set("X-Content-Type-Options", "nosniff")
	out.Header().Set("Cache-Control", "no-store")
	if s.cors(out, r) {
		return
	}
	r, err := s.admit(r)
	if err != nil {
		s.fail(out, r, err)
		return
	}
	h, pattern := s.mux.Handler(r)
	if pattern == "" {
		s.unrouted(out, r, h)
		return
	}
	route = pattern
	s.mux.ServeHTTP(out, r)
}

// admit checks what must hold for every request, and returns r with a path
// that does not end in a slash, but for / and /ui/.
func (s *Server) admit(r *http.Request) (*http.Request, error) {
	if err := s.checkHost(r); err != nil {
		return r, err
	}
	if err := s.origin.Check(r); err != nil && !s.trusts(r) {
		return r, errDenied().WithHint("a page of another site may not change anything here")
	}
	raw := r.URL.EscapedPath()
	trimmed := strings.TrimRight(raw, "/")
	path, err := url.PathUnescape(trimmed)
	if err != nil || !utf8.ValidString(path) {
		return r, gennaker.Errorf(gennaker.Invalid, "the path is not percent-encoded UTF-8")
	}
	for i, segment := range strings.Split(trimmed, "/") {
		if (segment == "") != (i == 0) || segment == "." || segment == ".." || r.Method == http.MethodConnect {
			return r, errNoRoute()
		}
	}
	switch {
	case trimmed == "":
		path, trimmed = "/", "/"
	case trimmed == "/ui" && raw != trimmed: // what a page names is relative to it
		path, trimmed = "/ui/", "/ui/"
	}
	if trimmed != raw {
		clone, u := *r, *r.URL
		u.Path, u.RawPath = path, trimmed
		clone.URL = &u
		r = &clone
	}
	return r, nil
}

func errNoRoute() *gennaker.Error {
	return gennaker.Errorf(gennaker.NotFound, "There is nothing at this path")
}

// unrouted answers a request that no route is for; h is what the mux would.
func (s *Server) unrouted(w http.ResponseWriter, r *http.Request, h http.Handler) {
	scratch := &writer{ResponseWriter: discard{}}
	h.ServeHTTP(scratch, r)
	if scratch.status != http.StatusMethodNotAllowed {
		s.fail(w, r, errNoRoute())
		return
	}
	allow := scratch.Header().Get("Allow")
	w.Header().Set("Allow", allow)
	s.failWith(w, r, http.StatusMethodNotAllowed, ErrorBody{Message: "This path does not know " + r.Method, Hint: "it knows " + allow})
}

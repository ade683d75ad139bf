package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"time"
)

// StaleHeader is in answers that do not show every account as it is: once for
// each of them, "account=since" with a time as RFC 3339 has it, or "account"
// alone if nothing of it is shown.
const StaleHeader = "X-Gennaker-Stale"

// Content is an answer that is not JSON. Its media type is the row's.
type Content struct{ Text string }

// handler makes a row's handler: permission, body, answer.
func (s *Server) handler(row Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		r := &Request{Request: hr, Answer: http.Header{}, row: &row, closing: s.streams}
		v, err := s.call(w, r)
		if err != nil {
			s.fail(w, hr, err)
			return
		}
		maps.Copy(w.Header(), r.Answer)
		s.write(w, r, v)
	})
}

func (s *Server) call(w http.ResponseWriter, r *Request) (any, error) {
	var err error
	if r.row.Permission != Public {
		if r.Caller, err = s.Access.Caller(r.Request); err != nil {
			return nil, err
		}
		if err := s.limit(w.Header(), r); err != nil {
			return nil, err
		}
		if err := s.Access.Allow(r.Caller, r.row.Permission, r.PathValue("app")); err != nil {
			return nil, err
		}
	}
	if r.query, err = parseQuery(r.URL.RawQuery); err != nil {
		return nil, err
	}
	if r.row.Handler.Body != nil {
		if r.Text, err = readBody(w, r.Request); err != nil {
			return nil, err
		}
	}
	return r.row.Handler.serve(r)
}

// write answers with v, which a handler returned.
func (s *Server) write(w http.ResponseWriter, r *Request, v any) {
	h := r.row.Handler
	switch a := v.(type) {
	case *Stream:
		s.writeStream(w, r, a)
		return
	case *page:
		s.sendPage(w, r.Request, a)
		return
	case *Content:
		w.Header().Set("Content-Type", h.Media)
		s.send(w, r.Request, h.Status, []byte(a.Text))
		return
	}
	v, some := plain(v)
	if !some {
		s.send(w, r.Request, h.Status, nil)
		return
	}
	text, err := encode(v)
	if err != nil {
		s.fail(w, r.Request, fmt.Errorf("encode answer: %w", err))
		return
	}
	s.sendJSON(w, r.Request, h.Status, text)
}

func encode(v any) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return text.Bytes(), err
}

// plain returns v with an empty list or map for one that is nil: clients do not
// expect null there. It reports whether there is anything to write.
func plain(v any) (any, bool) {
	if _, ok := v.(Nothing); ok {
		return nil, false
	}
	switch at := reflect.ValueOf(v); {
	case at.Kind() == reflect.Pointer && at.IsNil():
		return nil, false
	case at.Kind() == reflect.Slice && at.IsNil():
		return []any{}, true
	case at.Kind() == reflect.Map && at.IsNil():
		return map[string]any{}, true
	}
	return v, true
}

// OrEmpty returns list, but an empty one for nil.
func OrEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Server) sendJSON(w http.ResponseWriter, r *http.Request, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	s.send(w, r, status, text)
}

// send answers with all of text, unless the client has it already. A client that
// went away is not worth a word.
func (s *Server) send(w http.ResponseWriter, r *http.Request, status int, text []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	h := w.Header()
	if compressible(h) {
		h.Add("Vary", "Accept-Encoding")
	}
	if revalidate(h, r, status, text) {
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	text, done := s.compress(h, r, text)
	defer done()
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// writer remembers the status, and when the answer began.
type writer struct {
	http.ResponseWriter
	status int
	at     time.Time
}

func (w *writer) WriteHeader(status int) {
	w.begin(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	return w.ResponseWriter.Write(b)
}

func (w *writer) begin(status int) {
	if w.status == 0 {
		w.status, w.at = status, time.Now()
	}
}

// began returns when the answer began; now if it did not.
func (w *writer) began(now time.Time) time.Time {
	if w.status == 0 {
		return now
	}
	return w.at
}

// Unwrap lets http.ResponseController find the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// discard keeps headers only.
type discard http.Header

func (d discard) Header() http.Header       { return http.Header(d) }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

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

// Content is an answer that is not JSON. Its media type is the row's.
type Content struct{ Text string }

// handler makes a row's handler: permission, body, answer.
func (s *Server) handler(row Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		r := &Request{Request: hr, Answer: http.Header{}, query: hr.URL.Query(), row: &row, closing: s.streams}
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
	if r.row.Permission != Public {
		var err error
		if r.Caller, err = s.Access.Caller(r.Request); err != nil {
			return nil, err
		}
		if err := s.Access.Allow(r.Caller, r.row.Permission, r.PathValue("app")); err != nil {
			return nil, err
		}
	}
	if r.row.Handler.Body != nil {
		var err error
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
	case *Content:
		w.Header().Set("Content-Type", h.Media)
		writeAll(w, h.Status, []byte(a.Text))
		return
	}
	v, some := plain(v)
	if !some {
		writeAll(w, h.Status, nil)
		return
	}
	text, err := encode(v)
	if err != nil {
		s.fail(w, r.Request, fmt.Errorf("encode answer: %w", err))
		return
	}
	writeJSON(w, h.Status, text)
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

func writeJSON(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	writeAll(w, status, text)
}

// writeAll writes an answer. A client that went away is not worth a word.
func writeAll(w http.ResponseWriter, status int, text []byte) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// writer remembers the status.
type writer struct {
	http.ResponseWriter
	status int
}

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// discard keeps headers only.
type discard http.Header

func (d discard) Header() http.Header       { return http.Header(d) }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

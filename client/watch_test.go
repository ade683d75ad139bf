package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

// story is a server with one execution, whose status is the next of a list each
// time it was read.
type story struct {
	statuses []gennaker.Status
	reads    atomic.Int32
	changed  chan struct{}
	streams  atomic.Int32
	perConn  int // events after which a stream breaks; 0 is never
}

func (s *story) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/pipelines/1":
		i := int(s.reads.Add(1)) - 1
		_, _ = fmt.Fprintf(w, `{"id":"1","status":%q}`, s.statuses[min(i, len(s.statuses)-1)])
		if i+1 < len(s.statuses) {
			s.changed <- struct{}{}
		}
	case "/api/v1/events":
		s.streams.Add(1)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, ": hello\n\n")
		_ = http.NewResponseController(w).Flush()
		for n := 1; ; n++ {
			select {
			case <-r.Context().Done():
				return
			case <-s.changed:
			}
			if n == s.perConn {
				return // the event is lost with the stream
			}
			_, _ = fmt.Fprintf(w, "id: %d\nevent: execution\ndata: {\"id\":%d,\ndata: \"execution\":\"1\"}\n\n", n, n)
			_ = http.NewResponseController(w).Flush()
		}
	default:
		http.NotFound(w, r)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	statuses := []gennaker.Status{gennaker.NotStarted, gennaker.Running, gennaker.Paused, gennaker.Running, gennaker.Succeeded}
	for name, perConn := range map[string]int{"one stream": 0, "a stream that breaks and loses an event": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &story{statuses: statuses, changed: make(chan struct{}, len(statuses)), perConn: perConn}
			var got []gennaker.Status
			for e, err := range serving(t, s).Watch(t.Context(), "1") {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e.Status)
			}
			if diff := cmp.Diff(statuses, got); diff != "" {
				t.Error(diff)
			}
			if n := s.reads.Load(); int(n) != len(statuses) {
				t.Errorf("read %d times: it polled", n)
			}
			if perConn == 0 && s.streams.Load() != 1 {
				t.Errorf("opened %d streams", s.streams.Load())
			}
		})
	}
}

// TestWatchOutlivesARestart holds that a server that answers 503 for a while, as
// one that starts does, is asked again.
func TestWatchOutlivesARestart(t *testing.T) {
	t.Parallel()
	s := &story{statuses: []gennaker.Status{gennaker.Running, gennaker.Succeeded}, changed: make(chan struct{}, 2)}
	requests := atomic.Int32{}
	c := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := requests.Add(1); n >= 3 && n <= 5 { // after the first reading
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.ServeHTTP(w, r)
	}))
	var last gennaker.Status
	for e, err := range c.Watch(t.Context(), "1") {
		if err != nil {
			t.Fatal(err)
		}
		last = e.Status
	}
	if last != gennaker.Succeeded || requests.Load() <= 5 {
		t.Errorf("got %s after %d requests", last, requests.Load())
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := &story{statuses: []gennaker.Status{gennaker.Running}, changed: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range serving(t, s).Watch(ctx, "1") {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("got %v", last)
	}
}

func TestWatchOfNothing(t *testing.T) {
	t.Parallel()
	var last error
	n := 0
	for _, err := range answering(t, 404, `{"message":"Pipeline not found (id: 1)"}`).Watch(t.Context(), "1") {
		last, n = err, n+1
	}
	if gennaker.KindOf(last) != gennaker.NotFound || n != 1 {
		t.Errorf("got %v, %d times", last, n)
	}
}

func FuzzEventStream(f *testing.F) {
	f.Add("id: 1\nevent: execution\ndata: {\"id\":1}\n\n")
	f.Add("data: {\"id\":1,\ndata: \"name\":\"x\"}\n\n:\n\ndata:x\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := client.New(client.Config{HTTP: &http.Client{Transport: canned(text)}})
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Events(t.Context(), client.EventQuery{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for {
			if _, err := s.Next(); err != nil {
				return
			}
		}
	})
}

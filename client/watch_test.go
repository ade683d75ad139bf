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
	perConn  int  // the event of a stream with which it breaks; 0 is never
	keeps    bool // the event with which a stream broke comes in the next one
	sent     atomic.Int32
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
		_, _ = fmt.Fprintf(w, "id: p-%d\n\n", s.sent.Load())
		switch after := r.URL.Query().Get("lastEventId"); {
		case after == "":
		case !s.keeps:
			_, _ = io.WriteString(w, "event: reset\ndata: {\"type\":\"reset\"}\n\n")
		case after != fmt.Sprintf("p-%d", s.sent.Load()):
			s.event(w)
		}
		_ = http.NewResponseController(w).Flush()
		for n := 1; ; n++ {
			select {
			case <-r.Context().Done():
				return
			case <-s.changed:
			}
			if s.sent.Add(1); n == s.perConn {
				return // the event is lost with the stream
			}
			s.event(w)
			_ = http.NewResponseController(w).Flush()
		}
	default:
		http.NotFound(w, r)
	}
}

// event writes the newest event.
func (s *story) event(w io.Writer) {
	n := s.sent.Load()
	_, _ = fmt.Fprintf(w, "id: p-%d\nevent: execution\ndata: {\"id\":%d,\ndata: \"execution\":\"1\"}\n\n", n, n)
}

func TestWatch(t *testing.T) {
	t.Parallel()
	statuses := []gennaker.Status{gennaker.NotStarted, gennaker.Running, gennaker.Paused, gennaker.Running, gennaker.Succeeded}
	for name, s := range map[string]*story{
		"one stream": {},
		"a stream that breaks and loses an event": {perConn: 2},
		"a stream that breaks and goes on":        {perConn: 2, keeps: true},
		"a stream that breaks whenever it can":    {perConn: 1, keeps: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.statuses, s.changed = statuses, make(chan struct{}, len(statuses))
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
			if s.perConn == 0 && s.streams.Load() != 1 {
				t.Errorf("opened %d streams", s.streams.Load())
			}
		})
	}
}

// TestWatchReadsOnlyWhatChanged holds that a stream that breaks while nothing
// happens costs no reading.
func TestWatchReadsOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	s := &story{statuses: []gennaker.Status{gennaker.Running, gennaker.Succeeded}, changed: make(chan struct{}, 2), keeps: true}
	var streams atomic.Int32
	c := serving(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/events" {
			s.ServeHTTP(w, r)
			return
		}
		switch streams.Add(1) {
		case 1: // an event, for which is looked
			_, _ = io.WriteString(w, "id: p-1\ndata: {\"id\":1}\n\n")
			_ = http.NewResponseController(w).Flush()
			<-s.changed
		case 2, 3: // goes on, and breaks
			if got := r.URL.Query().Get("lastEventId"); got != "p-1" {
				t.Errorf("came back behind %q", got)
			}
			_, _ = io.WriteString(w, "id: p-1\n\n")
		default:
			_, _ = io.WriteString(w, "id: p-2\ndata: {\"id\":2}\n\n")
		}
	}))
	s.statuses = []gennaker.Status{gennaker.Running, gennaker.Running, gennaker.Succeeded}
	for _, err := range c.Watch(t.Context(), "1") {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := s.reads.Load(); n != 3 || streams.Load() < 4 {
		t.Errorf("read %d times in %d streams", n, streams.Load())
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

package execution

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/event"
)

const (
	// heartbeat is how often a stream says something, so that a page can tell soon
	// that it is cut off.
	heartbeat = 3 * time.Second
	// apart is how far apart pieces of a stream are: what happens meanwhile comes
	// together, and a thousand streams do not wake up for every single event.
	apart = 10 * time.Millisecond
	// retryAfter is how long a client that lost its stream waits, in milliseconds.
	retryAfter = 1000
	// maxEventID bounds the ID that a client comes back with, in bytes.
	maxEventID = 100
)

// events streams what changes. A client that comes back with the ID of its last
// event gets what it missed; or, when that is not known any more, an event of
// type "reset" first, which tells it to read anew. One that is so slow that
// events are gone before it takes them is cut off, and may come back.
func (h handlers) events(r *api.Request) (*api.Stream, error) {
	last := r.Query("lastEventId")
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		last = id
	}
	if len(last) > maxEventID {
		return nil, gennaker.Errorf(gennaker.Invalid, "the ID of an event has at most %d bytes", maxEventID)
	}
	s := eventStream{application: r.Query("application"), execution: r.Query("execution")}
	return &api.Stream{Run: func(ctx context.Context, out *api.StreamWriter) error {
		defer h.Events.Follow()()
		reader, known := h.Events.Read(last)
		if err := s.begin(out, reader.Place(), known); err != nil {
			return err
		}
		return s.send(ctx, out, reader)
	}}, nil
}

// eventStream is what one client wants to know; empty is everything.
type eventStream struct {
	application, execution string
	frame                  bytes.Buffer // of what is sent next
}

// begin says where the stream is, so that a client that leaves before the first
// event can come back too.
func (s *eventStream) begin(out *api.StreamWriter, at string, known bool) error {
	s.frame.Reset()
	fmt.Fprintf(&s.frame, "retry: %d\n", retryAfter)
	if known {
		fmt.Fprintf(&s.frame, "id: %s\n\n", at)
	} else {
		fmt.Fprintf(&s.frame, "id: %s\nevent: %s\ndata: {\"type\":%q}\n\n", at, gennaker.Reset, gennaker.Reset)
	}
	_, err := out.Write(s.frame.Bytes())
	return err
}

// send writes until ctx ends or the reader does.
func (s *eventStream) send(ctx context.Context, out *api.StreamWriter, reader *event.Reader) error {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for ctx.Err() == nil {
		entries, more, ok := reader.Next()
		s.frame.Reset()
		switch {
		case !ok:
			s.frame.WriteString(": too slow; come again\n\n")
		case more == nil:
			s.add(entries)
		default:
			pause(ctx, apart)
			select {
			case <-ctx.Done():
				return nil
			case <-more:
			case <-tick.C:
				s.frame.WriteString(": still here\n\n")
			}
		}
		if s.frame.Len() > 0 {
			if _, err := out.Write(s.frame.Bytes()); err != nil {
				return err
			}
		}
		if !ok {
			return nil
		}
	}
	return nil
}

// pause waits, but not longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// add puts the events into the frame that are wanted.
func (s *eventStream) add(entries []*event.Entry) {
	for _, e := range entries {
		if s.wants(e) {
			fmt.Fprintf(&s.frame, "id: %s\nevent: %s\ndata: %s\n\n", e.Place(), e.Type, e.JSON())
		}
	}
}

// wants reports whether the client asked for an event. One that names no
// application may be of any.
func (s *eventStream) wants(e *event.Entry) bool {
	return (s.application == "" || e.Application == "" || strings.EqualFold(e.Application, s.application)) &&
		(s.execution == "" || e.Execution == s.execution)
}

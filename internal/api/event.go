package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

const (
	heartbeat = 15 * time.Second
	// retryAfter is how long a client that lost its stream waits, in milliseconds.
	retryAfter = 1000
)

// events streams what changes. There is no memory of what was sent: a client
// that comes back with the ID of its last event is told to read anew, by an
// event of type "reset".
func (s *Server) events(r *request) (any, error) {
	application, execution := r.URL.Query().Get("application"), r.URL.Query().Get("execution")
	wanted := func(e gennaker.Event) bool {
		// An event that names no application may be of any.
		return (application == "" || e.Application == "" || strings.EqualFold(e.Application, application)) &&
			(execution == "" || e.Execution == execution)
	}
	lastID := r.Header.Get("Last-Event-ID")
	return &stream{"text/event-stream", func(ctx context.Context, out *streamWriter) error {
		events := s.Events.Subscribe(ctx)
		if _, err := fmt.Fprintf(out, "retry: %d\n\n", retryAfter); err != nil {
			return err
		}
		if lastID != "" {
			if _, err := fmt.Fprint(out, "event: reset\ndata: {}\n\n"); err != nil {
				return err
			}
		}
		return sendEvents(ctx, out, events, wanted)
	}}, nil
}

// sendEvents writes until ctx ends or events is closed.
func sendEvents(ctx context.Context, out *streamWriter, events <-chan gennaker.Event, wanted func(gennaker.Event) bool) error {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			_, err = fmt.Fprint(out, ": still here\n\n")
		case e, ok := <-events:
			if !ok {
				return nil
			}
			if wanted(e) {
				err = sendEvent(out, e)
			}
		}
		if err != nil {
			return err
		}
	}
}

func sendEvent(out *streamWriter, e gennaker.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event %d: %w", e.ID, err)
	}
	_, err = fmt.Fprintf(out, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Type, data)
	return err
}

package execution

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

const (
	heartbeat = 15 * time.Second
	// retryAfter is how long a client that lost its stream waits, in milliseconds.
	retryAfter = 1000
)

// events streams what changes. There is no memory of what was sent: a client
// that comes back with the ID of its last event is told to read anew, by an
// event of type "reset".
func (h handlers) events(r *api.Request) (*api.Stream, error) {
	application, execution := r.Query("application"), r.Query("execution")
	wanted := func(e gennaker.Event) bool {
		// An event that names no application may be of any.
		return (application == "" || e.Application == "" || strings.EqualFold(e.Application, application)) &&
			(execution == "" || e.Execution == execution)
	}
	lastID := r.Header.Get("Last-Event-ID")
	return &api.Stream{Run: func(ctx context.Context, out *api.StreamWriter) error {
		events := h.Events.Subscribe(ctx)
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
func sendEvents(ctx context.Context, out *api.StreamWriter, events <-chan gennaker.Event, wanted func(gennaker.Event) bool) error {
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

func sendEvent(out *api.StreamWriter, e gennaker.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event %d: %w", e.ID, err)
	}
	_, err = fmt.Fprintf(out, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Type, data)
	return err
}

package api

import (
	"context"
	"time"

	"github.com/gennaker/gennaker"
)

// taskPatience bounds how long a request waits for the task that it started;
// clients give up after a minute.
const taskPatience = 45 * time.Second

// runTask starts an operation, and returns its view when it is complete: or as
// it is then, when that takes too long or the server shuts down. The task goes
// on whatever happens to the request.
func (s *Server) runTask(r *request, op Operation) (TaskBody, error) {
	ctx, cancel := context.WithTimeout(r.Context(), taskPatience)
	defer cancel()
	defer context.AfterFunc(s.streams, cancel)()
	events := s.Events.Subscribe(ctx) // before it starts, so that no event is missed
	id, err := s.Launcher.StartTask(r.Context(), op, r.caller.User)
	if err != nil {
		return TaskBody{}, err
	}
	for {
		e, err := s.History.Execution(r.Context(), id)
		if err != nil {
			return TaskBody{}, err
		}
		if e.Status.Complete() || ctx.Err() != nil {
			return taskBody(e), nil
		}
		if !changed(ctx, events, id) {
			events = s.Events.Subscribe(ctx) // it was too slow; or ctx ended, and one look is left
		}
	}
}

// changed waits for an event of an execution; false means that the channel was
// closed.
func changed(ctx context.Context, events <-chan gennaker.Event, id string) bool {
	for {
		select {
		case e, ok := <-events:
			if !ok || e.Execution == id {
				return ok
			}
		case <-ctx.Done():
			return false
		}
	}
}

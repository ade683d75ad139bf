package execution

import (
	"context"
	"slices"
	"time"

	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/event"
)

// taskPatience bounds how long a request waits for the task that it started;
// clients give up after a minute.
const taskPatience = 45 * time.Second

// Runner runs operations. All fields must be set.
type Runner struct {
	Launcher Launcher
	History  History
	Events   Events
}

// Run starts an operation, and returns its view when it is complete: or as
// it is then, when that takes too long or the server shuts down. The task goes
// on whatever happens to the request.
func (t Runner) Run(r *api.Request, op Operation) (*TaskBody, error) {
	ctx, cancel := context.WithTimeout(r.Context(), taskPatience)
	defer cancel()
	defer context.AfterFunc(r.Closing(), cancel)()
	events, _ := t.Events.Read("") // before it starts, so that no event is missed
	id, err := t.Launcher.StartTask(r.Context(), op, r.Caller.User)
	if err != nil {
		return nil, err
	}
	for {
		e, err := t.History.Execution(r.Context(), id)
		if err != nil {
			return nil, err
		}
		if e.Status.Complete() || ctx.Err() != nil {
			return new(bodyOf(e)), nil
		}
		if !changed(ctx, events, id) {
			events, _ = t.Events.Read("") // some are gone; or ctx ended, and one look is left
		}
	}
}

// changed waits for an event of an execution; false means that there will be
// none.
func changed(ctx context.Context, events *event.Reader, id string) bool {
	for ctx.Err() == nil {
		entries, more, ok := events.Next()
		if !ok {
			return false
		}
		if slices.ContainsFunc(entries, func(e *event.Entry) bool { return e.Execution == id }) {
			return true
		}
		if more != nil {
			select {
			case <-more:
			case <-ctx.Done():
			}
		}
	}
	return false
}

package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/gennaker/gennaker"
)

// EventQuery chooses events; the zero value all of them, from now on.
type EventQuery struct {
	Application string
	Execution   string
	// After is where an earlier stream was left: see EventStream.LastID. What
	// happened meanwhile comes first, or an event of the type Reset if the server
	// does not know it any more.
	After string
}

const maxEventBytes = 1 << 20

// Events opens the event stream. The caller closes it, or ends ctx.
func (c *Client) Events(ctx context.Context, q EventQuery) (*EventStream, error) {
	query := url.Values{}
	for name, value := range map[string]string{"application": q.Application, "execution": q.Execution, "lastEventId": q.After} {
		if value != "" {
			query.Set(name, value)
		}
	}
	res, err := c.send(ctx, http.MethodGet, "/api/v1/events", query, nil, "text/event-stream") //nolint:bodyclose // EventStream.Close closes it
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxEventBytes)
	return &EventStream{body: res.Body, lines: lines, last: q.After}, nil
}

// EventStream is an open event stream. Use it from one goroutine.
type EventStream struct {
	body  io.Closer
	lines *bufio.Scanner
	last  string
}

// Close ends the stream.
func (s *EventStream) Close() error { return s.body.Close() }

// LastID returns where the stream is, for EventQuery.After: behind the event that
// Next returned last. "" is not known yet.
func (s *EventStream) LastID() string { return s.last }

// Next waits for the next event.
//
// Errors: io.EOF when the server ended the stream.
func (s *EventStream) Next() (gennaker.Event, error) {
	var data []byte
	for s.lines.Scan() {
		line := s.lines.Bytes()
		if len(line) == 0 && len(data) > 0 {
			var e gennaker.Event
			if err := json.Unmarshal(data, &e); err != nil {
				return gennaker.Event{}, fmt.Errorf("read an event: %w", err)
			}
			return e, nil
		}
		if id, ok := bytes.CutPrefix(line, []byte("id:")); ok {
			s.last = string(bytes.TrimPrefix(id, []byte(" ")))
			continue
		}
		text, ok := bytes.CutPrefix(line, []byte("data:"))
		if !ok {
			continue // a comment, or a type, which the data holds too
		}
		if len(data)+len(text) > maxEventBytes {
			return gennaker.Event{}, gennaker.Errorf(gennaker.TooLarge, "an event has more than %d bytes", maxEventBytes)
		}
		if len(data) > 0 {
			data = append(data, '\n')
		}
		data = append(data, bytes.TrimPrefix(text, []byte(" "))...)
	}
	if err := s.lines.Err(); err != nil {
		return gennaker.Event{}, err
	}
	return gennaker.Event{}, io.EOF
}

// How Watch deals with a server that is away or silent.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 2 * time.Second
	patience   = time.Minute     // how long a server may be away
	silence    = 2 * time.Minute // a stream this long without events is opened again
)

// Watch returns an execution of a pipeline as it is now, and again whenever it
// changed, until it is complete. Changes that come close together are seen as
// one. It waits for the event stream; when that breaks, it is opened again where
// it was, and the execution read again if it changed meanwhile, so nothing is
// missed. The loop ends after the first error: NotFound, or ErrUnreachable when
// the server is away for a minute.
func (c *Client) Watch(ctx context.Context, id string) iter.Seq2[gennaker.Execution, error] {
	return func(yield func(gennaker.Execution, error) bool) {
		for e, err := range watch(ctx, c, id, c.Execution) {
			if !yield(e, err) || err != nil || e.Status.Complete() {
				return
			}
		}
	}
}

// WatchTask is Watch for a task.
func (c *Client) WatchTask(ctx context.Context, id string) iter.Seq2[Task, error] {
	return func(yield func(Task, error) bool) {
		for t, err := range watch(ctx, c, id, c.Task) {
			if !yield(t, err) || err != nil || t.Status.Complete() {
				return
			}
		}
	}
}

// watch yields what read gives: when the stream is open, and after each event.
func watch[T any](ctx context.Context, c *Client, id string, read func(context.Context, string) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var away backoff
		f := follower{client: c, query: EventQuery{Execution: id}}
		f.onOpen = func() { away.lastGood = time.Now() }
		f.onEvent = func() { away.delay = 0 }
		f.look = func() (bool, error) {
			v, err := read(ctx, id)
			if err != nil {
				return false, err
			}
			return yield(v, nil), nil
		}
		for {
			more, err := f.stream(ctx)
			if err == nil && !more {
				return
			}
			// A server that never answered is not waited for.
			again := err == nil || !away.lastGood.IsZero() && gennaker.KindOf(err) == gennaker.Unavailable
			if !again || !away.wait(ctx) {
				if ctx.Err() != nil {
					err = ctx.Err()
				}
				var zero T
				yield(zero, err)
				return
			}
		}
	}
}

// follower looks at something whenever there are events of it.
type follower struct {
	client  *Client
	query   EventQuery // with where the last stream was left, once something was seen
	look    func() (more bool, err error)
	onOpen  func()
	onEvent func()
}

// stream calls look once the stream is open, unless that goes on where the last
// one was left, and then after events; until look reports false, the stream ends
// (more is true then) or something fails.
func (f *follower) stream(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := f.client.Events(ctx, f.query)
	if err != nil {
		return false, err
	}
	defer s.Close() //nolint:errcheck // it was only read
	f.onOpen()
	wake := make(chan string, 1)
	go func() {
		defer close(wake)
		for {
			if _, err := s.Next(); err != nil {
				return
			}
			select {
			case <-wake: // one look shows all that happened before it
			default:
			}
			wake <- s.LastID()
		}
	}()
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	resumed, last := f.query.After != "", ""
	for {
		if !resumed {
			if more, err := f.look(); err != nil || !more {
				return false, err
			}
			if last != "" { // only what was looked at is behind us
				f.query.After = last
			}
		}
		resumed = false
		quiet.Reset(silence)
		var open bool
		select {
		case last, open = <-wake:
			if !open {
				return true, ctx.Err()
			}
			f.onEvent()
		case <-quiet.C:
			f.query.After = "" // it may be a stream that nothing comes through
			return true, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// backoff waits longer each time, and gives up when patience is at its end.
type backoff struct {
	delay    time.Duration
	lastGood time.Time // when the server last answered
}

// wait reports false when ctx ended or patience did.
func (b *backoff) wait(ctx context.Context) bool {
	if time.Since(b.lastGood) > patience {
		return false
	}
	b.delay = min(max(2*b.delay, firstRetry), lastRetry)
	select {
	case <-time.After(b.delay):
		return true
	case <-ctx.Done():
		return false
	}
}

package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

// progress shows how an execution goes on.
type progress interface {
	update(e gennaker.Execution)
	close() // shows nothing any more
}

// follow shows how an execution goes on until it is complete, and returns an
// error if it did not succeed.
func (s *session) follow(ctx context.Context, c *client.Client, id string) error {
	out := s.env.Stdout
	if s.output != formatTable {
		out = s.env.Stderr
	}
	var last gennaker.Execution
	_, body, err := ask(ctx, func(ctx context.Context) (struct{}, error) {
		show := s.newProgress(out)
		defer show.close()
		for e, err := range c.Watch(ctx, id) {
			if err != nil {
				return struct{}{}, err
			}
			last = e
			show.update(e)
		}
		return struct{}{}, nil
	})
	if err != nil {
		if ctx.Err() != nil {
			s.note("the execution goes on; follow it with: gennaker execution follow %s", id)
		}
		return err
	}
	if err := s.show(body, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s %s %s in %s\n", last.Status, last.ID, show.Clean(show.Title(last)),
			show.Took(last.StartTime, last.EndTime, s.env.Now()))
		return err
	}); err != nil {
		return err
	}
	return outcome(last)
}

func (s *session) newProgress(out io.Writer) progress {
	if _, _, ok := show.Size(out); ok {
		return newScreen(out, s.colors(out), s.env.Now)
	}
	return &lines{out: out, note: s.note}
}

// lines is progress without a terminal: one line for each change.
type lines struct {
	out  io.Writer
	note func(format string, args ...any)
	last gennaker.Execution
}

func (l *lines) update(e gennaker.Execution) {
	for _, line := range show.Changes(l.last, e) {
		fmt.Fprintln(l.out, line)
	}
	for _, s := range e.Stages {
		waited := slices.ContainsFunc(l.last.Stages, func(was gennaker.Stage) bool { return was.ID == s.ID && show.Judging(was) })
		if show.Judging(s) && !waited {
			l.note("stage %q waits for a judgment; answer with: gennaker execution judge %s --stage %s continue|stop", s.Name, e.ID, s.ID)
		}
	}
	l.last = e
}

func (l *lines) close() {}

// screen is progress on a terminal: the tree, drawn again in its place.
type screen struct {
	out    io.Writer
	colors bool
	now    func() time.Time
	stop   func()

	mu    sync.Mutex
	last  gennaker.Execution
	drawn int // lines
}

const redraw = time.Second // so that running times are seen to pass

func newScreen(out io.Writer, colors bool, now func() time.Time) *screen {
	s := &screen{out: out, colors: colors, now: now}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(redraw)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				s.draw()
			}
		}
	}()
	s.stop = func() { close(done); <-ended }
	return s
}

func (s *screen) update(e gennaker.Execution) {
	s.mu.Lock()
	s.last = e
	s.mu.Unlock()
	s.draw()
}

func (s *screen) close() { s.stop() }

func (s *screen) draw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last.ID == "" {
		return
	}
	width, height, _ := show.Size(s.out)
	frame, n := show.Frame(show.Tree(s.last, s.now(), width, s.colors), s.drawn, height)
	s.drawn = n
	io.WriteString(s.out, frame)
}

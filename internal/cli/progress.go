package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
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
		_, err := fmt.Fprintf(w, "%s %s %s in %s\n", last.Status, last.ID, clean(title(last)),
			took(last.StartTime, last.EndTime, s.env.Now()))
		return err
	}); err != nil {
		return err
	}
	return outcome(last)
}

func (s *session) newProgress(out io.Writer) progress {
	if _, _, ok := size(out); ok {
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
	for _, line := range changes(l.last, e) {
		fmt.Fprintln(l.out, line)
	}
	for _, s := range e.Stages {
		waited := slices.ContainsFunc(l.last.Stages, func(was gennaker.Stage) bool { return was.ID == s.ID && judging(was) })
		if judging(s) && !waited {
			l.note("stage %q waits for a judgment; answer with: gennaker execution judge %s --stage %s continue|stop", s.Name, e.ID, s.ID)
		}
	}
	l.last = e
}

func (l *lines) close() {}

// changes returns a line for each thing whose status differs in two readings of
// an execution, in the order in which they happened:
//
//	<time> <status> pipeline|stage|task <name>
//
// A name holds those of the stages around it, a slash between them.
func changes(before, after gennaker.Execution) []string {
	type line struct {
		at   gennaker.Time
		text string
	}
	var out []line
	add := func(was, is gennaker.Status, start, end gennaker.Time, kind, name string) {
		if was == is || is == gennaker.NotStarted && kind != "pipeline" {
			return
		}
		at := start
		if is.Complete() && !end.IsZero() {
			at = end
		}
		if at.IsZero() {
			at = after.BuildTime
		}
		out = append(out, line{at, fmt.Sprintf("%-20s %-15s %-8s %s", moment(at), is, kind, clean(name))})
	}
	was := map[string]gennaker.Status{}
	for _, s := range before.Stages {
		was[s.ID] = s.Status
		for _, t := range s.Tasks {
			was[s.ID+"/"+t.ID] = t.Status
		}
	}
	done := after.Status.Complete()
	if !done {
		add(before.Status, after.Status, after.StartTime, after.EndTime, "pipeline", title(after))
	}
	stage := func(complete bool) func(node) {
		return func(n node) {
			if s := n.stage; s.Status.Complete() == complete {
				add(was[s.ID], s.Status, s.StartTime, s.EndTime, "stage", n.path)
			}
		}
	}
	walk(after, stage(false), func(n node) {
		for _, t := range n.stage.Tasks {
			add(was[n.stage.ID+"/"+t.ID], t.Status, t.StartTime, t.EndTime, "task", n.path+" / "+t.Name)
		}
	}, stage(true))
	if done {
		add(before.Status, after.Status, after.StartTime, after.EndTime, "pipeline", title(after))
	}
	slices.SortStableFunc(out, func(a, b line) int { return a.at.Compare(b.at.Time) })
	texts := make([]string, len(out))
	for i, l := range out {
		texts[i] = l.text
	}
	return texts
}

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
	width, height, _ := size(s.out)
	frame, n := frame(tree(s.last, s.now(), width, s.colors), s.drawn, height)
	s.drawn = n
	io.WriteString(s.out, frame)
}

// frame returns what draws rows over the drawn lines above the cursor, and how
// many lines there are then. What does not fit height is left out at the top.
func frame(rows []string, drawn, height int) (string, int) {
	if room := height - 1; height > 1 && len(rows) > room {
		rows = append([]string{fmt.Sprintf("… %d lines more", len(rows)-room+1)}, rows[len(rows)-room+1:]...)
	}
	up := ""
	if drawn > 0 {
		up = fmt.Sprintf("\x1b[%dA\r\x1b[J", drawn)
	}
	return up + strings.Join(rows, "\n") + "\n", len(rows)
}

package demo

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
)

// Escape sequences of a terminal.
const (
	bold, dim, red, green, yellow, cyan, plain = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[0m"
	clearLine, clearBelow                      = "\x1b[K", "\x1b[J"
)

// screen is the view on a terminal: what is done scrolls away above, and what
// goes on is drawn again at the bottom.
type screen struct {
	mu      sync.Mutex
	out     io.Writer
	drawn   int // lines of the last drawing
	title   string
	x       gennaker.Execution
	now     status
	before  map[string]int64 // requests of each group at the last look
	share   map[string]float64
	rate    int64
	lastAsk time.Time
	stop    context.CancelFunc
	done    chan struct{}
	closed  bool
}

func newScreen(out io.Writer, ask func(context.Context) status) *screen {
	ctx, stop := context.WithCancel(context.Background())
	s := &screen{out: out, stop: stop, done: make(chan struct{}), before: map[string]int64{}, share: map[string]float64{}}
	go func() {
		defer close(s.done)
		every(ctx, 250*time.Millisecond, func() { s.look(ask(ctx)) })
	}()
	return s
}

// look takes new figures and draws.
func (s *screen) look(now status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := time.Since(s.lastAsk); d > 0 && s.now.sent > 0 {
		s.rate = int64(float64(now.sent-s.now.sent) / d.Seconds())
	}
	s.lastAsk = time.Now()
	if len(now.groups) > 0 {
		s.shares(now)
	} else {
		now.groups = s.now.groups // the server is away
	}
	s.now = now
	s.draw()
}

// shares computes how much of the traffic each group got since the last look.
func (s *screen) shares(now status) {
	var total int64
	delta := map[string]int64{}
	for _, g := range now.groups {
		delta[g.name] = max(g.requests-s.before[g.name], 0)
		total += delta[g.name]
		s.before[g.name] = g.requests
	}
	for name, n := range delta {
		if total > 0 {
			s.share[name] = float64(n) / float64(total)
		}
	}
}

func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	fmt.Fprintf(s.out, "%s%s%s\n", dim, fmt.Sprintf(format, args...), plain)
	s.draw()
}

func (s *screen) begin(title, explain string) {
	s.mu.Lock()
	s.title, s.x = title, gennaker.Execution{}
	s.mu.Unlock()
	s.say("%s%s%s  %s", plain+bold, title, plain+dim, explain)
}

func (s *screen) show(x gennaker.Execution) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.Type == gennaker.TypePipeline || s.x.ID == "" {
		s.x = x
	}
	s.draw()
}

func (s *screen) end(st step, x gennaker.Execution, r result) {
	color, sign := green, "✔"
	if r.status != st.want || r.lost > 0 {
		color, sign = red, "✘"
	}
	s.say("%s%s %s%s after %.1f s, %d requests, %s%d lost%s%s\n",
		plain+color, sign, x.Status, plain, r.took.Seconds(), r.sent, bold, r.lost, plain+dim, because(x))
}

func (s *screen) close() {
	s.stop()
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.erase()
	}
}

// erase takes the last drawing away.
func (s *screen) erase() {
	if s.drawn > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\r%s", s.drawn, clearBelow)
		s.drawn = 0
	}
}

func (s *screen) draw() {
	if s.closed {
		return
	}
	rows := append(s.stages(), s.traffic()...)
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r", s.drawn)
	}
	for _, r := range rows {
		b.WriteString(r + clearLine + "\n")
	}
	b.WriteString(clearBelow)
	s.drawn = len(rows)
	fmt.Fprint(s.out, b.String())
}

// maxStages bounds the drawing, so that it fits on a small terminal.
const maxStages = 10

func (s *screen) stages() []string {
	var rows []string
	for _, st := range s.x.Stages {
		depth := strings.Count(stageName(s.x, st), " › ")
		if depth > 2 || st.Status == gennaker.NotStarted {
			continue
		}
		task := ""
		for _, t := range st.Tasks {
			if t.Status == gennaker.Running {
				task = dim + "  " + t.Name + plain
			}
		}
		rows = append(rows, fmt.Sprintf("  %s%s %.50s%s", strings.Repeat("  ", depth), mark(st.Status), st.Name, task))
	}
	if len(rows) > maxStages {
		rows = rows[len(rows)-maxStages:]
	}
	return rows
}

func mark(s gennaker.Status) string {
	switch s {
	case gennaker.Succeeded, gennaker.Skipped:
		return green + "✔" + plain
	case gennaker.Running:
		return cyan + "▶" + plain
	case gennaker.Paused, gennaker.Suspended, gennaker.Buffered:
		return yellow + "‖" + plain
	case gennaker.Terminal, gennaker.Stopped, gennaker.FailedContinue:
		return red + "✘" + plain
	case gennaker.Canceled:
		return yellow + "⊘" + plain
	case gennaker.NotStarted, gennaker.Redirect:
	}
	return "·"
}

func (s *screen) traffic() []string {
	rows := []string{""}
	for _, g := range s.now.groups {
		const width = 30
		n := int(s.share[g.name]*width + 0.5)
		color, state := green, "in service"
		if g.disabled {
			color, state = dim, "disabled"
		}
		rows = append(rows, fmt.Sprintf("  %-15s %-4s %d/%d up  %s%s%s%s%s %3.0f %%  %s",
			g.name, g.version, g.up, g.all, color, strings.Repeat("█", n), plain+dim, strings.Repeat("░", width-n), plain, 100*s.share[g.name], state))
	}
	color := green
	if s.now.lost > 0 {
		color = red
	}
	return append(rows, fmt.Sprintf("  %s%d requests sent%s (%d/s), %s%d lost%s", bold, s.now.sent, plain, s.rate, color+bold, s.now.lost, plain))
}

package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
)

// view shows what happens. Its methods are safe for concurrent use.
type view interface {
	say(format string, args ...any)
	begin(title, explain string)
	show(x gennaker.Execution)
	end(s step, x gennaker.Execution, r result)
	close()
}

// status is what the views ask for, again and again.
type status struct {
	sent, lost int64
	groups     []groupStatus
}

// groupStatus is one server group and its share of the traffic since the last
// look.
type groupStatus struct {
	name     string
	disabled bool
	up, all  int
	version  string
	requests int64 // since its creation
}

// status asks the server; while that is away it knows the counters only.
func (d *demo) status(ctx context.Context) status {
	snap := d.snapshot()
	s := status{sent: snap.Sent, lost: snap.Lost}
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	groups, err := d.client.ServerGroups(ctx, application)
	if err != nil {
		return s
	}
	for _, g := range groups {
		s.groups = append(s.groups, groupStatus{
			name: g.Name, disabled: g.Disabled, up: g.InstanceCounts.Up, all: g.InstanceCounts.Total,
			version: versionOf(g), requests: g.Traffic.Requests,
		})
	}
	slices.SortFunc(s.groups, func(a, b groupStatus) int { return cmp.Compare(a.name, b.name) })
	return s
}

// versionOf returns the last element of the path of a group's artifact.
func versionOf(g gennaker.ServerGroup) string {
	ref, _, _ := strings.Cut(g.Image, "@")
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

func newView(out io.Writer, terminal bool, ask func(context.Context) status) view {
	if terminal {
		return newScreen(out, ask)
	}
	return newLines(out, ask)
}

// lines is the view without a terminal: a line for everything that happens, and
// one for the traffic every two seconds.
type lines struct {
	mu    sync.Mutex
	out   io.Writer
	began time.Time
	seen  map[string]gennaker.Status
	stop  context.CancelFunc
	done  chan struct{}
}

func newLines(out io.Writer, ask func(context.Context) status) *lines {
	ctx, stop := context.WithCancel(context.Background())
	l := &lines{out: out, began: time.Now(), seen: map[string]gennaker.Status{}, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		every(ctx, 2*time.Second, func() {
			if s := ask(ctx); s.sent > 0 {
				l.say("traffic: %d requests, %d lost; %s", s.sent, s.lost, strings.Join(groupTexts(s.groups), ", "))
			}
		})
	}()
	return l
}

func groupTexts(groups []groupStatus) []string {
	var out []string
	for _, g := range groups {
		state := "in service"
		if g.disabled {
			state = "disabled"
		}
		out = append(out, fmt.Sprintf("%s (%s) %d/%d up, %s, %d requests", g.name, g.version, g.up, g.all, state, g.requests))
	}
	return out
}

// every calls f at once and then every d until ctx ends.
func every(ctx context.Context, d time.Duration, f func()) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		f()
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *lines) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.out, "%6.1fs  %s\n", time.Since(l.began).Seconds(), fmt.Sprintf(format, args...))
}

func (l *lines) begin(title, explain string) { l.say("== %s: %s", title, explain) }

func (l *lines) show(x gennaker.Execution) {
	for _, s := range x.Stages {
		l.mu.Lock()
		changed := l.seen[s.ID] != s.Status
		l.seen[s.ID] = s.Status
		l.mu.Unlock()
		if changed && s.Status != gennaker.NotStarted {
			l.say("   %-15s %s", s.Status, stageName(x, s))
		}
	}
}

func (l *lines) end(s step, x gennaker.Execution, r result) {
	l.say("== %s: %s after %.1f s; %d requests, %d lost%s", s.title, x.Status, r.took.Seconds(), r.sent, r.lost, because(x))
}

func (l *lines) close() {
	l.stop()
	<-l.done
}

// because explains a failure.
func because(x gennaker.Execution) string {
	if !x.Status.Failed() {
		return ""
	}
	return "; " + cause(x)
}

// stageName is a stage's name behind those of the stages around it.
func stageName(x gennaker.Execution, s gennaker.Stage) string {
	name := s.Name
	for s.ParentStageID != "" {
		i := slices.IndexFunc(x.Stages, func(p gennaker.Stage) bool { return p.ID == s.ParentStageID })
		if i < 0 {
			break
		}
		s = x.Stages[i]
		name = s.Name + " › " + name
	}
	return name
}

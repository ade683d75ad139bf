package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gennaker/gennaker"
)

// node is a stage and where it stands below the stages that it belongs to.
type node struct {
	stage gennaker.Stage
	depth int
	path  string // names from the outermost stage on
}

// walk visits the stages of e: enter, then the stages before it, tasks, the
// stages behind it, and leave.
func walk(e gennaker.Execution, enter, tasks, leave func(node)) {
	ids := map[string]bool{}
	for _, s := range e.Stages {
		ids[s.ID] = true
	}
	children := map[string][]gennaker.Stage{}
	for _, s := range e.Stages {
		parent := s.ParentStageID
		if !ids[parent] || parent == s.ID {
			parent = ""
		}
		children[parent] = append(children[parent], s)
	}
	var visit func(s gennaker.Stage, around string, depth int)
	inside := func(n node, behind bool) {
		for _, s := range children[n.stage.ID] {
			if n.stage.ID != "" && (s.Owner == gennaker.After) == behind {
				visit(s, n.path+" / ", n.depth+1)
			}
		}
	}
	visit = func(s gennaker.Stage, around string, depth int) {
		n := node{stage: s, depth: depth, path: around + s.Name}
		enter(n)
		inside(n, false)
		tasks(n)
		inside(n, true)
		leave(n)
	}
	for _, s := range children[""] {
		visit(s, "", 0)
	}
}

// title returns what an execution is called.
func title(e gennaker.Execution) string {
	if e.Name != "" {
		return e.Name
	}
	return orDash(e.Description)
}

func mark(s gennaker.Status) string {
	switch s {
	case gennaker.Succeeded:
		return "✓"
	case gennaker.Terminal, gennaker.Stopped:
		return "✗"
	case gennaker.FailedContinue:
		return "!"
	case gennaker.Canceled:
		return "⊘"
	case gennaker.Skipped:
		return "↷"
	case gennaker.Running, gennaker.Redirect:
		return "●"
	case gennaker.Paused, gennaker.Suspended:
		return "‖"
	case gennaker.NotStarted, gennaker.Buffered:
		return "○"
	}
	return "?"
}

// runningTask returns the name of the step that a stage is at, or "".
func runningTask(s gennaker.Stage) string {
	for _, t := range s.Tasks {
		if t.Status == gennaker.Running || t.Status == gennaker.Paused {
			return t.Name
		}
	}
	return ""
}

// judging reports whether a stage waits for a judgment.
func judging(s gennaker.Stage) bool {
	return s.Type == "manualJudgment" && s.Status == gennaker.Running
}

// opening returns when the execution window opens that a stage waits for; zero
// for any other stage.
func opening(s gennaker.Stage) gennaker.Time {
	ms, ok := s.Context["scheduledTime"].(float64)
	if !ok || s.Type != "restrictExecutionDuringTimeWindow" || runningTask(s) != "suspendExecutionDuringTimeWindow" {
		return gennaker.Time{}
	}
	return gennaker.Millis(int64(ms))
}

// tree draws an execution: a line for itself, and one for each stage with its
// mark, name, running task, and how long it took until now.
func tree(e gennaker.Execution, now time.Time, width int, colors bool) []string {
	tint := func(s gennaker.Status, text string) string {
		if c := color(s); colors && c != "" {
			return c + text + plain
		}
		return text
	}
	line := func(status gennaker.Status, indent int, name, note, time string) string {
		left := strings.Repeat("  ", indent)
		text := name
		if note != "" {
			text += "  " + note
		}
		if time != dash {
			text += "  " + time
		}
		text = clean(text)
		if width > 0 {
			text = cut(text, max(width-utf8.RuneCountInString(left)-3, 8))
		}
		return left + tint(status, mark(status)) + " " + text
	}
	ran := func(start, end gennaker.Time) string { return took(start, end, now) }
	out := []string{line(e.Status, 0, fmt.Sprintf("%s  %s", title(e), e.ID), string(e.Status), ran(e.StartTime, e.EndTime))}
	nothing := func(node) {}
	walk(e, func(n node) {
		note := runningTask(n.stage)
		switch {
		case judging(n.stage):
			note = "waits for a judgment"
		case !opening(n.stage).IsZero():
			note = "waits until its window opens, at " + moment(opening(n.stage))
		case note == "" && n.stage.Status.Failed():
			note = string(n.stage.Status)
		}
		out = append(out, line(n.stage.Status, n.depth+1, n.stage.Name, note, ran(n.stage.StartTime, n.stage.EndTime)))
	}, nothing, nothing)
	return out
}

// writeTree draws an execution as fits w.
func (s *session) writeTree(w io.Writer, e gennaker.Execution) error {
	width, _, _ := size(w)
	_, err := io.WriteString(w, strings.Join(tree(e, s.env.Now(), width, s.colors(w)), "\n")+"\n")
	return err
}

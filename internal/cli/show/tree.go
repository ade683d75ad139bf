package show

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gennaker/gennaker"
)

// Node is a stage and where it stands below the stages that it belongs to.
type Node struct {
	Stage gennaker.Stage
	Depth int
	Path  string // names from the outermost stage on
}

// Walk visits the stages of e: enter, then the stages before it, tasks, the
// stages behind it, and leave.
func Walk(e gennaker.Execution, enter, tasks, leave func(Node)) {
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
	inside := func(n Node, behind bool) {
		for _, s := range children[n.Stage.ID] {
			if n.Stage.ID != "" && (s.Owner == gennaker.After) == behind {
				visit(s, n.Path+" / ", n.Depth+1)
			}
		}
	}
	visit = func(s gennaker.Stage, around string, depth int) {
		n := Node{Stage: s, Depth: depth, Path: around + s.Name}
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

// Title returns what an execution is called.
func Title(e gennaker.Execution) string {
	if e.Name != "" {
		return e.Name
	}
	return OrDash(e.Description)
}

// Mark returns a sign for a status, which needs no color.
func Mark(s gennaker.Status) string {
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

// RunningTask returns the name of the step that a stage is at, or "".
func RunningTask(s gennaker.Stage) string {
	for _, t := range s.Tasks {
		if t.Status == gennaker.Running || t.Status == gennaker.Paused {
			return t.Name
		}
	}
	return ""
}

// Judging reports whether a stage waits for a judgment.
func Judging(s gennaker.Stage) bool {
	return s.Type == "manualJudgment" && s.Status == gennaker.Running
}

// Opening returns when the execution window opens that a stage waits for; zero
// for any other stage.
func Opening(s gennaker.Stage) gennaker.Time {
	ms, ok := s.Context["scheduledTime"].(float64)
	if !ok || s.Type != "restrictExecutionDuringTimeWindow" || RunningTask(s) != "suspendExecutionDuringTimeWindow" {
		return gennaker.Time{}
	}
	return gennaker.Millis(int64(ms))
}

// Tree draws an execution: a line for itself, and one for each stage with its
// mark, name, running task, and how long it took until now.
func Tree(e gennaker.Execution, now time.Time, width int, colors bool) []string {
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
		if time != Dash {
			text += "  " + time
		}
		text = Clean(text)
		if width > 0 {
			text = cut(text, max(width-utf8.RuneCountInString(left)-3, 8))
		}
		return left + tint(status, Mark(status)) + " " + text
	}
	ran := func(start, end gennaker.Time) string { return Took(start, end, now) }
	out := []string{line(e.Status, 0, fmt.Sprintf("%s  %s", Title(e), e.ID), string(e.Status), ran(e.StartTime, e.EndTime))}
	nothing := func(Node) {}
	Walk(e, func(n Node) {
		note := RunningTask(n.Stage)
		switch {
		case Judging(n.Stage):
			note = "waits for a judgment"
		case !Opening(n.Stage).IsZero():
			note = "waits until its window opens, at " + Moment(Opening(n.Stage))
		case note == "" && n.Stage.Status.Failed():
			note = string(n.Stage.Status)
		}
		out = append(out, line(n.Stage.Status, n.Depth+1, n.Stage.Name, note, ran(n.Stage.StartTime, n.Stage.EndTime)))
	}, nothing, nothing)
	return out
}

package show

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// Changes returns a line for each thing whose status differs in two readings of
// an execution, in the order in which they happened:
//
//	<time> <status> pipeline|stage|task <name>
//
// A name holds those of the stages around it, a slash between them.
func Changes(before, after gennaker.Execution) []string {
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
		out = append(out, line{at, fmt.Sprintf("%-20s %-15s %-8s %s", Moment(at), is, kind, Clean(name))})
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
		add(before.Status, after.Status, after.StartTime, after.EndTime, "pipeline", Title(after))
	}
	stage := func(complete bool) func(Node) {
		return func(n Node) {
			if s := n.Stage; s.Status.Complete() == complete {
				add(was[s.ID], s.Status, s.StartTime, s.EndTime, "stage", n.Path)
			}
		}
	}
	Walk(after, stage(false), func(n Node) {
		for _, t := range n.Stage.Tasks {
			add(was[n.Stage.ID+"/"+t.ID], t.Status, t.StartTime, t.EndTime, "task", n.Path+" / "+t.Name)
		}
	}, stage(true))
	if done {
		add(before.Status, after.Status, after.StartTime, after.EndTime, "pipeline", Title(after))
	}
	slices.SortStableFunc(out, func(a, b line) int { return a.at.Compare(b.at.Time) })
	texts := make([]string, len(out))
	for i, l := range out {
		texts[i] = l.text
	}
	return texts
}

// Frame returns what draws rows over the drawn lines above the cursor, and how
// many lines there are then. What does not fit height is left out at the top.
func Frame(rows []string, drawn, height int) (string, int) {
	if room := height - 1; height > 1 && len(rows) > room {
		rows = append([]string{fmt.Sprintf("… %d lines more", len(rows)-room+1)}, rows[len(rows)-room+1:]...)
	}
	up := ""
	if drawn > 0 {
		up = fmt.Sprintf("\x1b[%dA\r\x1b[J", drawn)
	}
	return up + strings.Join(rows, "\n") + "\n", len(rows)
}

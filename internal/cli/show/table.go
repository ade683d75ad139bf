package show

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/gennaker/gennaker"
)

// Table is rows under a heading. Cells that hold a status get its color.
type Table struct {
	heading []string
	rows    [][]string
}

// NewTable returns a table without rows.
func NewTable(heading ...string) *Table { return &Table{heading: heading} }

// Add adds a row; missing cells are empty, more are left out.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(t.heading))
	for i := range min(len(row), len(cells)) {
		row[i] = Clean(cells[i])
	}
	t.rows = append(t.rows, row)
}

const gap = "  "

// Write draws the columns, the widest of them cut so that lines fit width; 0 is
// any width.
func (t *Table) Write(w io.Writer, width int, colors bool) error {
	widths := make([]int, len(t.heading))
	for _, row := range append([][]string{t.heading}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fit(widths, width)
	var b strings.Builder
	for n, row := range append([][]string{t.heading}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			cell = cut(cell, widths[i])
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if colors && n > 0 {
				cell = paint(cell)
			}
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(pad + gap)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fit makes the widest columns narrower until all fit.
func fit(widths []int, width int) {
	const least = 8
	if width <= 0 {
		return
	}
	total := len(gap) * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > width; total-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= least {
			return
		}
		widths[widest]--
	}
}

// cut shortens s to width letters, and shows that it did.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	r := []rune(s)
	return string(r[:max(width-1, 0)]) + "…"
}

const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	blue   = "\x1b[36m"
	faint  = "\x1b[2m"
	plain  = "\x1b[0m"
)

// color returns how a status looks.
func color(s gennaker.Status) string {
	switch s {
	case gennaker.Succeeded:
		return green
	case gennaker.Terminal, gennaker.Stopped:
		return red
	case gennaker.FailedContinue, gennaker.Paused, gennaker.Suspended, gennaker.Canceled:
		return yellow
	case gennaker.Running, gennaker.Redirect:
		return blue
	case gennaker.NotStarted, gennaker.Skipped, gennaker.Buffered:
		return faint
	}
	return ""
}

// paint colors a cell that is a status.
func paint(cell string) string {
	if c := color(gennaker.Status(cell)); c != "" {
		return c + cell + plain
	}
	return cell
}

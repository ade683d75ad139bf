// Package show is how results look in a terminal: tables, executions as trees,
// objects of clusters, moments, and texts of anybody made harmless.
package show

import (
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/gennaker/gennaker"
)

// Size returns the columns and rows of a terminal.
func Size(w io.Writer) (width, height int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) { //nolint:gosec // a descriptor fits
		return 0, 0, false
	}
	width, height, err := term.GetSize(int(f.Fd())) //nolint:gosec // as above
	return width, height, err == nil
}

// Clean replaces what would move the cursor of a terminal, start a line, or turn
// the direction: what the server answers may hold text of anybody.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

// Dash stands for what there is none of.
const Dash = "-"

// OrDash returns s, or a dash for nothing.
func OrDash(s string) string {
	if s == "" {
		return Dash
	}
	return s
}

// Moment returns t in UTC, to the second.
func Moment(t gennaker.Time) string {
	if t.IsZero() {
		return Dash
	}
	return t.UTC().Format(time.RFC3339)
}

// Took returns how long something ran, until now if it still does.
func Took(start, end gennaker.Time, now time.Time) string {
	if start.IsZero() {
		return Dash
	}
	if end.IsZero() {
		end = gennaker.At(now)
	}
	d := max(end.Sub(start.Time), 0)
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

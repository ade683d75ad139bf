package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one line of the table: what several runs measured.
type figure struct {
	what      string
	unit      unit
	measured  []float64 // one of each run
	reference []float64 // one of each run, or none
	against   string    // what the reference is
	target    string
	met       func(measured, ratio float64) bool // nil if there is no target
}

// unit is how the numbers of a figure are written.
type unit string

// The units. Durations are in seconds.
const (
	perSecond unit = "/s"
	seconds   unit = "s"
	megabytes unit = "MB"
	count     unit = ""
)

func (u unit) format(v float64) string {
	if u == seconds {
		digits := time.Millisecond
		switch d := time.Duration(v * float64(time.Second)); {
		case d < time.Millisecond:
			digits = time.Microsecond
		case d < 100*time.Millisecond:
			digits = 10 * time.Microsecond
		case d >= 10*time.Second:
			digits = 100 * time.Millisecond
		}
		return time.Duration(v * float64(time.Second)).Round(digits).String()
	}
	digits := 0
	if v < 10 && v != math.Trunc(v) {
		digits = 1
	}
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", digits, v, string(u)))
}

// spread is the middle of several runs, and how far apart they lie.
type spread struct{ min, median, max float64 }

// spreadOf returns the spread of values, of which there is at least one.
func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	mid := v[len(v)/2]
	if len(v)%2 == 0 {
		mid = (v[len(v)/2-1] + mid) / 2
	}
	return spread{min: v[0], median: mid, max: v[len(v)-1]}
}

// quantile returns the smallest value that at least the part q of all values
// does not exceed; 0 of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q * float64(len(v))))
	return v[max(rank, 1)-1]
}

// ratio returns the middle of the runs' ratios of measured to reference; 0 if
// there is no reference.
func (f figure) ratio() float64 {
	var out []float64
	for i, r := range f.reference {
		if i < len(f.measured) && r > 0 {
			out = append(out, f.measured[i]/r)
		}
	}
	if len(out) == 0 {
		return 0
	}
	return spreadOf(out).median
}

// row returns the cells of a figure's line.
func (f figure) row() []string {
	cells := []string{f.what, f.unit.spread(f.measured), "–", "–", f.target}
	if len(f.reference) > 0 {
		cells[2] = f.unit.spread(f.reference) + " " + f.against
		cells[3] = fmt.Sprintf("%.2f", f.ratio())
	}
	switch {
	case f.met == nil:
		cells[4] = "–"
	case f.met(spreadOf(f.measured).median, f.ratio()):
		cells[4] += ": met"
	default:
		cells[4] += ": MISSED"
	}
	return cells
}

// spread writes the middle of the runs, and in brackets the ends.
func (u unit) spread(values []float64) string {
	s := spreadOf(values)
	if len(values) == 1 {
		return u.format(s.median)
	}
	return fmt.Sprintf("%s [%s … %s]", u.format(s.median), u.format(s.min), u.format(s.max))
}

// printTable writes figures as one aligned table.
func printTable(out io.Writer, figures []figure) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "WHAT\tMEASURED\tREFERENCE\tRATIO\tTARGET")
	for _, f := range figures {
		fmt.Fprintln(w, strings.Join(f.row(), "\t"))
	}
	return w.Flush()
}

// below and atLeast are the usual targets.
func below(limit float64) func(measured, ratio float64) bool {
	return func(measured, _ float64) bool { return measured < limit }
}

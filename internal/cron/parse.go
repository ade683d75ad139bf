// Package cron reads the cron expressions of pipelines, which are those of
// Quartz, and says in English when they fire.
//
//	e, err := cron.Parse("0 0 10 ? * MON-FRI")
//	e.Describe() // At 10:00 AM, Monday through Friday
//
// It is pure.
package cron

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
)

// Expression is a cron expression. Make one with Parse.
type Expression struct {
	Fuzzy  bool // it has an H, for which every pipeline gets a number of its own
	fields [7]field
}

// The places of the fields.
const (
	seconds = iota
	minutes
	hours
	dayOfMonth
	month
	dayOfWeek
	year
)

// field is a list of items, any of which may hold.
type field []item

// item is a number, a range, or every so many from a number on.
type item struct {
	from, to int
	step     int  // 0 is a number or a range, each of it
	all      bool // written as * or ?
	last     bool // L: of the month
	offset   int  // days before the last
	weekday  bool // W: the nearest one
	nth      int  // #n: in the month; 0 is every
}

// spec is what a field may hold.
type spec struct {
	name     string
	min, max int
	maxStep  int
	names    []string // of the numbers from min on
}

var specs = [7]spec{
	{name: "seconds", max: 59, maxStep: 59},
	{name: "minutes", max: 59, maxStep: 59},
	{name: "hours", max: 23, maxStep: 23},
	{name: "day of the month", min: 1, max: 31, maxStep: 31},
	{name: "month", min: 1, max: 12, maxStep: 12, names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{name: "day of the week", min: 1, max: 7, maxStep: 7, names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
	{name: "year", min: 1970, max: 2199, maxStep: 229},
}

// maxText bounds an expression, in bytes.
const maxText = 1000

// Parse reads an expression of six or seven fields: seconds, minutes, hours, day
// of the month, month, day of the week, year. Letters have no case, but the H of
// a fuzzy expression is large.
//
// Errors: Invalid.
// Source: Quartz's CronExpression, and echo's CronExpressionFuzzer.
func Parse(text string) (Expression, error) {
	var e Expression
	if len(text) > maxText {
		return e, invalid("the expression has more than %d bytes", maxText)
	}
	words := strings.Fields(text)
	if len(words) < 6 || len(words) > 7 {
		return e, invalid("an expression has six fields or seven, not %d: seconds, minutes, hours, day of the month, month, day of the week, and perhaps the year", len(words))
	}
	for i := range words[:dayOfMonth] {
		if strings.Contains(words[i], "H") {
			e.Fuzzy, words[i] = true, strings.ReplaceAll(words[i], "H", "0")
		}
	}
	if len(words) == year {
		words = append(words, "*")
	}
	for i, word := range words {
		var err error
		if e.fields[i], err = parseField(i, strings.ToUpper(word)); err != nil {
			return e, err
		}
	}
	switch open := words[dayOfMonth] == "?"; {
	case open && words[dayOfWeek] == "?":
		return e, invalid("only one of day of the month and day of the week may be ?")
	case !open && words[dayOfWeek] != "?":
		return e, invalid("day of the month and day of the week cannot both be given: one of them must be ?")
	}
	return e, nil
}

func invalid(format string, args ...any) error {
	return gennaker.Errorf(gennaker.Invalid, format, args...)
}

// parseField reads the field at a place.
func parseField(at int, text string) (field, error) {
	if text == "?" {
		if at != dayOfMonth && at != dayOfWeek {
			return nil, invalid("%s may not be ?", specs[at].name)
		}
		return field{{all: true}}, nil
	}
	var out field
	for part := range strings.SplitSeq(text, ",") {
		it, err := parseItem(at, part)
		if err != nil {
			return nil, err
		}
		out = append(out, it)
	}
	if len(out) > 1 && slices.ContainsFunc(out, func(it item) bool { return it.last || it.nth > 0 }) {
		return nil, invalid("%s: %s cannot be one of several", specs[at].name, text)
	}
	return out, nil
}

func parseItem(at int, text string) (item, error) {
	s := specs[at]
	wrong := invalid("%s: %.40q is none", s.name, text)
	body, step, stepped := strings.Cut(text, "/")
	if !stepped && (at == dayOfMonth || at == dayOfWeek) {
		if it, special, err := parseDay(at, body); special || err != nil {
			return it, err
		}
	}
	it := item{from: s.min, to: s.max}
	if stepped {
		n, ok := number(step)
		if !ok {
			return it, wrong
		}
		if n > s.maxStep {
			return it, invalid("%s: steps of %d are more than %d", s.name, n, s.maxStep)
		}
		it.step = n
	}
	from, to, ranged := strings.Cut(body, "-")
	switch {
	case body == "*" || body == "" && stepped:
		it.all = true
		return it, nil
	case ranged:
		var err error
		if it.from, err = s.value(from); err == nil {
			it.to, err = s.value(to)
		}
		if err == nil && at == year && it.from > it.to {
			err = invalid("%s: %s ends before it begins", s.name, body)
		}
		return it, err
	}
	n, err := s.value(body)
	if it.from = n; it.step == 0 {
		it.to = n
	}
	it.all = it.from == s.min && it.to == s.max && it.step == 1
	return it, err
}

// parseDay reads what only days can be: with L, W or #.
func parseDay(at int, text string) (it item, special bool, err error) {
	s := specs[at]
	wrong := invalid("%s: %.40q is none", s.name, text)
	switch {
	case at == dayOfMonth && strings.HasPrefix(text, "L"):
		it.last = true
		rest, weekday := strings.CutSuffix(text[1:], "W")
		it.weekday = weekday
		if before, ok := strings.CutPrefix(rest, "-"); ok {
			if it.offset, ok = number(before); !ok || it.offset > 30 {
				return it, true, invalid("%s: the last day less a number from 0 to 30 is L-n, not %.40s", s.name, text)
			}
		} else if rest != "" {
			return it, true, wrong
		}
		return it, true, nil
	case at == dayOfMonth && strings.HasSuffix(text, "W"):
		it.weekday = true
		it.from, err = s.value(strings.TrimSuffix(text, "W"))
		it.to = it.from
		return it, true, err
	case at == dayOfWeek && text == "L":
		return item{from: s.max, to: s.max}, true, nil // Saturday, of every week
	case at == dayOfWeek && strings.HasSuffix(text, "L"):
		it.last = true
		it.from, err = s.value(strings.TrimSuffix(text, "L"))
		it.to = it.from
		return it, true, err
	case at == dayOfWeek && strings.Contains(text, "#"):
		day, nth, _ := strings.Cut(text, "#")
		if it.from, err = s.value(day); err != nil {
			return it, true, err
		}
		it.to = it.from
		var ok bool
		if it.nth, ok = number(nth); !ok || it.nth < 1 || it.nth > 5 {
			return it, true, invalid("%s: a number from 1 to 5 must follow #, not %.40q", s.name, nth)
		}
		return it, true, nil
	}
	return it, false, nil
}

// value reads a number or a name.
func (s spec) value(text string) (int, error) {
	if i := slices.Index(s.names, text); i >= 0 {
		return s.min + i, nil
	}
	n, ok := number(text)
	switch {
	case !ok && len(s.names) > 0:
		return 0, invalid("%s: %.40q is neither a number nor one of %s", s.name, text, strings.Join(s.names, ", "))
	case !ok:
		return 0, invalid("%s: %.40q is no number", s.name, text)
	case n < s.min || n > s.max:
		return 0, invalid("%s must be from %d to %d, not %d", s.name, s.min, s.max, n)
	}
	return n, nil
}

// number reads digits.
func number(text string) (int, bool) {
	if len(text) == 0 || len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

package cron

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Describe says when the expression fires, in English.
func (e Expression) Describe() string {
	parts := []string{e.clock()}
	for _, place := range []int{dayOfMonth, dayOfWeek, month, year} {
		if text := e.say(place); text != "" {
			parts = append(parts, text)
		}
	}
	text := strings.Join(parts, ", ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// clock says at what times of a day it fires.
func (e Expression) clock() string {
	m, h := e.fields[minutes], e.fields[hours]
	second, wholeSecond := e.fields[seconds].only()
	minute, wholeMinute := m.only()
	if wholeSecond && wholeMinute && h.listed() {
		var times []string
		for _, it := range h {
			times = append(times, clockTime(it.from, minute, second))
		}
		return "at " + and(times)
	}
	var parts []string
	if !wholeSecond || second != 0 {
		parts = append(parts, e.say(seconds))
	}
	if said := len(parts) > 0; m.every() && !said || !m.every() && (said || !wholeMinute || minute != 0) {
		parts = append(parts, e.say(minutes))
	}
	if !h.every() || len(parts) == 0 {
		parts = append(parts, e.say(hours))
	}
	return strings.Join(parts, ", ")
}

// only returns the number that the field is.
func (f field) only() (int, bool) {
	return f[0].from, len(f) == 1 && f.listed()
}

// listed reports whether the field is a list of numbers.
func (f field) listed() bool {
	return !slices.ContainsFunc(f, func(it item) bool { return it.all || it.weekday || it.last || it.nth > 0 || it.from != it.to })
}

// every reports whether the field leaves out nothing.
func (f field) every() bool { return len(f) == 1 && f[0].all && f[0].step <= 1 }

// words is how a field is said.
type words struct {
	every string // all of it; "" is not said
	unit  string // in "every 5 units"
	one   func(it item) string
	many  string // format of a list of numbers
	span  string // format of a range
	name  func(n int) string
}

// language says the fields, by their places.
var language = [7]words{
	{every: "every second", unit: "seconds", one: past("second", "minute"), many: "at %s seconds past the minute", span: "seconds %s through %s past the minute", name: strconv.Itoa},
	{every: "every minute", unit: "minutes", one: past("minute", "hour"), many: "at %s minutes past the hour", span: "minutes %s through %s past the hour", name: strconv.Itoa},
	{every: "every hour", unit: "hours", one: hour, many: "at %s", span: "between %s and %s", name: hourName},
	{unit: "days", one: monthDay, many: "on days %s of the month", span: "between days %s and %s of the month", name: strconv.Itoa},
	{unit: "months", many: "only in %s", span: "%s through %s", name: monthName},
	{unit: "days of the week", one: weekDay, many: "only on %s", span: "%s through %s", name: dayName},
	{unit: "years", many: "only in %s", span: "%s through %s", name: strconv.Itoa},
}

// say says what the field at a place holds.
func (e Expression) say(place int) string {
	f, w := e.fields[place], language[place]
	if len(f) > 1 && f.listed() {
		var names []string
		for _, it := range f {
			names = append(names, w.name(it.from))
		}
		return fmt.Sprintf(w.many, and(names))
	}
	var parts []string
	for _, it := range f {
		if text := sayItem(place, it); text != "" {
			parts = append(parts, text)
		}
	}
	return and(parts)
}

func sayItem(place int, it item) string {
	w, end := language[place], language[place].name(it.to)
	if place == hours {
		end = clockTime(it.to, 59, 0) // the last minute of it
	}
	switch {
	case it.step > 1:
		text := fmt.Sprintf("every %d %s", it.step, w.unit)
		switch {
		case it.all || it.from == specs[place].min && it.to == specs[place].max:
			return text
		case it.to == specs[place].max:
			return text + " from " + w.name(it.from) + " on"
		}
		return text + ", " + fmt.Sprintf(w.span, w.name(it.from), end)
	case it.all:
		return w.every
	case it.from != it.to:
		return fmt.Sprintf(w.span, w.name(it.from), end)
	case w.one != nil:
		return w.one(it)
	}
	return fmt.Sprintf(w.many, w.name(it.from))
}

// past says a second or a minute.
func past(unit, whole string) func(item) string {
	return func(it item) string {
		if it.from == 1 {
			return fmt.Sprintf("at 1 %s past the %s", unit, whole)
		}
		return fmt.Sprintf("at %d %ss past the %s", it.from, unit, whole)
	}
}

func hour(it item) string {
	return "between " + hourName(it.from) + " and " + clockTime(it.from, 59, 0)
}

func monthDay(it item) string {
	switch {
	case it.last && it.weekday && it.offset > 0:
		return fmt.Sprintf("on the weekday nearest %d days before the last day of the month", it.offset)
	case it.last && it.weekday:
		return "on the last weekday of the month"
	case it.last && it.offset > 0:
		return fmt.Sprintf("%d days before the last day of the month", it.offset)
	case it.last:
		return "on the last day of the month"
	case it.weekday:
		return fmt.Sprintf("on the weekday nearest day %d of the month", it.from)
	}
	return fmt.Sprintf("on day %d of the month", it.from)
}

func weekDay(it item) string {
	switch {
	case it.last:
		return "on the last " + dayName(it.from) + " of the month"
	case it.nth > 0:
		return "on the " + [...]string{"first", "second", "third", "fourth", "fifth"}[it.nth-1] + " " + dayName(it.from) + " of the month"
	}
	return "only on " + dayName(it.from)
}

func dayName(n int) string   { return time.Weekday(n - 1).String() }
func monthName(n int) string { return time.Month(n).String() }
func hourName(n int) string  { return clockTime(n, 0, 0) }

// clockTime writes a time of the day.
func clockTime(h, m, s int) string {
	half := "AM"
	if h >= 12 {
		half = "PM"
	}
	text := fmt.Sprintf("%d:%02d", (h+11)%12+1, m)
	if s != 0 {
		text += fmt.Sprintf(":%02d", s)
	}
	return text + " " + half
}

// and joins texts.
func and(list []string) string {
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return strings.Join(list, "")
}

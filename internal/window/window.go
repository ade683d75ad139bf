// Package window is the arithmetic of execution windows: the hours of a week
// within which a stage may start.
//
// It is pure: who waits, and for what clock, is the caller's business.
package window

import (
	"slices"
	"strconv"
	"time"

	"github.com/gennaker/gennaker"
)

// DefaultZone is the time zone of windows where none is configured.
//
// Source: Spinnaker's tasks.execution-window.timezone.
const DefaultZone = "America/Los_Angeles"

// Window is the hours of a week within which a stage may start, by the clock on
// the wall of one place. Make one with Parse.
type Window struct {
	Jitter Jitter

	location *time.Location
	days     [7]bool // by time.Weekday
	hours    []span  // sorted, and not empty
}

// Jitter is a random wait behind the start of a window, so that not everything
// begins at once.
type Jitter struct {
	Min, Max   time.Duration // whole seconds; a zero Max is no jitter
	SkipManual bool          // not in executions that a person started
}

// span is a part of a day in minutes since midnight, both of which are in it.
type span struct{ from, to int }

const (
	minutesPerHour = 60
	lastMinute     = 24*minutesPerHour - 1
)

// Bounds of what Parse reads.
const (
	maxSpans = 1000
	// MaxJitter bounds Jitter.Max.
	MaxJitter = 7 * 24 * time.Hour
)

// Parse reads a restrictedExecutionWindow.
//
// A missing list of days is every day, a missing list of hours the whole day.
// Hours that end before they begin go on past midnight: each of both days must
// be allowed for its part. Numbers may be strings.
//
// Errors: Invalid, for what is no window, or one that never opens.
// Source: execution model, section 10.
func Parse(rules map[string]any, location *time.Location) (Window, error) {
	r := reader{}
	w := Window{location: location}
	r.days(&w, rules["days"])
	r.hours(&w, rules["whitelist"])
	r.jitter(&w, rules["jitter"])
	if len(r.problems) > 0 {
		return Window{}, &gennaker.Error{Kind: gennaker.Invalid, Message: r.problems[0].String(), Problems: r.problems}
	}
	return w, nil
}

// Inside reports whether t is within the window. The last minute of a window is
// in it as a whole.
func (w Window) Inside(t time.Time) bool {
	t = t.In(w.location)
	minute := t.Hour()*minutesPerHour + t.Minute()
	return w.days[t.Weekday()] && slices.ContainsFunc(w.hours, func(s span) bool { return s.from <= minute && minute <= s.to })
}

// Next returns when the window is open, from t on: t itself if it is.
//
// Hours that a change to summer time leaves out are left out; those that a
// change back repeats come twice.
func (w Window) Next(t time.Time) time.Time {
	t = t.In(w.location)
	for !w.Inside(t) {
		_, end := t.ZoneBounds() // until when clocks go on evenly
		next, ok := w.nextEven(t, end)
		if ok {
			return next
		}
		t = end
	}
	return t
}

// nextEven returns when a window begins after t, while the difference to UTC is
// the same; it is until end, or forever if end is zero.
func (w Window) nextEven(t, end time.Time) (_ time.Time, ok bool) {
	_, offset := t.Zone()
	day := t.In(time.FixedZone("", offset))
	day = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, day.Location())
	for range 8 { // today's hours may be over
		for _, s := range w.hours {
			start := day.Add(time.Duration(s.from) * time.Minute)
			if !end.IsZero() && !start.Before(end) {
				return time.Time{}, false
			}
			if w.days[day.Weekday()] && !start.Before(t) {
				return start.In(w.location), true
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// reader collects problems while it takes a window out of open JSON.
type reader struct{ problems []gennaker.Problem }

func (r *reader) problem(path, message string) {
	r.problems = append(r.problems, gennaker.Problem{Path: path, Message: message})
}

// days reads the days of the week, from 1 for Sunday.
func (r *reader) days(w *Window, v any) {
	list := r.list(v, "days")
	for i := range w.days {
		w.days[i] = len(list) == 0
	}
	for i, v := range list {
		if n, ok := r.number(v, "days["+strconv.Itoa(i)+"]", 1, len(w.days)); ok {
			w.days[n-1] = true
		}
	}
}

func (r *reader) hours(w *Window, v any) {
	list := r.list(v, "whitelist")
	if len(list) > maxSpans {
		r.problem("whitelist", "may have at most "+strconv.Itoa(maxSpans)+" entries")
		return
	}
	for i, v := range list {
		path := "whitelist[" + strconv.Itoa(i) + "]"
		m, ok := v.(map[string]any)
		if !ok {
			r.problem(path, "must be an object with startHour, startMin, endHour and endMin")
			continue
		}
		from, to := r.time(m, path, "start"), r.time(m, path, "end")
		if from/minutesPerHour > to/minutesPerHour {
			w.hours = append(w.hours, span{from, lastMinute}, span{0, to})
		} else if from <= to {
			w.hours = append(w.hours, span{from, to})
		}
	}
	switch {
	case len(list) == 0:
		w.hours = []span{{0, lastMinute}}
	case len(w.hours) == 0 && len(r.problems) == 0:
		r.problem("whitelist", "never opens: it ends before it begins, in the same hour")
	}
	slices.SortFunc(w.hours, func(a, b span) int { return a.from - b.from })
}

// time reads an hour and a minute, which are 0 unless given.
func (r *reader) time(m map[string]any, path, which string) int {
	hour, _ := r.number(m[which+"Hour"], path+"."+which+"Hour", 0, 23)
	minute, _ := r.number(m[which+"Min"], path+"."+which+"Min", 0, 59)
	return hour*minutesPerHour + minute
}

func (r *reader) jitter(w *Window, v any) {
	m, ok := v.(map[string]any)
	if !ok && v != nil {
		r.problem("jitter", "must be an object")
	}
	if !truth(m["enabled"]) {
		return
	}
	least, _ := r.number(m["minDelay"], "jitter.minDelay", 0, int(MaxJitter.Seconds()))
	most, _ := r.number(m["maxDelay"], "jitter.maxDelay", 0, int(MaxJitter.Seconds()))
	if most > 0 && least > most {
		r.problem("jitter.minDelay", "must not be more than maxDelay")
	}
	if most > 0 {
		w.Jitter = Jitter{time.Duration(least) * time.Second, time.Duration(most) * time.Second, truth(m["skipManual"])}
	}
}

func (r *reader) list(v any, path string) []any {
	list, ok := v.([]any)
	if !ok && v != nil {
		r.problem(path, "must be a list")
	}
	return list
}

// number reads a whole number; a missing one is the least.
func (r *reader) number(v any, path string, least, most int) (int, bool) {
	n := float64(least)
	var err error
	switch v := v.(type) {
	case nil:
	case float64:
		n = v
	case int:
		n = float64(v)
	case string:
		n, err = strconv.ParseFloat(v, 64)
	case interface{ Float64() (float64, error) }: // json.Number
		n, err = v.Float64()
	default:
		err = strconv.ErrSyntax
	}
	if err != nil || n != float64(int(n)) || int(n) < least || int(n) > most {
		r.problem(path, "must be a whole number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most))
		return least, false
	}
	return int(n), true
}

func truth(v any) bool { return v == true || v == "true" }

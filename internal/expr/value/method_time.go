package value

import (
	"fmt"
	"strings"
	"time"

	"github.com/gennaker/gennaker/internal/expr/java"
)

// String writes a time as the toString of its Java type does.
func (m moment) String() string {
	layout := "2006-01-02"
	switch m.kind {
	case "Date":
		return m.Format("Mon Jan 02 15:04:05 MST 2006")
	case "Instant":
		layout = "2006-01-02T15:04:05" + fraction(m.Time) + "Z"
	case "LocalDateTime":
		layout = "2006-01-02T15:04:05" + fraction(m.Time)
		if m.Second() == 0 && m.Nanosecond() == 0 {
			layout = "2006-01-02T15:04"
		}
	}
	return m.Format(layout)
}

// fraction is the layout of the fraction of a second: none, 3, 6 or 9 digits.
func fraction(t time.Time) string {
	switch ns := t.Nanosecond(); {
	case ns == 0:
		return ""
	case ns%1_000_000 == 0:
		return ".000"
	case ns%1_000 == 0:
		return ".000000"
	}
	return ".000000000"
}

// local returns the reading of t's clock, as a time in UTC.
func local(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

func momentArg(v any, kind Class) (moment, error) {
	m, ok := v.(moment)
	if !ok || m.kind != kind {
		return moment{}, fmt.Errorf("%s is not a %s", Describe(v), kind)
	}
	return m, nil
}

func parseMoment(kind Class, v any) (any, error) {
	s, _ := v.(string)
	layouts := []string{"2006-01-02"}
	switch kind {
	case "Instant":
		layouts = []string{"2006-01-02T15:04:05Z07:00"}
	case "LocalDateTime":
		layouts = []string{"2006-01-02T15:04:05", "2006-01-02T15:04"}
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			return moment{t.UTC(), kind}, nil
		}
	}
	return nil, Refuse("it is written like "+layouts[0], "%s is no %s", Describe(v), kind)
}

// momentOf makes a LocalDate or LocalDateTime of its numbers.
func momentOf(kind Class, args []any) (any, error) {
	n := [7]int64{}
	for i, a := range args {
		var err error
		if n[i], err = ToInt(a); err != nil {
			return nil, err
		}
	}
	t := time.Date(int(n[0]), time.Month(n[1]), int(n[2]), int(n[3]), int(n[4]), int(n[5]), int(n[6]), time.UTC)
	if t.Year() != int(n[0]) || int64(t.Month()) != n[1] || int64(t.Day()) != n[2] || int64(t.Hour()) != n[3] || int64(t.Minute()) != n[4] {
		return nil, Refuse("they are the year, the month from 1 to 12, the day, the hour and so on", "there is no date or time of the numbers %v", n[:len(args)])
	}
	return moment{t, kind}, nil
}

// of is a method without arguments that reads a number from a time.
func of(f func(moment) int64) Method {
	return Method{0, 0, func(_ *Work, on any, _ []any) (any, error) {
		m, _ := on.(moment)
		return f(m), nil
	}}
}

// relation is a method that compares two times of one type.
func relation(holds func(c int) bool) Method {
	return Method{1, 1, func(r *Work, on any, args []any) (any, error) {
		if args[0] == nil {
			return nil, fmt.Errorf("the argument is null")
		}
		c, err := r.compare(on, args[0])
		return holds(c), err
	}}
}

var dateMethods = map[string]Method{
	"getTime":   of(func(m moment) int64 { return m.UnixMilli() }),
	"before":    relation(func(c int) bool { return c < 0 }),
	"after":     relation(func(c int) bool { return c > 0 }),
	"compareTo": {1, 1, compareTo},
	"toInstant": {0, 0, func(_ *Work, on any, _ []any) (any, error) {
		m, _ := on.(moment)
		return moment{m.UTC(), "Instant"}, nil
	}},
	"getYear":    of(func(m moment) int64 { return int64(m.Year() - 1900) }),
	"getMonth":   of(func(m moment) int64 { return int64(m.Month() - 1) }),
	"getDate":    of(func(m moment) int64 { return int64(m.Day()) }),
	"getDay":     of(func(m moment) int64 { return int64(m.Weekday()) }),
	"getHours":   of(func(m moment) int64 { return int64(m.Hour()) }),
	"getMinutes": of(func(m moment) int64 { return int64(m.Minute()) }),
	"getSeconds": of(func(m moment) int64 { return int64(m.Second()) }),
}

var instantMethods = map[string]Method{
	"until":          {2, 2, until},
	"toEpochMilli":   of(func(m moment) int64 { return m.UnixMilli() }),
	"getEpochSecond": of(func(m moment) int64 { return m.Unix() }),
	"getNano":        of(func(m moment) int64 { return int64(m.Nanosecond()) }),
	"isBefore":       relation(func(c int) bool { return c < 0 }),
	"isAfter":        relation(func(c int) bool { return c > 0 }),
	"compareTo":      {1, 1, compareTo},
	"plusSeconds":    shift("SECONDS", 1), "minusSeconds": shift("SECONDS", -1),
	"plusMillis": shift("MILLIS", 1), "minusMillis": shift("MILLIS", -1),
	"plusNanos": shift("NANOS", 1), "minusNanos": shift("NANOS", -1),
	"plus": shift("", 1), "minus": shift("", -1),
	"truncatedTo": {1, 1, truncatedTo},
}

// localMethods are those of LocalDate and LocalDateTime.
var localMethods = map[string]Method{
	"getYear":       of(func(m moment) int64 { return int64(m.Year()) }),
	"getMonthValue": of(func(m moment) int64 { return int64(m.Month()) }),
	"getDayOfMonth": of(func(m moment) int64 { return int64(m.Day()) }),
	"getDayOfYear":  of(func(m moment) int64 { return int64(m.YearDay()) }),
	"getHour":       of(func(m moment) int64 { return int64(m.Hour()) }),
	"getMinute":     of(func(m moment) int64 { return int64(m.Minute()) }),
	"getSecond":     of(func(m moment) int64 { return int64(m.Second()) }),
	"toEpochDay":    of(func(m moment) int64 { return m.Unix() / 86400 }),
	"lengthOfMonth": of(func(m moment) int64 { return int64(m.AddDate(0, 1, -m.Day()).Day()) }),
	"getDayOfWeek": {0, 0, func(_ *Work, on any, _ []any) (any, error) {
		m, _ := on.(moment)
		return weekday(m.Weekday()), nil
	}},
	"getNano":      of(func(m moment) int64 { return int64(m.Nanosecond()) }),
	"lengthOfYear": of(func(m moment) int64 { return int64(time.Date(m.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay()) }),
	"until":        {2, 2, until},
	"isLeapYear": {0, 0, func(_ *Work, on any, _ []any) (any, error) {
		m, _ := on.(moment)
		return time.Date(m.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay() == 366, nil
	}},
	"isBefore":  relation(func(c int) bool { return c < 0 }),
	"isAfter":   relation(func(c int) bool { return c > 0 }),
	"isEqual":   relation(func(c int) bool { return c == 0 }),
	"compareTo": {1, 1, compareTo},
	"plusYears": shift("YEARS", 1), "minusYears": shift("YEARS", -1),
	"plusMonths": shift("MONTHS", 1), "minusMonths": shift("MONTHS", -1),
	"plusWeeks": shift("WEEKS", 1), "minusWeeks": shift("WEEKS", -1),
	"plusDays": shift("DAYS", 1), "minusDays": shift("DAYS", -1),
	"plusHours": shift("HOURS", 1), "minusHours": shift("HOURS", -1),
	"plusMinutes": shift("MINUTES", 1), "minusMinutes": shift("MINUTES", -1),
	"plusSeconds": shift("SECONDS", 1), "minusSeconds": shift("SECONDS", -1),
	"plus": shift("", 1), "minus": shift("", -1),
	"truncatedTo": {1, 1, truncatedTo},
	"toLocalDate": {0, 0, func(_ *Work, on any, _ []any) (any, error) {
		m, _ := on.(moment)
		return moment{m.Truncate(24 * time.Hour), "LocalDate"}, nil
	}},
	"atStartOfDay": {0, 0, func(_ *Work, on any, _ []any) (any, error) {
		m, _ := on.(moment)
		return moment{m.Truncate(24 * time.Hour), "LocalDateTime"}, nil
	}},
	"withYear":       replaced(1, 9999, func(t time.Time, n int) time.Time { return months(t, 12*(n-t.Year())) }),
	"withMonth":      replaced(1, 12, func(t time.Time, n int) time.Time { return months(t, n-int(t.Month())) }),
	"withDayOfMonth": replaced(1, 31, func(t time.Time, n int) time.Time { return t.AddDate(0, 0, n-t.Day()) }),
	"withDayOfYear":  replaced(1, 366, func(t time.Time, n int) time.Time { return t.AddDate(0, 0, n-t.YearDay()) }),
	"withHour":       replaced(0, 23, func(t time.Time, n int) time.Time { return t.Add(time.Duration(n-t.Hour()) * time.Hour) }),
	"withMinute":     replaced(0, 59, func(t time.Time, n int) time.Time { return t.Add(time.Duration(n-t.Minute()) * time.Minute) }),
	"withSecond":     replaced(0, 59, func(t time.Time, n int) time.Time { return t.Add(time.Duration(n-t.Second()) * time.Second) }),
	"withNano":       replaced(0, 999_999_999, func(t time.Time, n int) time.Time { return t.Add(time.Duration(n - t.Nanosecond())) }),
	"with": {1, 1, func(_ *Work, on any, args []any) (any, error) {
		m, _ := on.(moment)
		a, ok := args[0].(adjuster)
		if !ok {
			return nil, Refuse("as in with(T(java.time.temporal.TemporalAdjusters).firstDayOfMonth())", "%s does not adjust dates", Describe(args[0]))
		}
		return moment{a.adjust(m.Time), m.kind}, nil
	}},
	"atTime": {2, 4, func(_ *Work, on any, args []any) (any, error) {
		m, _ := on.(moment)
		return momentOf("LocalDateTime", append([]any{int64(m.Year()), int64(m.Month()), int64(m.Day())}, args...))
	}},
}

// replaced is a method that sets a part of a date, within its bounds and those
// of the month and year.
func replaced(least, most int64, set func(time.Time, int) time.Time) Method {
	return Method{1, 1, func(_ *Work, on any, args []any) (any, error) {
		m, _ := on.(moment)
		n, err := ToInt(args[0])
		if err != nil {
			return nil, err
		}
		if n < least || n > most {
			return nil, fmt.Errorf("%d is not from %d to %d", n, least, most)
		}
		t := set(m.Time, int(n))
		if most == 31 && t.Month() != m.Month() || most == 366 && t.Year() != m.Year() {
			return nil, fmt.Errorf("there is no day %d in %s", n, m.Format("January 2006"))
		}
		return moment{t, m.kind}, nil
	}}
}

// until is between with its arguments the other way around.
func until(r *Work, on any, args []any) (any, error) {
	u, ok := args[1].(unit)
	if !ok {
		return nil, Refuse("as in T(java.time.temporal.ChronoUnit).DAYS", "%s is no unit of time", Describe(args[1]))
	}
	return unitMethods["between"].Call(r, u, []any{on, args[0]})
}

// unitLengths are the units of a fixed length.
var unitLengths = map[unit]time.Duration{
	"NANOS": 1, "MICROS": time.Microsecond, "MILLIS": time.Millisecond, "SECONDS": time.Second, "MINUTES": time.Minute,
	"HOURS": time.Hour, "HALF_DAYS": 12 * time.Hour, "DAYS": 24 * time.Hour, "WEEKS": 7 * 24 * time.Hour,
}

// unitMonths are the units of a number of months.
var unitMonths = map[unit]int{"MONTHS": 1, "YEARS": 12, "DECADES": 120, "CENTURIES": 1200}

// unitStrings are what toString returns.
var unitStrings = map[unit]string{
	"NANOS": "Nanos", "MICROS": "Micros", "MILLIS": "Millis", "SECONDS": "Seconds", "MINUTES": "Minutes", "HOURS": "Hours",
	"HALF_DAYS": "HalfDays", "DAYS": "Days", "WEEKS": "Weeks", "MONTHS": "Months", "YEARS": "Years", "DECADES": "Decades", "CENTURIES": "Centuries",
}

// shift is a method that adds or subtracts some of a unit, which is the second
// argument if it is not fixed.
func shift(u unit, by int64) Method {
	n := 1
	if u == "" {
		n = 2
	}
	return Method{n, n, func(_ *Work, on any, args []any) (any, error) {
		m, _ := on.(moment)
		u := u
		if u == "" {
			var ok bool
			if u, ok = args[1].(unit); !ok {
				return nil, Refuse("as in T(java.time.temporal.ChronoUnit).DAYS", "%s is no unit of time", Describe(args[1]))
			}
		}
		count, err := ToInt(args[0])
		if err != nil {
			return nil, err
		}
		t, err := shifted(m, u, count*by)
		return moment{t, m.kind}, err
	}}
}

func shifted(m moment, u unit, n int64) (time.Time, error) {
	const most = 1_000_000
	length, fixed := unitLengths[u]
	if !fixed || length >= 24*time.Hour && m.kind != "Instant" {
		if n > most || n < -most {
			return m.Time, fmt.Errorf("%d %s is too far away", n, strings.ToLower(string(u)))
		}
	}
	switch {
	case !fixed && m.kind == "Instant":
		return m.Time, Refuse("use DAYS, or a java.time.LocalDate", "an Instant has no %s", strings.ToLower(string(u)))
	case m.kind == "LocalDate" && fixed && length < 24*time.Hour:
		return m.Time, Refuse("use a java.time.LocalDateTime", "a LocalDate has no %s", strings.ToLower(string(u)))
	case !fixed:
		return months(m.Time, int(n)*unitMonths[u]), nil
	case n != 0 && (length*time.Duration(n))/time.Duration(n) != length:
		return m.Time, fmt.Errorf("%d %s is too far away", n, strings.ToLower(string(u)))
	}
	return m.Add(length * time.Duration(n)), nil
}

// months adds months and keeps within the month, as Java does: a month after
// 31 January is the end of February.
func months(t time.Time, n int) time.Time {
	first := t.AddDate(0, n, 1-t.Day())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

func truncatedTo(_ *Work, on any, args []any) (any, error) {
	m, _ := on.(moment)
	u, _ := args[0].(unit)
	length, ok := unitLengths[u]
	if !ok || length > 24*time.Hour {
		return nil, fmt.Errorf("%s is no unit to truncate to", Describe(args[0]))
	}
	return moment{m.Truncate(length), m.kind}, nil
}

// intoMonth is how much of the month is over.
func (m moment) intoMonth() time.Duration {
	return m.Sub(time.Date(m.Year(), m.Month(), 1, 0, 0, 0, 0, m.Location()))
}

var unitMethods = map[string]Method{
	"name": {0, 0, func(_ *Work, on any, _ []any) (any, error) { return ScalarString(on), nil }},
	"between": {2, 2, func(_ *Work, on any, args []any) (any, error) {
		u, _ := on.(unit)
		a, ok := args[0].(moment)
		b, also := args[1].(moment)
		if !ok || !also || a.kind != b.kind || a.kind == "Date" {
			return nil, fmt.Errorf("%s and %s are not two times of one type", Describe(args[0]), Describe(args[1]))
		}
		if length, ok := unitLengths[u]; ok {
			seconds, nanos := b.Unix()-a.Unix(), int64(b.Nanosecond()-a.Nanosecond())
			if length >= time.Second {
				if nanos < 0 && seconds > 0 {
					seconds--
				} else if nanos > 0 && seconds < 0 {
					seconds++
				}
				return seconds / int64(length/time.Second), nil
			}
			return (seconds*int64(time.Second) + nanos) / int64(length), nil
		}
		if a.kind == "Instant" {
			return nil, fmt.Errorf("an Instant has no %s", strings.ToLower(string(u)))
		}
		return int64(monthsBetween(a, b) / unitMonths[u]), nil
	}},
}

// monthsBetween returns how many whole months there are from a to b.
func monthsBetween(a, b moment) int {
	n := (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
	if late := b.intoMonth() - a.intoMonth(); n > 0 && late < 0 {
		return n - 1
	} else if n < 0 && late > 0 {
		return n + 1
	}
	return n
}

var weekdayMethods = map[string]Method{
	"name": {0, 0, func(r *Work, on any, _ []any) (any, error) { return r.JavaString(on, 0) }},
	"getValue": {0, 0, func(_ *Work, on any, _ []any) (any, error) {
		d, _ := on.(weekday)
		return int64((d+6)%7 + 1), nil
	}},
	"plus": {1, 1, func(_ *Work, on any, args []any) (any, error) {
		d, _ := on.(weekday)
		n, err := ToInt(args[0])
		return weekday(((int64(d)+n%7)%7 + 7) % 7), err
	}},
	"minus": {1, 1, func(_ *Work, on any, args []any) (any, error) {
		d, _ := on.(weekday)
		n, err := ToInt(args[0])
		return weekday(((int64(d)-n%7)%7 + 7) % 7), err
	}},
	"compareTo": {1, 1, compareTo},
}

func weekdayOf(name string) (any, error) {
	for d := range weekday(7) {
		if ScalarString(d) == name {
			return d, nil
		}
	}
	return nil, fmt.Errorf("'%s' is no day of the week", Shorten(name))
}

// formatMethods are those of SimpleDateFormat.
var formatMethods = map[string]Method{
	"format": {1, 1, func(r *Work, on any, args []any) (any, error) {
		p, _ := on.(pattern)
		t := time.Time{}
		switch v := args[0].(type) {
		case moment:
			if v.kind != "Date" {
				return nil, Refuse("make one with T(java.util.Date).from(…)", "a SimpleDateFormat writes a Date, not %s", Describe(v))
			}
			t = v.Time
		case int64:
			t = time.UnixMilli(v)
		default:
			return nil, fmt.Errorf("a SimpleDateFormat writes a Date, not %s", Describe(v))
		}
		s, err := java.FormatDate(string(p), t.In(r.now.Location()))
		if err != nil {
			return nil, err
		}
		return s, r.Spend(len(s))
	}},
	"parse": {1, 1, func(r *Work, on any, args []any) (any, error) {
		p, _ := on.(pattern)
		s, err := r.TextArg(args[0])
		if err != nil {
			return nil, err
		}
		t, err := java.ParseDate(string(p), s, r.now)
		return moment{t.In(r.now.Location()), "Date"}, err
	}},
	"toPattern": {0, 0, func(_ *Work, on any, _ []any) (any, error) { p, _ := on.(pattern); return string(p), nil }},
}

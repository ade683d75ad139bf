package value

import "time"

// adjuster is what TemporalAdjusters makes: a date of a date.
type adjuster struct{ adjust func(time.Time) time.Time }

// adjusting is a method of TemporalAdjusters without arguments.
func adjusting(adjust func(time.Time) time.Time) Method {
	return Method{0, 0, func(*Work, any, []any) (any, error) { return adjuster{adjust}, nil }}
}

// toDay is a method of TemporalAdjusters whose argument is a day of the week.
func toDay(adjust func(time.Time, time.Weekday) time.Time) Method {
	return Method{1, 1, func(_ *Work, _ any, args []any) (any, error) {
		d, err := dayArg(args[0])
		return adjuster{func(t time.Time) time.Time { return adjust(t, time.Weekday(d)) }}, err
	}}
}

func dayArg(v any) (weekday, error) {
	d, ok := v.(weekday)
	if !ok {
		return 0, Refuse("as in T(java.time.DayOfWeek).MONDAY", "%s is no day of the week", Describe(v))
	}
	return d, nil
}

// ahead returns how many days after from there is to: 0 to 6.
func ahead(from, to time.Weekday) int { return (int(to) - int(from) + 7) % 7 }

func firstOfMonth(t time.Time) time.Time { return t.AddDate(0, 0, 1-t.Day()) }

func lastOfMonth(t time.Time) time.Time { return firstOfMonth(t).AddDate(0, 1, -1) }

func firstOfYear(t time.Time) time.Time { return t.AddDate(0, 0, 1-t.YearDay()) }

// inMonth returns the nth such day of the month, from its end if n is negative.
func inMonth(t time.Time, n int, d time.Weekday) time.Time {
	if n < 0 {
		last := lastOfMonth(t)
		return last.AddDate(0, 0, -ahead(d, last.Weekday())+7*(n+1))
	}
	first := firstOfMonth(t)
	return first.AddDate(0, 0, ahead(first.Weekday(), d)+7*(n-1))
}

// adjusters are the methods of TemporalAdjusters.
var adjusters = map[string]Method{
	"firstDayOfMonth":     adjusting(firstOfMonth),
	"lastDayOfMonth":      adjusting(lastOfMonth),
	"firstDayOfNextMonth": adjusting(func(t time.Time) time.Time { return firstOfMonth(t).AddDate(0, 1, 0) }),
	"firstDayOfYear":      adjusting(firstOfYear),
	"lastDayOfYear":       adjusting(func(t time.Time) time.Time { return firstOfYear(t).AddDate(1, 0, -1) }),
	"firstDayOfNextYear":  adjusting(func(t time.Time) time.Time { return firstOfYear(t).AddDate(1, 0, 0) }),
	"next": toDay(func(t time.Time, d time.Weekday) time.Time {
		return t.AddDate(0, 0, ahead(t.AddDate(0, 0, 1).Weekday(), d)+1)
	}),
	"nextOrSame": toDay(func(t time.Time, d time.Weekday) time.Time { return t.AddDate(0, 0, ahead(t.Weekday(), d)) }),
	"previous": toDay(func(t time.Time, d time.Weekday) time.Time {
		return t.AddDate(0, 0, -ahead(d, t.AddDate(0, 0, -1).Weekday())-1)
	}),
	"previousOrSame": toDay(func(t time.Time, d time.Weekday) time.Time { return t.AddDate(0, 0, -ahead(d, t.Weekday())) }),
	"firstInMonth":   toDay(func(t time.Time, d time.Weekday) time.Time { return inMonth(t, 1, d) }),
	"lastInMonth":    toDay(func(t time.Time, d time.Weekday) time.Time { return inMonth(t, -1, d) }),
	"dayOfWeekInMonth": {2, 2, func(_ *Work, _ any, args []any) (any, error) {
		n, err := ToInt(args[0])
		if err != nil {
			return nil, err
		}
		d, err := dayArg(args[1])
		n = max(-100, min(n, 100))
		return adjuster{func(t time.Time) time.Time { return inMonth(t, int(n), time.Weekday(d)) }}, err
	}},
}

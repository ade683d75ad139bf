package expr

import (
	"fmt"
	"strings"
	"time"
)

// field is a run of one letter of a date pattern, or literal text (letter 0).
type field struct {
	letter byte
	n      int
	text   string
}

// fields reads a pattern of SimpleDateFormat.
func fields(p string) ([]field, error) {
	if len(p) > 200 {
		return nil, fmt.Errorf("the date pattern has %d bytes, more than 200", len(p))
	}
	var out []field
	for i := 0; i < len(p); {
		c := p[i]
		switch {
		case c == '\'' && strings.HasPrefix(p[i:], "''"):
			out, i = append(out, field{text: "'"}), i+2
		case c == '\'':
			n := strings.IndexByte(p[i+1:], '\'')
			if n < 0 {
				return nil, fmt.Errorf("the date pattern '%s' has an open quote", p)
			}
			out, i = append(out, field{text: p[i+1 : i+1+n]}), i+n+2
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			n := 1
			for i+n < len(p) && p[i+n] == c {
				n++
			}
			out, i = append(out, field{letter: c, n: n}), i+n
		default:
			out, i = append(out, field{text: p[i : i+1]}), i+1
		}
	}
	return out, nil
}

// formatDate writes t as SimpleDateFormat does, in English.
func formatDate(p string, t time.Time) (string, error) {
	parts, err := fields(p)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, f := range parts {
		s, ok := f.write(t)
		if !ok {
			return "", refuse("letters that stand for themselves are written in single quotes", "'%c' means nothing in a date pattern", f.letter)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (f field) write(t time.Time) (string, bool) {
	number := func(n int) (string, bool) { return fmt.Sprintf("%0*d", f.n, n), true }
	name := func(long string) (string, bool) {
		if f.n >= 4 {
			return long, true
		}
		return long[:3], true
	}
	switch f.letter {
	case 0:
		return f.text, true
	case 'G':
		return "AD", true
	case 'y', 'u', 'Y':
		return f.year(t)
	case 'M', 'L':
		if f.n >= 3 {
			return name(t.Month().String())
		}
		return number(int(t.Month()))
	case 'd':
		return number(t.Day())
	case 'D':
		return number(t.YearDay())
	case 'E':
		return name(t.Weekday().String())
	case 'F':
		return number((t.Day()-1)/7 + 1)
	case 'a':
		return t.Format("PM"), true
	case 'H':
		return number(t.Hour())
	case 'k':
		return number((t.Hour()+23)%24 + 1)
	case 'K':
		return number(t.Hour() % 12)
	case 'h':
		return number((t.Hour()+11)%12 + 1)
	case 'm':
		return number(t.Minute())
	case 's':
		return number(t.Second())
	case 'S':
		return number(t.Nanosecond() / 1_000_000)
	case 'w':
		_, week := weekYear(t)
		return number(week)
	}
	return f.zone(t)
}

func (f field) year(t time.Time) (string, bool) {
	year := t.Year()
	switch f.letter {
	case 'Y':
		year, _ = weekYear(t)
	case 'u':
		return fmt.Sprintf("%0*d", f.n, (int(t.Weekday())+6)%7+1), true
	}
	if f.n == 2 {
		return fmt.Sprintf("%02d", year%100), true
	}
	return fmt.Sprintf("%0*d", f.n, year), true
}

// weekYear returns the week and its year where weeks start on Sunday and the
// first one has 1 January, as in Java's default locale.
func weekYear(t time.Time) (year, week int) {
	saturday := t.AddDate(0, 0, 6-int(t.Weekday()))
	return saturday.Year(), (saturday.YearDay()-1)/7 + 1
}

func (f field) zone(t time.Time) (string, bool) {
	switch f.letter {
	case 'z':
		return t.Format("MST"), true
	case 'Z':
		return t.Format("-0700"), true
	case 'X':
		if f.n <= len(isoZones) {
			return t.Format(isoZones[f.n-1]), true
		}
	}
	return "", false
}

// isoZones are the layouts of the letter X, by how often it is written.
var isoZones = []string{"Z07", "Z0700", "Z07:00"}

// goLayout returns the layout of package time for a pattern, for reading.
func goLayout(p string) (string, error) {
	parts, err := fields(p)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, f := range parts {
		switch f.letter {
		case 0:
			if strings.ContainsAny(f.text, "0123456789") {
				return "", fmt.Errorf("digits within a date pattern cannot be read")
			}
			b.WriteString(f.text)
			continue
		case 'S':
			if i == 0 || parts[i-1].text != "." && parts[i-1].text != "," {
				return "", fmt.Errorf("milliseconds can only be read after a dot")
			}
		}
		letters := strings.Repeat(string(f.letter), min(f.n, 5))
		s, ok := goFields[letters]
		if f.letter == 'X' && f.n <= len(isoZones) {
			s, ok = isoZones[f.n-1], true
		}
		if !ok {
			return "", fmt.Errorf("'%s' in a date pattern cannot be read", letters)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

var goFields = map[string]string{
	"yyyy": "2006", "yy": "06", "y": "2006", "MMMM": "January", "MMM": "Jan", "MM": "01", "M": "1", "dd": "02", "d": "2",
	"HH": "15", "H": "15", "hh": "03", "h": "3", "mm": "04", "m": "4", "ss": "05", "s": "5", "SSS": "000",
	"a": "PM", "EEEE": "Monday", "EEE": "Mon", "E": "Mon", "z": "MST", "Z": "-0700",
	"DDD": "002",
}

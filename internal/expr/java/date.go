package java

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
			text, n, ok := quoted(p[i:])
			if !ok {
				return nil, fmt.Errorf("the date pattern \"%s\" has an open quote", p)
			}
			out, i = append(out, field{text: text}), i+n
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

// quoted reads the text in quotes that p starts with, and returns its length in
// p. A quote is written twice within it.
func quoted(p string) (string, int, bool) {
	var b strings.Builder
	for i := 1; i < len(p); i++ {
		if p[i] != '\'' {
			b.WriteByte(p[i])
			continue
		}
		if !strings.HasPrefix(p[i+1:], "'") {
			return b.String(), i + 1, true
		}
		b.WriteByte('\'')
		i++
	}
	return "", 0, false
}

// FormatDate writes t as a SimpleDateFormat of the pattern does, in English and
// in t's time zone.
func FormatDate(pattern string, t time.Time) (string, error) {
	parts, err := fields(pattern)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, f := range parts {
		s, ok := f.write(t)
		if !ok {
			return "", unknown(f.letter)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func unknown(letter byte) error {
	return fmt.Errorf("'%c' means nothing in a date pattern: letters that stand for themselves are written in single quotes", letter)
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
	case 'W':
		return number((t.Day()-1+int(t.AddDate(0, 0, 1-t.Day()).Weekday()))/7 + 1)
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
		if name := t.Format("MST"); f.n < 4 || name != "UTC" {
			return name, true
		}
		return "Coordinated Universal Time", true
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

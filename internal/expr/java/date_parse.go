package java

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseDate reads a date as a SimpleDateFormat of the pattern does, which is
// lenient: 30 February is 1 or 2 March, numbers need not be padded, and what
// follows is passed over. Years of two digits are within 80 years before now
// and 20 after; what the text does not say is as in 1970, in now's time zone.
func ParseDate(pattern, s string, now time.Time) (time.Time, error) {
	parts, err := fields(pattern)
	if err != nil {
		return time.Time{}, err
	}
	d := date{rest: s, year: 1970, month: 1, day: 1, half: -1, zone: now.Location(), now: now}
	for i, f := range parts {
		width := 0 // any
		if i+1 < len(parts) && f.numeric() && parts[i+1].numeric() {
			width = f.n
		}
		ok, err := d.read(f, width)
		if err != nil {
			return time.Time{}, err
		}
		if !ok {
			return time.Time{}, fmt.Errorf("the text '%s' is not written like %s", shorten(s), shorten(pattern))
		}
	}
	if d.half >= 0 {
		d.hour = d.hour%12 + 12*d.half
	}
	return time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.second, d.milli*1_000_000, d.zone), nil
}

// date is a date that is being read.
type date struct {
	rest                        string
	year, month, day            int
	hour, minute, second, milli int
	half                        int // 1 in the afternoon
	zone                        *time.Location
	now                         time.Time
}

// numeric reports whether the field is written as a number.
func (f field) numeric() bool {
	return f.letter != 0 && strings.IndexByte("ydDHkKhmsSuwWF", f.letter) >= 0 || (f.letter == 'M' || f.letter == 'L') && f.n < 3
}

// read reads one field.
func (d *date) read(f field, width int) (bool, error) {
	if f.letter == 0 {
		var ok bool
		d.rest, ok = strings.CutPrefix(d.rest, f.text)
		return ok, nil
	}
	d.rest = strings.TrimLeft(d.rest, " \t")
	if !f.numeric() {
		return d.word(f)
	}
	n, ok, length := d.number(width)
	switch f.letter {
	case 'y':
		d.year = n
		if f.n <= 2 && length == 2 {
			d.year = d.century(n)
		}
	case 'M', 'L':
		d.month = n
	case 'd':
		d.day = n
	case 'D':
		d.month, d.day = 1, n
	case 'H', 'K', 'h':
		d.hour = n
	case 'k':
		d.hour = n % 24
	case 'm':
		d.minute = n
	case 's':
		d.second = n
	case 'S':
		d.milli = n
	}
	return ok, nil
}

// number reads digits: as many as width, or all if that is 0.
func (d *date) number(width int) (n int, ok bool, length int) {
	i := 0
	for i < len(d.rest) && i < 9 && '0' <= d.rest[i] && d.rest[i] <= '9' && (width == 0 || i < width) {
		i++
	}
	n, err := strconv.Atoi(d.rest[:i])
	d.rest = d.rest[i:]
	return n, err == nil, i
}

// century returns the year that two digits stand for.
func (d *date) century(n int) int {
	year := d.now.Year() - d.now.Year()%100 + n
	switch {
	case year > d.now.Year()+20:
		return year - 100
	case year <= d.now.Year()-80:
		return year + 100
	}
	return year
}

// word reads a field that is a name or a time zone.
func (d *date) word(f field) (bool, error) {
	switch f.letter {
	case 'M', 'L':
		for m := time.January; m <= time.December; m++ {
			if d.name(m.String()) {
				d.month = int(m)
				return true, nil
			}
		}
		return false, nil
	case 'E':
		for w := time.Sunday; w <= time.Saturday; w++ {
			if d.name(w.String()) {
				return true, nil
			}
		}
		return false, nil
	case 'G':
		return d.name("AD"), nil
	case 'a':
		afternoon := d.name("PM")
		if afternoon {
			d.half = 1
		} else {
			d.half = 0
		}
		return afternoon || d.name("AM"), nil
	case 'z', 'Z', 'X':
		return d.timeZone(), nil
	}
	return false, unknown(f.letter)
}

// name passes over a name, or its first three letters, in any case.
func (d *date) name(name string) bool {
	for _, n := range []string{name, name[:min(3, len(name))]} {
		if len(d.rest) >= len(n) && strings.EqualFold(d.rest[:len(n)], n) {
			d.rest = d.rest[len(n):]
			return true
		}
	}
	return false
}

// zones are the names of time zones that do not ask a database.
var zones = map[string]int{
	"UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"CET": 1, "CEST": 2, "BST": 1, "IST": 5, "JST": 9,
}

func (d *date) timeZone() bool {
	i := 0
	for i < len(d.rest) && 'A' <= d.rest[i] && d.rest[i] <= 'Z' {
		i++
	}
	if i > 0 {
		hours, ok := zones[d.rest[:i]]
		if !ok {
			return false
		}
		d.zone = time.FixedZone(d.rest[:i], hours*3600)
		if d.rest[:i] == "IST" {
			d.zone = time.FixedZone("IST", 5*3600+1800)
		}
		d.rest = d.rest[i:]
		if i != 3 || d.rest == "" || d.rest[0] != '+' && d.rest[0] != '-' {
			return true // otherwise GMT+01:00
		}
	}
	for _, layout := range []string{"-07:00", "-0700", "-07"} {
		if len(d.rest) >= len(layout) {
			if t, err := time.Parse(layout, d.rest[:len(layout)]); err == nil {
				_, offset := t.Zone()
				d.zone, d.rest = time.FixedZone("", offset), d.rest[len(layout):]
				return true
			}
		}
	}
	return false
}

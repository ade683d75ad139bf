package java

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Arg is an argument of Format.
type Arg struct {
	Value any                    // nil, bool, int64, float64, string or another
	Text  func() (string, error) // what toString returns
	Hash  func() int32           // what hashCode returns
	Time  *time.Time             // for what is a date
}

// maxWidth bounds what one conversion writes, in characters.
const maxWidth = 999

// directive is one % of a format.
type directive struct {
	flags            string
	width, precision int // -1 if there is none
	verb             byte
	date             byte // after t
	source           string
}

// Format is String.format, in English.
func Format(layout string, args []Arg) (string, error) {
	var b strings.Builder
	next, last := 0, -1
	for layout != "" {
		i := strings.IndexByte(layout, '%')
		if i < 0 {
			b.WriteString(layout)
			break
		}
		b.WriteString(layout[:i])
		d, index, size, err := parseDirective(layout[i:])
		if err != nil {
			return "", err
		}
		layout = layout[i+size:]
		switch {
		case d.verb == '%':
			b.WriteString(d.pad("%"))
			continue
		case d.verb == 'n':
			b.WriteByte('\n')
			continue
		case index > 0:
			last = index - 1
		case index == 0:
			last = next
			next++
		}
		if last < 0 || last >= len(args) {
			return "", fmt.Errorf("%s wants argument %d, there are %d", d.source, last+1, len(args))
		}
		s, err := d.write(args[last])
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// parseDirective reads a directive and its length. index is that of the
// argument from 1, 0 for the next one, and -1 for the one before.
func parseDirective(s string) (d directive, index, size int, err error) {
	i := 1
	number := func() int {
		from := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' && i-from < 4 {
			i++
		}
		n, err := strconv.Atoi(s[from:i])
		if err != nil {
			return -1
		}
		return n
	}
	if n := number(); n > 0 && i < len(s) && s[i] == '$' {
		index = n
		i++
	} else if i = 1; strings.HasPrefix(s[i:], "<") {
		index = -1
		i++
	}
	from := i
	for i < len(s) && strings.IndexByte("-#+ 0,(", s[i]) >= 0 {
		i++
	}
	d.flags = s[from:i]
	d.width, d.precision = number(), -1
	if i < len(s) && s[i] == '.' {
		i++
		if d.precision = number(); d.precision < 0 {
			i = len(s)
		}
	}
	if i < len(s) && (s[i] == 't' || s[i] == 'T') && i+1 < len(s) {
		d.date = s[i+1]
		d.verb = s[i]
		i++
	} else if i < len(s) {
		d.verb = s[i]
	}
	d.source = s[:min(i+1, len(s))]
	if i >= len(s) || d.width > maxWidth || d.precision > maxWidth {
		return d, 0, 0, fmt.Errorf("'%s' is no conversion of a format, or wider than %d", shorten(s), maxWidth)
	}
	return d, index, i + 1, nil
}

func (d directive) has(flag string) bool { return strings.Contains(d.flags, flag) }

// pad fills up to the width.
func (d directive) pad(s string) string {
	fill := strings.Repeat(" ", max(0, d.width-utf8.RuneCountInString(s)))
	if d.has("-") {
		return s + fill
	}
	return fill + s
}

func (d directive) write(a Arg) (string, error) {
	s, err := d.convert(a)
	if err != nil {
		return "", err
	}
	if 'A' <= d.verb && d.verb <= 'Z' {
		s = strings.ToUpper(s)
	}
	return s, nil
}

func (d directive) convert(a Arg) (string, error) {
	verb := d.verb | 0x20
	if a.Value == nil && verb != 'b' {
		return d.text("null"), nil
	}
	switch verb {
	case 's':
		s, err := a.Text()
		return d.text(s), err
	case 'b':
		v, ok := a.Value.(bool)
		return d.text(strconv.FormatBool(a.Value != nil && (!ok || v))), nil
	case 'h':
		return d.text(strconv.FormatUint(uint64(uint32(a.Hash())), 16)), nil
	case 'c':
		if i, ok := a.Value.(int64); ok && i >= 0 && i <= utf8.MaxRune {
			return d.pad(string(rune(i))), nil
		}
		if s, ok := a.Value.(string); ok && utf8.RuneCountInString(s) == 1 {
			return d.pad(s), nil
		}
	case 'd', 'x', 'o':
		if i, ok := a.Value.(int64); ok {
			return d.whole(i), nil
		}
	case 'e', 'f', 'g':
		if f, ok := a.Value.(float64); ok {
			return d.real(f), nil
		}
	case 't':
		if a.Time != nil {
			return d.time(*a.Time)
		}
	default:
		return "", fmt.Errorf("%s is no conversion of a format: s, d, f, x, o, e, g, b, c, h, t, n and %% are", d.source)
	}
	s, err := a.Text()
	if err != nil {
		return "", err
	}
	return "", fmt.Errorf("%s does not write %s", d.source, shorten(s))
}

// text cuts a text to the precision.
func (d directive) text(s string) string {
	if r := []rune(s); d.precision >= 0 && len(r) > d.precision {
		s = string(r[:d.precision])
	}
	return d.pad(s)
}

func (d directive) whole(i int64) string {
	switch d.verb | 0x20 {
	case 'x', 'o':
		base := 16
		prefix := "0x"
		if d.verb == 'o' {
			base, prefix = 8, "0"
		}
		u := uint64(i)
		if int64(int32(i)) == i {
			u = uint64(uint32(i))
		}
		if !d.has("#") {
			prefix = ""
		}
		return d.signed(prefix+strconv.FormatUint(u, base), false)
	}
	digits := strings.TrimPrefix(strconv.FormatInt(i, 10), "-")
	return d.signed(d.grouped(digits), i < 0)
}

// grouped puts a comma before every three digits, if the flag is set.
func (d directive) grouped(digits string) string {
	if !d.has(",") {
		return digits
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if fraction != "" {
		b.WriteString("." + fraction)
	}
	return b.String()
}

// signed puts the sign before digits and pads them.
func (d directive) signed(digits string, negative bool) string {
	before, behind := "", ""
	switch {
	case negative && d.has("("):
		before, behind = "(", ")"
	case negative:
		before = "-"
	case d.has("+"):
		before = "+"
	case d.has(" "):
		before = " "
	}
	if d.has("0") {
		digits = strings.Repeat("0", max(0, d.width-len(before)-len(digits)-len(behind))) + digits
	}
	return d.pad(before + digits + behind)
}

func (d directive) real(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		d.flags = strings.ReplaceAll(d.flags, "0", "")
		return d.signed(strings.TrimPrefix(FormatDouble(f), "-"), f < 0)
	}
	precision := d.precision
	if precision < 0 {
		precision = 6
	}
	a := math.Abs(f)
	negative := math.Signbit(f)
	switch d.verb | 0x20 {
	case 'f':
		return d.signed(d.grouped(fixed(a, precision)), negative)
	case 'g':
		precision = max(precision, 1)
		if _, exponent := scientific(a, precision-1); a == 0 || exponent >= -4 && exponent < precision {
			return d.signed(d.grouped(fixed(a, max(0, precision-1-exponent))), negative)
		}
		precision--
	}
	digits, exponent := scientific(a, precision)
	sign := "+"
	if exponent < 0 {
		sign, exponent = "-", -exponent
	}
	return d.signed(fmt.Sprintf("%se%s%02d", digits, sign, exponent), negative)
}

// fixed writes the shortest decimal of a, rounded half up as Java does.
func fixed(a float64, precision int) string {
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(a, 'f', -1, 64), ".")
	return rounded(whole, fraction, precision)
}

// rounded cuts a decimal to the precision, half up.
func rounded(whole, fraction string, precision int) string {
	if len(fraction) <= precision {
		fraction += strings.Repeat("0", precision-len(fraction))
		return point(whole+fraction, precision)
	}
	up := fraction[precision] >= '5'
	digits := []byte(whole + fraction[:precision])
	for i := len(digits) - 1; up && i >= 0; i-- {
		if digits[i]++; digits[i] <= '9' {
			up = false
		} else {
			digits[i] = '0'
		}
	}
	if up {
		digits = append([]byte{'1'}, digits...)
	}
	return point(string(digits), precision)
}

func point(digits string, precision int) string {
	if precision == 0 {
		return digits
	}
	return digits[:len(digits)-precision] + "." + digits[len(digits)-precision:]
}

// scientific writes one digit before the point, and the exponent.
func scientific(a float64, precision int) (string, int) {
	digits, exp, _ := strings.Cut(strconv.FormatFloat(a, 'e', -1, 64), "e")
	exponent, _ := strconv.Atoi(exp) // FormatFloat wrote it
	whole, fraction, _ := strings.Cut(digits, ".")
	out := rounded(whole, fraction, precision)
	if strings.HasPrefix(out, "10") { // 9.99 became 10.0
		return point("1"+strings.Repeat("0", precision), precision), exponent + 1
	}
	return out, exponent
}

// dates are the patterns of the conversions of dates.
var dates = map[byte]string{
	'Y': "yyyy", 'y': "yy", 'm': "MM", 'd': "dd", 'e': "d", 'B': "MMMM", 'b': "MMM", 'h': "MMM", 'A': "EEEE", 'a': "EEE", 'j': "DDD",
	'H': "HH", 'k': "H", 'I': "hh", 'l': "h", 'M': "mm", 'S': "ss", 'L': "SSS", 'Z': "z", 'z': "Z",
	'F': "yyyy-MM-dd", 'T': "HH:mm:ss", 'R': "HH:mm", 'D': "MM/dd/yy", 'r': "hh:mm:ss a", 'c': "EEE MMM dd HH:mm:ss z yyyy",
}

func (d directive) time(t time.Time) (string, error) {
	switch d.date {
	case 's':
		return d.pad(strconv.FormatInt(t.Unix(), 10)), nil
	case 'Q':
		return d.pad(strconv.FormatInt(t.UnixMilli(), 10)), nil
	case 'p':
		return d.pad(strings.ToLower(t.Format("PM"))), nil
	}
	p, ok := dates[d.date]
	if !ok {
		return "", fmt.Errorf("%s is no conversion of a date", d.source)
	}
	s, err := FormatDate(p, t)
	return d.pad(s), err
}

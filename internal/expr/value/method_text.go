package value

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gennaker/gennaker/internal/expr/java"
)

// Units returns the UTF-16 code units of s: what Java counts.
func Units(s string) []uint16 { return utf16.Encode([]rune(s)) }

// FromUnits is the text of UTF-16 code units.
func FromUnits(u []uint16) string { return string(utf16.Decode(u)) }

func str(on any) string {
	s, _ := on.(string)
	return s
}

// plain is a method without arguments that makes a text or number of a text.
func plain(f func(string) any) Method {
	return Method{0, 0, func(r *Work, on any, _ []any) (any, error) {
		return f(str(on)), r.Spend(len(str(on)))
	}}
}

// with is a method whose one argument is a text.
func with(f func(s, arg string) any) Method {
	return Method{1, 1, func(r *Work, on any, args []any) (any, error) {
		arg, err := r.TextArg(args[0])
		if err != nil {
			return nil, err
		}
		return f(str(on), arg), r.Spend(len(str(on)) / 8)
	}}
}

// withText is with for a CharSequence, to which nothing is converted.
func withText(f func(s, arg string) any) Method {
	return Method{1, 1, func(r *Work, on any, args []any) (any, error) {
		if _, ok := args[0].(string); !ok && args[0] != nil {
			return nil, Refuse("write toString() behind it", "%s is no text", Describe(args[0]))
		}
		return with(f).Call(r, on, args)
	}}
}

// textMethods are those of String whose results expressions may have.
var textMethods = map[string]Method{
	"length":           plain(func(s string) any { return int64(len(Units(s))) }),
	"isEmpty":          plain(func(s string) any { return s == "" }),
	"isBlank":          plain(func(s string) any { return strings.TrimSpace(s) == "" }),
	"toLowerCase":      plain(func(s string) any { return strings.ToLower(s) }),
	"toUpperCase":      plain(func(s string) any { return strings.ToUpper(strings.ReplaceAll(s, "ß", "SS")) }),
	"trim":             plain(func(s string) any { return strings.TrimFunc(s, func(c rune) bool { return c <= ' ' }) }),
	"strip":            plain(func(s string) any { return strings.TrimSpace(s) }),
	"stripLeading":     plain(func(s string) any { return strings.TrimLeftFunc(s, unicode.IsSpace) }),
	"stripTrailing":    plain(func(s string) any { return strings.TrimRightFunc(s, unicode.IsSpace) }),
	"intern":           plain(func(s string) any { return s }),
	"contains":         withText(func(s, arg string) any { return strings.Contains(s, arg) }),
	"startsWith":       {1, 2, startsWith},
	"endsWith":         with(func(s, arg string) any { return strings.HasSuffix(s, arg) }),
	"contentEquals":    withText(func(s, arg string) any { return s == arg }),
	"equalsIgnoreCase": {1, 1, equalFold},
	"compareTo":        with(func(s, arg string) any { return difference(s, arg) }),
	"compareToIgnoreCase": with(func(s, arg string) any {
		return difference(strings.ToLower(strings.ToUpper(s)), strings.ToLower(strings.ToUpper(arg)))
	}),
	"concat": {1, 1, func(r *Work, on any, args []any) (any, error) {
		arg, err := r.TextArg(args[0])
		if err != nil {
			return nil, err
		}
		return str(on) + arg, r.Spend(len(str(on)) + len(arg))
	}},
	"indexOf":     {1, 2, indexOf},
	"lastIndexOf": {1, 2, lastIndexOf},
	"substring":   {1, 2, substring},
	"subSequence": {2, 2, substring},
	"toCharArray": {0, 0, func(r *Work, on any, _ []any) (any, error) {
		if err := r.Spend(32 * len(str(on))); err != nil {
			return nil, err
		}
		out := []any{}
		for _, u := range Units(str(on)) {
			out = append(out, FromUnits([]uint16{u}))
		}
		return out, nil
	}},
	"getBytes": {0, 1, func(r *Work, on any, _ []any) (any, error) {
		s := str(on)
		if err := r.Spend(16 * len(s)); err != nil {
			return nil, err
		}
		out := make([]any, len(s))
		for i := range len(s) {
			out[i] = int64(int8(s[i]))
		}
		return out, nil
	}},
	"codePointAt": {1, 1, func(r *Work, on any, args []any) (any, error) {
		if err := r.Spend(len(str(on))); err != nil {
			return nil, err
		}
		from, _, err := bounds(args, len(Units(str(on)))-1)
		if err != nil {
			return nil, err
		}
		c, _ := utf8.DecodeRuneInString(FromUnits(Units(str(on))[from:]))
		return int64(c), nil
	}},
	"charAt": {1, 1, func(r *Work, on any, args []any) (any, error) {
		if err := r.Spend(len(str(on))); err != nil {
			return nil, err
		}
		u := Units(str(on))
		i, err := ToInt(args[0])
		if err != nil {
			return nil, err
		}
		if i < 0 || i >= int64(len(u)) {
			return nil, fmt.Errorf("there is no character %d in a text of %d", i, len(u))
		}
		return FromUnits(u[i : i+1]), nil
	}},
	"repeat": {1, 1, func(r *Work, on any, args []any) (any, error) {
		n, err := ToInt(args[0])
		if err != nil {
			return nil, err
		}
		s := str(on)
		if n < 0 || n > 1<<20 {
			return nil, fmt.Errorf("a text cannot be repeated %d times", n)
		}
		if err := r.Spend(len(s) * int(n)); err != nil {
			return nil, err
		}
		return strings.Repeat(s, int(n)), nil
	}},
	"replace":      {2, 2, replaceText},
	"replaceAll":   {2, 2, func(r *Work, on any, args []any) (any, error) { return r.replaceArgs(on, args, 0) }},
	"replaceFirst": {2, 2, func(r *Work, on any, args []any) (any, error) { return r.replaceArgs(on, args, 1) }},
	"matches":      {1, 1, func(r *Work, on any, args []any) (any, error) { return r.Matches(on, args[0]) }},
	"split":        {1, 2, splitText},
	"format":       {1, -1, func(r *Work, _ any, args []any) (any, error) { return r.formatArgs(args) }},
	"formatted":    {0, -1, func(r *Work, on any, args []any) (any, error) { return r.format(str(on), args) }},
	"join":         {1, -1, func(r *Work, _ any, args []any) (any, error) { return r.join(args) }},
}

func equalFold(r *Work, on any, args []any) (any, error) {
	if args[0] == nil {
		return false, nil
	}
	s, err := r.TextArg(args[0])
	return strings.EqualFold(str(on), s), err
}

// before converts a position in bytes into Java's, and -1 into -1.
func before(s string, at int) int64 {
	if at < 0 {
		return -1
	}
	return int64(len(Units(s[:at])))
}

// difference is String.compareTo: of the first characters that differ, or of
// the lengths.
func difference(a, b string) int64 {
	x, y := Units(a), Units(b)
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return int64(x[i]) - int64(y[i])
		}
	}
	return int64(len(x) - len(y))
}

func startsWith(r *Work, on any, args []any) (any, error) {
	arg, err := r.TextArg(args[0])
	if err != nil {
		return nil, err
	}
	s := str(on)
	if err := r.Spend(len(s)); err != nil || len(args) == 1 {
		return strings.HasPrefix(s, arg), err
	}
	from, err := ToInt(args[1])
	u := Units(s)
	if err != nil || from < 0 || from > int64(len(u)) {
		return false, err
	}
	return strings.HasPrefix(FromUnits(u[from:]), arg), nil
}

// sought is what indexOf looks for: a text, or the number of a character.
func (r *Work) sought(v any) (string, error) {
	if c, ok := v.(int64); ok && c >= 0 && c <= unicode.MaxRune {
		return string(rune(c)), nil
	}
	return r.TextArg(v)
}

func lastIndexOf(r *Work, on any, args []any) (any, error) {
	arg, err := r.sought(args[0])
	if err != nil {
		return nil, err
	}
	s := str(on)
	if err := r.Spend(len(s)); err != nil {
		return nil, err
	}
	if len(args) > 1 {
		from, err := ToInt(args[1])
		if err != nil {
			return nil, err
		}
		u := Units(s)
		if from < 0 {
			return int64(-1), nil
		}
		s = FromUnits(u[:min(int64(len(u)), from+int64(len(Units(arg))))])
	}
	return before(s, strings.LastIndex(s, arg)), nil
}

func indexOf(r *Work, on any, args []any) (any, error) {
	arg, err := r.sought(args[0])
	if err != nil {
		return nil, err
	}
	s, from := str(on), int64(0)
	if len(args) > 1 {
		if from, err = ToInt(args[1]); err != nil {
			return nil, err
		}
	}
	u := Units(s)
	if err := r.Spend(len(s)); err != nil {
		return nil, err
	}
	from = max(0, min(from, int64(len(u))))
	rest := FromUnits(u[from:])
	at := before(rest, strings.Index(rest, arg))
	if at < 0 {
		return at, nil
	}
	return at + from, nil
}

func substring(r *Work, on any, args []any) (any, error) {
	u := Units(str(on))
	from, to, err := bounds(args, len(u))
	if err != nil {
		return nil, err
	}
	return FromUnits(u[from:to]), r.Spend(len(u))
}

func (r *Work) texts(args []any) ([]string, error) {
	out := make([]string, len(args))
	for i, a := range args {
		var err error
		if out[i], err = r.TextArg(a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func replaceText(r *Work, on any, args []any) (any, error) {
	a, err := r.texts(args)
	if err != nil {
		return nil, err
	}
	s := str(on)
	if err := r.Spend(len(s) + strings.Count(s, a[0])*len(a[1])); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(s, a[0], a[1]), nil
}

func (r *Work) replaceArgs(on any, args []any, n int) (any, error) {
	a, err := r.texts(args)
	if err != nil {
		return nil, err
	}
	return r.replace(str(on), a[0], a[1], n)
}

func splitText(r *Work, on any, args []any) (any, error) {
	p, err := r.TextArg(args[0])
	if err != nil {
		return nil, err
	}
	limit := int64(0)
	if len(args) > 1 {
		if limit, err = ToInt(args[1]); err != nil {
			return nil, err
		}
	}
	if limit > 1<<20 {
		limit = 1 << 20
	}
	return r.splitAt(str(on), p, int(limit))
}

// join is String.join: a separator, and a list or texts.
func (r *Work) join(args []any) (any, error) {
	sep, err := r.TextArg(args[0])
	if err != nil {
		return nil, err
	}
	parts := args[1:]
	if len(parts) == 1 {
		if list, ok := parts[0].([]any); ok {
			parts = list
		}
	}
	out := make([]string, len(parts))
	size := 0
	for i, p := range parts {
		if out[i], err = r.JavaString(p, 0); err != nil {
			return nil, err
		}
		size += len(sep) + len(out[i])
	}
	if err := r.Spend(size); err != nil {
		return nil, err
	}
	return strings.Join(out, sep), nil
}

// formatArgs is String.format with its layout as the first argument.
func (r *Work) formatArgs(args []any) (any, error) {
	layout, err := r.TextArg(args[0])
	if err != nil {
		return nil, err
	}
	return r.format(layout, args[1:])
}

// format is String.format.
func (r *Work) format(layout string, args []any) (any, error) {
	out := make([]java.Arg, len(args))
	for i, v := range args {
		out[i] = java.Arg{Value: v, Text: func() (string, error) { return r.JavaString(v, 0) }, Hash: func() int32 { return hash(v, 0) }}
		if m, ok := v.(moment); ok {
			out[i].Time = &m.Time
		}
	}
	s, err := java.Format(layout, out)
	if err != nil {
		return nil, err
	}
	return s, r.Spend(len(s))
}

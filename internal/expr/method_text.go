package expr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gennaker/gennaker/internal/expr/java"
)

// units returns the UTF-16 code units of s: what Java counts.
func units(s string) []uint16 { return utf16.Encode([]rune(s)) }

func fromUnits(u []uint16) string { return string(utf16.Decode(u)) }

func str(on any) string {
	s, _ := on.(string)
	return s
}

// plain is a method without arguments that makes a text or number of a text.
func plain(f func(string) any) member {
	return member{0, 0, func(r *run, on any, _ []any) (any, error) {
		return f(str(on)), r.spend(len(str(on)))
	}}
}

// with is a method whose one argument is a text.
func with(f func(s, arg string) any) member {
	return member{1, 1, func(r *run, on any, args []any) (any, error) {
		arg, err := r.textArg(args[0])
		if err != nil {
			return nil, err
		}
		return f(str(on), arg), r.spend(len(str(on)) / 8)
	}}
}

// withText is with for a CharSequence, to which nothing is converted.
func withText(f func(s, arg string) any) member {
	return member{1, 1, func(r *run, on any, args []any) (any, error) {
		if _, ok := args[0].(string); !ok && args[0] != nil {
			return nil, refuse("write toString() behind it", "%s is no text", describe(args[0]))
		}
		return with(f).call(r, on, args)
	}}
}

// textMethods are those of String whose results expressions may have.
var textMethods = map[string]member{
	"length":           plain(func(s string) any { return int64(len(units(s))) }),
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
	"concat": {1, 1, func(r *run, on any, args []any) (any, error) {
		arg, err := r.textArg(args[0])
		if err != nil {
			return nil, err
		}
		return str(on) + arg, r.spend(len(str(on)) + len(arg))
	}},
	"indexOf":     {1, 2, indexOf},
	"lastIndexOf": {1, 2, lastIndexOf},
	"substring":   {1, 2, substring},
	"subSequence": {2, 2, substring},
	"toCharArray": {0, 0, func(r *run, on any, _ []any) (any, error) {
		if err := r.spend(32 * len(str(on))); err != nil {
			return nil, err
		}
		out := []any{}
		for _, u := range units(str(on)) {
			out = append(out, fromUnits([]uint16{u}))
		}
		return out, nil
	}},
	"getBytes": {0, 1, func(r *run, on any, _ []any) (any, error) {
		s := str(on)
		if err := r.spend(16 * len(s)); err != nil {
			return nil, err
		}
		out := make([]any, len(s))
		for i := range len(s) {
			out[i] = int64(int8(s[i]))
		}
		return out, nil
	}},
	"codePointAt": {1, 1, func(r *run, on any, args []any) (any, error) {
		if err := r.spend(len(str(on))); err != nil {
			return nil, err
		}
		from, _, err := bounds(args, len(units(str(on)))-1)
		if err != nil {
			return nil, err
		}
		c, _ := utf8.DecodeRuneInString(fromUnits(units(str(on))[from:]))
		return int64(c), nil
	}},
	"charAt": {1, 1, func(r *run, on any, args []any) (any, error) {
		if err := r.spend(len(str(on))); err != nil {
			return nil, err
		}
		u := units(str(on))
		i, err := toInt(args[0])
		if err != nil {
			return nil, err
		}
		if i < 0 || i >= int64(len(u)) {
			return nil, fmt.Errorf("there is no character %d in a text of %d", i, len(u))
		}
		return fromUnits(u[i : i+1]), nil
	}},
	"repeat": {1, 1, func(r *run, on any, args []any) (any, error) {
		n, err := toInt(args[0])
		if err != nil {
			return nil, err
		}
		s := str(on)
		if n < 0 || n > 1<<20 {
			return nil, fmt.Errorf("a text cannot be repeated %d times", n)
		}
		if err := r.spend(len(s) * int(n)); err != nil {
			return nil, err
		}
		return strings.Repeat(s, int(n)), nil
	}},
	"replace":      {2, 2, replaceText},
	"replaceAll":   {2, 2, func(r *run, on any, args []any) (any, error) { return r.replaceArgs(on, args, 0) }},
	"replaceFirst": {2, 2, func(r *run, on any, args []any) (any, error) { return r.replaceArgs(on, args, 1) }},
	"matches":      {1, 1, func(r *run, on any, args []any) (any, error) { return r.matches(on, args[0]) }},
	"split":        {1, 2, splitText},
	"format":       {1, -1, func(r *run, _ any, args []any) (any, error) { return r.formatArgs(args) }},
	"formatted":    {0, -1, func(r *run, on any, args []any) (any, error) { return r.format(str(on), args) }},
	"join":         {1, -1, func(r *run, _ any, args []any) (any, error) { return r.join(args) }},
}

func equalFold(r *run, on any, args []any) (any, error) {
	if args[0] == nil {
		return false, nil
	}
	s, err := r.textArg(args[0])
	return strings.EqualFold(str(on), s), err
}

// before converts a position in bytes into Java's, and -1 into -1.
func before(s string, at int) int64 {
	if at < 0 {
		return -1
	}
	return int64(len(units(s[:at])))
}

// difference is String.compareTo: of the first characters that differ, or of
// the lengths.
func difference(a, b string) int64 {
	x, y := units(a), units(b)
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return int64(x[i]) - int64(y[i])
		}
	}
	return int64(len(x) - len(y))
}

func startsWith(r *run, on any, args []any) (any, error) {
	arg, err := r.textArg(args[0])
	if err != nil {
		return nil, err
	}
	s := str(on)
	if err := r.spend(len(s)); err != nil || len(args) == 1 {
		return strings.HasPrefix(s, arg), err
	}
	from, err := toInt(args[1])
	u := units(s)
	if err != nil || from < 0 || from > int64(len(u)) {
		return false, err
	}
	return strings.HasPrefix(fromUnits(u[from:]), arg), nil
}

// sought is what indexOf looks for: a text, or the number of a character.
func (r *run) sought(v any) (string, error) {
	if c, ok := v.(int64); ok && c >= 0 && c <= unicode.MaxRune {
		return string(rune(c)), nil
	}
	return r.textArg(v)
}

func lastIndexOf(r *run, on any, args []any) (any, error) {
	arg, err := r.sought(args[0])
	if err != nil {
		return nil, err
	}
	s := str(on)
	if err := r.spend(len(s)); err != nil {
		return nil, err
	}
	if len(args) > 1 {
		from, err := toInt(args[1])
		if err != nil {
			return nil, err
		}
		u := units(s)
		if from < 0 {
			return int64(-1), nil
		}
		s = fromUnits(u[:min(int64(len(u)), from+int64(len(units(arg))))])
	}
	return before(s, strings.LastIndex(s, arg)), nil
}

func indexOf(r *run, on any, args []any) (any, error) {
	arg, err := r.sought(args[0])
	if err != nil {
		return nil, err
	}
	s, from := str(on), int64(0)
	if len(args) > 1 {
		if from, err = toInt(args[1]); err != nil {
			return nil, err
		}
	}
	u := units(s)
	if err := r.spend(len(s)); err != nil {
		return nil, err
	}
	from = max(0, min(from, int64(len(u))))
	rest := fromUnits(u[from:])
	at := before(rest, strings.Index(rest, arg))
	if at < 0 {
		return at, nil
	}
	return at + from, nil
}

func substring(r *run, on any, args []any) (any, error) {
	u := units(str(on))
	from, to, err := bounds(args, len(u))
	if err != nil {
		return nil, err
	}
	return fromUnits(u[from:to]), r.spend(len(u))
}

func (r *run) texts(args []any) ([]string, error) {
	out := make([]string, len(args))
	for i, a := range args {
		var err error
		if out[i], err = r.textArg(a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func replaceText(r *run, on any, args []any) (any, error) {
	a, err := r.texts(args)
	if err != nil {
		return nil, err
	}
	s := str(on)
	if err := r.spend(len(s) + strings.Count(s, a[0])*len(a[1])); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(s, a[0], a[1]), nil
}

func (r *run) replaceArgs(on any, args []any, n int) (any, error) {
	a, err := r.texts(args)
	if err != nil {
		return nil, err
	}
	return r.replace(str(on), a[0], a[1], n)
}

func splitText(r *run, on any, args []any) (any, error) {
	p, err := r.textArg(args[0])
	if err != nil {
		return nil, err
	}
	limit := int64(0)
	if len(args) > 1 {
		if limit, err = toInt(args[1]); err != nil {
			return nil, err
		}
	}
	if limit > 1<<20 {
		limit = 1 << 20
	}
	return r.splitAt(str(on), p, int(limit))
}

// join is String.join: a separator, and a list or texts.
func (r *run) join(args []any) (any, error) {
	sep, err := r.textArg(args[0])
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
		if out[i], err = r.javaString(p, 0); err != nil {
			return nil, err
		}
		size += len(sep) + len(out[i])
	}
	if err := r.spend(size); err != nil {
		return nil, err
	}
	return strings.Join(out, sep), nil
}

// formatArgs is String.format with its layout as the first argument.
func (r *run) formatArgs(args []any) (any, error) {
	layout, err := r.textArg(args[0])
	if err != nil {
		return nil, err
	}
	return r.format(layout, args[1:])
}

// format is String.format.
func (r *run) format(layout string, args []any) (any, error) {
	out := make([]java.Arg, len(args))
	for i, v := range args {
		out[i] = java.Arg{Value: v, Text: func() (string, error) { return r.javaString(v, 0) }, Hash: func() int32 { return hash(v, 0) }}
		if m, ok := v.(moment); ok {
			out[i].Time = &m.Time
		}
	}
	s, err := java.Format(layout, out)
	if err != nil {
		return nil, err
	}
	return s, r.spend(len(s))
}

package expr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
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

// textMethods are those of String whose results expressions may have.
var textMethods = map[string]member{
	"length":           plain(func(s string) any { return int64(len(units(s))) }),
	"isEmpty":          plain(func(s string) any { return s == "" }),
	"isBlank":          plain(func(s string) any { return strings.TrimSpace(s) == "" }),
	"toLowerCase":      plain(func(s string) any { return strings.ToLower(s) }),
	"toUpperCase":      plain(func(s string) any { return strings.ToUpper(s) }),
	"trim":             plain(func(s string) any { return strings.TrimFunc(s, func(c rune) bool { return c <= ' ' }) }),
	"strip":            plain(func(s string) any { return strings.TrimSpace(s) }),
	"stripLeading":     plain(func(s string) any { return strings.TrimLeftFunc(s, unicode.IsSpace) }),
	"stripTrailing":    plain(func(s string) any { return strings.TrimRightFunc(s, unicode.IsSpace) }),
	"intern":           plain(func(s string) any { return s }),
	"contains":         with(func(s, arg string) any { return strings.Contains(s, arg) }),
	"startsWith":       with(func(s, arg string) any { return strings.HasPrefix(s, arg) }),
	"endsWith":         with(func(s, arg string) any { return strings.HasSuffix(s, arg) }),
	"contentEquals":    with(func(s, arg string) any { return s == arg }),
	"equalsIgnoreCase": {1, 1, equalFold},
	"compareTo":        {1, 1, compareTo},
	"compareToIgnoreCase": with(func(s, arg string) any {
		return int64(strings.Compare(strings.ToLower(s), strings.ToLower(arg)))
	}),
	"concat": {1, 1, func(r *run, on any, args []any) (any, error) {
		arg, err := r.textArg(args[0])
		if err != nil {
			return nil, err
		}
		return str(on) + arg, r.spend(len(str(on)) + len(arg))
	}},
	"indexOf":     {1, 2, indexOf},
	"lastIndexOf": with(func(s, arg string) any { return before(s, strings.LastIndex(s, arg)) }),
	"substring":   {1, 2, substring},
	"subSequence": {2, 2, substring},
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

func indexOf(r *run, on any, args []any) (any, error) {
	arg, err := r.textArg(args[0])
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

// format is String.format with the conversions s, S, d, f, x, X, b, c, n and %.
func (r *run) format(layout string, args []any) (any, error) {
	var b strings.Builder
	next := 0
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' {
			b.WriteByte(layout[i])
			continue
		}
		from := i
		for i++; i < len(layout) && strings.IndexByte("-+ 0,#.123456789$", layout[i]) >= 0; i++ {
		}
		if i == len(layout) || i-from > 8 {
			return nil, fmt.Errorf("'%s' is no conversion of a format", shorten(layout[from:i]))
		}
		flags := layout[from+1 : i]
		switch layout[i] {
		case '%':
			b.WriteByte('%')
			continue
		case 'n':
			b.WriteByte('\n')
			continue
		}
		at := next
		if n, rest, ok := strings.Cut(flags, "$"); ok {
			if _, err := fmt.Sscanf(n, "%d", &at); err != nil {
				return nil, fmt.Errorf("'%%%s' is no conversion of a format", flags)
			}
			at, flags = at-1, rest
		} else {
			next++
		}
		if at < 0 || at >= len(args) {
			return nil, fmt.Errorf("the format wants %d arguments, there are %d", at+1, len(args))
		}
		s, err := r.directive(flags, layout[i], args[at])
		if err != nil {
			return nil, err
		}
		b.WriteString(s)
	}
	return b.String(), r.spend(b.Len())
}

func (r *run) directive(flags string, verb byte, v any) (string, error) {
	if strings.ContainsAny(flags, ",#") {
		return "", refuse("#, and #x are not available", "'%%%s%c' is no conversion of a format", flags, verb)
	}
	width, precision, _ := strings.Cut(flags, ".")
	if len(strings.TrimLeft(width, "-+ 0")) > 3 || len(precision) > 3 {
		return "", fmt.Errorf("'%%%s%c' is too wide", flags, verb)
	}
	switch verb {
	case 's', 'S', 'b', 'c':
		s, err := r.javaString(v, 0)
		if verb == 'b' {
			if _, ok := v.(bool); !ok {
				s = fmt.Sprint(v != nil)
			}
		}
		s = fmt.Sprintf("%"+flags+"s", s)
		if verb == 'S' {
			s = strings.ToUpper(s)
		}
		return s, err
	case 'd', 'x', 'X':
		if i, ok := v.(int64); ok {
			if verb != 'd' && i < 0 {
				return fmt.Sprintf("%"+flags+string(verb), uint64(i)), nil
			}
			return fmt.Sprintf("%"+flags+string(verb), i), nil
		}
	case 'f':
		if f, ok := v.(float64); ok {
			return fmt.Sprintf("%"+flags+"f", f), nil
		}
	default:
		return "", refuse("s, d, f, x, b and c are", "%%%c is no conversion of a format", verb)
	}
	return "", fmt.Errorf("%%%c does not write %s", verb, describe(v))
}

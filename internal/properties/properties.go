// Package properties reads Java properties files.
//
//	m, err := properties.Parse("version = 1.2\\\n  .3\n") // {"version": "1.2.3"}
package properties

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Parse returns the properties in text, the last of each name. Text that is not
// of a form that it knows is a name without a value, as in Java.
//
// Errors: an escape \u without four hexadecimal digits, with the number of its
// line.
//
// Source: java.util.Properties.load.
func Parse(text string) (map[string]string, error) {
	out := map[string]string{}
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		first := i
		line := trimLeft(lines[i])
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		var whole strings.Builder
		for continued(line) {
			whole.WriteString(line[:len(line)-1])
			if i++; i == len(lines) {
				line = ""
				break
			}
			line = trimLeft(lines[i])
		}
		whole.WriteString(line)
		name, value, err := split(whole.String())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", first+1, err)
		}
		out[name] = value
	}
	return out, nil
}

// trimLeft removes what Java takes for white space.
func trimLeft(s string) string { return strings.TrimLeft(s, " \t\f") }

// continued reports whether a line ends with an odd number of backslashes.
func continued(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// split takes a line apart at the first = or : or white space that is not
// escaped.
func split(line string) (name, value string, err error) {
	i := 0
	for i < len(line) && !strings.ContainsRune("=: \t\f", rune(line[i])) {
		if line[i] == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(line))
	rest := trimLeft(line[i:])
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = trimLeft(rest[1:])
	}
	if name, err = unescape(line[:i]); err != nil {
		return "", "", err
	}
	value, err = unescape(rest)
	return name, value, err
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch {
		case i == len(s): // a backslash at the end stands for nothing
		case s[i] == 'u':
			r, n, err := unicode(s[i-1:])
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
			i += n - 2
		case strings.IndexByte("ntrf", s[i]) >= 0:
			b.WriteByte("\n\t\r\f"[strings.IndexByte("ntrf", s[i])])
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}

// unicode reads the character that s begins with, \uXXXX or two of these that
// are surrogates, and how long it is.
func unicode(s string) (r rune, n int, err error) {
	first, err := unit(s)
	if err != nil {
		return 0, 0, err
	}
	if utf16.IsSurrogate(first) && strings.HasPrefix(s[6:], `\u`) {
		if second, err := unit(s[6:]); err == nil {
			if r := utf16.DecodeRune(first, second); r != '\uFFFD' {
				return r, 12, nil
			}
		}
	}
	return first, 6, nil // a lone surrogate is written as U+FFFD
}

func unit(s string) (rune, error) {
	const size = len(`\uXXXX`)
	if len(s) >= size {
		if n, err := strconv.ParseUint(s[2:size], 16, 16); err == nil {
			return rune(n), nil
		}
	}
	return 0, fmt.Errorf("%.6q is not \\u and four hexadecimal digits", s)
}

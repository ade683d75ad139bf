package syntax

import "strings"

// Part is a piece of a text: literal text, or the source of an expression.
type Part struct {
	Text       string
	Pos        int // of Text, in bytes: for an expression, what is after ${
	Expression bool
}

// Split splits a text into its parts. Braces, brackets and parentheses within
// an expression nest, and quoted texts in it are passed over.
func Split(s string) ([]Part, *Error) {
	var out []Part
	for at := 0; at < len(s); {
		i := strings.Index(s[at:], "${")
		if i < 0 {
			return append(out, Part{s[at:], at, false}), nil
		}
		if i > 0 {
			out = append(out, Part{s[at : at+i], at, false})
		}
		from := at + i + 2
		to, err := closing(s, from)
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(s[from:to]) == "" {
			return nil, syntaxError(from-2, "there is no expression between ${ and }")
		}
		out = append(out, Part{s[from:to], from, true})
		at = to + 1
	}
	return out, nil
}

// closing returns the position of the } that ends the expression at from.
func closing(s string, from int) (int, *Error) {
	type bracket struct {
		open byte
		pos  int
	}
	pairs := map[byte]byte{')': '(', ']': '[', '}': '{'}
	var open []bracket
	for i := from; i < len(s); i++ {
		switch c := s[i]; c {
		case '{', '[', '(':
			open = append(open, bracket{c, i})
		case '}', ']', ')':
			if len(open) == 0 && c == '}' {
				return i, nil
			}
			if len(open) == 0 {
				return 0, syntaxError(i, "'%c' closes what was not opened", c)
			}
			last := open[len(open)-1]
			if last.open != pairs[c] {
				return 0, syntaxError(i, "found '%c' where the '%c' at position %d is to be closed", c, last.open, last.pos)
			}
			open = open[:len(open)-1]
		case '\'', '"':
			n := strings.IndexByte(s[i+1:], c)
			if n < 0 {
				return 0, syntaxError(i, "the text that starts with %c has no end", c)
			}
			i += n + 1
		}
	}
	if len(open) > 0 {
		last := open[len(open)-1]
		return 0, syntaxError(last.pos, "the '%c' is not closed", last.open)
	}
	return 0, syntaxError(from-2, "the ${ has no }")
}

package syntax

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a token is: one of these or, for operators and brackets, symbol.
type kind uint8

const (
	end kind = iota
	identifier
	integer // text is the number without its suffix
	decimal
	quoted // text is the value, without quotes
	symbol
)

type token struct {
	kind kind
	text string
	pos  int // in bytes
}

// is reports whether the token is the symbol s.
func (t token) is(s string) bool { return t.kind == symbol && t.text == s }

// word reports whether the token is the name w, in any case.
func (t token) word(w string) bool { return t.kind == identifier && strings.EqualFold(t.text, w) }

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case quoted:
		return "text '" + t.text + "'"
	case identifier, integer, decimal, symbol:
	}
	return "'" + t.text + "'"
}

// symbols are the operators and brackets, longer ones before their prefixes.
var symbols = []string{
	"==", "!=", "<=", ">=", "&&", "||", "?.", "?:", "?[", "![", "^[", "$[", "++", "--",
	"+", "-", "*", "/", "%", "^", "(", ")", "[", "]", "{", "}", ",", ".", ":", "?", "!", "<", ">", "#", "@", "=", "&",
}

// lex splits an expression into tokens, the last of kind end.
func lex(s string) ([]token, *Error) {
	out := make([]token, 0, 8+len(s)/4)
	for pos := 0; pos < len(s); {
		switch c := s[pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			pos++
		case c == '\'' || c == '"':
			t, next, err := lexText(s, pos)
			if err != nil {
				return nil, err
			}
			out, pos = append(out, t), next
		case '0' <= c && c <= '9':
			t, next := lexNumber(s, pos)
			out, pos = append(out, t), next
		default:
			t, err := lexWord(s, pos)
			if err != nil {
				return nil, err
			}
			out, pos = append(out, t), pos+len(t.text)
		}
	}
	return append(out, token{end, "", len(s)}), nil
}

// lexText reads a quoted text. Its quote is written twice within it, and a
// backslash is a backslash.
func lexText(s string, pos int) (token, int, *Error) {
	quote := s[pos]
	for i := pos + 1; i < len(s); i++ {
		if s[i] != quote {
			continue
		}
		if i+1 < len(s) && s[i+1] == quote {
			i++
			continue
		}
		q := string(quote)
		return token{quoted, strings.ReplaceAll(s[pos+1:i], q+q, q), pos}, i + 1, nil
	}
	return token{}, 0, syntaxError(pos, "the text that starts with %c has no end", quote)
}

func lexNumber(s string, pos int) (token, int) {
	i := pos
	digits := func(set string) {
		for i < len(s) && strings.IndexByte(set, s[i]) >= 0 {
			i++
		}
	}
	const ten = "0123456789"
	if s[pos] == '0' && i+2 < len(s) && (s[i+1] == 'x' || s[i+1] == 'X') && strings.IndexByte(ten+"abcdefABCDEF", s[i+2]) >= 0 {
		i += 2
		digits(ten + "abcdefABCDEF")
		return token{integer, s[pos:i], pos}, i + suffix(s, i, "lL")
	}
	digits(ten)
	kind := integer
	if i+1 < len(s) && s[i] == '.' && strings.IndexByte(ten, s[i+1]) >= 0 {
		i++
		digits(ten)
		kind = decimal
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		from := i
		i++
		i += suffix(s, i, "+-")
		first := i
		digits(ten)
		if i == first {
			i = from // 1em is a number and a name
		} else {
			kind = decimal
		}
	}
	if n := suffix(s, i, "fFdD"); n > 0 {
		return token{decimal, s[pos:i], pos}, i + n
	}
	if kind == decimal {
		return token{kind, s[pos:i], pos}, i
	}
	return token{kind, s[pos:i], pos}, i + suffix(s, i, "lL")
}

// suffix returns 1 if s has one of set at i.
func suffix(s string, i int, set string) int {
	if i < len(s) && strings.IndexByte(set, s[i]) >= 0 {
		return 1
	}
	return 0
}

func lexWord(s string, pos int) (token, *Error) {
	if c := s[pos]; c < utf8.RuneSelf && !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_') {
		for _, sym := range symbols {
			if strings.HasPrefix(s[pos:], sym) {
				return token{symbol, sym, pos}, nil
			}
		}
	}
	i := pos
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !(r == '_' || r == '$' || unicode.IsLetter(r) || i > pos && unicode.IsDigit(r)) || r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	if i == pos {
		r, _ := utf8.DecodeRuneInString(s[pos:])
		return token{}, syntaxError(pos, "%q has no meaning in an expression", r)
	}
	return token{identifier, s[pos:i], pos}, nil
}

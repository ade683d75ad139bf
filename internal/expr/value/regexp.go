package value

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gennaker/gennaker/internal/expr/regex"
)

const (
	maxSubject  = 1 << 20 // bytes of what is searched
	maxPatterns = 50      // that are kept
)

// compile reads a regular expression for a text.
func (r *Work) compile(p, s string) (*regex.Regexp, error) {
	if len(s) > maxSubject {
		return nil, fmt.Errorf("a text of %d bytes is too long for a regular expression", len(s))
	}
	if re, ok := r.patterns[p]; ok {
		return re, nil
	}
	if err := r.Spend(500 + 200*len(p)); err != nil {
		return nil, err
	}
	re, err := regex.Compile(p)
	if err != nil {
		return nil, fmt.Errorf("'%s' is no regular expression: %w", Shorten(p), err)
	}
	if r.patterns == nil || len(r.patterns) == maxPatterns {
		r.patterns = map[string]*regex.Regexp{}
	}
	r.patterns[p] = re
	return re, nil
}

// tooMuch says what would be right if a search takes too long.
func tooMuch(err error) error {
	if errors.Is(err, regex.ErrTooMuch) {
		return Refuse("make it simpler, without repetitions within repetitions", "%s", err.Error())
	}
	return err
}

func (r *Work) allMatches(s, p string, n int) (*regex.Regexp, []regex.Match, error) {
	re, err := r.compile(p, s)
	if err != nil {
		return nil, nil, err
	}
	found, err := re.All(s, n, r.Spend)
	if err != nil {
		return nil, nil, tooMuch(err)
	}
	return re, found, r.Spend(64 * len(found))
}

// Matches is SpEL's operator and Java's String.matches: the whole text.
func (r *Work) Matches(x, y any) (bool, error) {
	if x == nil {
		return false, Refuse("write (… ?: '') where there may be none", "matches is for texts, not for null")
	}
	s, err := r.Converted(x, 0)
	if err != nil {
		return false, err
	}
	p, ok := y.(string)
	if !ok {
		return false, fmt.Errorf("matches wants a regular expression, not %s", Describe(y))
	}
	re, err := r.compile(p, s)
	if err != nil {
		return false, err
	}
	found, err := re.Full(s, r.Spend)
	return found, tooMuch(err)
}

// replace is Java's String.replaceAll, and replaceFirst if n is 1.
func (r *Work) replace(s, p, by string, n int) (string, error) {
	re, found, err := r.allMatches(s, p, n)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	last := 0
	for _, m := range found {
		before := b.Len()
		b.WriteString(s[last:m[0]])
		if err := expand(&b, s, by, re, m); err != nil {
			return "", err
		}
		if err := r.Spend(b.Len() - before); err != nil {
			return "", err
		}
		last = m[1]
	}
	b.WriteString(s[last:])
	return b.String(), r.Spend(len(s))
}

// expand writes a replacement: $1 and ${name} are groups, \ takes the next
// character as it is.
func expand(b *strings.Builder, s, by string, re *regex.Regexp, m regex.Match) error {
	group := func(i int) error {
		if i > re.Groups() {
			return fmt.Errorf("the replacement names group %d, which the regular expression does not have", i)
		}
		if from := m[2*i]; from >= 0 {
			b.WriteString(s[from:m[2*i+1]])
		}
		return nil
	}
	for i := 0; i < len(by); i++ {
		switch c := by[i]; {
		case c == '\\' && i+1 < len(by):
			i++
			b.WriteByte(by[i])
		case c == '$' && i+1 < len(by) && '0' <= by[i+1] && by[i+1] <= '9':
			i++
			g := int(by[i] - '0')
			for i+1 < len(by) && '0' <= by[i+1] && by[i+1] <= '9' && g*10+int(by[i+1]-'0') <= re.Groups() {
				i++
				g = g*10 + int(by[i]-'0')
			}
			if err := group(g); err != nil {
				return err
			}
		case c == '$' && strings.HasPrefix(by[i+1:], "{") && strings.Contains(by[i:], "}"):
			name := by[i+2 : i+strings.Index(by[i:], "}")]
			i += len(name) + 2
			g, ok := re.Group(name)
			if !ok {
				return fmt.Errorf("the replacement names the group '%s', which the regular expression does not have", Shorten(name))
			}
			if err := group(g); err != nil {
				return err
			}
		case c == '$' || c == '\\':
			return Refuse(`write \$ for a dollar and \\ for a backslash`, "the replacement has a %c with nothing to refer to", c)
		default:
			b.WriteByte(c)
		}
	}
	return nil
}

// splitAt is Java's String.split: the parts between matches, without empty
// ones at the end if limit is 0, and at most limit parts if it is positive.
func (r *Work) splitAt(s, p string, limit int) ([]any, error) {
	if s == "" {
		return []any{""}, nil
	}
	_, found, err := r.allMatches(s, p, 0)
	if err != nil {
		return nil, err
	}
	var out []any
	last := 0
	for _, m := range found {
		if limit > 0 && len(out) == limit-1 {
			break
		}
		from, to := m[0], m[1]
		if to == 0 || from == to && from == len(s) {
			continue // a match of nothing at the start gives no empty part
		}
		out = append(out, s[last:from])
		last = to
	}
	out = append(out, s[last:])
	if limit == 0 {
		for len(out) > 1 && out[len(out)-1] == "" {
			out = out[:len(out)-1]
		}
		if len(out) == 1 && out[0] == "" && last > 0 {
			out = []any{}
		}
	}
	return out, r.Spend(16*len(out) + len(s))
}

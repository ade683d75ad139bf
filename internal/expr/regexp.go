package expr

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

const (
	maxSubject    = 1 << 20                // bytes of what is searched
	maxPattern    = 1000                   // bytes of a regular expression
	matchTime     = 100 * time.Millisecond // for one match that can backtrack
	maxBacktrack  = 100                    // such matches in one evaluation
	maxBacktrackN = 100_000                // bytes that such a match may look at
)

// matcher is a Java regular expression. Go's own engine takes those that it can
// express, in linear time; the others (lookaround, backreferences) go to one
// that backtracks, within bounds.
type matcher struct {
	linear    *regexp.Regexp
	backtrack *regexp2.Regexp
	run       *run // counts the matches
}

// span is a match: the positions of the groups in bytes, -1 for one that is not
// part of it; and their names.
type span struct {
	groups []int
	names  []string
}

func (r *run) compile(p string, length int) (*matcher, error) {
	if len(p) > maxPattern {
		return nil, fmt.Errorf("the regular expression has %d bytes, more than %d", len(p), maxPattern)
	}
	if length > maxSubject {
		return nil, fmt.Errorf("a text of %d bytes is too long for a regular expression", length)
	}
	if hint := javaOnly(p); hint != "" {
		return nil, refuse(hint, "the regular expression '%s' uses what only Java knows", shorten(p))
	}
	if size, ok := programSize(p); ok {
		if err := r.spend(size*64 + length*(1+size/2)); err != nil {
			return nil, err
		}
		if linear, err := regexp.Compile(p); err == nil {
			return &matcher{linear: linear, run: r}, nil
		}
	}
	re, other := regexp2.Compile(p, regexp2.RE2)
	if other != nil {
		return nil, refuse("it is read as Java does, without possessive repetition", "'%s' is no regular expression", shorten(p))
	}
	if length > maxBacktrackN {
		return nil, tooMuch()
	}
	if err := r.spend(64*len(p) + length); err != nil {
		return nil, err
	}
	re.MatchTimeout = matchTime
	return &matcher{backtrack: re, run: r}, nil
}

// tooMuch is the error of a regular expression that is too much work.
func tooMuch() error {
	return refuse("make it simpler, without lookaround and backreferences", "the regular expression takes too long")
}

// programSize returns how many instructions a pattern has for Go's engine,
// which bounds its work for each byte, and whether it knows the pattern.
func programSize(p string) (int, bool) {
	re, err := syntax.Parse(p, syntax.Perl)
	if err != nil {
		return 0, false
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 0, false
	}
	return len(prog.Inst), true
}

// javaOnly returns a hint if the pattern has a nested character class, which Go
// would read as something else.
func javaOnly(p string) string {
	class := false
	for i := 0; i < len(p); i++ {
		switch {
		case strings.HasPrefix(p[i:], `\Q`):
			n := strings.Index(p[i:], `\E`)
			if n < 0 {
				return ""
			}
			i += n + 1
		case p[i] == '\\':
			i++
		case !class && p[i] == '[':
			class = true
			if strings.HasPrefix(p[i+1:], "^") {
				i++
			}
		case class && p[i] == '[':
			return `write \[ for a bracket within a class`
		case class && strings.HasPrefix(p[i:], "&&"):
			return "write out what the class contains"
		case p[i] == ']':
			class = false
		}
	}
	return ""
}

// all returns the matches in s, at most n of them if n > 0.
func (m *matcher) all(s string, n int) ([]span, error) {
	found, err := m.find(s, n)
	if err != nil {
		return nil, err
	}
	return found, m.run.spend(64 * len(found))
}

func (m *matcher) find(s string, n int) ([]span, error) {
	if m.linear != nil {
		if n == 0 {
			n = -1
		}
		var out []span
		for _, g := range m.linear.FindAllStringSubmatchIndex(s, n) {
			out = append(out, span{g, m.linear.SubexpNames()})
		}
		return out, nil
	}
	offsets := make([]int, 0, len(s)+1) // of each rune, in bytes
	for i := range s {
		offsets = append(offsets, i)
	}
	offsets = append(offsets, len(s))
	var out []span
	if m.run.backtracked++; m.run.backtracked > maxBacktrack {
		return nil, tooMuch()
	}
	match, err := m.backtrack.FindStringMatch(s)
	for ; match != nil && err == nil && (n == 0 || len(out) < n); match, err = m.backtrack.FindNextMatch(match) {
		if m.run.backtracked++; m.run.backtracked > maxBacktrack {
			return nil, tooMuch()
		}
		sp := span{}
		for _, g := range match.Groups() {
			from, to := -1, -1
			if len(g.Captures) > 0 {
				from, to = offsets[g.Index], offsets[g.Index+g.Length]
			}
			sp.groups, sp.names = append(sp.groups, from, to), append(sp.names, g.Name)
		}
		out = append(out, sp)
	}
	if err != nil {
		m.run.backtracked = maxBacktrack // one is enough
		return nil, tooMuch()
	}
	return out, nil
}

// FullMatch reports whether the whole of s matches a regular expression: Java's
// String.matches. Its work is bounded.
//
// Errors: the pattern is no regular expression, or is too much work for s.
func FullMatch(pattern, s string) (bool, error) {
	return newRun(Env{}).matches(s, pattern)
}

// matches is SpEL's operator and Java's String.matches: the whole text.
func (r *run) matches(x, y any) (bool, error) {
	s, ok := x.(string)
	if !ok {
		return false, refuse("write (… ?: '') where there may be none", "matches is for texts, not for %s", describe(x))
	}
	p, ok := y.(string)
	if !ok {
		return false, fmt.Errorf("matches wants a regular expression, not %s", describe(y))
	}
	// The pattern alone must be one: the parentheses are not to complete it.
	if _, err := r.compile(p, 0); err != nil {
		return false, err
	}
	m, err := r.compile(`\A(?:`+p+`)\z`, len(s))
	if err != nil {
		return false, err
	}
	found, err := m.all(s, 1)
	return len(found) > 0, err
}

// replace is Java's String.replaceAll, and replaceFirst if n is 1.
func (r *run) replace(s, p, by string, n int) (string, error) {
	m, err := r.compile(p, len(s))
	if err != nil {
		return "", err
	}
	found, err := m.all(s, n)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	last := 0
	for _, sp := range found {
		before := b.Len()
		b.WriteString(s[last:sp.groups[0]])
		if err := expand(&b, s, by, sp); err != nil {
			return "", err
		}
		if err := r.spend(b.Len() - before); err != nil {
			return "", err
		}
		last = sp.groups[1]
	}
	b.WriteString(s[last:])
	return b.String(), r.spend(len(s))
}

// expand writes a replacement: $1 and ${name} are groups, \ takes the next
// character as it is.
func expand(b *strings.Builder, s, by string, sp span) error {
	group := func(i int) error {
		if i*2+1 >= len(sp.groups) {
			return fmt.Errorf("the replacement names group %d, which the regular expression does not have", i)
		}
		if from := sp.groups[2*i]; from >= 0 {
			b.WriteString(s[from:sp.groups[2*i+1]])
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
			for i+1 < len(by) && '0' <= by[i+1] && by[i+1] <= '9' && (g*10+int(by[i+1]-'0'))*2+1 < len(sp.groups) {
				i++
				g = g*10 + int(by[i]-'0')
			}
			if err := group(g); err != nil {
				return err
			}
		case c == '$' && strings.HasPrefix(by[i+1:], "{") && strings.Contains(by[i:], "}"):
			name := by[i+2 : i+strings.Index(by[i:], "}")]
			i += len(name) + 2
			g := -1
			for at, n := range sp.names {
				if n == name && name != "" {
					g = at
				}
			}
			if g < 0 {
				return fmt.Errorf("the replacement names the group '%s', which the regular expression does not have", shorten(name))
			}
			if err := group(g); err != nil {
				return err
			}
		case c == '$' || c == '\\':
			return refuse(`write \$ for a dollar and \\ for a backslash`, "the replacement has a %c with nothing to refer to", c)
		default:
			b.WriteByte(c)
		}
	}
	return nil
}

// splitAt is Java's String.split: the parts between matches, without empty
// ones at the end if limit is 0, and at most limit parts if it is positive.
func (r *run) splitAt(s, p string, limit int) ([]any, error) {
	if s == "" {
		return []any{""}, nil
	}
	m, err := r.compile(p, len(s))
	if err != nil {
		return nil, err
	}
	found, err := m.all(s, 0)
	if err != nil {
		return nil, err
	}
	var out []any
	last := 0
	for _, sp := range found {
		if limit > 0 && len(out) == limit-1 {
			break
		}
		from, to := sp.groups[0], sp.groups[1]
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
	return out, r.spend(16*len(out) + len(s))
}

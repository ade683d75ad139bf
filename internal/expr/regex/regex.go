// Package regex matches Java's regular expressions, within a bound of work.
//
// What can be said in Go's own syntax and means the same there goes to package
// regexp, whose time is linear. Lookaround, backreferences, possessive
// repetition and the like go to a matcher that tries one way after the other
// and counts its steps: the same pattern and text take the same steps
// everywhere, so that what was too much once always is.
//
// What differs from Java: case is folded for ASCII unless (?u) is set, word
// boundaries know letters and digits, and the flag U is refused.
package regex

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Regexp is a regular expression that was read. It may be used by several
// goroutines.
type Regexp struct {
	root   *node
	groups int
	names  map[string]int
	linear *regexp.Regexp // finds; nil if Go's syntax does not do
	whole  *regexp.Regexp // matches the whole text; likewise
	size   int            // instructions of linear for each byte, at most
	needs  needs
}

// Match is where a regular expression matched: for each group, 0 for all of it,
// its start and its end in bytes, -1 for one that took no part.
type Match []int

// Budget is asked for each piece of work, in units of about 10 ns; its error
// ends the search.
type Budget func(units int) error

// ErrTooMuch is the error of a search that takes too many steps.
var ErrTooMuch = errors.New("the regular expression takes too many steps for this text")

const (
	maxSteps  = 2_000_000  // of one search that tries ways: about 200 ms
	stepCost  = 8          // units
	maxLinear = 16_000_000 // units of one linear search: as long
)

// Compile reads a pattern.
//
// Errors: say where it is wrong, and what would be right.
func Compile(pattern string) (*Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(pattern), maxPattern)
	}
	p := &parser{s: unquoted(pattern), names: map[string]int{}}
	root, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if p.more() {
		return nil, p.fail(`a ) closes nothing; \) is the character`)
	}
	re := &Regexp{root: root, groups: p.groups, names: p.names}
	var e emitter
	if e.node(root); !e.other {
		re.needs = e.needs
		re.compile(e.String())
	}
	return re, nil
}

// unquoted writes what is between \Q and \E with a backslash before each
// character that could mean something.
func unquoted(p string) string {
	if !strings.Contains(p, `\Q`) {
		return p
	}
	var b strings.Builder
	for i := 0; i < len(p); {
		switch {
		case strings.HasPrefix(p[i:], `\Q`):
			text, _, closed := strings.Cut(p[i+2:], `\E`)
			for _, r := range text {
				if r < 0x80 && !wordChars.has(r) {
					b.WriteByte('\\')
				}
				b.WriteRune(r)
			}
			i += 2 + len(text)
			if closed {
				i += 2
			}
		case p[i] == '\\' && i+1 < len(p):
			b.WriteString(p[i : i+2])
			i += 2
		default:
			b.WriteByte(p[i])
			i++
		}
	}
	return b.String()
}

// Groups returns the number of groups.
func (re *Regexp) Groups() int { return re.groups }

// Group returns the number of a named group.
func (re *Regexp) Group(name string) (int, bool) {
	n, ok := re.names[name]
	return n, ok
}

// Full reports whether all of s matches, as Java's matches does.
func (re *Regexp) Full(s string, spend Budget) (bool, error) {
	if re.whole != nil && re.needs.met(s) {
		if err := re.pay(s, spend); err != nil {
			return false, err
		}
		return re.whole.MatchString(s), nil
	}
	m := newMatcher(re, s, spend)
	found := m.node(re.root, 0, func(i int) bool { return i == len(s) })
	return found && m.err == nil, m.done()
}

// All returns the matches in s from left to right, at most n of them if n is
// positive, as Java's find does: one of nothing may follow directly behind
// another.
func (re *Regexp) All(s string, n int, spend Budget) ([]Match, error) {
	if re.linear != nil && !re.needs.nullable && re.needs.met(s) {
		if err := re.pay(s, spend); err != nil {
			return nil, err
		}
		if n <= 0 {
			n = -1
		}
		found := re.linear.FindAllStringSubmatchIndex(s, n)
		out := make([]Match, len(found))
		for i, m := range found {
			out[i] = m
		}
		return out, spend(len(out) * (4 + 2*re.groups))
	}
	m := newMatcher(re, s, spend)
	var out []Match
	for from := 0; from <= len(s) && (n <= 0 || len(out) < n); {
		start, end, ok := m.search(from)
		if !ok {
			break
		}
		found := append(Match{start, end}, m.groups[2:]...)
		out = append(out, found)
		m.previous = end
		if from = end; start == end {
			from = m.after(end)
		}
		m.step(4 + 2*re.groups)
	}
	if err := m.done(); err != nil {
		return nil, err
	}
	return out, nil
}

// pay asks for what a linear search takes at most.
func (re *Regexp) pay(s string, spend Budget) error {
	cost := 4*re.size + len(s)*(1+re.size/2)
	if cost > maxLinear {
		return ErrTooMuch
	}
	return spend(cost)
}

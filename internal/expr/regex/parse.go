package regex

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// op is what a node does.
type op uint8

const (
	opEmpty    op = iota
	opSet         // one character of set
	opSeq         // subs, one after the other
	opAlt         // one of subs, the first that leads to a match
	opRepeat      // subs[0], min to max times
	opGroup       // subs[0], kept as group
	opBackref     // what group has
	opLook        // subs[0] is there, or not
	opAtomic      // subs[0], without a second try
	opBegin       // the start of the text
	opEnd         // the end of the text
	opEndLine     // the end, or before a line terminator at the end
	opLineFrom    // the start of a line
	opLineTo      // the end of a line
	opWord        // a word boundary
	opNotWord     // none
	opPrevious    // where the match before ended
)

// mode is how a repetition chooses.
type mode uint8

const (
	greedy mode = iota
	lazy
	possessive
)

const unbounded = -1

type node struct {
	op       op
	set      set
	subs     []*node
	min, max int // max is unbounded for any number
	mode     mode
	group    int
	negative bool
	behind   bool
	anyCase  bool
}

// The bounds on a pattern.
const (
	maxPattern = 1000 // bytes
	maxNested  = 50
	maxBehind  = 10_000 // characters that a look-behind goes back
)

type flags struct{ anyCase, unicodeCase, lines, dotAll, comments, unixLines bool }

type parser struct {
	s      string
	i      int
	flags  flags
	names  map[string]int
	groups int
	nested int
}

func (p *parser) fail(format string, args ...any) error {
	return fmt.Errorf("at byte %d of '%s': %s", p.i, shorten(p.s), fmt.Sprintf(format, args...))
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

func (p *parser) more() bool { return p.i < len(p.s) }

func (p *parser) has(prefix string) bool { return strings.HasPrefix(p.s[p.i:], prefix) }

func (p *parser) accept(prefix string) bool {
	if p.has(prefix) {
		p.i += len(prefix)
		return true
	}
	return false
}

func (p *parser) rune() rune {
	r, n := utf8.DecodeRuneInString(p.s[p.i:])
	p.i += n
	return r
}

// alternatives reads up to the ) or the end.
func (p *parser) alternatives() (*node, error) {
	if p.nested++; p.nested > maxNested {
		return nil, p.fail("it nests more than %d deep", maxNested)
	}
	defer func() { p.nested-- }()
	var alt []*node
	for {
		n, err := p.sequence()
		if err != nil {
			return nil, err
		}
		alt = append(alt, n)
		if !p.accept("|") {
			break
		}
	}
	if len(alt) == 1 {
		return alt[0], nil
	}
	return &node{op: opAlt, subs: alt}, nil
}

func (p *parser) sequence() (*node, error) {
	out := &node{op: opSeq}
	for p.more() && !p.has("|") && !p.has(")") {
		n, err := p.atom()
		if err != nil {
			return nil, err
		}
		if n == nil {
			continue // a comment, or flags
		}
		if n, err = p.quantified(n); err != nil {
			return nil, err
		}
		out.subs = append(out.subs, n)
	}
	return out, nil
}

// blank passes over white space and comments, where those mean nothing.
func (p *parser) blank() {
	for p.flags.comments && p.more() {
		switch {
		case spaces.has(rune(p.s[p.i])):
			p.i++
		case p.has("#"):
			if n := strings.IndexByte(p.s[p.i:], '\n'); n >= 0 {
				p.i += n
			} else {
				p.i = len(p.s)
			}
		default:
			return
		}
	}
}

// atom reads what a quantifier can follow, or nil for what means nothing itself.
func (p *parser) atom() (*node, error) {
	if p.blank(); !p.more() || p.has("|") || p.has(")") {
		return nil, nil
	}
	switch p.s[p.i] {
	case '(':
		p.i++
		return p.paren()
	case '[':
		p.i++
		s, err := p.class()
		return &node{op: opSet, set: s}, err
	case '\\':
		p.i++
		return p.escape()
	case '.':
		p.i++
		switch {
		case p.flags.dotAll:
			return &node{op: opSet, set: everything}, nil
		case p.flags.unixLines:
			return &node{op: opSet, set: negate(set{'\n', '\n'})}, nil
		}
		return &node{op: opSet, set: negate(terminators)}, nil
	case '^':
		p.i++
		if p.flags.lines {
			return &node{op: opLineFrom}, nil
		}
		return &node{op: opBegin}, nil
	case '$':
		p.i++
		if p.flags.lines {
			return &node{op: opLineTo}, nil
		}
		return &node{op: opEndLine}, nil
	case '*', '+', '?':
		return nil, p.fail("there is nothing before %c that could repeat", p.s[p.i])
	case '{':
		return nil, p.fail(`a { repeats what is before it; \{ is the character`)
	}
	return p.char(p.rune()), nil
}

func (p *parser) char(r rune) *node {
	return &node{op: opSet, set: p.fold(set{r, r})}
}

func (p *parser) fold(s set) set {
	if !p.flags.anyCase {
		return s
	}
	return folded(s, p.flags.unicodeCase)
}

// quantified reads the quantifier after an atom, if there is one.
func (p *parser) quantified(n *node) (*node, error) {
	p.blank()
	least, most := 0, unbounded
	switch {
	case p.accept("*"):
	case p.accept("+"):
		least = 1
	case p.accept("?"):
		most = 1
	case p.has("{"):
		var err error
		if least, most, err = p.counts(); err != nil {
			return nil, err
		}
	default:
		return n, nil
	}
	out := &node{op: opRepeat, subs: []*node{n}, min: least, max: most}
	switch {
	case p.accept("?"):
		out.mode = lazy
	case p.accept("+"):
		out.mode = possessive
	}
	return out, nil
}

// counts reads {n}, {n,} or {n,m}.
func (p *parser) counts() (least, most int, err error) {
	to := strings.IndexByte(p.s[p.i:], '}')
	if to < 0 {
		return 0, 0, p.fail("the { has no }")
	}
	from, upTo, two := strings.Cut(p.s[p.i+1:p.i+to], ",")
	if least, err = strconv.Atoi(from); err != nil || least < 0 {
		return 0, 0, p.fail("a repetition is written {2}, {2,} or {2,3}")
	}
	most = least
	if two {
		most = unbounded
		if upTo != "" {
			if most, err = strconv.Atoi(upTo); err != nil || most < least {
				return 0, 0, p.fail("a repetition is written {2}, {2,} or {2,3}")
			}
		}
	}
	p.i += to + 1
	return least, most, nil
}

// paren reads what follows a parenthesis.
func (p *parser) paren() (*node, error) {
	saved := p.flags
	wrap := &node{op: opSeq}
	switch {
	case !p.accept("?"):
		p.groups++
		wrap = &node{op: opGroup, group: p.groups}
	case p.accept(":"):
	case p.accept("="):
		wrap = &node{op: opLook}
	case p.accept("!"):
		wrap = &node{op: opLook, negative: true}
	case p.accept("<="):
		wrap = &node{op: opLook, behind: true}
	case p.accept("<!"):
		wrap = &node{op: opLook, behind: true, negative: true}
	case p.accept(">"):
		wrap = &node{op: opAtomic}
	case p.accept("<"):
		name, ok := p.name()
		if _, twice := p.names[name]; !ok || twice {
			return nil, p.fail("a group's name is letters and digits and used once, as in (?<name>…)")
		}
		p.groups++
		p.names[name] = p.groups
		wrap = &node{op: opGroup, group: p.groups}
	default:
		scoped, err := p.inlineFlags()
		if err != nil {
			return nil, err
		}
		if !scoped {
			return nil, nil // until the parenthesis around it closes
		}
	}
	n, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, p.fail("a ( is not closed")
	}
	if wrap.behind && width(n, maxBehind) >= maxBehind {
		return nil, p.fail("what a look-behind looks for has no greatest length: write {0,9} in place of * and no backreference")
	}
	p.flags = saved
	wrap.subs = []*node{n}
	return wrap, nil
}

func (p *parser) name() (string, bool) {
	to := strings.IndexByte(p.s[p.i:], '>')
	if to < 1 {
		return "", false
	}
	name := p.s[p.i : p.i+to]
	for i, c := range name {
		if !wordChars.has(c) || c == '_' || i == 0 && digits.has(c) {
			return "", false
		}
	}
	p.i += to + 1
	return name, true
}

// inlineFlags reads the flags of (?i) or (?i:, and reports whether it is the
// latter.
func (p *parser) inlineFlags() (scoped bool, err error) {
	on := true
	for p.more() {
		c := p.s[p.i]
		p.i++
		switch c {
		case ')':
			return false, nil
		case ':':
			return true, nil
		case '-':
			on = false
		case 'i':
			p.flags.anyCase = on
		case 'u':
			p.flags.unicodeCase = on
		case 'm':
			p.flags.lines = on
		case 's':
			p.flags.dotAll = on
		case 'x':
			p.flags.comments = on
		case 'd':
			p.flags.unixLines = on
		default:
			return false, p.fail("the flag %c is not known: i, m, s, x, d and u are", c)
		}
	}
	return false, p.fail("a ( is not closed")
}

package regex

import (
	"strconv"
	"strings"
	"unicode"
)

// class reads what follows a [: a union of characters, ranges and classes, or
// an intersection of such unions.
func (p *parser) class() (set, error) {
	if p.nested++; p.nested > maxNested {
		return nil, p.fail("it nests more than %d deep", maxNested)
	}
	defer func() { p.nested-- }()
	negative := p.accept("^")
	var out, part set
	first, joined := true, false
	finish := func() {
		if joined {
			out = intersect(out, part)
		} else {
			out = part
		}
	}
	for {
		if p.blank(); !p.more() {
			return nil, p.fail("a [ is not closed")
		}
		switch {
		case p.has("]") && !first:
			p.i++
			finish()
			if negative {
				out = negate(out)
			}
			return out, nil
		case p.accept("&&"):
			finish()
			part, joined = nil, true
		case p.accept("["):
			s, err := p.class()
			if err != nil {
				return nil, err
			}
			part = union(part, s)
		default:
			s, err := p.item()
			if err != nil {
				return nil, err
			}
			part = union(part, p.fold(s))
		}
		first = false
	}
}

// item reads a character, a range or a class with a letter.
func (p *parser) item() (set, error) {
	from, s, err := p.member()
	if err != nil || s != nil {
		return s, err
	}
	rest := p.s[p.i:]
	if len(rest) < 2 || rest[0] != '-' || rest[1] == ']' || rest[1] == '[' {
		return set{from, from}, nil
	}
	p.i++
	to, s, err := p.member()
	switch {
	case err != nil:
		return nil, err
	case s != nil:
		return union(set{from, from, '-', '-'}, s), nil
	case to < from:
		return nil, p.fail("a range of characters goes from the lower to the higher")
	}
	return set{from, to}, nil
}

// member reads one character of a class, or a set that has a letter.
func (p *parser) member() (rune, set, error) {
	if !p.accept(`\`) {
		return p.rune(), nil, nil
	}
	r, s, ok, err := p.escaped()
	if err == nil && !ok {
		err = p.fail(`this escape is not for classes of characters`)
	}
	return r, s, err
}

// lettered are the sets that a letter after a backslash stands for.
var lettered = map[byte]set{'d': digits, 'w': wordChars, 's': spaces, 'h': horizontals, 'v': verticals}

// controls are the characters that a letter after a backslash stands for.
var controls = map[byte]rune{'t': '\t', 'n': '\n', 'r': '\r', 'f': '\f', 'a': 7, 'e': 27}

// escaped reads what follows a backslash, if it is a character or a set.
func (p *parser) escaped() (rune, set, bool, error) {
	if !p.more() {
		return 0, nil, false, p.fail(`a backslash is the last character; \\ is a backslash`)
	}
	c := p.s[p.i]
	if s, ok := lettered[c]; ok {
		p.i++
		return 0, s, true, nil
	}
	if s, ok := lettered[c|0x20]; ok && 'A' <= c && c <= 'Z' {
		p.i++
		return 0, negate(s), true, nil
	}
	if r, ok := controls[c]; ok {
		p.i++
		return r, nil, true, nil
	}
	switch c {
	case 'p', 'P':
		p.i++
		s, err := p.property()
		if c == 'P' {
			s = negate(s)
		}
		return 0, s, true, err
	case 'x', 'u', '0', 'c':
		p.i++
		r, err := p.code(c)
		return r, nil, true, err
	}
	if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '1' <= c && c <= '9' {
		return 0, nil, false, nil
	}
	return p.rune(), nil, true, nil
}

func (p *parser) property() (set, error) {
	name := ""
	if p.accept("{") {
		to := strings.IndexByte(p.s[p.i:], '}')
		if to < 0 {
			return nil, p.fail("the { has no }")
		}
		name = p.s[p.i : p.i+to]
		p.i += to + 1
	} else if p.more() {
		name = string(p.rune())
	}
	s, ok := property(name)
	if !ok {
		return nil, p.fail(`there is no class \p{%s}`, shorten(name))
	}
	return p.fold(s), nil
}

// code reads a character that is written as its number.
func (p *parser) code(kind byte) (rune, error) {
	digits, base, braced := 0, 16, false
	switch kind {
	case 'c':
		if !p.more() {
			return 0, p.fail(`\c wants a letter`)
		}
		return p.rune() ^ 64, nil
	case 'x':
		digits = 2
		if braced = p.accept("{"); braced {
			digits = strings.IndexByte(p.s[p.i:], '}')
		}
	case 'u':
		digits = 4
	case '0':
		base = 8
		for digits < 3 && p.i+digits < len(p.s) && '0' <= p.s[p.i+digits] && p.s[p.i+digits] <= '7' {
			digits++
		}
		if digits == 3 && p.s[p.i] > '3' {
			digits = 2
		}
	}
	if digits < 1 || p.i+digits > len(p.s) {
		return 0, p.fail("the number of a character is incomplete")
	}
	n, err := strconv.ParseUint(p.s[p.i:p.i+digits], base, 32)
	if err != nil || n > unicode.MaxRune {
		return 0, p.fail("'%s' is no number of a character", shorten(p.s[p.i:p.i+digits]))
	}
	p.i += digits
	if braced {
		p.i++
	}
	return rune(n), nil
}

// escape reads what follows a backslash outside of classes.
func (p *parser) escape() (*node, error) {
	r, s, ok, err := p.escaped()
	switch {
	case err != nil:
		return nil, err
	case s != nil:
		return &node{op: opSet, set: s}, nil
	case ok:
		return p.char(r), nil
	}
	c := p.s[p.i]
	p.i++
	switch c {
	case 'R':
		return &node{op: opAlt, subs: []*node{
			{op: opSeq, subs: []*node{{op: opSet, set: set{'\r', '\r'}}, {op: opSet, set: set{'\n', '\n'}}}},
			{op: opSet, set: verticals},
		}}, nil
	case 'k':
		if !p.accept("<") {
			return nil, p.fail(`\k wants a name, as in \k<name>`)
		}
		name, _ := p.name()
		group, ok := p.names[name]
		if !ok {
			return nil, p.fail("there is no group '%s' before it", shorten(name))
		}
		return &node{op: opBackref, group: group, anyCase: p.flags.anyCase}, nil
	}
	if op, ok := assertions[c]; ok {
		return &node{op: op}, nil
	}
	if '1' <= c && c <= '9' {
		group := int(c - '0')
		for p.more() && '0' <= p.s[p.i] && p.s[p.i] <= '9' && group*10+int(p.s[p.i]-'0') <= p.groups {
			group = group*10 + int(p.s[p.i]-'0')
			p.i++
		}
		return &node{op: opBackref, group: group, anyCase: p.flags.anyCase}, nil
	}
	return nil, p.fail(`\%c has no meaning`, c)
}

var assertions = map[byte]op{'b': opWord, 'B': opNotWord, 'A': opBegin, 'z': opEnd, 'Z': opEndLine, 'G': opPrevious}

package regex

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds the repetitions that are under way at once.
const maxDepth = 50_000

// matcher is one search, which tries one way after the other.
type matcher struct {
	root     *node
	s        string
	groups   []int
	previous int // where the match before ended
	steps    int // not yet paid for
	left     int
	depth    int
	spend    Budget
	err      error
}

func newMatcher(re *Regexp, s string, spend Budget) *matcher {
	m := &matcher{root: re.root, s: s, groups: make([]int, 2*re.groups+2), left: maxSteps, spend: spend}
	m.clear()
	return m
}

func (m *matcher) clear() {
	for i := range m.groups {
		m.groups[i] = -1
	}
}

// step counts steps, and reports whether there may be more.
func (m *matcher) step(n int) bool {
	if m.err != nil {
		return false
	}
	m.left -= n
	if m.left < 0 {
		m.err = ErrTooMuch
	}
	if m.steps += n; m.steps > 1000 {
		m.pay()
	}
	return m.err == nil
}

func (m *matcher) pay() {
	if err := m.spend(stepCost * m.steps); err != nil && m.err == nil {
		m.err = err
	}
	m.steps = 0
}

// done pays for the rest, and returns what went wrong.
func (m *matcher) done() error {
	m.pay()
	return m.err
}

// after returns the position behind the character at i.
func (m *matcher) after(i int) int {
	if i >= len(m.s) {
		return i + 1
	}
	_, n := utf8.DecodeRuneInString(m.s[i:])
	return i + n
}

// search returns the first match that starts at from or behind it.
func (m *matcher) search(from int) (start, end int, ok bool) {
	for i := from; i <= len(m.s) && m.step(1); i = m.after(i) {
		m.clear()
		at := i
		if m.node(m.root, i, func(j int) bool { at = j; return true }) && m.err == nil {
			return i, at, true
		}
	}
	return 0, 0, false
}

// node matches n at i, and then what next says about where it ended.
func (m *matcher) node(n *node, i int, next func(int) bool) bool {
	if !m.step(1) {
		return false
	}
	switch n.op {
	case opEmpty:
		return next(i)
	case opSet:
		j, ok := m.char(n.set, i)
		return ok && next(j)
	case opSeq:
		return m.seq(n.subs, i, next)
	case opAlt:
		for _, x := range n.subs {
			if m.node(x, i, next) {
				return true
			}
		}
		return false
	case opGroup:
		return m.group(n, i, next)
	case opRepeat:
		return m.repeat(n, i, next)
	case opBackref:
		j, ok := m.backref(n, i)
		return ok && next(j)
	case opLook:
		return m.look(n, i) && next(i)
	case opAtomic:
		j, ok := m.first(n.subs[0], i)
		return ok && next(j)
	case opBegin, opEnd, opEndLine, opLineFrom, opLineTo, opWord, opNotWord, opPrevious:
	}
	return m.holds(n.op, i) && next(i)
}

func (m *matcher) char(s set, i int) (int, bool) {
	if i >= len(m.s) {
		return 0, false
	}
	if c := m.s[i]; c < utf8.RuneSelf {
		return i + 1, s.has(rune(c))
	}
	r, n := utf8.DecodeRuneInString(m.s[i:])
	return i + n, s.has(r)
}

func (m *matcher) seq(subs []*node, i int, next func(int) bool) bool {
	switch len(subs) {
	case 0:
		return next(i)
	case 1:
		return m.node(subs[0], i, next)
	}
	return m.node(subs[0], i, func(j int) bool { return m.seq(subs[1:], j, next) })
}

func (m *matcher) group(n *node, i int, next func(int) bool) bool {
	own := m.groups[2*n.group : 2*n.group+2]
	return m.node(n.subs[0], i, func(j int) bool {
		from, to := own[0], own[1]
		own[0], own[1] = i, j
		if next(j) {
			return true
		}
		own[0], own[1] = from, to
		return false
	})
}

// first returns where the first way to match n ends; there is no second.
func (m *matcher) first(n *node, i int) (int, bool) {
	end := i
	ok := m.node(n, i, func(j int) bool { end = j; return true })
	return end, ok
}

func (m *matcher) repeat(n *node, i int, next func(int) bool) bool {
	if n.mode == possessive {
		j, ok := m.first(&node{op: opRepeat, subs: n.subs, min: n.min, max: n.max}, i)
		return ok && next(j)
	}
	if n.subs[0].op == opSet {
		return m.repeatSet(n, i, next)
	}
	return m.again(n, 0, i, next)
}

// again matches n after count times.
func (m *matcher) again(n *node, count, i int, next func(int) bool) bool {
	if m.depth++; m.depth > maxDepth {
		m.err = ErrTooMuch
		return false
	}
	defer func() { m.depth-- }()
	more := func() bool {
		return (n.max == unbounded || count < n.max) && m.node(n.subs[0], i, func(j int) bool {
			if j == i && count >= n.min {
				return false // nothing more would change
			}
			return m.again(n, count+1, j, next)
		})
	}
	if count < n.min {
		return more()
	}
	if n.mode == lazy {
		return next(i) || m.err == nil && more()
	}
	return more() || m.err == nil && next(i)
}

// repeatSet repeats one character, without a function for each.
func (m *matcher) repeatSet(n *node, i int, next func(int) bool) bool {
	s, count := n.subs[0].set, 0
	take := func() bool {
		j, ok := m.char(s, i)
		if !ok || n.max != unbounded && count >= n.max || !m.step(1) {
			return false
		}
		i = j
		count++
		return true
	}
	for count < n.min {
		if !take() {
			return false
		}
	}
	if n.mode == lazy {
		for {
			if next(i) {
				return true
			}
			if m.err != nil || !take() {
				return false
			}
		}
	}
	least := i
	for take() {
	}
	for {
		if next(i) {
			return true
		}
		if i == least || !m.step(1) {
			return false
		}
		_, size := utf8.DecodeLastRuneInString(m.s[:i])
		i -= size
	}
}

func (m *matcher) backref(n *node, i int) (int, bool) {
	if 2*n.group+1 >= len(m.groups) || m.groups[2*n.group] < 0 {
		return 0, false
	}
	text := m.s[m.groups[2*n.group]:m.groups[2*n.group+1]]
	if i+len(text) > len(m.s) || !m.step(len(text)/8) {
		return 0, false
	}
	there := m.s[i : i+len(text)]
	return i + len(text), there == text || n.anyCase && strings.EqualFold(there, text)
}

func (m *matcher) look(n *node, i int) bool {
	saved := append([]int(nil), m.groups...)
	found := false
	if !n.behind {
		_, found = m.first(n.subs[0], i)
	} else {
		from := i
		for range width(n.subs[0], i) + 1 {
			found = m.step(1) && m.node(n.subs[0], from, func(j int) bool { return j == i })
			if from == 0 || found {
				break
			}
			_, size := utf8.DecodeLastRuneInString(m.s[:from])
			from -= size
		}
	}
	if n.negative || !found {
		copy(m.groups, saved)
	}
	return found != n.negative && m.err == nil
}

// width returns how many characters n can match, up to most.
func width(n *node, most int) int {
	switch n.op {
	case opSet:
		return 1
	case opSeq:
		sum := 0
		for _, x := range n.subs {
			sum += width(x, most)
		}
		return min(sum, most)
	case opAlt:
		widest := 0
		for _, x := range n.subs {
			widest = max(widest, width(x, most))
		}
		return widest
	case opGroup, opAtomic:
		return width(n.subs[0], most)
	case opRepeat:
		if one := width(n.subs[0], most); n.max != unbounded && n.max <= most && one*n.max <= most {
			return one * n.max
		}
		return most
	case opBackref:
		return most
	case opEmpty, opLook, opBegin, opEnd, opEndLine, opLineFrom, opLineTo, opWord, opNotWord, opPrevious:
	}
	return 0
}

// holds reports whether an assertion is true at i.
func (m *matcher) holds(o op, i int) bool {
	rest := m.s[i:]
	switch o {
	case opBegin:
		return i == 0
	case opEnd:
		return rest == ""
	case opEndLine:
		return rest == "" || rest == "\r\n" || terminated(rest) == len(rest) && !(rest == "\n" && strings.HasSuffix(m.s[:i], "\r"))
	case opLineFrom:
		if i == 0 || rest == "" {
			return rest != "" // Java finds no line in nothing
		}
		r, _ := utf8.DecodeLastRuneInString(m.s[:i])
		return terminators.has(r) && !(r == '\r' && rest[0] == '\n')
	case opLineTo:
		return rest == "" || terminated(rest) > 0 && !(rest[0] == '\n' && strings.HasSuffix(m.s[:i], "\r"))
	case opWord, opNotWord:
		before, _ := utf8.DecodeLastRuneInString(m.s[:i])
		after, _ := utf8.DecodeRuneInString(rest)
		boundary := (i > 0 && isWord(before)) != (rest != "" && isWord(after))
		return boundary == (o == opWord)
	case opPrevious:
		return i == m.previous
	case opEmpty, opSet, opSeq, opAlt, opRepeat, opGroup, opBackref, opLook, opAtomic:
	}
	return false
}

// terminated returns the length of the line terminator that s starts with.
func terminated(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	if s == "" || !terminators.has(r) {
		return 0
	}
	return n
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

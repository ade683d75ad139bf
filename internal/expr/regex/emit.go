package regex

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// needs are what must hold of a text for Go's expression to mean the same.
type needs struct {
	nullable bool // it can match nothing, where Go passes over some matches
	oneLine  bool // the text has no line terminator
	ascii    bool // the text has only ASCII
}

func (n needs) met(s string) bool {
	if n.ascii {
		for i := range len(s) {
			if s[i] >= 0x80 {
				return false
			}
		}
	}
	return !n.oneLine || !strings.ContainsFunc(s, terminators.has)
}

// emitter writes a pattern in Go's syntax; other is set if that has no words
// for it.
type emitter struct {
	strings.Builder
	needs needs
	other bool
}

func (e *emitter) node(n *node) {
	switch n.op {
	case opEmpty:
	case opSet:
		e.set(n.set)
	case opSeq:
		for _, x := range n.subs {
			e.node(x)
		}
	case opAlt:
		e.WriteString("(?:")
		for i, x := range n.subs {
			if i > 0 {
				e.WriteString("|")
			}
			e.node(x)
		}
		e.WriteString(")")
	case opGroup:
		e.WriteString("(")
		e.node(n.subs[0])
		e.WriteString(")")
	case opRepeat:
		e.repeat(n)
	case opBegin:
		e.WriteString(`\A`)
	case opEnd:
		e.WriteString(`\z`)
	case opEndLine:
		e.needs.oneLine = true
		e.WriteString(`\z`)
	case opWord:
		e.needs.ascii = true
		e.WriteString(`\b`)
	case opNotWord:
		e.needs.ascii = true
		e.WriteString(`\B`)
	case opBackref, opLook, opAtomic, opLineFrom, opLineTo, opPrevious:
		e.other = true
	}
}

func (e *emitter) repeat(n *node) {
	// A repetition of what can match nothing ends differently in Go.
	if n.mode == possessive || n.min > 1000 || n.max > 1000 || nullable(n.subs[0]) {
		e.other = true
		return
	}
	e.WriteString("(?:")
	e.node(n.subs[0])
	e.WriteString(")")
	switch {
	case n.min == 0 && n.max == unbounded:
		e.WriteString("*")
	case n.min == 1 && n.max == unbounded:
		e.WriteString("+")
	case n.max == unbounded:
		fmt.Fprintf(e, "{%d,}", n.min)
	default:
		fmt.Fprintf(e, "{%d,%d}", n.min, n.max)
	}
	if n.mode == lazy {
		e.WriteString("?")
	}
}

func (e *emitter) set(s set) {
	if len(s) == 0 {
		e.WriteString(`[^\x{0}-\x{10FFFF}]`)
		return
	}
	if len(s) > 200 {
		e.other = true // a longer text than Go's is worth
		return
	}
	e.WriteString("[")
	for i := 0; i < len(s); i += 2 {
		fmt.Fprintf(e, `\x{%X}-\x{%X}`, s[i], s[i+1])
	}
	e.WriteString("]")
}

// nullable reports whether n can match nothing.
func nullable(n *node) bool {
	switch n.op {
	case opSet:
		return false
	case opSeq:
		for _, x := range n.subs {
			if !nullable(x) {
				return false
			}
		}
		return true
	case opAlt:
		return slices.ContainsFunc(n.subs, nullable)
	case opGroup, opAtomic:
		return nullable(n.subs[0])
	case opRepeat:
		return n.min == 0 || nullable(n.subs[0])
	case opEmpty, opBackref, opLook, opBegin, opEnd, opEndLine, opLineFrom, opLineTo, opWord, opNotWord, opPrevious:
	}
	return true
}

// maxProgram bounds Go's program for a pattern, in instructions.
const maxProgram = 5000

// program returns about how many instructions Go has for n, up to maxProgram
// and more.
func program(n *node) int {
	sum := 1
	for _, x := range n.subs {
		sum += program(x)
	}
	if n.op == opRepeat {
		sum *= max(1, n.min, n.max)
	}
	return min(sum, maxProgram+1)
}

// compile makes the linear expressions, unless they would be too large.
func (re *Regexp) compile(p string) {
	if program(re.root) > maxProgram {
		return
	}
	linear, err := regexp.Compile(p)
	if err != nil {
		return // such as a repetition of repetitions that is too long
	}
	whole, err := regexp.Compile(`\A(?:` + p + `)\z`)
	if err != nil {
		return
	}
	re.linear, re.whole = linear, whole
	re.size = program(re.root)
	re.needs.nullable = nullable(re.root)
}

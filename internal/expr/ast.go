package expr

import (
	"strconv"
	"strings"
)

// node is a part of an expression. at is its position in bytes.
type node interface{ at() int }

type pos int

func (p pos) at() int { return int(p) }

// The nodes. A target that is nil is what a bare name refers to: the element
// within a selection or projection, the root elsewhere.
type (
	literal struct {
		pos
		value any // nil, bool, int64, float64, string
	}
	variable struct { // #name
		pos
		name string
	}
	property struct {
		pos
		target node
		name   string
		safe   bool
	}
	index struct {
		pos
		target, key node
		safe        bool
	}
	method struct {
		pos
		target node
		name   string
		args   []node
		safe   bool
	}
	function struct { // #name(args)
		pos
		name string
		args []node
	}
	selection struct {
		pos
		target, cond node
		which        byte // ?, ^ or $
		safe         bool
	}
	projection struct {
		pos
		target, each node
		safe         bool
	}
	typeRef struct { // T(name)
		pos
		name string
	}
	construct struct { // new name(args)
		pos
		name string
		args []node
	}
	unary struct {
		pos
		op string // +, - or !
		x  node
	}
	binary struct {
		pos
		op   string // its symbol, or matches, instanceof, between
		x, y node
	}
	conditional struct {
		pos
		cond, yes, no node
	}
	elvis struct {
		pos
		x, y node
	}
	list struct {
		pos
		items []node
	}
	mapping struct {
		pos
		keys, values []node
	}
)

// Levels of precedence, from the one that binds least.
const (
	levelWhole = iota
	levelOr
	levelAnd
	levelCompare
	levelSum
	levelProduct
	levelPower
	levelUnary
	levelPrimary
)

var levels = map[string]int{
	"||": levelOr, "&&": levelAnd,
	"==": levelCompare, "!=": levelCompare, "<": levelCompare, "<=": levelCompare, ">": levelCompare, ">=": levelCompare,
	"matches": levelCompare, "instanceof": levelCompare, "between": levelCompare,
	"+": levelSum, "-": levelSum, "*": levelProduct, "/": levelProduct, "%": levelProduct, "^": levelPower,
}

// printer writes an expression in one canonical spelling.
type printer struct{ strings.Builder }

func (p *printer) level(n node) int {
	switch n := n.(type) {
	case *conditional, *elvis:
		return levelWhole
	case *binary:
		return levels[n.op]
	case *unary:
		return levelUnary
	}
	return levelPrimary
}

// print writes n, in parentheses if it binds less than at least.
func (p *printer) print(n node, least int) {
	if p.level(n) < least {
		p.WriteString("(")
		defer p.WriteString(")")
	}
	switch n := n.(type) {
	case *literal:
		p.literal(n.value)
	case *variable:
		p.WriteString("#" + n.name)
	case *function:
		p.WriteString("#" + n.name)
		p.list("(", n.args, ")")
	case *typeRef:
		p.WriteString("T(" + n.name + ")")
	case *construct:
		p.WriteString("new " + n.name)
		p.list("(", n.args, ")")
	case *list:
		p.list("{", n.items, "}")
	case *mapping:
		p.mapping(n)
	case *unary:
		p.WriteString(n.op)
		if p.level(n.x) == levelUnary || n.op == "!" && startsWithBracket(n.x) {
			p.WriteString("(")
			defer p.WriteString(")")
		}
		p.print(n.x, levelUnary)
	case *binary:
		p.binary(n)
	case *conditional:
		p.print(n.cond, levelOr)
		p.WriteString(" ? ")
		p.print(n.yes, levelWhole)
		p.WriteString(" : ")
		p.print(n.no, levelWhole)
	case *elvis:
		p.print(n.x, levelOr)
		p.WriteString(" ?: ")
		p.print(n.y, levelWhole)
	default:
		p.postfix(n)
	}
}

// startsWithBracket reports whether n is written [ … first, which together
// with an operator before it would be another symbol.
func startsWithBracket(n node) bool {
	for {
		switch x := n.(type) {
		case *index:
			n = x.target
		case *property:
			n = x.target
			if n == nil {
				return false
			}
		case *method:
			n = x.target
			if n == nil {
				return false
			}
		case *selection:
			n = x.target
		case *projection:
			n = x.target
		default:
			return n == nil
		}
	}
}

func (p *printer) binary(n *binary) {
	own := levels[n.op]
	left, right := own, own+1
	switch own {
	case levelCompare:
		left = own + 1
	case levelPower:
		left, right = levelUnary, levelUnary
	}
	p.print(n.x, left)
	p.WriteString(" " + n.op + " ")
	p.print(n.y, right)
}

func (p *printer) postfix(n node) {
	dot := func(target node, safe bool) {
		if target == nil {
			return
		}
		p.print(target, levelPrimary)
		if safe {
			p.WriteString("?")
		}
		p.WriteString(".")
	}
	switch n := n.(type) {
	case *property:
		dot(n.target, n.safe)
		p.WriteString(n.name)
	case *method:
		dot(n.target, n.safe)
		p.WriteString(n.name)
		p.list("(", n.args, ")")
	case *index:
		if n.safe {
			dot(n.target, true)
		} else if n.target != nil {
			p.print(n.target, levelPrimary)
		}
		p.list("[", []node{n.key}, "]")
	case *selection:
		dot(n.target, n.safe)
		p.list(string(n.which)+"[", []node{n.cond}, "]")
	case *projection:
		dot(n.target, n.safe)
		p.list("![", []node{n.each}, "]")
	}
}

func (p *printer) list(open string, items []node, closing string) {
	p.WriteString(open)
	for i, n := range items {
		if i > 0 {
			p.WriteString(", ")
		}
		p.print(n, levelWhole)
	}
	p.WriteString(closing)
}

func (p *printer) mapping(n *mapping) {
	if len(n.keys) == 0 {
		p.WriteString("{:}")
		return
	}
	p.WriteString("{")
	for i := range n.keys {
		if i > 0 {
			p.WriteString(", ")
		}
		// A bare name would be a key, a parenthesised one is looked up.
		if name, ok := n.keys[i].(*property); ok && name.target == nil {
			p.WriteString("(" + name.name + ")")
		} else {
			p.print(n.keys[i], levelOr)
		}
		p.WriteString(": ")
		p.print(n.values[i], levelWhole)
	}
	p.WriteString("}")
}

func (p *printer) literal(v any) {
	switch v := v.(type) {
	case nil:
		p.WriteString("null")
	case bool:
		p.WriteString(strconv.FormatBool(v))
	case int64:
		p.WriteString(strconv.FormatInt(v, 10))
	case float64:
		p.WriteString(formatDouble(v))
	case string:
		p.WriteString("'" + strings.ReplaceAll(v, "'", "''") + "'")
	}
}

// Package syntax is the grammar of expressions: Spring's expression language as
// Spinnaker's pipelines use it, and the ${ } that put it into text. It is pure,
// and knows no name, no function and no value.
package syntax

import (
	"slices"
	"strconv"
	"strings"
)

// Node is a part of an expression: a pointer to one of the types below.
// At is its position, in bytes from the start of what was given to Parse.
type Node interface{ At() int }

type pos int

// At returns the position in bytes.
func (p pos) At() int { return int(p) }

// The nodes. A target that is nil is what a bare name refers to: the element
// within a selection or projection, the root elsewhere.
type (
	Literal struct {
		pos
		Value any // nil, bool, int64, float64, string
	}
	Variable struct { // #name
		pos
		Name string
	}
	Property struct {
		pos
		Target Node
		Name   string
		Safe   bool
	}
	Index struct {
		pos
		Target, Key Node
		Safe        bool
	}
	Method struct {
		pos
		Target Node
		Name   string
		Args   []Node
		Safe   bool
	}
	Function struct { // #name(args)
		pos
		Name string
		Args []Node
	}
	Selection struct {
		pos
		Target, Cond Node
		Which        byte // ?, ^ or $
		Safe         bool
	}
	Projection struct {
		pos
		Target, Each Node
		Safe         bool
	}
	TypeRef struct { // T(name)
		pos
		Name string
	}
	Construct struct { // new name(args)
		pos
		Name string
		Args []Node
	}
	Unary struct {
		pos
		Op string // +, - or !
		X  Node
	}
	Binary struct {
		pos
		Op   string // its symbol, or matches, instanceof, between
		X, Y Node
	}
	Conditional struct {
		pos
		Cond, Yes, No Node
	}
	Elvis struct {
		pos
		X, Y Node
	}
	List struct {
		pos
		Items []Node
	}
	Mapping struct {
		pos
		Keys, Values []Node
	}
)

// Children returns the nodes within n, from left to right; some are nil.
func Children(n Node) []Node {
	switch n := n.(type) {
	case *Property:
		return []Node{n.Target}
	case *Index:
		return []Node{n.Target, n.Key}
	case *Method:
		return slices.Concat([]Node{n.Target}, n.Args)
	case *Function:
		return n.Args
	case *Construct:
		return n.Args
	case *Selection:
		return []Node{n.Target, n.Cond}
	case *Projection:
		return []Node{n.Target, n.Each}
	case *Unary:
		return []Node{n.X}
	case *Binary:
		return []Node{n.X, n.Y}
	case *Conditional:
		return []Node{n.Cond, n.Yes, n.No}
	case *Elvis:
		return []Node{n.X, n.Y}
	case *List:
		return n.Items
	case *Mapping:
		out := make([]Node, 0, 2*len(n.Keys))
		for i := range n.Keys {
			out = append(out, n.Keys[i], n.Values[i])
		}
		return out
	}
	return nil
}

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

// Print returns n in one canonical spelling, which means the same.
func Print(n Node) string {
	var p printer
	p.print(n, levelWhole)
	return p.String()
}

// PrintOperand is Print with parentheses where a dot could not follow.
func PrintOperand(n Node) string {
	var p printer
	p.print(n, levelPrimary)
	return p.String()
}

// printer writes an expression in one canonical spelling.
type printer struct{ strings.Builder }

func (p *printer) level(n Node) int {
	switch n := n.(type) {
	case *Conditional, *Elvis:
		return levelWhole
	case *Binary:
		return levels[n.Op]
	case *Unary:
		return levelUnary
	}
	return levelPrimary
}

// print writes n, in parentheses if it binds less than at least.
func (p *printer) print(n Node, least int) {
	if p.level(n) < least {
		p.WriteString("(")
		defer p.WriteString(")")
	}
	switch n := n.(type) {
	case *Literal:
		p.literal(n.Value)
	case *Variable:
		p.WriteString("#" + n.Name)
	case *Function:
		p.WriteString("#" + n.Name)
		p.list("(", n.Args, ")")
	case *TypeRef:
		p.WriteString("T(" + n.Name + ")")
	case *Construct:
		p.WriteString("new " + n.Name)
		p.list("(", n.Args, ")")
	case *List:
		p.list("{", n.Items, "}")
	case *Mapping:
		p.mapping(n)
	case *Unary:
		p.WriteString(n.Op)
		if p.level(n.X) == levelUnary || n.Op == "!" && startsWithBracket(n.X) {
			p.WriteString("(")
			defer p.WriteString(")")
		}
		p.print(n.X, levelUnary)
	case *Binary:
		p.binary(n)
	case *Conditional:
		p.print(n.Cond, levelOr)
		p.WriteString(" ? ")
		p.print(n.Yes, levelWhole)
		p.WriteString(" : ")
		p.print(n.No, levelWhole)
	case *Elvis:
		p.print(n.X, levelOr)
		p.WriteString(" ?: ")
		p.print(n.Y, levelWhole)
	default:
		p.postfix(n)
	}
}

// startsWithBracket reports whether n is written [ … first, which together
// with an operator before it would be another symbol.
func startsWithBracket(n Node) bool {
	for {
		switch x := n.(type) {
		case *Index:
			n = x.Target
		case *Property:
			n = x.Target
			if n == nil {
				return false
			}
		case *Method:
			n = x.Target
			if n == nil {
				return false
			}
		case *Selection:
			n = x.Target
		case *Projection:
			n = x.Target
		default:
			return n == nil
		}
	}
}

func (p *printer) binary(n *Binary) {
	own := levels[n.Op]
	left, right := own, own+1
	switch own {
	case levelCompare:
		left = own + 1
	case levelPower:
		left, right = levelUnary, levelUnary
	}
	p.print(n.X, left)
	p.WriteString(" " + n.Op + " ")
	p.print(n.Y, right)
}

func (p *printer) postfix(n Node) {
	dot := func(target Node, safe bool) {
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
	case *Property:
		dot(n.Target, n.Safe)
		p.WriteString(n.Name)
	case *Method:
		dot(n.Target, n.Safe)
		p.WriteString(n.Name)
		p.list("(", n.Args, ")")
	case *Index:
		if n.Safe {
			dot(n.Target, true)
		} else if n.Target != nil {
			p.print(n.Target, levelPrimary)
		}
		p.list("[", []Node{n.Key}, "]")
	case *Selection:
		dot(n.Target, n.Safe)
		p.list(string(n.Which)+"[", []Node{n.Cond}, "]")
	case *Projection:
		dot(n.Target, n.Safe)
		p.list("![", []Node{n.Each}, "]")
	}
}

func (p *printer) list(open string, items []Node, closing string) {
	p.WriteString(open)
	for i, n := range items {
		if i > 0 {
			p.WriteString(", ")
		}
		p.print(n, levelWhole)
	}
	p.WriteString(closing)
}

func (p *printer) mapping(n *Mapping) {
	if len(n.Keys) == 0 {
		p.WriteString("{:}")
		return
	}
	p.WriteString("{")
	for i := range n.Keys {
		if i > 0 {
			p.WriteString(", ")
		}
		p.print(n.Keys[i], levelOr)
		p.WriteString(": ")
		p.print(n.Values[i], levelWhole)
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
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		p.WriteString(s)
	case string:
		p.WriteString("'" + strings.ReplaceAll(v, "'", "''") + "'")
	}
}

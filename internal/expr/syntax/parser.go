package syntax

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// The bounds on the text of one expression.
const (
	maxLength = 10_000 // bytes; SpEL's own bound, in characters
	maxNested = 100    // brackets and operators within each other
)

// Parse reads one expression, without ${ and }. It does not ask whether names,
// functions and types exist.
//
// Errors: with Syntax set, and the position in text.
// Source: the grammar of Spring's expression language, without assignment,
// increments, arrays and bean references.
func Parse(text string) (Node, *Error) {
	if len(text) > maxLength {
		return nil, syntaxError(0, "the expression has %d bytes, more than %d", len(text), maxLength)
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	if p.peek().kind == end {
		return nil, syntaxError(0, "there is no expression between ${ and }")
	}
	n, err := p.expression()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != end {
		return nil, p.unexpected(t, "an operator or the end")
	}
	return n, nil
}

type parser struct {
	tokens []token
	next   int
	nested int
}

func (p *parser) peek() token { return p.tokens[p.next] }

// after returns the token after the next one.
func (p *parser) after() token { return p.tokens[min(p.next+1, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != end {
		p.next++
	}
	return t
}

// accept takes the next token if it is the symbol.
func (p *parser) accept(symbol string) bool {
	if p.peek().is(symbol) {
		p.next++
		return true
	}
	return false
}

func (p *parser) expect(symbol, after string) *Error {
	if t := p.take(); !t.is(symbol) {
		return p.unexpected(t, "'"+symbol+"' after "+after)
	}
	return nil
}

func (p *parser) unexpected(t token, want string) *Error {
	err := syntaxError(t.pos, "found %v where %s is expected", t, want)
	switch {
	case t.is("="):
		err.Hint = "write == to compare; expressions cannot assign"
	case t.is("&"):
		err.Hint = "write && or and"
	case t.is("@"):
		err.Hint = "beans (@name) are not available in pipelines"
	case t.is("++"), t.is("--"):
		err.Hint = "expressions cannot assign; write + 1 or - 1"
	}
	return err
}

// enter counts the nesting; the caller leaves when it has returned nil.
func (p *parser) enter() *Error {
	if p.nested++; p.nested > maxNested {
		return syntaxError(p.peek().pos, "the expression nests more than %d deep", maxNested)
	}
	return nil
}

func (p *parser) leave() { p.nested-- }

// expression reads a ternary, an Elvis or what binds more.
func (p *parser) expression() (Node, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	x, err := p.operation(levelOr)
	if err != nil {
		return nil, err
	}
	at := pos(p.peek().pos)
	switch {
	case p.accept("?:"):
		y, err := p.expression()
		if err != nil {
			return nil, err
		}
		return &Elvis{at, x, y}, nil
	case p.accept("?"):
		yes, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expect(":", "the first choice of '?'"); err != nil {
			return nil, err
		}
		no, err := p.expression()
		if err != nil {
			return nil, err
		}
		return &Conditional{at, x, yes, no}, nil
	}
	return x, nil
}

// spelled are the operators that have a name, in any case.
var spelled = map[string]string{
	"or": "||", "and": "&&", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
	"div": "/", "mod": "%", "matches": "matches", "instanceof": "instanceof", "between": "between",
}

// operator returns the binary operator that the next token is, or "".
func (p *parser) operator() string {
	switch t := p.peek(); t.kind {
	case symbol:
		if _, ok := levels[t.text]; ok {
			return t.text
		}
	case identifier:
		return spelled[strings.ToLower(t.text)]
	case end, integer, decimal, quoted:
	}
	return ""
}

// operation reads binary operators of a level and of those that bind more.
func (p *parser) operation(level int) (Node, *Error) {
	if level == levelUnary {
		return p.unary()
	}
	x, err := p.operation(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		op := p.operator()
		if op == "" || levels[op] != level {
			return x, nil
		}
		at := pos(p.take().pos)
		y, err := p.operation(level + 1)
		if err != nil {
			return nil, err
		}
		x = &Binary{at, op, x, y}
		if level == levelCompare || level == levelPower {
			return x, nil // these do not chain
		}
	}
}

func (p *parser) unary() (Node, *Error) {
	t := p.peek()
	var op string
	switch {
	case t.is("+"), t.is("-"), t.is("!"):
		op = t.text
	case t.word("not") && !p.bareKey():
		op = "!"
	default:
		return p.primary()
	}
	p.take()
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	return &Unary{pos(t.pos), op, x}, nil
}

// primary reads a start and what follows it: names, calls, indexes, selections.
func (p *parser) primary() (Node, *Error) {
	n, err := p.start()
	for err == nil {
		t := p.peek()
		switch {
		case t.is("["):
			n, err = p.index(n, false)
		case t.is("."), t.is("?."):
			p.take()
			n, err = p.dotted(n, t.is("?."))
		default:
			return n, nil
		}
	}
	return nil, err
}

// dotted reads what follows a dot.
func (p *parser) dotted(target Node, safe bool) (Node, *Error) {
	t := p.peek()
	switch {
	case t.kind == identifier:
		return p.member(target, safe)
	case t.is("?["), t.is("^["), t.is("$["), t.is("!["):
		return p.filter(target, safe)
	case t.is("[") && safe:
		return p.index(target, true)
	}
	return nil, p.unexpected(t, "a name after the dot")
}

// member reads a property or a method call.
func (p *parser) member(target Node, safe bool) (Node, *Error) {
	t := p.take()
	if !p.peek().is("(") {
		return &Property{pos(t.pos), target, t.text, safe}, nil
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return &Method{pos(t.pos), target, t.text, args, safe}, nil
}

func (p *parser) filter(target Node, safe bool) (Node, *Error) {
	t := p.take()
	x, err := p.expression()
	if err != nil {
		return nil, err
	}
	if err := p.expect("]", "the condition"); err != nil {
		return nil, err
	}
	if t.text == "![" {
		return &Projection{pos(t.pos), target, x, safe}, nil
	}
	return &Selection{pos(t.pos), target, x, t.text[0], safe}, nil
}

func (p *parser) index(target Node, safe bool) (Node, *Error) {
	t := p.take()
	key, err := p.expression()
	if err != nil {
		return nil, err
	}
	if err := p.expect("]", "the index"); err != nil {
		return nil, err
	}
	return &Index{pos(t.pos), target, key, safe}, nil
}

// arguments reads ( … ).
func (p *parser) arguments() ([]Node, *Error) {
	if err := p.expect("(", "the name"); err != nil {
		return nil, err
	}
	if p.accept(")") {
		return nil, nil
	}
	return p.list(")", "an argument")
}

// list reads expressions up to the closing symbol.
func (p *parser) list(closing, what string) ([]Node, *Error) {
	var out []Node
	for {
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
		if p.accept(closing) {
			return out, nil
		}
		if t := p.take(); !t.is(",") {
			return nil, p.unexpected(t, "',' or '"+closing+"' after "+what)
		}
	}
}

// start reads what a primary expression can begin with.
func (p *parser) start() (Node, *Error) {
	t := p.peek()
	switch t.kind {
	case quoted:
		return &Literal{pos(t.pos), p.take().text}, nil
	case integer, decimal:
		return p.number()
	case identifier:
		return p.named()
	case symbol:
		switch t.text {
		case "(":
			p.take()
			x, err := p.expression()
			if err != nil {
				return nil, err
			}
			return x, p.closed(")")
		case "#":
			return p.hash()
		case "{":
			return p.braces()
		case "[":
			return p.index(nil, false)
		case "?[", "^[", "$[", "![":
			return p.filter(nil, false)
		}
	case end:
	}
	return nil, p.unexpected(t, "a value")
}

func (p *parser) closed(symbol string) *Error {
	if t := p.take(); !t.is(symbol) {
		return p.unexpected(t, "'"+symbol+"'")
	}
	return nil
}

func (p *parser) number() (Node, *Error) {
	t := p.take()
	if next := p.peek(); next.kind == identifier && next.pos == t.pos+len(t.text) {
		return nil, syntaxError(t.pos, "'%s%s' is neither a number nor a name", t.text, next.text)
	}
	if t.kind == decimal {
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil || math.IsInf(f, 0) {
			return nil, syntaxError(t.pos, "%s is too large a number", t.text)
		}
		return &Literal{pos(t.pos), f}, nil
	}
	text, base := t.text, 10
	if len(text) > 2 && (text[1] == 'x' || text[1] == 'X') {
		text, base = text[2:], 16
	}
	i, err := strconv.ParseInt(text, base, 64)
	if err != nil {
		return nil, syntaxError(t.pos, "%s is too large a number", t.text)
	}
	return &Literal{pos(t.pos), i}, nil
}

// named reads what begins with a name: a constant, a type, a property, a call.
func (p *parser) named() (Node, *Error) {
	t := p.peek()
	call := p.after().is("(")
	switch {
	case t.word("true"), t.word("false"):
		p.take()
		return &Literal{pos(t.pos), t.word("true")}, nil
	case t.word("null"):
		p.take()
		return &Literal{pos(t.pos), nil}, nil
	case t.text == "T" && call:
		p.next += 2
		name, err := p.qualified()
		if err != nil {
			return nil, err
		}
		return &TypeRef{pos(t.pos), name}, p.closed(")")
	case t.text == "new":
		p.take()
		name, err := p.qualified()
		if err != nil {
			return nil, err
		}
		args, err := p.arguments()
		if err != nil {
			return nil, err
		}
		return &Construct{pos(t.pos), name, args}, nil
	}
	return p.member(nil, false)
}

// qualified reads a name with dots.
func (p *parser) qualified() (string, *Error) {
	var parts []string
	for {
		t := p.take()
		if t.kind != identifier {
			return "", p.unexpected(t, "the name of a type")
		}
		parts = append(parts, t.text)
		if !p.accept(".") {
			return strings.Join(parts, "."), nil
		}
	}
}

// hash reads #name and #name(…).
func (p *parser) hash() (Node, *Error) {
	at := pos(p.take().pos)
	t := p.take()
	if t.kind != identifier {
		return nil, p.unexpected(t, "a name after '#'")
	}
	if !p.peek().is("(") {
		return &Variable{at, t.text}, nil
	}
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	return &Function{at, t.text, args}, nil
}

// braces reads an inline list or map.
func (p *parser) braces() (Node, *Error) {
	at := pos(p.take().pos)
	if p.accept("}") {
		return &List{at, nil}, nil
	}
	if p.peek().is(":") && p.after().is("}") {
		p.next += 2
		return &Mapping{at, nil, nil}, nil
	}
	first, err := p.expression()
	if err != nil {
		return nil, err
	}
	if !p.accept(":") {
		if p.accept("}") {
			return &List{at, []Node{first}}, nil
		}
		if t := p.take(); !t.is(",") {
			return nil, p.unexpected(t, "',', ':' or '}'")
		}
		rest, err := p.list("}", "an element")
		if err != nil {
			return nil, err
		}
		return &List{at, slices.Concat([]Node{first}, rest)}, nil
	}
	return p.pairs(&Mapping{pos: at}, first)
}

// bareKey reports whether the next tokens are the key of an inline map as a
// bare name, which stands for itself.
func (p *parser) bareKey() bool {
	return p.peek().kind == identifier && p.after().is(":")
}

// pairs reads the rest of an inline map, after its first key and colon. A name
// as a key stands for itself, in parentheses too.
func (p *parser) pairs(m *Mapping, key Node) (Node, *Error) {
	for {
		if name, ok := key.(*Property); ok && name.Target == nil {
			key = &Literal{name.pos, name.Name}
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		m.Keys, m.Values = append(m.Keys, key), append(m.Values, value)
		if p.accept("}") {
			return m, nil
		}
		if t := p.take(); !t.is(",") {
			return nil, p.unexpected(t, "',' or '}' after a value")
		}
		if key, err = p.expression(); err != nil {
			return nil, err
		}
		if err := p.expect(":", "a key"); err != nil {
			return nil, err
		}
	}
}

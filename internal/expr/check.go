package expr

import (
	"slices"
	"strings"
)

// Check returns what is wrong with the expressions of a text, whatever their
// values will be: syntax, functions, types and methods that do not exist, and
// numbers of arguments. functions are those that Env.Functions will have.
//
// Shape: in the order of the text, nil if there is nothing; positions are in
// text. After a syntax error the rest of the text is not looked at.
func Check(text string, functions map[string]Function) []*Error {
	if !strings.Contains(text, "${") {
		return nil
	}
	parts, err := split(text)
	if err != nil {
		return []*Error{err}
	}
	c := checker{run: newRun(Env{Functions: functions})}
	for _, p := range parts {
		if !p.expression {
			continue
		}
		root, err := parse(p.text)
		if err != nil {
			return append(c.found, err.moved(p.pos))
		}
		before := len(c.found)
		c.node(root)
		for i := range c.found[before:] {
			c.found[before+i] = c.found[before+i].moved(p.pos)
		}
	}
	return c.found
}

type checker struct {
	*run
	found []*Error
}

func (c *checker) add(err error, at int) {
	if err != nil {
		c.found = append(c.found, placed(err, at))
	}
}

// node checks n and what is in it, from left to right.
func (c *checker) node(n node) {
	if n == nil {
		return
	}
	switch n := n.(type) {
	case *variable:
		if n.name != "root" && n.name != "this" {
			_, err := c.variable(n)
			c.found = append(c.found, err)
		}
	case *typeRef:
		_, err := lookupType(n.name)
		c.add(err, n.at())
	case *construct:
		_, err := lookupType(n.name)
		c.add(err, n.at())
	case *function:
		c.function(n)
	case *method:
		c.node(n.target)
		c.method(n)
	}
	for _, x := range children(n) {
		c.node(x)
	}
}

func (c *checker) function(n *function) {
	f, ok := c.lookup(n.name)
	if !ok {
		c.found = append(c.found, unknownFunction(n.name, c.env.Functions, n.at()))
		return
	}
	count := len(n.args)
	if count > 0 && withExecution[n.name] && isExecution(n.args[0]) {
		count--
	}
	c.add(arity("#"+n.name, f.Min, f.Max, count), n.at())
}

func (c *checker) method(n *method) {
	if t, ok := n.target.(*typeRef); ok {
		if short, err := lookupType(t.name); err == nil {
			m, ok := statics[string(short)+"."+n.name]
			if !ok {
				_, err := c.static(short, n.name, nil)
				c.add(err, n.at())
				return
			}
			c.add(arity(string(short)+"."+n.name+"()", m.min, m.max, len(n.args)), n.at())
		}
		return
	}
	for _, table := range everyMethod {
		if _, ok := table[n.name]; ok {
			return
		}
	}
	if strings.HasPrefix(n.name, "get") && refused[n.name] == "" && len(n.args) == 0 {
		return // a getter of a record
	}
	if hint, ok := refused[n.name]; ok {
		c.found = append(c.found, failure(n.at(), "%s() is not allowed in expressions", n.name).hint("%s", hint))
		return
	}
	var names []string
	for _, table := range everyMethod {
		for name := range table {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	c.found = append(c.found, failure(n.at(), "nothing has a method %s()", shorten(n.name)).hint("%s", suggest(n.name, names)))
}

// children returns the nodes within n, but not the target of a method.
func children(n node) []node {
	switch n := n.(type) {
	case *property:
		return []node{n.target}
	case *index:
		return []node{n.target, n.key}
	case *method:
		return n.args
	case *function:
		return n.args
	case *construct:
		return n.args
	case *selection:
		return []node{n.target, n.cond}
	case *projection:
		return []node{n.target, n.each}
	case *unary:
		return []node{n.x}
	case *binary:
		return []node{n.x, n.y}
	case *conditional:
		return []node{n.cond, n.yes, n.no}
	case *elvis:
		return []node{n.x, n.y}
	case *list:
		return n.items
	case *mapping:
		out := make([]node, 0, 2*len(n.keys))
		for i := range n.keys {
			out = append(out, n.keys[i], n.values[i])
		}
		return out
	}
	return nil
}

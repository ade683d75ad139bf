package expr

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker/internal/expr/syntax"

	"github.com/gennaker/gennaker/internal/expr/value"
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
	parts, err := syntax.Split(text)
	if err != nil {
		return []*Error{err}
	}
	c := checker{run: newRun(Env{Functions: functions})}
	for _, p := range parts {
		if !p.Expression {
			continue
		}
		root, err := syntax.Parse(p.Text)
		if err != nil {
			return append(c.found, err.Moved(p.Pos))
		}
		before := len(c.found)
		c.node(root)
		for i := range c.found[before:] {
			c.found[before+i] = c.found[before+i].Moved(p.Pos)
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
func (c *checker) node(n syntax.Node) {
	if n == nil {
		return
	}
	switch n := n.(type) {
	case *syntax.Variable:
		if n.Name != "root" && n.Name != "this" {
			c.found = append(c.found, c.noVariable(n))
		}
	case *syntax.TypeRef:
		_, err := value.LookupType(n.Name)
		c.add(err, n.At())
	case *syntax.Construct:
		_, err := value.LookupType(n.Name)
		c.add(err, n.At())
	case *syntax.Function:
		c.function(n)
	case *syntax.Method:
		c.node(n.Target)
		c.method(n)
		for _, x := range n.Args {
			c.node(x)
		}
		return
	}
	for _, x := range syntax.Children(n) {
		c.node(x)
	}
}

func (c *checker) function(n *syntax.Function) {
	f, ok := c.lookup(n.Name)
	if !ok {
		c.found = append(c.found, unknownFunction(n.Name, c.env.Functions, n.At()))
		return
	}
	count := len(n.Args)
	if count > 0 && withExecution[n.Name] && isExecution(n.Args[0]) {
		count--
	}
	c.add(value.Arity("#"+n.Name, f.Min, f.Max, count), n.At())
}

func (c *checker) method(n *syntax.Method) {
	if t, ok := n.Target.(*syntax.TypeRef); ok {
		if short, err := value.LookupType(t.Name); err == nil {
			m, ok := value.StaticOf(short, n.Name)
			if !ok {
				_, err := c.CallStatic(short, n.Name, nil)
				c.add(err, n.At())
				return
			}
			c.add(value.Arity(string(short)+"."+n.Name+"()", m.Min, m.Max, len(n.Args)), n.At())
		}
		return
	}
	for _, table := range value.EveryMethod {
		if _, ok := table[n.Name]; ok {
			return
		}
	}
	if strings.HasPrefix(n.Name, "get") && value.Refused[n.Name] == "" && len(n.Args) == 0 {
		return // a getter of a record
	}
	if hint, ok := value.Refused[n.Name]; ok {
		c.found = append(c.found, failure(n.At(), "%s() is not allowed in expressions", n.Name).WithHint("%s", hint))
		return
	}
	var names []string
	for _, table := range value.EveryMethod {
		for name := range table {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	c.found = append(c.found, failure(n.At(), "nothing has a method %s()", value.Shorten(n.Name)).WithHint("%s", value.Suggest(n.Name, names)))
}

package expr

import (
	"fmt"
	"slices"

	"github.com/gennaker/gennaker/internal/expr/syntax"

	"github.com/gennaker/gennaker/internal/expr/value"
)

func (r *run) method(n *syntax.Method) (any, *Error) {
	target, err := r.target(n.Target)
	if err != nil {
		return nil, err
	}
	if target == nil {
		if n.Safe {
			return nil, nil
		}
		return nil, r.null(n.Target, n.At(), n.Name+"()")
	}
	args, err := r.all(n.Args)
	if err != nil {
		return nil, err
	}
	if c, ok := target.(value.Class); ok {
		v, err := r.CallStatic(c, n.Name, args)
		return v, placed(err, n.At())
	}
	m, ok := value.MethodOf(target, n.Name)
	if !ok {
		if o, ok := target.(Object); ok && len(args) == 0 {
			if v, ok := objectGetter(o, n.Name); ok {
				return r.member(v, n.At())
			}
		}
		return nil, noMethod(target, n)
	}
	if err := value.Arity(n.Name+"()", m.Min, m.Max, len(args)); err != nil {
		return nil, placed(err, n.At())
	}
	v, plain := m.Call(r.Work, target, args)
	if plain != nil {
		return nil, placed(plain, n.At())
	}
	return r.member(v, n.At())
}

// objectGetter is getName() of a record that has name.
func objectGetter(o Object, name string) (any, bool) {
	if len(name) < 4 || name[:3] != "get" || name[3] < 'A' || name[3] > 'Z' {
		return nil, false
	}
	v, ok := o[string(name[3]+'a'-'A')+name[4:]]
	return v, ok
}

func noMethod(target any, n *syntax.Method) *Error {
	err := failure(n.At(), "%s has no method %s()", value.Describe(target), n.Name)
	if hint, ok := value.Refused[n.Name]; ok {
		err.Message = fmt.Sprintf("%s() is not allowed in expressions", n.Name)
		return err.WithHint("%s", hint)
	}
	var names []string
	for name := range value.Methods(target) {
		names = append(names, name)
	}
	slices.Sort(names)
	return err.WithHint("%s", value.Suggest(n.Name, names))
}

// construct evaluates new Type(…).
func (r *run) construct(n *syntax.Construct) (any, *Error) {
	c, err := value.LookupType(n.Name)
	if err != nil {
		return nil, placed(err, n.At())
	}
	args, failed := r.all(n.Args)
	if failed != nil {
		return nil, failed
	}
	v, err := r.Make(c, args)
	return v, placed(err, n.At())
}

package expr

import (
	"github.com/gennaker/gennaker/internal/expr/syntax"

	"github.com/gennaker/gennaker/internal/expr/value"
)

func (r *run) unary(n *syntax.Unary) (any, *Error) {
	if n.Op == "!" {
		b, err := r.truth(n.X)
		return !b, err
	}
	x, err := r.eval(n.X)
	if err != nil {
		return nil, err
	}
	switch x := x.(type) {
	case int64:
		if n.Op == "+" {
			return x, nil
		}
		v, err := r.Operate("-", int64(0), x)
		return v, placed(err, n.At())
	case float64:
		if n.Op == "-" {
			return -x, nil
		}
		return x, nil
	}
	return nil, failure(n.At(), "%s has no sign", value.Describe(x)).WithHint("#toInt(…) makes a number of a text")
}

func (r *run) binary(n *syntax.Binary) (any, *Error) {
	if n.Op == "&&" || n.Op == "||" {
		x, err := r.truth(n.X)
		if err != nil || x == (n.Op == "||") {
			return x, err
		}
		y, err := r.truth(n.Y)
		return y, err
	}
	x, err := r.eval(n.X)
	if err != nil {
		return nil, err
	}
	y, err := r.eval(n.Y)
	if err != nil {
		return nil, err
	}
	v, plain := r.Operate(n.Op, x, y)
	if plain != nil {
		return nil, placed(plain, n.At())
	}
	return v, nil
}

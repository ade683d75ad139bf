package expr

import "github.com/gennaker/gennaker/internal/expr/syntax"

// Expression is an expression that was read: what is between ${ and }.
type Expression struct{ root syntax.Node }

// Parse reads one expression, without ${ and }. It does not ask whether names,
// functions and types exist: Check does.
//
// Errors: an *Error with Syntax set, and its position in text.
func Parse(text string) (*Expression, error) {
	root, err := syntax.Parse(text)
	if err != nil {
		return nil, err
	}
	return &Expression{root}, nil
}

// String returns the expression in one canonical spelling, which means the same.
func (e *Expression) String() string { return syntax.Print(e.root) }

// FullMatch reports whether the whole of s matches a regular expression: Java's
// String.matches. Its work is bounded.
//
// Errors: the pattern is no regular expression, or is too much work for s.
func FullMatch(pattern, s string) (bool, error) {
	return newRun(Env{}).Matches(s, pattern)
}

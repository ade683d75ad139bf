package gennaker

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is the class of an error: what a caller can do about it.
type Kind string

// The kinds, each with the HTTP status that the API answers and what the caller
// can do.
const (
	Invalid     Kind = "invalid"     // 400: the request can never succeed as it is
	Denied      Kind = "denied"      // 403: not allowed to this caller
	NotFound    Kind = "not_found"   // 404
	Conflict    Kind = "conflict"    // 409: it may succeed after a re-read
	TooLarge    Kind = "too_large"   // 413: over a documented bound
	TooMany     Kind = "too_many"    // 429: more requests than this caller may send; later it succeeds
	Unavailable Kind = "unavailable" // 503: something it needs is away; try again
	Internal    Kind = "internal"    // 500: ours; the message is not shown
)

// Kinds returns all kinds, in the order of the reference page.
func Kinds() []Kind {
	return []Kind{Invalid, Denied, NotFound, Conflict, TooLarge, TooMany, Unavailable, Internal}
}

// HTTPStatus returns the status that a kind is answered with, wherever it
// crosses HTTP.
func (k Kind) HTTPStatus() int {
	switch k {
	case Invalid:
		return 400
	case Denied:
		return 403
	case NotFound:
		return 404
	case Conflict:
		return 409
	case TooLarge:
		return 413
	case TooMany:
		return 429
	case Unavailable:
		return 503
	case Internal:
		return 500
	}
	return 500
}

// Error is an error whose message may be shown to a user: one sentence of
// cause, and in Hint what to do about it.
type Error struct {
	Kind     Kind
	Message  string
	Hint     string    // what to do; may be empty
	Problems []Problem // each thing that is wrong, for Invalid documents
	Err      error     // cause, for logs only; may be nil
}

// Problem is one thing that is wrong with a document.
type Problem struct {
	Path    string `json:"path"`            // e.g. "stages[2].requisiteStageRefIds[0]"; empty for the whole document
	Line    int    `json:"line,omitzero"`   // from 1; zero if the document has no text
	Column  int    `json:"column,omitzero"` // from 1, in bytes
	Message string `json:"message"`
}

// String returns the problem in one line, position first.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, p.Column)
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Errorf returns an *Error. It wraps the operand that %w formats, if any.
func Errorf(k Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: k, Message: err.Error(), Err: errors.Unwrap(err)}
}

// WithHint returns a copy of e that says what to do. Lists are written as people
// write them: "a, b".
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	args = slices.Clone(args)
	for i, a := range args {
		switch list := a.(type) {
		case []string:
			args[i] = cmp.Or(strings.Join(list, ", "), "none")
		case []int:
			args[i] = cmp.Or(strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ", "), "[]"), "none")
		}
	}
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first *Error in err's tree, or Internal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// HintOf returns what to do about err, or "".
func HintOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Hint
	}
	return ""
}

package syntax

import "fmt"

// Error is why a text could not be read or an expression not be evaluated. Its
// message is one sentence for the author of the pipeline.
type Error struct {
	Pos     int    // in bytes from the start of the text that was given
	Message string // what was found
	Hint    string // what would be right; may be empty
	Syntax  bool   // whether the text cannot be read, whatever the values are
}

// Error returns the message and, if there is one, the hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "; " + e.Hint
}

// Moved returns a copy that is that many bytes further on.
func (e *Error) Moved(by int) *Error {
	c := *e
	c.Pos += by
	return &c
}

func syntaxError(pos int, format string, args ...any) *Error {
	return &Error{Pos: pos, Message: fmt.Sprintf(format, args...), Syntax: true}
}

// WithHint sets what would be right, and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

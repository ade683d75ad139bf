package expr

import (
	"fmt"

	"github.com/gennaker/gennaker/internal/expr/syntax"
)

// Error is why a text could not be read or an expression not be evaluated: a
// position, what was found, and what would be right.
type Error = syntax.Error

func failure(pos int, format string, args ...any) *Error {
	return &Error{Pos: pos, Message: fmt.Sprintf(format, args...)}
}

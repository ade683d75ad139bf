package expr

import (
	"maps"

	"github.com/gennaker/gennaker/internal/expr/value"
)

// Functions returns the functions of expressions, by name without #: those that
// every pipeline can call, and those that Env.Functions is to bring, which have
// no Call.
func Functions() map[string]Function {
	out := maps.Clone(elsewhere)
	maps.Copy(out, builtin)
	return out
}

// Types returns the types that T(…) and new can name, as they are written.
func Types() []string { return value.Types() }

package cli

import (
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/internal/near"
)

// suggest says which of names was perhaps meant, or otherwise.
func suggest(name string, names []string, otherwise string) string {
	found := near.Alike(name, names)
	if len(found) == 0 {
		return otherwise
	}
	return "did you mean " + quoted(found) + "?"
}

// quoted returns names as an English list: "a", "b" or "c".
func quoted(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = strconv.Quote(n)
	}
	if len(q) < 2 {
		return strings.Join(q, "")
	}
	return strings.Join(q[:len(q)-1], ", ") + " or " + q[len(q)-1]
}

package value

import (
	"fmt"
	"strings"

	"github.com/gennaker/gennaker/internal/near"
)

// Hinted is an error that says what would be right; it does not know its place.
type Hinted struct{ message, hint string }

func (h *Hinted) Error() string { return h.message }

// Hint returns what would be right.
func (h *Hinted) Hint() string { return h.hint }

// Refuse returns an error with a hint, which may be empty.
func Refuse(hint, format string, args ...any) error {
	return &Hinted{fmt.Sprintf(format, args...), hint}
}

// Suggest returns "did you mean 'x'?" for the candidate nearest to name, or "".
// It looks at no more than 1000 candidates.
func Suggest(name string, candidates []string) string {
	best := near.Name(name, candidates, len(name)/3+1)
	if best == "" {
		// A longer name that contains this one, or the other way around.
		for _, c := range candidates[:min(len(candidates), 1000)] {
			if len(name) >= 3 && strings.Contains(strings.ToLower(c), strings.ToLower(name)) {
				best = c
				break
			}
		}
	}
	if best == "" {
		for _, c := range candidates[:min(len(candidates), 1000)] {
			if sameWords(name, c) {
				best = c
				break
			}
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean '" + best + "'?"
}

// sameWords reports whether all words of one name are in the other, in any
// order.
func sameWords(a, b string) bool {
	x, y := strings.Fields(strings.ToLower(a)), strings.Fields(strings.ToLower(b))
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(x) < 2 || len(y) > 50 {
		return false
	}
	all := " " + strings.Join(y, " ") + " "
	for _, w := range x {
		if !strings.Contains(all, " "+w+" ") {
			return false
		}
	}
	return true
}

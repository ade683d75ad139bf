package expr

import (
	"fmt"
	"strings"

	"github.com/gennaker/gennaker/internal/expr/syntax"
)

// Error is why a text could not be read or an expression not be evaluated: a
// position, what was found, and what would be right.
type Error = syntax.Error

func failure(pos int, format string, args ...any) *Error {
	return &Error{Pos: pos, Message: fmt.Sprintf(format, args...)}
}

// hinted is an error of a method or function, which does not know its place.
type hinted struct{ message, hint string }

func (h *hinted) Error() string { return h.message }

func refuse(hint, format string, args ...any) error {
	return &hinted{fmt.Sprintf(format, args...), hint}
}

// suggest returns "did you mean 'x'?" for the candidate nearest to name, or "".
// It looks at no more than 1000 candidates.
func suggest(name string, candidates []string) string {
	best, distance := "", len(name)/3+1
	for i, c := range candidates {
		if i == 1000 {
			break
		}
		if near, ok := within(strings.ToLower(name), strings.ToLower(c), distance); ok {
			best, distance = c, near-1
		}
	}
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

// within returns the edit distance of a and b if it is at most most.
func within(a, b string, most int) (int, bool) {
	if most < 0 || len(a) > 200 || len(b) > 200 || max(len(a), len(b))-min(len(a), len(b)) > most {
		return 0, false
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)], row[len(b)] <= most
}

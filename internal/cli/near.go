package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/internal/near"
)

const maxSuggestions = 3

// alike returns the names that somebody who wrote name may have meant, the
// likeliest first: without case the same, one part of the other, or a few
// letters apart.
func alike(name string, names []string) []string {
	type candidate struct {
		name string
		cost int
	}
	var found []candidate
	want, most := strings.ToLower(name), max(1, len(name)/3)
	for _, n := range names {
		have := strings.ToLower(n)
		cost := near.Distance(want, have, most)
		if want != "" && (strings.Contains(have, want) || have != "" && strings.Contains(want, have)) {
			cost = min(cost, 1)
		}
		if cost <= most {
			found = append(found, candidate{n, cost})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.cost - b.cost })
	var out []string
	for _, c := range found[:min(len(found), maxSuggestions)] {
		out = append(out, c.name)
	}
	return out
}

// suggest says which of names was perhaps meant, or otherwise.
func suggest(name string, names []string, otherwise string) string {
	found := alike(name, names)
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

package cli

import (
	"slices"
	"strconv"
	"strings"
)

const maxSuggestions = 3

// near returns the names that somebody who wrote name may have meant, the
// likeliest first: without case the same, one part of the other, or a few
// letters apart.
func near(name string, names []string) []string {
	type candidate struct {
		name string
		cost int
	}
	var found []candidate
	want := strings.ToLower(name)
	for _, n := range names {
		have := strings.ToLower(n)
		cost := distance(want, have)
		if want != "" && (strings.Contains(have, want) || have != "" && strings.Contains(want, have)) {
			cost = min(cost, 1)
		}
		if cost <= max(1, len(want)/3) {
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
	found := near(name, names)
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

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour that lead from a to b; longer strings are cut to 128 bytes.
//
// Source: optimal string alignment distance.
func distance(a, b string) int {
	a, b = a[:min(len(a), 128)], b[:min(len(b), 128)]
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

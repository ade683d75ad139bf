package lint

import (
	"slices"
	"strings"
)

// maxCandidates bounds how many names one is compared with.
const maxCandidates = 500

// near returns the candidate that was perhaps meant by name: the one fewest
// letters apart, and no more than about a quarter of them; "" if there is none.
func near(name string, candidates []string) string {
	best, most := "", (len(name)+1)/4
	for _, c := range candidates[:min(len(candidates), maxCandidates)] {
		if c == name {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(c), most); d <= most {
			best, most = c, d-1
		}
	}
	return best
}

// meant is the hint that suggests a candidate for name, or otherwise.
func meant(name string, candidates []string, otherwise string) string {
	if c := near(name, candidates); c != "" {
		return "did you mean '" + c + "'?"
	}
	return otherwise
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour that lead from a to b, or more than most.
//
// Source: optimal string alignment distance.
func distance(a, b string, most int) int {
	if len(a) > 100 || len(b) > 100 || max(len(a), len(b))-min(len(a), len(b)) > most {
		return most + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(last[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		if slices.Min(row) > most && slices.Min(last) > most {
			return most + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

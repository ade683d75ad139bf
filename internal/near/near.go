// Package near finds what a mistyped name was meant to be.
//
//	near.Name("parmeters", names, 2)  // "parameters"
//	near.List("wiat", types)          // "wait, bake, canary, … and 51 more"
//	near.Alike("prod", pipelines)     // "Deploy to prod"
//
// It is pure, and bounded in how many names it compares and how long these are.
package near

import (
	"fmt"
	"slices"
	"strings"
)

// The bounds of what is compared.
const (
	maxNames  = 1000
	maxLength = 200 // bytes
)

// Name returns the candidate that is the fewest letters apart from name, no
// matter their case, and at most most of them; "" if there is none.
func Name(name string, candidates []string, most int) string {
	best, want := "", strings.ToLower(name)
	for _, c := range candidates[:min(len(candidates), maxNames)] {
		if c == name {
			continue
		}
		if d := Distance(want, strings.ToLower(c), most); d <= most {
			best, most = c, d-1
		}
	}
	return best
}

// maxListed bounds how many names a List has.
const maxListed = 12

// List returns candidates as prose: first the one that name was perhaps meant to
// be, then the others in their order, and how many more there are.
func List(name string, candidates []string) string {
	first := Name(name, candidates, len(name)/3+1)
	listed := slices.Clone(candidates)
	if i := slices.Index(listed, first); i > 0 {
		listed = slices.Insert(slices.Delete(listed, i, i+1), 0, first)
	}
	more := len(listed) - maxListed
	if more > 1 { // the last one is as short as saying that there is one more
		return fmt.Sprintf("%s and %d more", strings.Join(listed[:maxListed], ", "), more)
	}
	if len(listed) < 2 {
		return strings.Join(listed, "")
	}
	last := len(listed) - 1
	return strings.Join(listed[:last], ", ") + " and " + listed[last]
}

// Distance is the number of letters to insert, delete, replace or swap with
// their neighbour that lead from a to b, or more than most. Letters are bytes.
//
// Source: optimal string alignment distance.
func Distance(a, b string, most int) int {
	if len(a) > maxLength || len(b) > maxLength || max(len(a), len(b))-min(len(a), len(b)) > most {
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

// maxSuggestions bounds what Alike returns.
const maxSuggestions = 3

// Alike returns the names that somebody who wrote name may have meant, the
// likeliest first: without case the same, one part of the other, or a few
// letters apart.
func Alike(name string, names []string) []string {
	type candidate struct {
		name string
		cost int
	}
	var found []candidate
	want, most := strings.ToLower(name), max(1, len(name)/3)
	for _, n := range names {
		have := strings.ToLower(n)
		cost := Distance(want, have, most)
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

package lint

import "github.com/gennaker/gennaker/internal/near"

// nearest returns the candidate that was perhaps meant by name: no more than
// about a quarter of its letters apart; "" if there is none.
func nearest(name string, candidates []string) string {
	return near.Name(name, candidates, (len(name)+1)/4)
}

// meant is the hint that suggests a candidate for name, or otherwise.
func meant(name string, candidates []string, otherwise string) string {
	if c := nearest(name, candidates); c != "" {
		return "did you mean '" + c + "'?"
	}
	return otherwise
}

package gennaker_test

import (
	"testing"

	"github.com/gennaker/gennaker"
)

// TestHintLists: hints are read by people.
func TestHintLists(t *testing.T) {
	t.Parallel()
	for want, list := range map[string]any{
		"known are a, b of 2":        []string{"a", "b"},
		"known are none of 2":        []string(nil),
		"known are 3, 5, 12 of 2":    []int{3, 5, 12},
		"known are nothing yet of 2": "nothing yet",
	} {
		err := gennaker.Errorf(gennaker.Invalid, "unknown").WithHint("known are %v of %d", list, 2)
		if got := gennaker.HintOf(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

package node_test

import (
	"testing"

	"github.com/gennaker/gennaker"
)

// TestShareOfTraffic: a weight counts for each instance, so that a server group
// of one beside one of three gets a quarter of the requests, and not half.
func TestShareOfTraffic(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		weight int // of the small server group; the other one has 100
		want   int // requests of 80 to the small one
	}{
		"by instances":        {0, 20},
		"a weight multiplies": {300, 40},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t) // parallel
			address := h.balancer("lb")
			large := h.create(h.spec(3, "good", "lb"))
			spec := h.spec(1, "good", "lb")
			spec.Weight = tt.weight
			small := h.create(spec)
			h.untilState(large, gennaker.Up, 3)
			h.untilState(small, gennaker.Up, 1)
			for range 80 {
				if _, err := get(t.Context(), address, "/"); err != nil {
					t.Fatal(err)
				}
			}
			h.until(func() string {
				if h.group(large).Traffic.Requests+h.group(small).Traffic.Requests < 80 {
					return "not all requests are counted"
				}
				return ""
			})
			if got := h.group(small).Traffic.Requests; got != int64(tt.want) {
				t.Errorf("the small server group got %d of 80 requests, want %d", got, tt.want)
			}
		})
	}
}

package strategy

import (
	"cmp"

	"github.com/gennaker/gennaker"
)

// Action is how a resize is asked for.
type Action string

// The actions.
const (
	ScaleExact         Action = "scale_exact"
	ScaleUp            Action = "scale_up"
	ScaleDown          Action = "scale_down"
	ScaleToCluster     Action = "scale_to_cluster"
	ScaleToServerGroup Action = "scale_to_server_group"
)

// PartialCapacity is a capacity of which some numbers may be missing.
type PartialCapacity struct {
	Min     *int `json:"min"`     // fewest instances
	Max     *int `json:"max"`     // most instances
	Desired *int `json:"desired"` // instances now
}

// ExactCapacity returns c with nothing missing.
func ExactCapacity(c gennaker.Capacity) PartialCapacity {
	return PartialCapacity{Min: new(c.Min), Max: new(c.Max), Desired: new(c.Desired)}
}

// Resize is a resize as it is asked for. OriginalMin is what UnpinMin goes back
// to.
type Resize struct {
	Action      Action          `json:"action" enum:"scale_exact|scale_up|scale_down|scale_to_cluster|scale_to_server_group"` // scale_exact (default), scale_up, scale_down, scale_to_cluster or scale_to_server_group
	ResizeType  string          `json:"resizeType"`                                                                           // "exact" has the same effect as ScaleExact
	Percent     *int            `json:"scalePct"`                                                                             // by how much, in percent; for scale_exact and scale_to_server_group: of what
	Number      *int            `json:"scaleNum"`                                                                             // by how many instances
	Capacity    PartialCapacity `json:"capacity"`                                                                             // scale_exact: the capacity; what is missing stays
	Pin         bool            `json:"pinCapacity"`                                                                          // also set min and max to the result
	PinMin      bool            `json:"pinMinimumCapacity"`                                                                   // also set min to the result
	UnpinMin    bool            `json:"unpinMinimumCapacity"`                                                                 // set min back to what it was
	OriginalMin *int            `json:"-"`
}

// maxScale bounds percentages and numbers, so that no sum overflows.
const maxScale = 1_000_000

// Kind returns the action, ScaleExact if it is not given.
func (r Resize) Kind() Action {
	if r.ResizeType == "exact" {
		return ScaleExact
	}
	return cmp.Or(r.Action, ScaleExact)
}

// Base returns what r starts from: the server group's own capacity, or that of
// the other server groups which r follows: the source, or all of the cluster.
func (r Resize) Base(own gennaker.Capacity, others ...gennaker.Capacity) gennaker.Capacity {
	if k := r.Kind(); k != ScaleToCluster && k != ScaleToServerGroup || len(others) == 0 {
		return own
	}
	base := others[0]
	for _, c := range others[1:] {
		base.Min, base.Max, base.Desired = max(base.Min, c.Min), max(base.Max, c.Max), max(base.Desired, c.Desired)
	}
	return base
}

// Apply returns the capacity that r asks for, from what Base returned.
//
// Errors: Invalid if r is, or if the capacity would not be possible.
// Source: Spinnaker's ScaleExact-, ScaleRelative-, ScaleToCluster- and
// ScaleToServerGroupResizeStrategy.
func (r Resize) Apply(base gennaker.Capacity) (gennaker.Capacity, error) {
	for _, n := range []*int{r.Percent, r.Number, r.Capacity.Min, r.Capacity.Max, r.Capacity.Desired, &base.Min, &base.Max, &base.Desired} {
		if n != nil && (*n < 0 || *n > maxScale) {
			return base, gennaker.Errorf(gennaker.Invalid, "a resize by %d is not possible: numbers must be from 0 to %d", *n, maxScale)
		}
	}
	c := base
	switch r.Kind() {
	case ScaleExact:
		c = r.Capacity.over(base)
		if r.Percent != nil {
			c = withDesired(c, ceilPercent(c.Desired, *r.Percent))
		}
	case ScaleUp:
		c = each(base, func(n int) int { return n + r.by(n) })
	case ScaleDown:
		c = each(base, func(n int) int { return max(0, n-r.by(n)) })
	case ScaleToCluster:
		c.Desired = min(c.Max, c.Desired+r.by(c.Desired))
	case ScaleToServerGroup:
		if r.Percent != nil {
			c = withDesired(c, ceilPercent(c.Desired, *r.Percent))
		}
	default:
		return base, gennaker.Errorf(gennaker.Invalid, "there is no resize action %q", r.Action).
			WithHint("the actions are scale_exact, scale_up, scale_down, scale_to_cluster and scale_to_server_group")
	}
	switch {
	case r.Pin:
		c.Min, c.Max = c.Desired, c.Desired
	case r.PinMin:
		c.Min = c.Desired
	case r.UnpinMin && r.OriginalMin != nil:
		c.Min = max(0, min(c.Min, *r.OriginalMin))
	}
	return c, c.Check()
}

// by is how much n grows or shrinks.
func (r Resize) by(n int) int {
	switch {
	case r.Percent != nil:
		return ceilPercent(n, *r.Percent)
	case r.Number != nil:
		return *r.Number
	}
	return 0
}

// over fills what p lacks from current, and makes the numbers fit: a given max
// bounds the min, a missing one grows with it, and desired lies between.
func (p PartialCapacity) over(current gennaker.Capacity) gennaker.Capacity {
	or := func(n *int, other int) int {
		if n == nil {
			return other
		}
		return *n
	}
	c := gennaker.Capacity{Min: or(p.Min, current.Min), Max: or(p.Max, current.Max), Desired: or(p.Desired, current.Desired)}
	if p.Max != nil {
		c.Min = min(c.Min, c.Max)
	} else {
		c.Max = max(c.Min, c.Max)
	}
	c.Desired = min(max(c.Desired, c.Min), c.Max)
	return c
}

// withDesired returns c with another desired, and with bounds that hold it.
func withDesired(c gennaker.Capacity, desired int) gennaker.Capacity {
	return gennaker.Capacity{Min: min(c.Min, desired), Max: max(c.Max, desired), Desired: desired}
}

func each(c gennaker.Capacity, f func(int) int) gennaker.Capacity {
	return gennaker.Capacity{Min: f(c.Min), Max: f(c.Max), Desired: f(c.Desired)}
}

// ceilPercent returns percent of n, rounded up.
func ceilPercent(n, percent int) int { return (n*percent + 99) / 100 }

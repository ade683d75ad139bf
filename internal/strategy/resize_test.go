package strategy_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/strategy"
)

func capacity(lowest, desired, highest int) gennaker.Capacity {
	return gennaker.Capacity{Min: lowest, Desired: desired, Max: highest}
}

func TestResizeApply(t *testing.T) { // A12
	t.Parallel()
	partial := func(lowest, desired, highest int) strategy.PartialCapacity { // -1 is missing
		or := func(n int) *int {
			if n < 0 {
				return nil
			}
			return &n
		}
		return strategy.PartialCapacity{Min: or(lowest), Desired: or(desired), Max: or(highest)}
	}
	type R = strategy.Resize
	tests := map[string]struct {
		resize R
		base   gennaker.Capacity
		want   gennaker.Capacity
	}{
		"exact by default":                 {R{Capacity: partial(1, 2, 3)}, capacity(5, 5, 5), capacity(1, 2, 3)},
		"exact by resizeType":              {R{Action: "scale_up", ResizeType: "exact", Capacity: partial(1, 1, 1)}, capacity(5, 5, 5), capacity(1, 1, 1)},
		"exact max bounds min and desired": {R{Capacity: partial(-1, -1, 2)}, capacity(3, 4, 5), capacity(2, 2, 2)},
		"exact min raises max and desired": {R{Capacity: partial(7, -1, -1)}, capacity(3, 4, 5), capacity(7, 7, 7)},
		"exact desired is clamped":         {R{Capacity: partial(-1, 9, -1)}, capacity(1, 2, 3), capacity(1, 3, 3)},
		"exact of savedCapacity, percent":  {R{Capacity: partial(2, 3, 4), Percent: new(50)}, capacity(0, 0, 0), capacity(2, 2, 4)},
		"up percent rounds up":             {R{Action: "scale_up", Percent: new(50)}, capacity(1, 3, 5), capacity(2, 5, 8)},
		"up by number":                     {R{Action: "scale_up", Number: new(2)}, capacity(1, 3, 5), capacity(3, 5, 7)},
		"down percent rounds up":           {R{Action: "scale_down", Percent: new(50)}, capacity(1, 3, 5), capacity(0, 1, 2)},
		"down not below zero":              {R{Action: "scale_down", Number: new(4)}, capacity(1, 3, 5), capacity(0, 0, 1)},
		"to cluster":                       {R{Action: "scale_to_cluster"}, capacity(1, 3, 5), capacity(1, 3, 5)},
		"to cluster, capped at max":        {R{Action: "scale_to_cluster", Percent: new(100)}, capacity(1, 3, 5), capacity(1, 5, 5)},
		"to cluster by number":             {R{Action: "scale_to_cluster", Number: new(1)}, capacity(1, 3, 5), capacity(1, 4, 5)},
		"to server group":                  {R{Action: "scale_to_server_group"}, capacity(1, 3, 5), capacity(1, 3, 5)},
		"to server group, percent of desired only": {
			R{Action: "scale_to_server_group", Percent: new(34)}, capacity(3, 3, 5), capacity(2, 2, 5),
		},
		"to server group, more than max": {R{Action: "scale_to_server_group", Percent: new(200)}, capacity(3, 3, 5), capacity(3, 6, 6)},
		"pinned":                         {R{Action: "scale_to_server_group", Percent: new(50), Pin: true, PinMin: true}, capacity(4, 4, 8), capacity(2, 2, 2)},
		"min pinned":                     {R{Action: "scale_to_server_group", PinMin: true}, capacity(1, 3, 5), capacity(3, 3, 5)},
		"min unpinned":                   {R{Action: "scale_to_server_group", UnpinMin: true, OriginalMin: new(1)}, capacity(3, 3, 5), capacity(1, 3, 5)},
		"min not raised by an unpin":     {R{Action: "scale_to_server_group", UnpinMin: true, OriginalMin: new(3)}, capacity(1, 3, 5), capacity(1, 3, 5)},
		"min unpinned, original unknown": {R{Action: "scale_to_server_group", UnpinMin: true}, capacity(3, 3, 5), capacity(3, 3, 5)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := tt.resize.Apply(tt.base); err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
	for name, r := range map[string]R{
		"action": {Action: "grow"}, "percent": {Action: "scale_up", Percent: new(-1)}, "number": {Action: "scale_up", Number: new(1 << 40)},
		"too large": {Action: "scale_up", Number: new(gennaker.MaxInstances)},
	} {
		if got, err := r.Apply(capacity(1, 1, 1)); gennaker.KindOf(err) != gennaker.Invalid || err == nil {
			t.Errorf("%s: got %+v, %v, want Invalid", name, got, err)
		}
	}
}

func TestResizeBase(t *testing.T) { // A12
	t.Parallel()
	others := []gennaker.Capacity{capacity(1, 2, 3), capacity(0, 4, 4)}
	if got := (strategy.Resize{Action: "scale_to_cluster"}).Base(capacity(9, 9, 9), others...); got != capacity(1, 4, 4) {
		t.Errorf("scale_to_cluster starts from %+v", got)
	}
	if got := (strategy.Resize{Action: "scale_up"}).Base(capacity(9, 9, 9), others...); got != capacity(9, 9, 9) {
		t.Errorf("scale_up starts from %+v", got)
	}
}

func drawCapacity(t *rapid.T, name string) gennaker.Capacity {
	c := gennaker.Capacity{Min: rapid.IntRange(0, 20).Draw(t, name+" min")}
	c.Desired = c.Min + rapid.IntRange(0, 20).Draw(t, name+" desired")
	c.Max = c.Desired + rapid.IntRange(0, 20).Draw(t, name+" max")
	return c
}

// A resize that is not refused gives a capacity that is possible.
func TestResizeProperty(t *testing.T) {
	t.Parallel()
	number := rapid.Custom(func(t *rapid.T) *int {
		if rapid.Bool().Draw(t, "missing") {
			return nil
		}
		return new(rapid.IntRange(-5, 300).Draw(t, "n"))
	})
	check(t, func(t *rapid.T) {
		r := strategy.Resize{
			Action:     rapid.SampledFrom([]strategy.Action{"", "scale_exact", "scale_up", "scale_down", "scale_to_cluster", "scale_to_server_group"}).Draw(t, "action"),
			ResizeType: rapid.SampledFrom([]string{"", "exact", "pct"}).Draw(t, "type"),
			Percent:    number.Draw(t, "percent"), Number: number.Draw(t, "number"),
			Capacity: strategy.PartialCapacity{Min: number.Draw(t, "min"), Max: number.Draw(t, "max"), Desired: number.Draw(t, "desired")},
			Pin:      rapid.Bool().Draw(t, "pin"), PinMin: rapid.Bool().Draw(t, "pinMin"), UnpinMin: rapid.Bool().Draw(t, "unpinMin"),
			OriginalMin: number.Draw(t, "originalMin"),
		}
		base := r.Base(drawCapacity(t, "own"), drawCapacity(t, "other"), drawCapacity(t, "another"))
		got, err := r.Apply(base)
		if err != nil {
			if gennaker.KindOf(err) != gennaker.Invalid {
				t.Fatalf("error of kind %s: %v", gennaker.KindOf(err), err)
			}
			for _, n := range []*int{r.Percent, r.Number, r.Capacity.Min, r.Capacity.Max, r.Capacity.Desired} {
				if n != nil && *n < 0 {
					return
				}
			}
			t.Fatalf("%+v of %+v refused: %v", r, base, err)
		}
		if got.Min < 0 || got.Min > got.Desired || got.Desired > got.Max {
			t.Fatalf("%+v of %+v gives %+v", r, base, got)
		}
	})
}

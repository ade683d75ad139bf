package strategy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/strategy"
)

var (
	oldRef = gennaker.ServerGroupRef{Account: "local", Region: "local", Name: "demo-v000"}
	newRef = gennaker.ServerGroupRef{Account: "local", Region: "local", Name: "demo-v001"}
	source = &strategy.Source{ServerGroupRef: oldRef, Capacity: gennaker.Capacity{Min: 1, Max: 4, Desired: 2}}
)

func TestParse(t *testing.T) { // A1
	t.Parallel()
	for in, want := range map[string]strategy.Name{
		"": strategy.None, "none": strategy.None, "redBlack": strategy.RedBlack, "REDBLACK": strategy.RedBlack,
		"Highlander": strategy.Highlander, "rollingRedBlack": strategy.RollingRedBlack, "surprise": strategy.None,
	} {
		if got, err := strategy.Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"custom", "monitored", "rollingPush", "cfrollingredblack"} {
		if _, err := strategy.Parse(in); gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("Parse(%q): got %v, want an Invalid error", in, err)
		}
	}
}

type afterTest struct {
	fields strategy.Fields
	source *strategy.Source
	want   []strategy.Move
}

func afterTests() map[string]afterTest {
	type M = []strategy.Move
	saved := &gennaker.Capacity{Min: 1, Max: 3, Desired: 3}
	validation := strategy.Pipeline{Application: "demo", ID: "42", Parameters: map[string]any{"a": "b"}}
	grow := func(p int) strategy.Grow {
		return strategy.Grow{Group: newRef, Percent: p, Source: &oldRef, Min: 1, To: *saved}
	}
	return map[string]afterTest{
		"A4 none": {strategy.Fields{Strategy: "none"}, source, nil},
		"A5 highlander": {
			strategy.Fields{Strategy: "highlander"}, source,
			M{strategy.ShrinkCluster{To: 1, AllowDeleteActive: true}},
		},
		"A5 highlander without source": {
			strategy.Fields{Strategy: "highlander"}, nil,
			M{strategy.ShrinkCluster{To: 1, AllowDeleteActive: true}},
		},
		"A6 redblack":                {strategy.Fields{Strategy: "redblack"}, source, M{strategy.DisableCluster{Remaining: 1}}},
		"A6 redblack without source": {strategy.Fields{Strategy: "redblack", MaxRemaining: 2}, nil, nil},
		"A6 redblack with everything": {
			strategy.Fields{
				Strategy: "redblack", MaxRemaining: 2, AllowDeleteActive: true, DelayBeforeDisableSec: 5, DelayBeforeCleanup: 7,
				ScaleDown: true, DelayBeforeScaleDownSec: 9, AllowScaleDownActive: true,
			}, source,
			M{
				strategy.ShrinkCluster{To: 2, AllowDeleteActive: true},
				strategy.Wait{Name: "Wait Before Disable", Seconds: 7},
				strategy.DisableCluster{Remaining: 1},
				strategy.Wait{Name: "Wait Before Scale Down", Seconds: 9},
				strategy.ScaleDownCluster{Remaining: 1, AllowActive: true},
			},
		},
		"A6 the old name of the delay counts": {
			strategy.Fields{Strategy: "redblack", DelayBeforeDisableSec: 5}, source,
			M{strategy.Wait{Name: "Wait Before Disable", Seconds: 5}, strategy.DisableCluster{Remaining: 1}},
		},
		"A7 rollingredblack": {
			strategy.Fields{Strategy: "rollingredblack", TargetPercentages: []int{50}, SavedCapacity: saved}, source,
			M{
				strategy.DetermineTarget{Target: newRef},
				strategy.Pin{Group: oldRef},
				grow(50), strategy.DisableServerGroup{Group: oldRef, Percent: 50},
				grow(100), strategy.DisableServerGroup{Group: oldRef, Percent: 100},
				strategy.Unpin{Group: oldRef, Min: 1},
			},
		},
		"A7 rollingredblack with everything": {
			strategy.Fields{
				Strategy: "rollingredblack", TargetPercentages: []int{100}, SavedCapacity: saved, DelayBeforeCleanup: 3,
				PipelineBeforeCleanup: validation, ScaleDown: true, DelayBeforeScaleDownSec: 4,
			}, source,
			M{
				strategy.DetermineTarget{Target: newRef},
				strategy.Pin{Group: oldRef},
				grow(100),
				strategy.Wait{Name: "Wait", Seconds: 3},
				strategy.Validate{Pipeline: validation, Percent: 100, Deployed: newRef, Source: &oldRef},
				strategy.DisableServerGroup{Group: oldRef, Percent: 100},
				strategy.Wait{Name: "Wait Before Scale Down", Seconds: 4},
				strategy.ScaleDownCluster{Remaining: 1},
			},
		},
		"A7 rollingredblack with an empty source": {
			strategy.Fields{Strategy: "rollingredblack", SavedCapacity: saved}, &strategy.Source{ServerGroupRef: oldRef},
			M{
				strategy.DetermineTarget{Target: newRef},
				strategy.Pin{Group: oldRef},
				strategy.Grow{Group: newRef, Percent: 100, To: *saved},
				strategy.DisableServerGroup{Group: oldRef, Percent: 100},
				strategy.Unpin{Group: oldRef},
			},
		},
		"A7 rollingredblack without source": {
			strategy.Fields{Strategy: "rollingredblack", SavedCapacity: saved, ScaleDown: true}, nil,
			M{strategy.DetermineTarget{Target: newRef}, strategy.Grow{Group: newRef, Percent: 100, To: *saved}},
		},
	}
}

func TestAfter(t *testing.T) { // A4 to A7
	t.Parallel()
	for name, tt := range afterTests() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := strategy.After(tt.fields, tt.source, newRef)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error("moves (-want +got):\n" + d)
			}
		})
	}
}

func TestBegin(t *testing.T) { // A7 before
	t.Parallel()
	c := gennaker.Capacity{Min: 1, Max: 3, Desired: 2}
	f := strategy.Fields{Strategy: "rollingRedBlack", Capacity: c, UseSourceCapacity: true}.Begin()
	if f.Capacity != (gennaker.Capacity{}) || f.UseSourceCapacity || f.SavedCapacity == nil || *f.SavedCapacity != c {
		t.Errorf("rollingredblack begins with %+v, saved %+v", f, f.SavedCapacity)
	}
	if again := f.Begin(); *again.SavedCapacity != c {
		t.Errorf("Begin twice saves %+v", again.SavedCapacity)
	}
	if f := (strategy.Fields{Strategy: "redblack", Capacity: c}).Begin(); f.Capacity != c || f.SavedCapacity != nil {
		t.Errorf("redblack begins with %+v", f)
	}
}

func TestFieldsCheck(t *testing.T) { // A3
	t.Parallel()
	bad := map[string]strategy.Fields{
		"percentage over 100":    {TargetPercentages: []int{101}},
		"percentage below 0":     {TargetPercentages: []int{-1, 100}},
		"percentages that fall":  {TargetPercentages: []int{50, 10, 100}},
		"health over 100":        {HealthyPercentage: new(101)},
		"negative delay":         {DelayBeforeCleanup: -1},
		"strategy not supported": {Strategy: "monitored"},
	}
	for name, f := range bad {
		if err := f.Check(); gennaker.KindOf(err) != gennaker.Invalid || err == nil {
			t.Errorf("%s: got %v, want an Invalid error", name, err)
		}
	}
	if err := (strategy.Fields{TargetPercentages: []int{0, 50, 100}, HealthyPercentage: new(0)}).Check(); err != nil {
		t.Error(err)
	}
}

func TestOnFailure(t *testing.T) { // A7 on failure, A14 on deploy failure
	t.Parallel()
	type M = []strategy.Move
	back := func(onFailure, destroy bool) *strategy.Rollback {
		return &strategy.Rollback{OnFailure: new(onFailure), DestroyLatest: destroy}
	}
	disable := strategy.DisableServerGroup{Group: newRef, Percent: 100}
	unpin := strategy.Unpin{Group: oldRef, Min: 1, Failed: true}
	rolled := strategy.RollbackCluster{From: newRef, To: "demo-v000", OnlyEnabled: true, EnableAndDisableOnly: true}
	launching := strategy.Failure{Source: source, Created: &newRef, Launching: true}
	after := strategy.Failure{Source: source, Created: &newRef}
	tests := map[string]struct {
		fields strategy.Fields
		x      strategy.Failure
		want   M
	}{
		"redblack rolls back while launching": {
			strategy.Fields{Strategy: "redblack", Rollback: back(true, false)}, launching,
			M{strategy.RollbackCluster{From: newRef, To: "demo-v000", OnlyEnabled: true, DisableOnly: true}},
		},
		"redblack does not roll back later": {strategy.Fields{Strategy: "redblack", Rollback: back(true, false)}, after, nil},
		"redblack destroys":                 {strategy.Fields{Strategy: "redblack", Rollback: back(true, true)}, after, M{strategy.DestroyServerGroup{Group: newRef, KeepServing: true}}},
		"redblack disables unasked":         {strategy.Fields{Strategy: "redblack"}, launching, M{disable}},
		"redblack told not to":              {strategy.Fields{Strategy: "redblack", Rollback: back(false, true)}, launching, nil},
		"redblack without source": {
			strategy.Fields{Strategy: "redblack"}, strategy.Failure{Created: &newRef, Launching: true}, nil,
		},
		"highlander disables unasked": {strategy.Fields{Strategy: "highlander"}, launching, M{disable}},
		"highlander later":            {strategy.Fields{Strategy: "highlander"}, after, nil},
		"none":                        {strategy.Fields{}, launching, nil},
		"none destroys the latest": {
			strategy.Fields{Rollback: back(true, true)}, strategy.Failure{Created: &newRef, Launching: true},
			M{strategy.DestroyServerGroup{Group: newRef}},
		},
		"nothing was created": {
			strategy.Fields{Strategy: "redblack", Rollback: back(true, true)}, strategy.Failure{Source: source, Launching: true}, nil,
		},
		"rollingredblack rolls back":         {strategy.Fields{Strategy: "rollingredblack", Rollback: back(true, false)}, after, M{rolled, unpin}},
		"rollingredblack rolls back unasked": {strategy.Fields{Strategy: "rollingredblack"}, after, M{rolled, unpin}},
		"rollingredblack told not to":        {strategy.Fields{Strategy: "rollingredblack", Rollback: back(false, false)}, after, M{unpin}},
		"rollingredblack destroys": {
			strategy.Fields{Strategy: "rollingredblack", Rollback: back(true, true)}, after,
			M{rolled, strategy.DestroyServerGroup{Group: newRef, KeepServing: true}, unpin},
		},
		"a clone ignores rollback": {
			strategy.Fields{Strategy: "redblack", Rollback: back(true, true)},
			strategy.Failure{Source: source, Created: &newRef, Launching: true, Clone: true}, M{disable},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, strategy.OnFailure(tt.fields, tt.x)); d != "" {
				t.Error("moves (-want +got):\n" + d)
			}
		})
	}
}

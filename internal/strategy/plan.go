package strategy

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// Name is a deployment strategy.
type Name string

// The strategies.
const (
	None            Name = "none"
	Highlander      Name = "highlander"
	RedBlack        Name = "redblack"
	RollingRedBlack Name = "rollingredblack"
)

// Parse returns the strategy of a stage's field, whatever its case; an empty or
// unknown one is None, as in Spinnaker.
//
// Errors: Invalid for a strategy of Spinnaker's that is not supported.
func Parse(s string) (Name, error) {
	switch n := Name(strings.ToLower(strings.TrimSpace(s))); n {
	case None, Highlander, RedBlack, RollingRedBlack:
		return n, nil
	case "custom", "monitored", "rollingpush", "cfrollingredblack":
		return None, gennaker.Errorf(gennaker.Invalid, "the strategy %q is not supported", s).
			WithHint("use none, highlander, redblack or rollingredblack")
	default:
		return None, nil
	}
}

// Fields are the fields of a stage that its strategy reads.
//
// Units: delays in seconds, percentages from 0 to 100.
type Fields struct {
	Strategy                string             `json:"strategy" enum:"none|highlander|redblack|rollingredblack"` // none, highlander, redblack or rollingredblack
	ScaleDown               bool               `json:"scaleDown"`                                                // resize the replaced server groups to nothing at the end
	MaxRemaining            int                `json:"maxRemainingAsgs"`                                         // redblack: how many server groups to leave; older ones are destroyed; 0 is all
	AllowDeleteActive       bool               `json:"allowDeleteActive"`                                        // redblack, with maxRemainingAsgs: also destroy server groups that are in service
	AllowScaleDownActive    bool               `json:"allowScaleDownActive"`                                     // redblack, with scaleDown: also scale down server groups that are in service
	DelayBeforeDisableSec   int                `json:"delayBeforeDisableSec"`                                    // between the new one being healthy and the old one being disabled; at each step of rollingredblack
	DelayBeforeCleanup      int                `json:"delayBeforeCleanup"`                                       // newer name of delayBeforeDisableSec, which wins
	DelayBeforeScaleDownSec int                `json:"delayBeforeScaleDownSec"`                                  // between the old one being disabled and being scaled down
	TargetPercentages       []int              `json:"targetPercentages"`                                        // rollingredblack: the steps, rising; 100 is added
	PipelineBeforeCleanup   Pipeline           `json:"pipelineBeforeCleanup"`                                    // rollingredblack: a pipeline to run at each step, which must succeed
	HealthyPercentage       *int               `json:"targetHealthyDeployPercentage"`                            // how much of the new server group must be healthy; default all
	HealthProviders         []string           `json:"interestingHealthProviderNames"`                           // sources of health that count; none given is all, an empty list is not to wait for health
	Rollback                *Rollback          `json:"rollback"`                                                 // what to do if the deployment fails
	Capacity                gennaker.Capacity  `json:"capacity"`                                                 // how many instances
	SavedCapacity           *gennaker.Capacity `json:"savedCapacity"`                                            // ours: what rollingredblack grows to
	UseSourceCapacity       bool               `json:"useSourceCapacity"`                                        // take the capacity of the replaced server group
	PreferSourceCapacity    bool               `json:"preferSourceCapacity"`                                     // with useSourceCapacity: use capacity if there is nothing to replace
}

// Pipeline is a pipeline that a strategy runs; none without Application and ID.
type Pipeline struct {
	Application string         `json:"application"`        // application of the pipeline
	ID          string         `json:"pipelineId"`         // its ID
	Parameters  map[string]any `json:"pipelineParameters"` // its parameters
}

// Rollback is what a user wants to happen if a deployment fails. OnFailure is
// nil if that was not said.
type Rollback struct {
	OnFailure     *bool `json:"onFailure"`     // true takes the failed version back as Spinnaker does, false leaves it alone; not set takes it out of service
	DestroyLatest bool  `json:"destroyLatest"` // with onFailure: destroy the failed server group
}

// Check returns what is wrong with the fields.
//
// Errors: Invalid.
func (f Fields) Check() error {
	if _, err := Parse(f.Strategy); err != nil {
		return err
	}
	for _, p := range f.TargetPercentages {
		if p < 0 || p > 100 {
			return gennaker.Errorf(gennaker.Invalid, "targetPercentages holds %d; each must be from 0 to 100", p)
		}
	}
	if !slices.IsSorted(f.TargetPercentages) {
		return gennaker.Errorf(gennaker.Invalid, "targetPercentages %v must not fall", f.TargetPercentages)
	}
	if p := f.HealthyPercentage; p != nil && (*p < 0 || *p > 100) {
		return gennaker.Errorf(gennaker.Invalid, "targetHealthyDeployPercentage is %d; it must be from 0 to 100", *p)
	}
	for name, n := range map[string]int{
		"maxRemainingAsgs": f.MaxRemaining, "delayBeforeDisableSec": f.DelayBeforeDisableSec,
		"delayBeforeCleanup": f.DelayBeforeCleanup, "delayBeforeScaleDownSec": f.DelayBeforeScaleDownSec,
	} {
		if n < 0 {
			return gennaker.Errorf(gennaker.Invalid, "%s is %d; it must not be negative", name, n)
		}
	}
	return nil
}

// Begin returns f as it is when the deployment begins: rollingredblack creates
// its server group empty and remembers in SavedCapacity what it grows to.
// Begin of its own result changes nothing.
func (f Fields) Begin() Fields {
	if name, _ := Parse(f.Strategy); name != RollingRedBlack || f.SavedCapacity != nil {
		return f
	}
	f.SavedCapacity = new(f.Capacity)
	f.Capacity = gennaker.Capacity{}
	f.UseSourceCapacity = false
	return f
}

// delay returns the seconds to wait before the old version is disabled; the
// newer of the two names wins.
func (f Fields) delay() int {
	if f.DelayBeforeCleanup != 0 {
		return f.DelayBeforeCleanup
	}
	return f.DelayBeforeDisableSec
}

// percentages returns the steps of rollingredblack; the last one is 100.
func (f Fields) percentages() []int {
	if n := len(f.TargetPercentages); n > 0 && f.TargetPercentages[n-1] == 100 {
		return f.TargetPercentages
	}
	return append(slices.Clone(f.TargetPercentages), 100)
}

// Source is the server group that a deployment replaces, with the capacity that
// it had when the deployment began.
type Source struct {
	gennaker.ServerGroupRef
	Capacity gennaker.Capacity
}

// After returns the moves that follow when the new server group is healthy, in
// order; source is nil if there was none.
//
// Errors: Invalid as Fields.Check.
// Source: Spinnaker's HighlanderStrategy, RedBlackStrategy and
// RollingRedBlackStrategy.
func After(f Fields, source *Source, created gennaker.ServerGroupRef) ([]Move, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	switch name, _ := Parse(f.Strategy); name {
	case Highlander:
		return []Move{ShrinkCluster{To: 1, AllowDeleteActive: true}}, nil
	case RedBlack:
		if source == nil {
			return nil, nil
		}
		return redBlack(f), nil
	case RollingRedBlack:
		return rolling(f, source, created), nil
	case None, BlueGreen, Canary: // the last two are of manifests
	}
	return nil, nil
}

// redBlack shrinks before it disables, as Spinnaker does: MaxRemaining counts
// the server group that is about to be disabled as active.
func redBlack(f Fields) []Move {
	var moves []Move
	if f.MaxRemaining > 0 {
		moves = append(moves, ShrinkCluster{To: f.MaxRemaining, AllowDeleteActive: f.AllowDeleteActive})
	}
	moves = wait(moves, "Wait Before Disable", f.delay())
	moves = append(moves, DisableCluster{Remaining: 1})
	if f.ScaleDown {
		moves = wait(moves, "Wait Before Scale Down", f.DelayBeforeScaleDownSec)
		moves = append(moves, ScaleDownCluster{Remaining: 1, AllowActive: f.AllowScaleDownActive})
	}
	return moves
}

func rolling(f Fields, source *Source, created gennaker.ServerGroupRef) []Move {
	moves := []Move{DetermineTarget{Target: created}}
	if source != nil {
		moves = append(moves, Pin{Group: source.ServerGroupRef})
	}
	saved := gennaker.Capacity{}
	if f.SavedCapacity != nil {
		saved = *f.SavedCapacity
	}
	for _, p := range f.percentages() {
		grow := Grow{Group: created, Percent: p, To: saved, HealthyPercentage: f.HealthyPercentage}
		if source != nil && source.Capacity.Desired > 0 {
			grow.Source, grow.Min = &source.ServerGroupRef, source.Capacity.Min
		}
		moves = append(moves, grow)
		moves = wait(moves, "Wait", f.delay())
		if b := f.PipelineBeforeCleanup; b.Application != "" && b.ID != "" {
			v := Validate{Pipeline: b, Percent: p, Deployed: created}
			if source != nil {
				v.Source = &source.ServerGroupRef
			}
			moves = append(moves, v)
		}
		if source != nil {
			moves = append(moves, DisableServerGroup{Group: source.ServerGroupRef, Percent: p})
		}
	}
	switch {
	case source == nil:
	case f.ScaleDown:
		moves = wait(moves, "Wait Before Scale Down", f.DelayBeforeScaleDownSec)
		moves = append(moves, ScaleDownCluster{Remaining: 1})
	default:
		moves = append(moves, Unpin{Group: source.ServerGroupRef, Min: source.Capacity.Min})
	}
	return moves
}

// Failure is a deployment that failed.
type Failure struct {
	Source    *Source                  // nil if there was nothing before
	Created   *gennaker.ServerGroupRef // nil if it failed before there was something new
	Launching bool                     // it failed before the new server group was healthy
	Clone     bool                     // a clone has no rollback of its own
}

// OnFailure returns the moves that take a failed deployment back, in order. All
// of them are tried, whatever becomes of those before.
//
// With rollback.onFailure they are Spinnaker's: rollingredblack is rolled back
// to the source; redblack disables the new server group if it failed while
// launching; destroyLatest destroys it whatever the strategy. If onFailure is
// not set, the new server group is taken out of service in the same cases, and
// with highlander too, provided that there is a source that serves. If it is
// false, nothing is done but to unpin the source.
func OnFailure(f Fields, x Failure) []Move {
	var moves []Move
	asked := f.Rollback != nil && f.Rollback.OnFailure != nil && *f.Rollback.OnFailure && !x.Clone
	unsaid := f.Rollback == nil || f.Rollback.OnFailure == nil || x.Clone
	name, _ := Parse(f.Strategy)
	if x.Created != nil {
		back := RollbackCluster{From: *x.Created, OnlyEnabled: true}
		if x.Source != nil {
			back.To = x.Source.Name
		}
		switch {
		case name == RollingRedBlack && (asked || unsaid && x.Source != nil):
			back.EnableAndDisableOnly = true
			moves = append(moves, back)
		case name == RedBlack && x.Launching && asked:
			back.DisableOnly = true
			moves = append(moves, back)
		case (name == RedBlack || name == Highlander) && x.Launching && unsaid && x.Source != nil:
			moves = append(moves, DisableServerGroup{Group: *x.Created, Percent: 100})
		}
		if asked && f.Rollback.DestroyLatest {
			moves = append(moves, DestroyServerGroup{Group: *x.Created, KeepServing: x.Source != nil})
		}
	}
	if name == RollingRedBlack && x.Source != nil {
		moves = append(moves, Unpin{Group: x.Source.ServerGroupRef, Min: x.Source.Capacity.Min, Failed: true})
	}
	return moves
}

// wait appends a wait unless it is for no time.
func wait(moves []Move, name string, seconds int) []Move {
	if seconds <= 0 {
		return moves
	}
	return append(moves, Wait{Name: name, Seconds: seconds})
}

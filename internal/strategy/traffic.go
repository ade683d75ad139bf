package strategy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// BlueGreen and Canary are strategies of manifests only: see [Traffic].
const (
	BlueGreen Name = "bluegreen"
	Canary    Name = "canary"
)

// Traffic are the options of a deployment of manifests that manages traffic.
//
// Units: delays in seconds, percentages from 0 to 100.
// Source: strategies, B5; everything from route on is ours.
type Traffic struct {
	Enable        bool      `json:"enableTraffic"`                                                    // strategy none: the new version gets requests as soon as its pods are ready; others give it requests once it is stable
	Namespace     string    `json:"namespace"`                                                        // of the services; that of the manifest
	Services      []string  `json:"services"`                                                         // behind which the versions are: "service web"
	Strategy      string    `json:"strategy" enum:"none|bluegreen|highlander|rollingredblack|canary"` // none, bluegreen (redblack), highlander; by the weights of a route: rollingredblack, canary
	Route         string    `json:"route"`                                                            // ours: "httpRoute web", whose weights rollingredblack and canary shift
	Percentages   []int     `json:"targetPercentages"`                                                // ours: the new version's shares of the route, rising; 100 is added; default 50 (rollingredblack), 10 (canary)
	Delay         int       `json:"delayBeforeCleanup"`                                               // ours: seconds to wait at each share; of other strategies, before the old version loses its traffic
	Validation    Pipeline  `json:"pipelineBeforeCleanup"`                                            // ours: a pipeline to run at each share, which must succeed; of other strategies, before the old version loses its traffic
	ScaleDown     bool      `json:"scaleDown"`                                                        // ours: scale the old version to nothing once it is drained
	ScaleDownWait int       `json:"delayBeforeScaleDownSec"`                                          // ours: seconds before that
	Rollback      *Rollback `json:"rollback"`                                                         // ours: onFailure false leaves everything as it is when something fails; destroyLatest deletes it
	Concurrent    string    `json:"concurrent"`                                                       // ours: if another execution deploys the same cluster: wait (default), or refuse
}

// Name returns the strategy that t names, whatever its case; redblack is the
// older name of bluegreen.
//
// Errors: Invalid for one that there is not.
func (t Traffic) Name() (Name, error) {
	switch n := Name(strings.ToLower(strings.TrimSpace(t.Strategy))); n {
	case "", None:
		return None, nil
	case RedBlack, BlueGreen:
		return BlueGreen, nil
	case Highlander, RollingRedBlack, Canary:
		return n, nil
	}
	return None, gennaker.Errorf(gennaker.Invalid, "there is no strategy %q for manifests", t.Strategy).
		WithHint("use none, bluegreen, highlander, rollingredblack or canary")
}

// Weighted reports whether traffic moves by the weights of a route.
func (t Traffic) Weighted() bool {
	n, _ := t.Name()
	return n == RollingRedBlack || n == Canary
}

// Check returns what is wrong with t.
//
// Errors: Invalid.
func (t Traffic) Check() error {
	name, err := t.Name()
	if err != nil {
		return err
	}
	if c := t.Concurrent; c != "" && c != "wait" && c != "refuse" {
		return gennaker.Errorf(gennaker.Invalid, "concurrent is %q", c).WithHint("it is wait or refuse")
	}
	if name != None && len(t.Services) == 0 {
		return gennaker.Errorf(gennaker.Invalid, "the strategy %s has no services whose traffic it moves", name).
			WithHint(`set trafficManagement.options.services, as in ["service web"]`)
	}
	if t.Delay < 0 || t.ScaleDownWait < 0 {
		return gennaker.Errorf(gennaker.Invalid, "a delay is negative")
	}
	for _, p := range t.Percentages {
		if p < 1 || p > 100 {
			return gennaker.Errorf(gennaker.Invalid, "targetPercentages holds %d; each must be from 1 to 100", p)
		}
	}
	switch {
	case !slices.IsSorted(t.Percentages):
		return gennaker.Errorf(gennaker.Invalid, "targetPercentages %v must not fall", t.Percentages)
	case !t.Weighted():
		return nil
	case t.Route == "":
		return gennaker.Errorf(gennaker.Invalid, "the strategy %s has no route whose weights it shifts", name).
			WithHint(`set trafficManagement.options.route, as in "httpRoute web"`)
	case len(t.Services) != 1:
		return gennaker.Errorf(gennaker.Invalid, "the strategy %s is for one service, not %d", name, len(t.Services)).
			WithHint("name the service that the route sends requests to")
	}
	return nil
}

// percentages returns the steps; the last one is 100.
func (t Traffic) percentages() []int {
	steps := t.Percentages
	if name, _ := t.Name(); len(steps) == 0 && name == Canary {
		steps = []int{10}
	} else if len(steps) == 0 {
		steps = []int{50}
	}
	if steps[len(steps)-1] == 100 {
		return steps
	}
	return append(slices.Clone(steps), 100)
}

// Workload is one version of a cluster of workloads, as it is now.
type Workload struct {
	Ref     gennaker.ServerGroupRef // Region is its namespace, Name as "replicaSet web-v003"
	Serving bool                    // a Service or a share of the route sends it requests
	Weight  int                     // its share of the route
	// Hopeless is a version that is neither stable nor failed and has no pod that
	// is ready: nothing would be lost with it.
	Hopeless bool
	Empty    bool // it is to have no pods
}

// EnableManifest puts a workload behind its Services, and waits until they have
// its endpoints.
type EnableManifest struct{ Workload gennaker.ServerGroupRef }

// DisableManifest takes a workload away from its Services, and waits until no
// request can reach it; with KeepServing only when another version of it is
// behind each of them.
type DisableManifest struct {
	Workload    gennaker.ServerGroupRef
	KeepServing bool
}

// DeleteManifest deletes a workload.
type DeleteManifest struct{ Workload gennaker.ServerGroupRef }

// ScaleManifest sets how many pods a workload has.
type ScaleManifest struct {
	Workload gennaker.ServerGroupRef
	Replicas int
}

// ShiftTraffic sets the shares of a route, and waits until every gateway
// follows. Those that are not named get nothing.
type ShiftTraffic struct {
	Shares  []Share
	Percent int // of the new version
}

// Share is the weight of a workload.
type Share struct {
	Workload gennaker.ServerGroupRef
	Weight   int
}

func (EnableManifest) move()  {}
func (DisableManifest) move() {}
func (DeleteManifest) move()  {}
func (ScaleManifest) move()   {}
func (ShiftTraffic) move()    {}

// After returns the moves that follow when the new version is stable, in order.
// Old are the other versions, newest first.
//
// Nothing is taken from an old version that serves before the new one has it:
// moves come in the order add, move, drain, remove.
//
// Source: strategies, B5, for bluegreen and highlander. A new version comes
// without traffic, whatever enableTraffic says, and is enabled once it is
// stable, and before an old one is disabled. In Spinnaker each of its pods gets
// requests as soon as it is ready, also when it fails a second later; and
// without enableTraffic both versions end without.
func (t Traffic) After(created gennaker.ServerGroupRef, old []Workload) []Move {
	var moves []Move
	name, _ := t.Name()
	switch {
	case name == None:
		return nil
	case t.Weighted():
		moves = append(t.shift(created, old), EnableManifest{created})
	default:
		moves = append(moves, EnableManifest{created})
		if slices.ContainsFunc(old, func(w Workload) bool { return w.Serving }) {
			moves = wait(moves, "Wait Before Disable", t.Delay)
			moves = t.validate(moves, 100, created, old)
		}
	}
	var removed, drained []Move
	for _, w := range old {
		if w.Hopeless && name != Highlander {
			removed = append(removed, DeleteManifest{w.Ref})
			continue
		}
		moves = append(moves, DisableManifest{Workload: w.Ref, KeepServing: w.Serving})
		if name == Highlander {
			removed = append(removed, DeleteManifest{w.Ref})
		} else if t.ScaleDown && w.Serving {
			drained = append(drained, ScaleManifest{Workload: w.Ref})
		}
	}
	if len(drained) > 0 {
		drained = append(wait(nil, "Wait Before Scale Down", t.ScaleDownWait), drained...)
	}
	return slices.Concat(moves, removed, drained)
}

// shift returns the moves of the route's weights: each step, then what must
// hold before the next.
func (t Traffic) shift(created gennaker.ServerGroupRef, old []Workload) []Move {
	source := primary(old)
	if source == nil {
		return []Move{ShiftTraffic{Shares: []Share{{created, 100}}, Percent: 100}}
	}
	var moves []Move
	for _, p := range t.percentages() {
		move := ShiftTraffic{Shares: []Share{{created, p}}, Percent: p}
		if p < 100 {
			move.Shares = []Share{{source.Ref, 100 - p}, {created, p}}
		}
		moves = wait(append(moves, move), "Wait", t.Delay)
		moves = t.validate(moves, p, created, old)
	}
	return moves
}

func (t Traffic) validate(moves []Move, percent int, created gennaker.ServerGroupRef, old []Workload) []Move {
	if t.Validation.Application == "" || t.Validation.ID == "" {
		return moves
	}
	v := Validate{Pipeline: t.Validation, Percent: percent, Deployed: created}
	if source := primary(old); source != nil {
		v.Source = &source.Ref
	}
	return append(moves, v)
}

// primary returns the version that serves: of several, the one with the largest
// share, then the newest; nil if none does.
func primary(old []Workload) *Workload {
	var found *Workload
	for i, w := range old {
		if w.Serving && (found == nil || w.Weight > found.Weight) {
			found = &old[i]
		}
	}
	return found
}

// TrafficFailure is a deployment of manifests that failed.
type TrafficFailure struct {
	Created []Workload // as they are now
	// Before are the versions that served when the deployment began, newest
	// first, as they are now; Gone is how many of them are no more.
	Before []Workload
	Gone   int
	Stable bool // the new version became stable before something failed
}

// OnFailure returns the moves that take a failed deployment back, in order; all
// of them are tried, whatever becomes of those before. What served before
// serves again, then the new version leaves traffic.
//
// Nothing is done if nothing served before; if rollback.onFailure is false; if
// the strategy is none, which says nothing about the old version; and if a new
// version that is stable has replaced an old one which is gone already.
func (t Traffic) OnFailure(x TrafficFailure) []Move {
	name, _ := t.Name()
	keep := t.Rollback != nil && t.Rollback.OnFailure != nil && !*t.Rollback.OnFailure
	if name == None || keep || len(x.Before) == 0 || x.Stable && x.Gone > 0 {
		return nil
	}
	var moves []Move
	for _, w := range x.Before {
		if !w.Serving || t.Weighted() {
			moves = append(moves, EnableManifest{w.Ref})
		}
	}
	if t.Weighted() && slices.ContainsFunc(x.Created, func(w Workload) bool { return w.Weight > 0 }) {
		moves = append(moves, ShiftTraffic{Shares: []Share{{x.Before[0].Ref, 100}}})
	}
	for _, w := range x.Created {
		moves = append(moves, DisableManifest{Workload: w.Ref, KeepServing: true})
	}
	if t.Rollback != nil && t.Rollback.DestroyLatest {
		for _, w := range x.Created {
			moves = append(moves, DeleteManifest{w.Ref})
		}
	}
	return moves
}

// String says what the shares are: "90 % replicaSet web-v001, 10 % …".
func (s ShiftTraffic) String() string {
	parts := make([]string, len(s.Shares))
	for i, x := range s.Shares {
		parts[i] = fmt.Sprintf("%d %% %s", x.Weight, x.Workload.Name)
	}
	return strings.Join(parts, ", ")
}

package strategy

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// interesting returns the healths that a stage looks at: those of the named
// providers, or all if names is nil.
func interesting(i gennaker.Instance, names []string) []gennaker.Health {
	if names == nil {
		return i.Health
	}
	var out []gennaker.Health
	for _, h := range i.Health {
		if slices.Contains(names, h.Type) {
			out = append(out, h)
		}
	}
	return out
}

// IsUp reports whether an instance is healthy as far as the named health
// providers say; nil is all of them. If providers are named, the platform's own
// health suffices if it is one of them and not Down.
//
// Source: Spinnaker's HealthHelper.someAreUpAndNoneAreDownOrStarting.
func IsUp(i gennaker.Instance, names []string) bool {
	some := false
	for _, h := range interesting(i, names) {
		switch h.State {
		case gennaker.Down, gennaker.OutOfService, gennaker.Starting, gennaker.Draining:
			return false
		case gennaker.Up:
			some = true
		case gennaker.Unknown, gennaker.Done, gennaker.Failed:
			some = some || names != nil && h.Class == gennaker.PlatformClass
		}
	}
	return some
}

// IsDown reports whether no request reaches an instance any more, as far as the
// named health providers say; nil is all of them. One that is Draining still
// has requests and is not down.
//
// Source: Spinnaker's HealthHelper.someAreDownAndNoneAreUp.
func IsDown(i gennaker.Instance, names []string) bool {
	hs := interesting(i, names)
	if len(hs) == 0 {
		return true
	}
	if len(hs) == 1 && hs[0].Class == gennaker.PlatformClass && hs[0].State == gennaker.Unknown {
		return true
	}
	some := false
	for _, h := range hs {
		switch h.State {
		case gennaker.Up, gennaker.Draining:
			return false
		case gennaker.Down, gennaker.OutOfService, gennaker.Starting:
			some = true
		case gennaker.Unknown, gennaker.Done, gennaker.Failed:
		}
	}
	return some
}

// Want is how much of a server group must be healthy.
type Want struct {
	Capacity          *gennaker.Capacity `json:"capacity"` // as configured; nil if it is not
	HealthyPercentage *int               `json:"targetHealthyDeployPercentage"`
	DesiredPercentage *int               `json:"desiredPercentage"`
	HealthProviders   []string           `json:"interestingHealthProviderNames"` // nil is all, empty is do not wait
}

// TargetSize returns how many instances must be healthy of a server group with
// capacity current.
//
// Source: Spinnaker's WaitForUpInstancesTask.calculateTargetDesired.
func (w Want) TargetSize(current gennaker.Capacity) int {
	size := current.Desired
	if w.Capacity != nil && (w.Capacity.Pinned() || current.Pinned()) {
		size = w.Capacity.Desired
	}
	switch {
	case w.HealthyPercentage != nil:
		p := *w.HealthyPercentage
		n := int(math.Round(float64(p) * float64(size) / 100))
		if n == 0 && p != 0 && size > 0 {
			n = 1
		}
		return max(0, n)
	case w.DesiredPercentage != nil:
		n := math.Ceil((float64(*w.DesiredPercentage)/100-1)*float64(current.Max) + float64(current.Min))
		return max(0, int(n))
	}
	return max(0, size)
}

// Enough reports whether a server group is as healthy as w wants, and if not
// why, in one sentence. Without health providers it suffices that the instances
// exist.
func (w Want) Enough(g gennaker.ServerGroup) (ok bool, reason string) {
	target := w.TargetSize(g.Capacity)
	if len(g.Instances) < target {
		return false, fmt.Sprintf("%s has %d of %d instances", g.Name, len(g.Instances), target)
	}
	if w.HealthProviders != nil && len(w.HealthProviders) == 0 {
		return true, ""
	}
	up := 0
	for _, i := range g.Instances {
		if IsUp(i, w.HealthProviders) {
			up++
		}
	}
	if up >= target {
		return true, ""
	}
	return false, w.Explain(g)
}

// Explain says in one sentence which instances of a server group are not
// healthy, and why.
func (w Want) Explain(g gennaker.ServerGroup) string {
	verb := "are"
	bad, whys := w.unhealthy(g)
	if len(g.Instances) == 0 {
		return g.Name + " has no instance"
	}
	if bad == 1 {
		verb = "is"
	}
	return fmt.Sprintf("%d of %d instances of %s %s not healthy", bad, len(g.Instances), g.Name, verb) + whys
}

// ExplainTimeout is Explain when there is no more time: within says how long
// there was.
func (w Want) ExplainTimeout(g gennaker.ServerGroup, within string) string {
	bad, whys := w.unhealthy(g)
	if len(g.Instances) == 0 {
		return fmt.Sprintf("%s got no instance within %s", g.Name, within)
	}
	return fmt.Sprintf("%d of %d instances of %s did not become healthy within %s", bad, len(g.Instances), g.Name, within) + whys
}

// maxReasons bounds how many instances a sentence names.
const maxReasons = 3

func (w Want) unhealthy(g gennaker.ServerGroup) (n int, whys string) {
	var named []string
	for _, i := range g.Instances {
		if IsUp(i, w.HealthProviders) {
			continue
		}
		if n++; len(named) < maxReasons {
			named = append(named, i.Name+" "+Why(i))
		}
	}
	if n > len(named) {
		named = append(named, fmt.Sprintf("and %d more", n-len(named)))
	}
	if len(named) == 0 {
		return n, ""
	}
	return n, ": " + strings.Join(named, "; ")
}

// Why says why an instance is not healthy, as far as the provider told.
func Why(i gennaker.Instance) string {
	if i.Reason != "" {
		return strings.TrimSuffix(strings.TrimPrefix(i.Reason, i.Name+" "), ".")
	}
	for _, h := range i.Health {
		if h.Reason != "" && h.State != gennaker.Up {
			return strings.TrimSuffix(h.Reason, ".")
		}
	}
	return "is " + string(i.HealthState)
}

// DownEnough reports whether enough of a server group is out of service: all of
// it, or percent of it if that is less than 100; and if not why.
func DownEnough(g gennaker.ServerGroup, percent int, names []string) (ok bool, reason string) {
	if names != nil && len(names) == 0 {
		return true, ""
	}
	down, busy := 0, ""
	for _, i := range g.Instances {
		switch {
		case IsDown(i, names):
			down++
		case busy == "":
			busy = i.Name + " is " + string(i.HealthState)
		}
	}
	want := ceilPercent(len(g.Instances), min(max(percent, 0), 100))
	if down >= want {
		return true, ""
	}
	return false, fmt.Sprintf("%d of %d instances of %s are out of service: %s", down, want, g.Name, busy)
}

// CrashLooping reports whether every instance of a server group has ended at
// least times times without being healthy in between, and why in one sentence.
func CrashLooping(g gennaker.ServerGroup, times int) (bool, string) {
	if len(g.Instances) == 0 {
		return false, ""
	}
	for _, i := range g.Instances {
		if i.Restarts < times || i.HealthState == gennaker.Up {
			return false, ""
		}
	}
	_, whys := Want{}.unhealthy(g)
	return true, fmt.Sprintf("all %d instances of %s end again and again, each at least %d times", len(g.Instances), g.Name, times) + whys
}

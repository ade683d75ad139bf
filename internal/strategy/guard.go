package strategy

import (
	"slices"

	"github.com/gennaker/gennaker"
)

// Loss is how many healthy instances of server groups an operation takes out of
// service, by name of the server group.
type Loss map[string]int

// WholeGroups is the loss of whole server groups.
func WholeGroups(groups []gennaker.ServerGroup) Loss {
	l := Loss{}
	for _, g := range groups {
		l[g.Name] = UpInstances(g)
	}
	return l
}

// PartOf is the most that disabling percent of g can cost: which instances go
// is the provider's choice, but those that are out of service already count.
func PartOf(g gennaker.ServerGroup, percent int) Loss {
	out := 0
	for _, i := range g.Instances {
		if i.HealthState == gennaker.OutOfService || i.HealthState == gennaker.Draining {
			out++
		}
	}
	return Loss{g.Name: min(UpInstances(g), max(0, ceilPercent(len(g.Instances), percent)-out))}
}

// UpInstances counts the instances that are healthy and get requests.
func UpInstances(g gennaker.ServerGroup) int {
	n := 0
	for _, i := range g.Instances {
		if i.HealthState == gennaker.Up {
			n++
		}
	}
	return n
}

func upAfter(groups []gennaker.ServerGroup, loss Loss) (total, left int) {
	for _, g := range groups {
		total += UpInstances(g)
		left += UpInstances(g) - min(loss[g.Name], UpInstances(g))
	}
	return total, left
}

// KeepServing refuses a loss that would take the last healthy instance of a
// cluster, all server groups of which are given, out of service.
//
// Errors: Conflict.
func KeepServing(groups []gennaker.ServerGroup, loss Loss) error {
	total, left := upAfter(groups, loss)
	if total == 0 || left > 0 {
		return nil
	}
	return gennaker.Errorf(gennaker.Conflict, "no healthy instance would be left in service: all %d that are Up now would go", total).
		WithHint("make another server group of the cluster healthy first; Gennaker leaves the old one in service until then")
}

// TrafficGuard protects a cluster of an application: "*" stands for anything,
// an empty Stack or Detail for none.
type TrafficGuard struct {
	Account  string `json:"account"`
	Location string `json:"location"`
	Stack    string `json:"stack"`
	Detail   string `json:"detail"`
	Enabled  *bool  `json:"enabled"` // nil is true
}

// Guards reports whether g protects a cluster.
func (g TrafficGuard) Guards(account, location string, m gennaker.Moniker) bool {
	fits := func(pattern, s string) bool { return pattern == "*" || pattern == s }
	return (g.Enabled == nil || *g.Enabled) && fits(g.Account, account) && fits(g.Location, location) &&
		fits(g.Stack, m.Stack) && fits(g.Detail, m.Detail)
}

// MaxGuardRatio bounds the ratio of CheckGuard.
const MaxGuardRatio = 0.5

// CheckGuard refuses a loss that leaves a guarded cluster, all server groups of
// which are given, with at most ratio of its healthy instances. It lets pass
// what cannot make things worse (nothing is healthy now) and, if something
// stays in service, several pinned server groups of one size.
//
// Errors: Conflict.
func CheckGuard(groups []gennaker.ServerGroup, loss Loss, ratio float64) error {
	total, left := upAfter(groups, loss)
	if total == 0 || float64(left) > ratio*float64(total) || left > 0 && samePinned(groups, loss) {
		return nil
	}
	return gennaker.Errorf(gennaker.Conflict, "the traffic guard of the cluster refuses it: %d of %d healthy instances would be left", left, total).
		WithHint("put other server groups of the cluster into service first, or remove the traffic guard from the application")
}

func samePinned(groups []gennaker.ServerGroup, loss Loss) bool {
	var going []gennaker.ServerGroup
	for _, g := range groups {
		if loss[g.Name] > 0 {
			going = append(going, g)
		}
	}
	return len(going) > 1 && !slices.ContainsFunc(going, func(g gennaker.ServerGroup) bool {
		return !g.Capacity.Pinned() || g.Capacity != going[0].Capacity
	})
}

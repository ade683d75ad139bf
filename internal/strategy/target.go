package strategy

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// Target names a server group by its place in the cluster. The wire names end
// in "_dynamic" if the server group is looked up when the stage runs.
type Target string

// The targets.
const (
	Current  Target = "current_asg"  // newest that is enabled
	Ancestor Target = "ancestor_asg" // second newest
	Oldest   Target = "oldest_asg"
)

// Find returns the server group of groups, all of one cluster and location,
// that t names.
//
// Errors: Invalid for another target; NotFound.
func (t Target) Find(groups []gennaker.ServerGroup) (gennaker.ServerGroup, error) {
	all := NewCluster(groups, nil).All
	slices.SortFunc(all, Newer)
	switch Target(strings.TrimSuffix(string(t), "_dynamic")) {
	case Current:
		for _, g := range all {
			if !g.Disabled {
				return g, nil
			}
		}
		return gennaker.ServerGroup{}, gennaker.Errorf(gennaker.NotFound, "no server group of the cluster is enabled")
	case Ancestor:
		if len(all) > 1 {
			return all[1], nil
		}
		return gennaker.ServerGroup{}, gennaker.Errorf(gennaker.NotFound, "the cluster has no second server group")
	case Oldest:
		if len(all) > 0 {
			return all[len(all)-1], nil
		}
		return gennaker.ServerGroup{}, gennaker.Errorf(gennaker.NotFound, "the cluster has no server group")
	}
	return gennaker.ServerGroup{}, gennaker.Errorf(gennaker.Invalid, "there is no target %q", t).
		WithHint("the targets are current_asg_dynamic, ancestor_asg_dynamic and oldest_asg_dynamic")
}

// FindSource returns the server group that a deployment replaces, or nil if
// there is none: the newest of the enabled ones, if there are any, or of all.
// With mostInstances it is the one with most instances.
func FindSource(groups []gennaker.ServerGroup, mostInstances bool) *gennaker.ServerGroup {
	all := NewCluster(groups, nil).All
	enabled := slices.DeleteFunc(slices.Clone(all), func(g gennaker.ServerGroup) bool { return g.Disabled })
	if len(enabled) > 0 {
		all = enabled
	}
	if len(all) == 0 {
		return nil
	}
	if mostInstances {
		// Of equally large ones Spinnaker takes the oldest: it sorts by size, then
		// newest first, and takes the last.
		slices.SortFunc(all, func(a, b gennaker.ServerGroup) int {
			if n := larger(a, b); n != 0 {
				return n
			}
			return Newer(b, a)
		})
	} else {
		slices.SortFunc(all, Newer)
	}
	return &all[0]
}

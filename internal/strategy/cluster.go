package strategy

import (
	"cmp"
	"slices"

	"github.com/gennaker/gennaker"
)

// Cluster is the server groups of one cluster in one location, as a cluster
// operation sees them.
type Cluster struct {
	All  []gennaker.ServerGroup // that are not being destroyed
	Mine []gennaker.ServerGroup // of these, the ones that the operation may touch
}

// NewCluster returns the cluster of groups, of which a stage upstream deployed
// the named ones: these, and everything that was created after the first of
// them, are not to be touched.
func NewCluster(groups []gennaker.ServerGroup, deployed []string) Cluster {
	c := Cluster{All: slices.DeleteFunc(slices.Clone(groups), func(g gennaker.ServerGroup) bool { return g.Destroying })}
	var first *gennaker.ServerGroup
	for i, g := range groups {
		if slices.Contains(deployed, g.Name) && (first == nil || Newer(*first, g) < 0) {
			first = &groups[i]
		}
	}
	for _, g := range c.All {
		if first == nil || Newer(g, *first) > 0 && !slices.Contains(deployed, g.Name) {
			c.Mine = append(c.Mine, g)
		}
	}
	return c
}

// Newer orders server groups, the newest first.
func Newer(a, b gennaker.ServerGroup) int {
	return cmp.Or(b.CreatedTime.Compare(a.CreatedTime.Time), cmp.Compare(sequence(b), sequence(a)), cmp.Compare(b.Name, a.Name))
}

func sequence(g gennaker.ServerGroup) int {
	if s := gennaker.ParseServerGroupName(g.Name).Sequence; s != nil {
		return *s
	}
	return -1
}

// larger orders server groups, the one with most instances first.
func larger(a, b gennaker.ServerGroup) int { return cmp.Compare(len(b.Instances), len(a.Instances)) }

// Active reports whether a server group may get requests.
func Active(g gennaker.ServerGroup) bool {
	return !g.Disabled || UpInstances(g) > 0
}

// ShrinkCluster destroys server groups until To are left; only inactive ones
// unless AllowDeleteActive, in which case the cluster is disabled first.
type ShrinkCluster struct {
	To                int
	AllowDeleteActive bool
	RetainLarger      bool
}

// Before returns the moves that are made before server groups are destroyed.
func (s ShrinkCluster) Before() []Move {
	if !s.AllowDeleteActive {
		return nil
	}
	return []Move{DisableCluster{Remaining: 1}}
}

// Victims returns the server groups to destroy. Those that the operation may
// not destroy count toward To.
func (s ShrinkCluster) Victims(c Cluster) []gennaker.ServerGroup {
	candidates := inactive(c.Mine, s.AllowDeleteActive)
	slices.SortFunc(candidates, func(a, b gennaker.ServerGroup) int {
		if n := activeFirst(a, b); s.AllowDeleteActive && n != 0 {
			return n
		}
		if n := larger(a, b); s.RetainLarger && n != 0 {
			return n
		}
		return Newer(a, b)
	})
	return drop(candidates, s.To-(len(c.All)-len(candidates)))
}

// DisableCluster disables all active server groups but Remaining.
type DisableCluster struct {
	Remaining    int
	PreferLarger bool
}

// Victims returns the server groups to disable.
func (d DisableCluster) Victims(c Cluster) []gennaker.ServerGroup {
	candidates := slices.DeleteFunc(slices.Clone(c.Mine), func(g gennaker.ServerGroup) bool { return !Active(g) })
	slices.SortFunc(candidates, bySize(d.PreferLarger))
	return drop(candidates, d.Remaining-(len(c.All)-len(c.Mine)))
}

// ScaleDownCluster resizes all server groups but Remaining to nothing; only
// inactive ones unless AllowActive.
type ScaleDownCluster struct {
	Remaining    int
	PreferLarger bool
	AllowActive  bool
}

// Victims returns the server groups to scale down.
func (s ScaleDownCluster) Victims(c Cluster) []gennaker.ServerGroup {
	candidates := inactive(c.Mine, s.AllowActive)
	slices.SortFunc(candidates, bySize(s.PreferLarger))
	return drop(candidates, s.Remaining-(len(c.All)-len(candidates)))
}

func inactive(groups []gennaker.ServerGroup, andActive bool) []gennaker.ServerGroup {
	return slices.DeleteFunc(slices.Clone(groups), func(g gennaker.ServerGroup) bool { return Active(g) && !andActive })
}

func activeFirst(a, b gennaker.ServerGroup) int {
	switch {
	case Active(a) == Active(b):
		return 0
	case Active(a):
		return -1
	}
	return 1
}

func bySize(preferLarger bool) func(a, b gennaker.ServerGroup) int {
	return func(a, b gennaker.ServerGroup) int {
		if n := larger(a, b); preferLarger && n != 0 {
			return n
		}
		return Newer(a, b)
	}
}

// drop returns groups without the first n.
func drop(groups []gennaker.ServerGroup, n int) []gennaker.ServerGroup {
	return groups[min(max(n, 0), len(groups)):]
}

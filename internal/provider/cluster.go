package provider

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// Cluster is the server groups of an account that are versions of the same.
type Cluster struct {
	Application   string
	Name          string
	LoadBalancers []string                  // of any of its server groups, in the order in which they come
	ServerGroups  []gennaker.ServerGroupRef // oldest first
}

// Clusters returns the clusters that server groups make up, by application and
// name.
func Clusters(groups []gennaker.ServerGroup) []Cluster {
	type place struct{ application, name string }
	groups = slices.Clone(groups)
	slices.SortFunc(groups, func(a, b gennaker.ServerGroup) int {
		return cmp.Or(a.CreatedTime.Compare(b.CreatedTime.Time), strings.Compare(a.Name, b.Name), strings.Compare(a.Region, b.Region))
	})
	at := map[place]int{}
	out := []Cluster{}
	for _, g := range groups {
		where := place{g.Moniker.App, g.Cluster}
		n, known := at[where]
		if !known {
			n = len(out)
			at[where] = n
			out = append(out, Cluster{Application: where.application, Name: where.name, LoadBalancers: []string{}})
		}
		c := &out[n]
		c.ServerGroups = append(c.ServerGroups, g.Ref())
		for _, lb := range g.LoadBalancers {
			if !slices.Contains(c.LoadBalancers, lb) {
				c.LoadBalancers = append(c.LoadBalancers, lb)
			}
		}
	}
	slices.SortFunc(out, func(a, b Cluster) int {
		return cmp.Or(strings.Compare(a.Application, b.Application), strings.Compare(a.Name, b.Name))
	})
	return out
}

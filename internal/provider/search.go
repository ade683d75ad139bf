package provider

import (
	"bytes"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// The types of what can be searched for; beside them the kinds of objects can,
// as their names have them: "deployment".
//
// Source: the names of Spinnaker's search.
const (
	ServerGroupItem   = "serverGroups"
	ManagerItem       = "serverGroupManagers"
	InstanceItem      = "instances"
	LoadBalancerItem  = "loadBalancers"
	SecurityGroupItem = "securityGroups"
)

// MaxItems bounds what a search of one account returns.
const MaxItems = 20_000

// Item is something in an account that a search may find.
type Item struct {
	Type        string // one of those above, or what else Spinnaker takes the kind for: "configs", "unclassified"
	Kind        string // of the object, as its name has it: "replicaSet"; "" of what is no object
	Account     string
	Region      string
	Name        string // as lists have it: "replicaSet web-v003"
	Application string // "" if it belongs to none
	Cluster     string // of a server group, or of an instance's
	ServerGroup string // of an instance
}

// Mentions reports whether text, in lower case, is in what names i, whatever the
// case: its own key, or that of its application or its cluster.
//
// Source: Spinnaker clouddriver's keys, kind:account:region:name of an object,
// account:application:name of a cluster, and its search by "*text*".
func (i Item) Mentions(text string) bool {
	bare := strings.TrimPrefix(strings.TrimPrefix(i.Name, i.Kind), " ")
	return mentions(text, i.Kind, i.Account, i.Region, bare) || mentions(text, i.Application) || mentions(text, i.Account, i.Application, i.Cluster)
}

// Mentions reports whether text, in lower case, is in what names c.
func (c Cluster) Mentions(account, text string) bool {
	return mentions(text, c.Application) || mentions(text, account, c.Application, c.Name)
}

// mentions reports whether text is in parts, joined by colons. ASCII has cases,
// other letters have not: names are ASCII.
func mentions(text string, parts ...string) bool {
	var space [256]byte
	joined := space[:0]
	for n, p := range parts {
		if n > 0 {
			joined = append(joined, ':')
		}
		for _, c := range []byte(p) {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			joined = append(joined, c)
		}
	}
	return bytes.Contains(joined, []byte(text))
}

// Search returns the items of some types among server groups, with their
// instances, and load balancers, for a provider that has nothing cheaper than
// all of them.
func Search(text string, types []string, groups []gennaker.ServerGroup, balancers []gennaker.LoadBalancer) []Item {
	out := []Item{}
	add := func(i Item) {
		wanted := slices.Contains(types, i.Type) || i.Kind != "" && slices.Contains(types, i.Kind)
		if wanted && i.Mentions(text) && len(out) < MaxItems {
			out = append(out, i)
		}
	}
	for _, g := range groups {
		i := Item{
			Type: ServerGroupItem, Kind: KindOf(g.Kind, g.Name), Account: g.Account, Region: g.Region, Name: g.Name,
			Application: g.Moniker.App, Cluster: g.Cluster,
		}
		add(i)
		for _, in := range g.Instances {
			i.Type, i.Name, i.Kind, i.ServerGroup = InstanceItem, in.Name, KindOf(g.Kind, in.Name), g.Name
			add(i)
		}
	}
	for _, lb := range balancers {
		add(Item{
			Type: LoadBalancerItem, Kind: KindOf(lb.Kind, lb.Name), Account: lb.Account, Region: lb.Region, Name: lb.Name, Application: lb.Application,
		})
	}
	return out
}

// KindOf returns the kind that the name of an object says: "replicaSet" of
// "replicaSet web-v003"; "" of what has no kind.
func KindOf(kind, name string) string {
	if kind == "" {
		return ""
	}
	said, _, _ := strings.Cut(name, " ")
	return said
}

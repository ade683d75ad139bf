package fleet

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// located is a cluster with the account that it is in.
type located struct {
	provider.Cluster
	account  string
	provider string // the cloud provider
}

func (q query) inRegion(g gennaker.ServerGroupRef) bool {
	return q.region == "" || q.region == g.Region
}

// clustersIn asks an account for the clusters of an application.
func clustersIn(application string) func(context.Context, provider.Provider) ([]located, error) {
	return func(ctx context.Context, p provider.Provider) ([]located, error) {
		clusters, err := p.Clusters(ctx, application)
		out := make([]located, 0, len(clusters))
		for _, c := range clusters {
			out = append(out, located{c, p.Account.Name, p.Account.CloudProvider})
		}
		return out, err
	}
}

// groupsIn returns the server groups of one cluster, oldest first; none of one
// that does not exist. It reads nothing of the application's other clusters.
func groupsIn(ctx context.Context, p provider.Provider, application, cluster string) ([]gennaker.ServerGroup, error) {
	clusters, err := p.Clusters(ctx, application)
	if err != nil {
		return nil, err
	}
	var out []gennaker.ServerGroup
	for _, c := range clusters {
		if c.Name != cluster {
			continue
		}
		for _, ref := range c.ServerGroups {
			g, err := p.ServerGroup(ctx, ref.Region, ref.Name)
			switch {
			case err == nil:
				out = append(out, g)
			case gennaker.KindOf(err) != gennaker.NotFound: // that one is gone since
				return nil, err
			}
		}
	}
	return out, nil
}

// clusterGroups returns the server groups of the cluster that a path names.
//
// Errors: NotFound.
func (h handlers) clusterGroups(r *api.Request) (provider.Provider, []gennaker.ServerGroup, error) {
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return p, nil, err
	}
	name := r.PathValue("cluster")
	groups, err := groupsIn(r.Context(), p, r.PathValue("app"), name)
	if err == nil && len(groups) == 0 {
		err = gennaker.Errorf(gennaker.NotFound, "Cluster not found (id: %s)", name)
	}
	aged(r, p)
	return p, groups, err
}

// clusterServerGroups lists those of a cluster; of one name, if the path has it.
func (h handlers) clusterServerGroups(r *api.Request) ([]ServerGroupBody, error) {
	_, groups, err := h.clusterGroups(r)
	if err != nil {
		return nil, err
	}
	name, out := r.PathValue("name"), []ServerGroupBody{}
	for _, g := range groups {
		if name == "" || g.Name == name {
			out = append(out, expandedGroup(g))
		}
	}
	return out, nil
}

// targets are the ways to name a server group by its place in its cluster.
//
// Source: Spinnaker clouddriver TargetServerGroup.
var targets = map[string]string{
	"current": "current", "current_asg": "current", "current_asg_dynamic": "current", "newest": "current",
	"previous": "previous", "ancestor": "previous", "ancestor_asg": "previous", "ancestor_asg_dynamic": "previous",
	"oldest": "oldest", "oldest_asg": "oldest", "oldest_asg_dynamic": "oldest",
	"largest": "largest", "fail": "fail",
}

// target shows the server group that has a place in its cluster.
func (h handlers) target(r *api.Request) (*ServerGroupBody, error) {
	enabled, err := r.Flag("onlyEnabled", false)
	if err != nil {
		return nil, err
	}
	validate, err := r.Flag("validateOldest", true)
	if err != nil {
		return nil, err
	}
	p, groups, err := h.clusterGroups(r)
	if err != nil {
		return nil, err
	}
	scope, cloud := r.PathValue("scope"), r.PathValue("provider")
	groups = slices.DeleteFunc(groups, func(g gennaker.ServerGroup) bool {
		return g.Region != scope || enabled && g.Disabled || g.CloudProvider != cloud
	})
	g, err := choose(r.PathValue("target"), scope, validate, groups)
	if err == nil && g == nil {
		err = gennaker.Errorf(gennaker.NotFound, "No server groups found (account: %s, location: %s, cluster: %s, type: %s)",
			p.Account.Name, scope, r.PathValue("cluster"), strings.ToUpper(cloud))
	}
	if err != nil {
		return nil, err
	}
	return new(expandedGroup(*g)), nil
}

// choose returns the server group that a target means; nil if there is none to
// choose from.
//
// Errors: NotFound, with Clouddriver's words.
func choose(target, scope string, validate bool, groups []gennaker.ServerGroup) (*gennaker.ServerGroup, error) {
	none := gennaker.Errorf(gennaker.NotFound, "Target not found (target: %s)", target)
	meant, known := targets[strings.ToLower(target)]
	if !known {
		return nil, none
	}
	if len(groups) == 0 {
		return nil, nil
	}
	newest := func(a, b gennaker.ServerGroup) int { return b.CreatedTime.Compare(a.CreatedTime.Time) }
	slices.SortStableFunc(groups, newest)
	switch meant {
	case "previous":
		if len(groups) == 1 {
			return nil, none
		}
		return &groups[1], nil
	case "oldest":
		if validate && len(groups) == 1 {
			return nil, none
		}
		return &groups[len(groups)-1], nil
	case "largest":
		slices.SortStableFunc(groups, func(a, b gennaker.ServerGroup) int {
			return cmp.Or(cmp.Compare(len(b.Instances), len(a.Instances)), newest(a, b))
		})
	case "fail":
		if len(groups) > 1 {
			var names []string
			for _, g := range groups {
				names = append(names, g.Name)
			}
			return nil, gennaker.Errorf(gennaker.NotFound, "More than one target found (scope: %s, serverGroups: %s)", scope, strings.Join(names, ", "))
		}
	}
	return &groups[0], nil
}

// Bounds of one request.
const (
	mostIDs          = 500
	mostApplications = 50
)

// serverGroupCards lists server groups of several applications, or by their IDs.
// Those that do not exist are left out.
func (h handlers) serverGroupCards(r *api.Request) ([]ServerGroupBody, error) {
	apps, ids, cloud := r.List("applications"), r.List("ids"), r.Query("cloudProvider")
	switch {
	case len(apps) == 0 == (len(ids) == 0):
		return nil, gennaker.Errorf(gennaker.Invalid, "Provide either 'applications' or 'ids' parameter (but not both)")
	case len(ids) > mostIDs:
		return nil, api.ErrQuery("ids", "has more than %d entries", mostIDs)
	case len(apps) > mostApplications:
		return nil, api.ErrQuery("applications", "has more than %d entries", mostApplications)
	}
	out := []ServerGroupBody{}
	add := func(groups ...gennaker.ServerGroup) {
		for _, g := range groups {
			if cloud == "" || strings.EqualFold(cloud, g.CloudProvider) {
				g.LaunchConfig = nil
				out = append(out, groupBody(g))
			}
		}
	}
	for _, app := range apps {
		groups, err := h.groupsOf(r, app)
		if err != nil {
			return nil, err
		}
		add(groups...)
	}
	for _, id := range ids {
		part := strings.Split(id, ":")
		if len(part) != 3 {
			return nil, api.ErrQuery("ids", "has %.80q, which is not <account>:<region>:<name>", id)
		}
		p, err := h.Fleet.For(part[0])
		if err != nil {
			continue
		}
		if g, err := p.ServerGroup(r.Context(), part[1], part[2]); err == nil {
			add(g)
		}
		aged(r, p)
	}
	return out, nil
}

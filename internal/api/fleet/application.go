package fleet

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// runningTimeout bounds how long a list of applications waits for the fleet.
const runningTimeout = 2 * time.Second

// ApplicationBody is the answer of GET /applications/{app}.
type ApplicationBody struct {
	Name       string                      `json:"name"`
	Attributes map[string]any              `json:"attributes"`
	Clusters   map[string][]ClusterSummary `json:"clusters"` // by account; empty unless expanded
}

// applications lists those that were saved, and those that only exist because
// something runs under their name.
func (h handlers) applications(r *api.Request) ([]map[string]any, error) {
	apps, err := h.Applications.Applications(r.Context())
	if err != nil {
		return nil, err
	}
	running := h.running(r)
	out := make([]map[string]any, 0, len(apps))
	for _, a := range apps {
		m := attributes(a)
		name := m["name"].(string) //nolint:forcetypeassert // set by attributes
		running[name].describe(m)
		delete(running, name)
		out = append(out, m)
	}
	for _, name := range slices.Sorted(maps.Keys(running)) {
		m := map[string]any{"name": name}
		running[name].describe(m)
		out = append(out, m)
	}
	return out, nil
}

// presence is where an application runs.
type presence struct{ accounts, providers []string }

// describe adds what Gate shows of p to an application's attributes.
func (p *presence) describe(attrs map[string]any) {
	if p == nil {
		return
	}
	attrs["accounts"] = strings.Join(p.accounts, ",")
	if attrs["cloudProviders"] == nil {
		attrs["cloudProviders"] = strings.Join(p.providers, ",")
	}
}

// running returns where applications run, by their names in lower case. An
// account that does not answer soon is left out, and if none does all are: saved
// applications must show without them.
func (h handlers) running(r *api.Request) map[string]*presence {
	out := map[string]*presence{}
	groups, err := gather(h, r, h.Fleet.All(), runningTimeout, func(ctx context.Context, p provider.Provider) ([]gennaker.ServerGroup, error) {
		return p.ServerGroups(ctx, "")
	})
	if err != nil {
		return out
	}
	for _, g := range groups {
		name := strings.ToLower(g.Moniker.App)
		if out[name] == nil {
			out[name] = &presence{}
		}
		p := out[name]
		if !slices.Contains(p.accounts, g.Account) {
			p.accounts = append(p.accounts, g.Account)
		}
		if !slices.Contains(p.providers, g.CloudProvider) {
			p.providers = append(p.providers, g.CloudProvider)
		}
	}
	return out
}

// attributes returns the flat map that lists show. Names are lower case there.
func attributes(a gennaker.Application) map[string]any {
	m := maps.Clone(a.Attrs)
	if m == nil {
		m = map[string]any{}
	}
	m["name"] = strings.ToLower(a.Name)
	return m
}

// application shows one; without a document, one that runs.
func (h handlers) application(r *api.Request) (*ApplicationBody, error) {
	name := r.PathValue("app")
	expand, err := r.Flag("expand", true)
	if err != nil {
		return nil, err
	}
	app, err := h.Applications.Application(r.Context(), name)
	unsaved := err != nil && gennaker.KindOf(err) == gennaker.NotFound
	if err != nil && !unsaved {
		return nil, err
	}
	var groups []gennaker.ServerGroup
	if expand || unsaved {
		if groups, err = h.groupsOf(r, name); err != nil {
			return nil, err
		}
	}
	if unsaved {
		if lost := absent(r); len(groups) == 0 && len(lost) > 0 {
			return nil, gennaker.Errorf(gennaker.Unavailable, "the application %s may be in %s, which does not answer", name, strings.Join(lost, ", "))
		}
		if len(groups) == 0 {
			return nil, gennaker.Errorf(gennaker.NotFound, "Application not found (id: %s)", name)
		}
		app = gennaker.Application{Name: groups[0].Moniker.App}
	}
	body := ApplicationBody{Name: app.Name, Attributes: attributes(app), Clusters: map[string][]ClusterSummary{}}
	body.Attributes["name"] = app.Name
	if expand {
		for account, list := range byAccount(groups) {
			body.Clusters[account] = summarise(list)
		}
	}
	return &body, nil
}

func (h handlers) applicationHistory(r *api.Request) ([]map[string]any, error) {
	limit, err := r.Count("limit", api.HistoryLimit, api.MaxHistory)
	if err != nil {
		return nil, err
	}
	revisions, err := h.Applications.ApplicationHistory(r.Context(), r.PathValue("app"), limit)
	if err != nil {
		return nil, err
	}
	return api.Revisions(revisions)
}

// byAccount sorts server groups into their accounts.
func byAccount(groups []gennaker.ServerGroup) map[string][]gennaker.ServerGroup {
	out := map[string][]gennaker.ServerGroup{}
	for _, g := range groups {
		out[g.Account] = append(out[g.Account], g)
	}
	return out
}

// summarise returns the clusters of server groups, by name.
func summarise(groups []gennaker.ServerGroup) []ClusterSummary {
	at := map[string]int{}
	out := []ClusterSummary{}
	for _, g := range groups {
		i, ok := at[g.Cluster]
		if !ok {
			i = len(out)
			at[g.Cluster] = i
			out = append(out, ClusterSummary{Name: g.Cluster, Provider: g.CloudProvider, LoadBalancers: []string{}})
		}
		c := &out[i]
		c.ServerGroups = append(c.ServerGroups, g.Name)
		for _, lb := range g.LoadBalancers {
			if !slices.Contains(c.LoadBalancers, lb) {
				c.LoadBalancers = append(c.LoadBalancers, lb)
			}
		}
	}
	slices.SortFunc(out, func(a, b ClusterSummary) int { return strings.Compare(a.Name, b.Name) })
	return out
}

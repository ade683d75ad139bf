package fleet

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
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
// something runs under their name. What runs is asked for without its instances.
func (h handlers) applications(r *api.Request) ([]map[string]any, error) {
	apps, err := h.Applications.Applications(r.Context())
	if err != nil {
		return nil, err
	}
	account, owner := r.Query("account"), r.Query("owner")
	running := h.running(r)
	out := make([]map[string]any, 0, len(apps))
	add := func(m map[string]any, p *presence) {
		p.describe(m)
		email, _ := m["email"].(string)
		if (account == "" || p.in(account)) && (owner == "" || strings.EqualFold(owner, email)) {
			out = append(out, m)
		}
	}
	for _, a := range apps {
		m := attributes(a)
		name := m["name"].(string) //nolint:forcetypeassert // set by attributes
		add(m, running[name])
		delete(running, name)
	}
	for _, name := range slices.Sorted(maps.Keys(running)) {
		add(map[string]any{"name": name}, running[name])
	}
	return out, nil
}

// presence is where an application runs, and with how much.
type presence struct {
	accounts, providers []string
	clusters, groups    int
}

// in reports whether p is in an account, whatever the case.
func (p *presence) in(account string) bool {
	return p != nil && slices.ContainsFunc(p.accounts, func(a string) bool { return strings.EqualFold(a, account) })
}

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
	clusters, err := gather(h, r, h.Fleet.All(), runningTimeout, clustersIn(""))
	if err != nil {
		return map[string]*presence{}
	}
	return presences(clusters)
}

// presences returns where the applications of clusters run, by their names in
// lower case.
func presences(clusters []located) map[string]*presence {
	out := map[string]*presence{}
	for _, c := range clusters {
		name := strings.ToLower(c.Application)
		if out[name] == nil {
			out[name] = &presence{}
		}
		p := out[name]
		p.clusters++
		p.groups += len(c.ServerGroups)
		if !slices.Contains(p.accounts, c.account) {
			p.accounts = append(p.accounts, c.account)
		}
		if !slices.Contains(p.providers, c.provider) {
			p.providers = append(p.providers, c.provider)
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
	var clusters []located
	if expand || unsaved {
		if clusters, err = h.clustersOf(r, name); err != nil {
			return nil, err
		}
	}
	if unsaved {
		if lost := absent(r); len(clusters) == 0 && len(lost) > 0 {
			return nil, gennaker.Errorf(gennaker.Unavailable, "the application %s may be in %s, which does not answer", name, strings.Join(lost, ", "))
		}
		if len(clusters) == 0 {
			return nil, gennaker.Errorf(gennaker.NotFound, "Application not found (id: %s)", name)
		}
		app = gennaker.Application{Name: clusters[0].Application}
	}
	body := ApplicationBody{Name: app.Name, Attributes: attributes(app), Clusters: map[string][]ClusterSummary{}}
	body.Attributes["name"] = app.Name
	if expand {
		presences(clusters)[strings.ToLower(app.Name)].describe(body.Attributes)
		for _, c := range clusters {
			body.Clusters[c.account] = append(body.Clusters[c.account], c.summary())
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

// clustersOf returns the clusters of an application in all accounts.
func (h handlers) clustersOf(r *api.Request, application string) ([]located, error) {
	return gather(h, r, h.Fleet.All(), answerWithin, clustersIn(application))
}

// summary returns c as Gate shows it.
func (c located) summary() ClusterSummary {
	out := ClusterSummary{Name: c.Name, Provider: c.provider, LoadBalancers: c.LoadBalancers, ServerGroups: []string{}}
	for _, g := range c.ServerGroups {
		out.ServerGroups = append(out.ServerGroups, g.Name)
	}
	return out
}

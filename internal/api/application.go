package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// Limits of histories: what they hold unless asked, and at most.
const (
	historyLimit = 20
	maxHistory   = 1000
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
func (s *Server) applications(r *request) (any, error) {
	apps, err := s.Catalog.Applications(r.Context())
	if err != nil {
		return nil, err
	}
	running := s.running(r)
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
	setDefault(attrs, "cloudProviders", strings.Join(p.providers, ","))
}

// running returns where applications run, by their names in lower case. An
// account that does not answer soon is left out, and if none does all are: saved
// applications must show without them.
func (s *Server) running(r *request) map[string]*presence {
	out := map[string]*presence{}
	groups, err := gather(s, r, s.Fleet.All(), runningTimeout, func(ctx context.Context, p provider.Provider) ([]gennaker.ServerGroup, error) {
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
func (s *Server) application(r *request) (any, error) {
	name := r.PathValue("app")
	expand, err := r.flag("expand", true)
	if err != nil {
		return nil, err
	}
	app, err := s.Catalog.Application(r.Context(), name)
	unsaved := err != nil && gennaker.KindOf(err) == gennaker.NotFound
	if err != nil && !unsaved {
		return nil, err
	}
	var groups []gennaker.ServerGroup
	if expand || unsaved {
		if groups, err = s.groupsOf(r, name); err != nil {
			return nil, err
		}
	}
	if unsaved {
		if len(groups) == 0 && len(r.absent) > 0 {
			return nil, gennaker.Errorf(gennaker.Unavailable, "the application %s may be in %s, which does not answer", name, strings.Join(r.absent, ", "))
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
	return body, nil
}

func (s *Server) applicationHistory(r *request) (any, error) {
	limit, err := r.count("limit", historyLimit, maxHistory)
	if err != nil {
		return nil, err
	}
	revisions, err := s.Catalog.ApplicationHistory(r.Context(), r.PathValue("app"), limit)
	if err != nil {
		return nil, err
	}
	return history(revisions)
}

// history returns the documents of revisions, each with who saved it and when,
// as Front50 writes them into it.
func history(revisions []gennaker.Revision) ([]map[string]any, error) {
	out := make([]map[string]any, 0, len(revisions))
	for _, rev := range revisions {
		doc := map[string]any{}
		dec := json.NewDecoder(bytes.NewReader(rev.Document))
		dec.UseNumber() // as they were written
		if err := dec.Decode(&doc); err != nil {
			return nil, fmt.Errorf("decode revision %d: %w", rev.Number, err)
		}
		setDefault(doc, "lastModifiedBy", rev.Author)
		setDefault(doc, "updateTs", fmt.Sprint(rev.At.Epoch()))
		out = append(out, doc)
	}
	return out, nil
}

func setDefault(m map[string]any, key string, v any) {
	if m[key] == nil {
		m[key] = v
	}
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

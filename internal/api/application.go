package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// Limits of histories: what they hold unless asked, and at most.
const (
	historyLimit = 20
	maxHistory   = 1000
)

// ApplicationBody is the answer of GET /applications/{app}.
type ApplicationBody struct {
	Name       string                      `json:"name"`
	Attributes map[string]any              `json:"attributes"`
	Clusters   map[string][]ClusterSummary `json:"clusters"` // by account; empty unless expanded
}

func (s *Server) applications(r *request) (any, error) {
	apps, err := s.Catalog.Applications(r.Context())
	if err != nil {
		return nil, err
	}
	out := make([]map[string]any, 0, len(apps))
	for _, a := range apps {
		out = append(out, attributes(a))
	}
	return out, nil
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

func (s *Server) application(r *request) (any, error) {
	name := r.PathValue("app")
	expand, err := r.flag("expand", true)
	if err != nil {
		return nil, err
	}
	app, err := s.Catalog.Application(r.Context(), name)
	if err != nil {
		return nil, orNotFound(err, "Application not found (id: %s)", name)
	}
	body := ApplicationBody{Name: app.Name, Attributes: attributes(app), Clusters: map[string][]ClusterSummary{}}
	body.Attributes["name"] = app.Name
	if expand {
		groups, err := s.groupsOf(r, name)
		if err != nil {
			return nil, err
		}
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
		if err := json.Unmarshal(rev.Document, &doc); err != nil {
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

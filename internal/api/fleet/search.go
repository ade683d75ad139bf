package fleet

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// Projects keeps the documents of projects.
type Projects interface {
	// Projects returns all projects.
	Projects(ctx context.Context) ([]gennaker.Project, error)
}

// Types of what a search finds, besides those of [provider.Item].
const (
	applicationType = "applications"
	projectType     = "projects"
	clusterType     = "clusters"
)

// searchTypes are all types, in the order in which they are found.
var searchTypes = []string{
	projectType, applicationType, clusterType, provider.ServerGroupItem, provider.ManagerItem, provider.InstanceItem, provider.LoadBalancerItem,
	provider.SecurityGroupItem,
}

// Bounds of a search.
const (
	shortestQuery = 3      // characters
	mostResults   = 10_000 // in a page
)

// SearchBody is the element of the answer of GET /search.
//
// Source: Gate's, whose platform is always aws.
type SearchBody struct {
	TotalMatches int              `json:"totalMatches"`
	PageNumber   int              `json:"pageNumber"`
	PageSize     int              `json:"pageSize"`
	Platform     string           `json:"platform"`
	Query        string           `json:"query"`
	Results      []map[string]any `json:"results"`
}

// query is what is searched for.
type query struct {
	text     string // in lower case
	types    []string
	platform string
	account  string
	region   string
	cloud    string
}

// allows reports whether an account may have what is searched for.
func (q query) allows(p provider.Provider) bool {
	return (q.account == "" || q.account == p.Account.Name) &&
		(q.cloud == "" || strings.EqualFold(q.cloud, p.Account.CloudProvider)) &&
		(q.platform == "" || q.platform == "aws" || q.platform == p.Account.CloudProvider)
}

// documents reports whether what users wrote is searched, too.
func (q query) documents() bool {
	return q.account == "" && q.region == "" && (q.platform == "" || q.platform == "aws" || q.platform == "front50")
}

// search finds what has the text of q in its key, whatever the case: see
// [provider.Item.Mentions]. An account that does not answer hides nothing.
func (h handlers) search(r *api.Request) ([]SearchBody, error) {
	short, err := r.Flag("allowShortQuery", false)
	if err != nil {
		return nil, err
	}
	size, err := r.Count("pageSize", mostResults, mostResults)
	if err != nil {
		return nil, err
	}
	page, err := r.Count("page", 1, mostResults)
	if err != nil {
		return nil, err
	}
	text := r.Query("q")
	if !short && utf8.RuneCountInString(text) < shortestQuery {
		return []SearchBody{}, nil
	}
	q := query{strings.ToLower(text), r.List("type"), r.Query("platform"), r.Query("account"), r.Query("region"), r.Query("cloudProvider")}
	if len(q.types) == 0 {
		q.types = searchTypes
	}
	found, err := h.find(r, q)
	if err != nil {
		return nil, err
	}
	from := min((page-1)*size, len(found))
	return []SearchBody{{
		TotalMatches: len(found), PageNumber: page, PageSize: size, Platform: "aws", Query: text, Results: found[from:min(from+size, len(found))],
	}}, nil
}

// find returns what q finds: of each type, what has the text early in its name
// comes first.
func (h handlers) find(r *api.Request, q query) ([]map[string]any, error) {
	out := []map[string]any{}
	clusters := h.searchClusters(r, q)
	for _, kind := range searchTypes {
		if !slices.Contains(q.types, kind) {
			continue
		}
		var found []map[string]any
		var err error
		switch kind {
		case projectType:
			found, err = h.findProjects(r.Context(), q)
		case applicationType:
			found, err = h.findApplications(r.Context(), q, clusters)
		case clusterType:
			found = findClusters(q, clusters)
		default:
			found = h.findItems(r, q, kind)
		}
		if err != nil {
			return nil, err
		}
		rank(q.text, found)
		out = append(out, found...)
	}
	// Other types are kinds of objects: so Deck asks for what a stage may act
	// upon, "deployment".
	if kinds := slices.DeleteFunc(slices.Clone(q.types), func(t string) bool { return slices.Contains(searchTypes, t) }); len(kinds) > 0 {
		found := h.findItems(r, q, kinds...)
		rank(q.text, found)
		out = append(out, found...)
	}
	return out, nil
}

// rank sorts results by where their names have the text, if they do, then by
// name.
func rank(text string, found []map[string]any) {
	type ranked struct {
		at   int
		name string
		what map[string]any
	}
	all := make([]ranked, len(found))
	for n, f := range found {
		name, _ := f["name"].(string)
		at := strings.Index(strings.ToLower(name), text)
		if at < 0 {
			at = math.MaxInt
		}
		place, _ := f["account"].(string)
		region, _ := f["region"].(string)
		all[n] = ranked{at, name + "\x00" + place + "\x00" + region, f}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.name, b.name)) })
	for n, r := range all {
		found[n] = r.what
	}
}

// searchClusters returns the clusters of the accounts that q allows, if it asks
// for anything that they say.
func (h handlers) searchClusters(r *api.Request, q query) []located {
	if !slices.Contains(q.types, clusterType) && !slices.Contains(q.types, applicationType) {
		return nil
	}
	out, err := gather(h, r, slices.DeleteFunc(h.Fleet.All(), func(p provider.Provider) bool { return !q.allows(p) }), runningTimeout, clustersIn(""))
	if err != nil {
		return nil // the header says of which account it is not
	}
	return out
}

func findClusters(q query, clusters []located) []map[string]any {
	var out []map[string]any
	for _, c := range clusters {
		if !c.Mentions(c.account, q.text) || !slices.ContainsFunc(c.ServerGroups, q.inRegion) {
			continue
		}
		out = append(out, map[string]any{
			"type": clusterType, "provider": c.provider, "name": c.Name, "cluster": c.Name, "account": c.account, "application": c.Application,
		})
	}
	return out
}

func (h handlers) findProjects(ctx context.Context, q query) ([]map[string]any, error) {
	if h.Projects == nil || !q.documents() {
		return nil, nil
	}
	all, err := h.Projects.Projects(ctx)
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	for _, p := range all {
		has := func(name string) bool { return strings.Contains(strings.ToLower(name), q.text) }
		if !has(p.Name) && !slices.ContainsFunc(p.Config.Applications, has) {
			continue
		}
		found := maps.Clone(p.Attrs)
		if found == nil {
			found = map[string]any{}
		}
		found["id"], found["name"], found["project"] = p.ID, p.Name, p.Name
		found["type"], found["url"] = projectType, "/projects/"+p.ID
		out = append(out, found)
	}
	return out, nil
}

// findApplications finds those that were saved, and those that only run.
func (h handlers) findApplications(ctx context.Context, q query, clusters []located) ([]map[string]any, error) {
	running := presences(clusters)
	var out []map[string]any
	add := func(name string, attrs map[string]any) {
		p := running[name]
		delete(running, name)
		if !strings.Contains(name, q.text) || p == nil && !q.documents() {
			return
		}
		accounts := []string{}
		if p != nil {
			accounts = p.accounts
		}
		attrs["type"], attrs["application"], attrs["accounts"], attrs["url"] = applicationType, name, accounts, "/applications/"+name
		out = append(out, attrs)
	}
	apps, err := h.Applications.Applications(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		attrs := attributes(a)
		add(strings.ToLower(a.Name), attrs)
	}
	for _, name := range slices.Sorted(maps.Keys(running)) {
		add(name, map[string]any{"name": name})
	}
	return out, nil
}

func (h handlers) findItems(r *api.Request, q query, types ...string) []map[string]any {
	type owned struct {
		provider.Item
		provider string
	}
	all := slices.DeleteFunc(h.Fleet.All(), func(p provider.Provider) bool { return !q.allows(p) })
	items, err := gather(h, r, all, runningTimeout, func(ctx context.Context, p provider.Provider) ([]owned, error) {
		found, err := p.Search(ctx, q.text, types)
		out := make([]owned, 0, len(found))
		for _, i := range found {
			out = append(out, owned{i, p.Account.CloudProvider})
		}
		return out, err
	})
	if err != nil {
		return nil // the header says of which account it is not
	}
	var out []map[string]any
	for _, i := range items {
		if q.region == "" || q.region == i.Region {
			out = append(out, result(i.Item, i.provider))
		}
	}
	return out
}

// result returns an item as Gate's search shows it.
func result(i provider.Item, cloud string) map[string]any {
	out := map[string]any{"type": i.Type, "provider": cloud, "account": i.Account, "region": i.Region, "name": i.Name}
	for key, value := range map[string]string{"application": i.Application, "cluster": i.Cluster, "serverGroup": i.ServerGroup} {
		if value != "" {
			out[key] = value
		}
	}
	if i.Kind != "" {
		out["kubernetesKind"], out["group"], out["namespace"] = i.Kind, i.Kind, i.Region
	}
	switch i.Type {
	case provider.ServerGroupItem:
		out["serverGroup"] = i.Name
	case provider.ManagerItem:
		out["serverGroupManager"] = i.Name
	case provider.InstanceItem:
		out["instanceId"] = i.Name
	case provider.LoadBalancerItem:
		out["loadBalancer"] = i.Name
	case provider.SecurityGroupItem:
		out["id"] = i.Name
	}
	return out
}

package fleet

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// ClusterSummary is a cluster with the names of what belongs to it.
type ClusterSummary struct {
	Name          string   `json:"name"`
	Provider      string   `json:"provider"`
	LoadBalancers []string `json:"loadBalancers"`
	ServerGroups  []string `json:"serverGroups"`
}

// ClusterBody is a cluster with all of its server groups, oldest first.
type ClusterBody struct {
	Name          string            `json:"name"`
	AccountName   string            `json:"accountName"`
	Type          string            `json:"type"`
	LoadBalancers []string          `json:"loadBalancers"`
	ServerGroups  []ServerGroupBody `json:"serverGroups"`
}

// ServerGroupBody is a server group as Gate's views show it.
type ServerGroupBody struct {
	gennaker.ServerGroup
	Type               string   `json:"type"` // the cloud provider
	Application        string   `json:"application"`
	SecurityGroups     []string `json:"securityGroups"`
	*Object                     // of a cluster of containers
	*ServerGroupDetail          // of one that is shown by itself, or expanded
}

// ServerGroupDetail is what Gate's views of one server group repeat.
type ServerGroupDetail struct {
	AccountName string   `json:"accountName"`
	Stack       string   `json:"stack"`
	Detail      string   `json:"freeFormDetail"`
	Disabled    bool     `json:"disabled"`
	Zones       []string `json:"zones"`
}

// groupsOf returns the server groups of an application in all accounts, oldest
// first within a cluster.
func (h handlers) groupsOf(r *api.Request, application string) ([]gennaker.ServerGroup, error) {
	out, err := gather(h, r, h.Fleet.All(), answerWithin, func(ctx context.Context, p provider.Provider) ([]gennaker.ServerGroup, error) {
		return p.ServerGroups(ctx, application)
	})
	oldestFirst(out)
	return out, err
}

func oldestFirst(groups []gennaker.ServerGroup) {
	slices.SortStableFunc(groups, func(a, b gennaker.ServerGroup) int {
		return cmp.Or(strings.Compare(a.Cluster, b.Cluster), a.CreatedTime.Compare(b.CreatedTime.Time))
	})
}

func groupBody(g gennaker.ServerGroup) ServerGroupBody {
	if g.Instances == nil {
		g.Instances = []gennaker.Instance{}
	}
	if slices.ContainsFunc(g.Instances, func(in gennaker.Instance) bool { return in.ID == "" }) {
		g.Instances = slices.Clone(g.Instances)
		for n := range g.Instances {
			g.Instances[n].ID = instanceID(g.Instances[n])
		}
	}
	if g.LoadBalancers == nil {
		g.LoadBalancers = []string{}
	}
	return ServerGroupBody{
		ServerGroup: g, Type: g.CloudProvider, Application: g.Moniker.App, SecurityGroups: []string{}, Object: object(g.Kind, g.Name, g.Region),
	}
}

func expandedGroup(g gennaker.ServerGroup) ServerGroupBody {
	out := groupBody(g)
	out.ServerGroupDetail = &ServerGroupDetail{
		AccountName: g.Account, Stack: g.Moniker.Stack, Detail: g.Moniker.Detail, Disabled: g.Disabled, Zones: []string{},
	}
	return out
}

func (h handlers) clusterNames(r *api.Request) (map[string][]string, error) {
	clusters, err := h.clustersOf(r, r.PathValue("app"))
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, c := range clusters {
		out[c.account] = append(out[c.account], c.Name)
	}
	return out, nil
}

// provider returns the provider of an account that a path names.
//
// Errors: NotFound; Unavailable for one that cannot be used now.
func (h handlers) provider(account string) (provider.Provider, error) {
	p, err := h.Fleet.For(account)
	switch {
	case err == nil || gennaker.KindOf(err) == gennaker.Unavailable:
		return p, err //nolint:wrapcheck // it names the account
	case h.Fleet.Knows(account):
		return p, gennaker.Errorf(gennaker.Unavailable, "the account %s cannot be used: %w", account, err).WithHint("%s", gennaker.HintOf(err))
	}
	return p, gennaker.Errorf(gennaker.NotFound, "Account not found (name: %s)", account).WithHint("%s", gennaker.HintOf(err))
}

func (h handlers) clusters(r *api.Request) ([]ClusterSummary, error) {
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	clusters, err := clustersIn(r.PathValue("app"))(r.Context(), p)
	aged(r, p)
	out := []ClusterSummary{}
	for _, c := range clusters {
		out = append(out, c.summary())
	}
	return out, err
}

func (h handlers) cluster(r *api.Request) (*ClusterBody, error) {
	p, groups, err := h.clusterGroups(r)
	if err != nil {
		return nil, err
	}
	out := ClusterBody{Name: r.PathValue("cluster"), AccountName: p.Account.Name, Type: p.Account.CloudProvider, LoadBalancers: []string{}}
	for _, g := range groups {
		out.ServerGroups = append(out.ServerGroups, expandedGroup(g))
		for _, lb := range g.LoadBalancers {
			if !slices.Contains(out.LoadBalancers, lb) {
				out.LoadBalancers = append(out.LoadBalancers, lb)
			}
		}
	}
	return &out, nil
}

// serverGroups lists; what a server group runs is shown only when expanded. Of
// clusters that are named, no other's instances are read.
func (h handlers) serverGroups(r *api.Request) ([]ServerGroupBody, error) {
	expand, err := r.Flag("expand", false)
	if err != nil {
		return nil, err
	}
	cloud, clusters, app := r.Query("cloudProvider"), r.List("clusters"), r.PathValue("app")
	ask := func(ctx context.Context, p provider.Provider) ([]gennaker.ServerGroup, error) {
		return p.ServerGroups(ctx, app)
	}
	if r.URL.Query().Has("clusters") { // of none, if it is empty
		ask = func(ctx context.Context, p provider.Provider) (out []gennaker.ServerGroup, err error) {
			for _, c := range clusters {
				account, name, _ := strings.Cut(c, ":")
				if account != p.Account.Name {
					continue
				}
				groups, err := groupsIn(ctx, p, app, name)
				if err != nil {
					return nil, err
				}
				out = append(out, groups...)
			}
			return out, nil
		}
	}
	accounts := slices.DeleteFunc(h.Fleet.All(), func(p provider.Provider) bool {
		return cloud != "" && !strings.EqualFold(cloud, p.Account.CloudProvider)
	})
	groups, err := gather(h, r, accounts, answerWithin, ask)
	if err != nil {
		return nil, err
	}
	oldestFirst(groups)
	out := make([]ServerGroupBody, 0, len(groups))
	for _, g := range groups {
		if expand {
			out = append(out, expandedGroup(g))
			continue
		}
		g.LaunchConfig = nil
		out = append(out, groupBody(g))
	}
	return out, nil
}

func (h handlers) serverGroup(r *api.Request) (*ServerGroupBody, error) {
	if _, err := r.Flag("includeDetails", true); err != nil { // they cost nothing here
		return nil, err
	}
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	g, err := p.ServerGroup(r.Context(), r.PathValue("region"), name)
	if err == nil && !strings.EqualFold(g.Moniker.App, r.PathValue("app")) {
		err = gennaker.Errorf(gennaker.NotFound, "it belongs to another application")
	}
	if err != nil {
		return nil, api.OrNotFound(err, "Server group not found (id: %s)", name)
	}
	aged(r, p)
	return new(expandedGroup(g)), nil
}

// Bounds of how much of a log is shown before it is followed, in bytes.
const (
	logTail    = 64 << 10
	maxLogTail = 16 << 20
)

func (h handlers) logs(r *api.Request) (*api.Stream, error) {
	ref := gennaker.ServerGroupRef{Account: r.PathValue("account"), Region: r.PathValue("region"), Name: r.PathValue("name")}
	p, err := h.provider(ref.Account)
	if err != nil {
		return nil, err
	}
	instance := r.Query("instance")
	return written(r, func(ctx context.Context, tail int64, follow bool) (io.ReadCloser, error) {
		return p.Logs.Logs(ctx, ref, instance, tail, follow)
	})
}

// written streams what something wrote, and with follow writes.
func written(r *api.Request, open func(ctx context.Context, tail int64, follow bool) (io.ReadCloser, error)) (*api.Stream, error) {
	tail, err := r.Count("tail", logTail, maxLogTail)
	if err != nil {
		return nil, err
	}
	follow, err := r.Flag("follow", false)
	if err != nil {
		return nil, err
	}
	return &api.Stream{Run: func(ctx context.Context, out *api.StreamWriter) error {
		log, err := open(ctx, int64(tail), follow)
		if err != nil {
			return err
		}
		defer log.Close()
		defer context.AfterFunc(ctx, func() { _ = log.Close() })() // a read may not notice ctx
		if err := out.Start(); err != nil {
			return err
		}
		_, err = io.Copy(out, log)
		return err
	}}, nil
}

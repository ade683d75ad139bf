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

// AccountBody is an account as GET /credentials shows it.
type AccountBody struct {
	gennaker.Account
	AccountID       string              `json:"accountId"`
	AccountType     string              `json:"accountType"`
	Primary         bool                `json:"primaryAccount"`
	Authorized      bool                `json:"authorized"`
	ChallengeDelete bool                `json:"challengeDestructiveActions"`
	Permissions     map[string][]string `json:"permissions"`
	Groups          []string            `json:"requiredGroupMembership"`
	*ClusterAccount                     // of a cluster of containers

	State *gennaker.AccountState `json:"state,omitzero"` // nil is always connected
}

// ClusterAccount is what Gate's views of an account of a cluster say besides.
type ClusterAccount struct {
	Namespaces []string          `json:"namespaces"`
	Kinds      map[string]string `json:"spinnakerKindMap"` // what the kinds of objects are shown as: "serverGroups" of "replicaSet"
	Registries []string          `json:"dockerRegistries"`
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
	groups, err := h.groupsOf(r, r.PathValue("app"))
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for account, list := range byAccount(groups) {
		for _, c := range summarise(list) {
			out[account] = append(out[account], c.Name)
		}
	}
	return out, nil
}

// accountGroups returns the server groups of {app} in {account}.
func (h handlers) accountGroups(r *api.Request) ([]gennaker.ServerGroup, error) {
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	groups, err := p.ServerGroups(r.Context(), r.PathValue("app"))
	oldestFirst(groups)
	aged(r, p)
	return groups, err
}

// provider returns the provider of an account that a path names.
func (h handlers) provider(account string) (provider.Provider, error) {
	p, err := h.Fleet.For(account)
	if err != nil {
		return p, gennaker.Errorf(gennaker.NotFound, "Account not found (name: %s)", account).WithHint("%s", gennaker.HintOf(err))
	}
	return p, nil
}

func (h handlers) clusters(r *api.Request) ([]ClusterSummary, error) {
	groups, err := h.accountGroups(r)
	if err != nil {
		return nil, err
	}
	return summarise(groups), nil
}

func (h handlers) cluster(r *api.Request) (*ClusterBody, error) {
	groups, err := h.accountGroups(r)
	if err != nil {
		return nil, err
	}
	name := r.PathValue("cluster")
	groups = slices.DeleteFunc(groups, func(g gennaker.ServerGroup) bool { return g.Cluster != name })
	if len(groups) == 0 {
		return nil, gennaker.Errorf(gennaker.NotFound, "Cluster not found (id: %s)", name)
	}
	summary := summarise(groups)[0]
	out := ClusterBody{Name: name, AccountName: groups[0].Account, Type: summary.Provider, LoadBalancers: summary.LoadBalancers}
	for _, g := range groups {
		out.ServerGroups = append(out.ServerGroups, expandedGroup(g))
	}
	return &out, nil
}

// serverGroups lists; what a server group runs is shown only when expanded.
func (h handlers) serverGroups(r *api.Request) ([]ServerGroupBody, error) {
	expand, err := r.Flag("expand", false)
	if err != nil {
		return nil, err
	}
	groups, err := h.groupsOf(r, r.PathValue("app"))
	if err != nil {
		return nil, err
	}
	cloud, clusters := r.Query("cloudProvider"), r.List("clusters")
	out := []ServerGroupBody{}
	for _, g := range groups {
		if cloud != "" && g.CloudProvider != cloud || len(clusters) > 0 && !slices.Contains(clusters, g.Account+":"+g.Cluster) {
			continue
		}
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

// accountBody never fails: of an account that was not read yet it says less.
func (h handlers) accountBody(r *api.Request, p provider.Provider) AccountBody {
	a := p.Account
	out := AccountBody{
		Account: a, AccountID: a.Name, AccountType: a.Type, Authorized: true, Permissions: map[string][]string{}, Groups: []string{},
	}
	out.Regions = api.OrEmpty(a.Regions)
	if p.State != nil {
		out.State = new(p.State())
	}
	if p.Resources == nil {
		return out
	}
	out.ClusterAccount = &ClusterAccount{Namespaces: api.OrEmpty(a.Regions), Kinds: map[string]string{}, Registries: []string{}}
	if namespaces, err := p.Namespaces(r.Context()); err == nil {
		out.Namespaces = api.OrEmpty(namespaces)
	}
	if kinds, err := p.Kinds(r.Context()); err == nil && kinds != nil {
		out.Kinds = kinds
	}
	return out
}

func (h handlers) accounts(r *api.Request) ([]AccountBody, error) {
	out := []AccountBody{}
	for _, p := range h.Fleet.All() {
		out = append(out, h.accountBody(r, p))
	}
	return out, nil
}

func (h handlers) account(r *api.Request) (*AccountBody, error) {
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	return new(h.accountBody(r, p)), nil
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
	tail, err := r.Count("tail", logTail, maxLogTail)
	if err != nil {
		return nil, err
	}
	follow, err := r.Flag("follow", false)
	if err != nil {
		return nil, err
	}
	instance := r.Query("instance")
	return &api.Stream{Run: func(ctx context.Context, out *api.StreamWriter) error {
		log, err := p.Logs.Logs(ctx, ref, instance, int64(tail), follow)
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

package api

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
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
	Type           string   `json:"type"` // the cloud provider
	Application    string   `json:"application"`
	SecurityGroups []string `json:"securityGroups"`
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
}

// groupsOf returns the server groups of an application in all accounts, oldest
// first within a cluster. If an account does not answer there is no answer:
// half of a fleet must not look like all of it.
func (s *Server) groupsOf(r *request, application string) ([]gennaker.ServerGroup, error) {
	var out []gennaker.ServerGroup
	for _, p := range s.Fleet.All() {
		groups, err := p.ServerGroups(r.Context(), application)
		if err != nil {
			return nil, err
		}
		out = append(out, groups...)
	}
	slices.SortStableFunc(out, func(a, b gennaker.ServerGroup) int {
		if c := strings.Compare(a.Cluster, b.Cluster); c != 0 {
			return c
		}
		return a.CreatedTime.Compare(b.CreatedTime.Time)
	})
	return out, nil
}

func groupBody(g gennaker.ServerGroup) ServerGroupBody {
	if g.Instances == nil {
		g.Instances = []gennaker.Instance{}
	}
	if g.LoadBalancers == nil {
		g.LoadBalancers = []string{}
	}
	return ServerGroupBody{ServerGroup: g, Type: g.CloudProvider, Application: g.Moniker.App, SecurityGroups: []string{}}
}

func (s *Server) clusterNames(r *request) (any, error) {
	groups, err := s.groupsOf(r, r.PathValue("app"))
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
func (s *Server) accountGroups(r *request) ([]gennaker.ServerGroup, error) {
	account := r.PathValue("account")
	if _, err := s.provider(account); err != nil {
		return nil, err
	}
	groups, err := s.groupsOf(r, r.PathValue("app"))
	return byAccount(groups)[account], err
}

// provider returns the provider of an account that a path names.
func (s *Server) provider(account string) (provider.Provider, error) {
	p, err := s.Fleet.For(account)
	if err != nil {
		return p, gennaker.Errorf(gennaker.NotFound, "Account not found (name: %s)", account).WithHint("%s", gennaker.HintOf(err))
	}
	return p, nil
}

func (s *Server) clusters(r *request) (any, error) {
	groups, err := s.accountGroups(r)
	if err != nil {
		return nil, err
	}
	return summarise(groups), nil
}

func (s *Server) cluster(r *request) (any, error) {
	groups, err := s.accountGroups(r)
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
		out.ServerGroups = append(out.ServerGroups, groupBody(g))
	}
	return out, nil
}

// serverGroups lists; what a server group runs is shown only when expanded.
func (s *Server) serverGroups(r *request) (any, error) {
	expand, err := r.flag("expand", false)
	if err != nil {
		return nil, err
	}
	groups, err := s.groupsOf(r, r.PathValue("app"))
	if err != nil {
		return nil, err
	}
	cloud, clusters := r.URL.Query().Get("cloudProvider"), r.list("clusters")
	out := []ServerGroupBody{}
	for _, g := range groups {
		if cloud != "" && g.CloudProvider != cloud || len(clusters) > 0 && !slices.Contains(clusters, g.Account+":"+g.Cluster) {
			continue
		}
		if !expand {
			g.LaunchConfig = nil
		}
		out = append(out, groupBody(g))
	}
	return out, nil
}

func (s *Server) serverGroup(r *request) (any, error) {
	p, err := s.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	g, err := p.ServerGroup(r.Context(), r.PathValue("region"), name)
	if err == nil && !strings.EqualFold(g.Moniker.App, r.PathValue("app")) {
		err = gennaker.Errorf(gennaker.NotFound, "it belongs to another application")
	}
	if err != nil {
		return nil, orNotFound(err, "Server group not found (id: %s)", name)
	}
	return groupBody(g), nil
}

// loadBalancers lists those of {app}, which own it or stand behind it; all if
// the path names no application.
func (s *Server) loadBalancers(r *request) (any, error) {
	app := r.PathValue("app")
	out := []gennaker.LoadBalancer{}
	for _, p := range s.Fleet.All() {
		lbs, err := p.LoadBalancers(r.Context())
		if err != nil {
			return nil, err
		}
		for _, lb := range lbs {
			if app != "" && !belongs(lb, app) {
				continue
			}
			if lb.ServerGroups == nil {
				lb.ServerGroups = []gennaker.LoadBalancerServerGroup{}
			}
			out = append(out, lb)
		}
	}
	slices.SortStableFunc(out, func(a, b gennaker.LoadBalancer) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func belongs(lb gennaker.LoadBalancer, app string) bool {
	return strings.EqualFold(lb.Application, app) ||
		slices.ContainsFunc(lb.ServerGroups, func(g gennaker.LoadBalancerServerGroup) bool {
			return strings.EqualFold(gennaker.ParseServerGroupName(g.Name).App, app)
		})
}

func accountBody(p provider.Provider) AccountBody {
	a := p.Account
	if a.Regions == nil {
		a.Regions = []string{}
	}
	return AccountBody{
		Account: a, AccountID: a.Name, AccountType: a.Type, Authorized: true,
		Permissions: map[string][]string{}, Groups: []string{},
	}
}

func (s *Server) accounts(*request) (any, error) {
	out := []AccountBody{}
	for _, p := range s.Fleet.All() {
		out = append(out, accountBody(p))
	}
	return out, nil
}

func (s *Server) account(r *request) (any, error) {
	p, err := s.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	return accountBody(p), nil
}

// Bounds of how much of a log is shown before it is followed, in bytes.
const (
	logTail    = 64 << 10
	maxLogTail = 16 << 20
)

func (s *Server) logs(r *request) (any, error) {
	ref := gennaker.ServerGroupRef{Account: r.PathValue("account"), Region: r.PathValue("region"), Name: r.PathValue("name")}
	p, err := s.provider(ref.Account)
	if err != nil {
		return nil, err
	}
	tail, err := r.count("tail", logTail, maxLogTail)
	if err != nil {
		return nil, err
	}
	follow, err := r.flag("follow", false)
	if err != nil {
		return nil, err
	}
	instance := r.URL.Query().Get("instance")
	return &stream{"text/plain; charset=utf-8", func(ctx context.Context, out *streamWriter) error {
		log, err := p.Logs.Logs(ctx, ref, instance, int64(tail), follow)
		if err != nil {
			return err
		}
		defer log.Close()
		defer context.AfterFunc(ctx, func() { _ = log.Close() })() // a read may not notice ctx
		if err := out.start(); err != nil {
			return err
		}
		_, err = io.Copy(out, log)
		return err
	}}, nil
}

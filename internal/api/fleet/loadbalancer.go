package fleet

import (
	"context"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// LoadBalancerBody is a load balancer as Gate's views show it.
type LoadBalancerBody struct {
	gennaker.LoadBalancer
	Type         string                        `json:"type"` // the cloud provider
	ServerGroups []LoadBalancerServerGroupBody `json:"serverGroups"`
	*Object
}

// LoadBalancerServerGroupBody is a server group behind a load balancer, with
// its instances where the load balancer is that of an application.
type LoadBalancerServerGroupBody struct {
	gennaker.LoadBalancerServerGroup
	CloudProvider     string                     `json:"cloudProvider"`
	DetachedInstances []LoadBalancerInstanceBody `json:"detachedInstances"`
	Instances         []LoadBalancerInstanceBody `json:"instances"`
}

// LoadBalancerInstanceBody is an instance behind a load balancer.
type LoadBalancerInstanceBody struct {
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Zone   string          `json:"zone"`
	Health gennaker.Health `json:"health"`
}

// Object says what the object of a cluster is that a view is about.
type Object struct {
	DisplayName string `json:"displayName"` // its name
	Namespace   string `json:"namespace"`
	APIVersion  string `json:"apiVersion"`
}

// apiVersions are those of the kinds that views are about.
var apiVersions = map[string]string{
	"ReplicaSet": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Job": "batch/v1", "CronJob": "batch/v1",
	"Service": "v1", "Ingress": "networking.k8s.io/v1", "HTTPRoute": "gateway.networking.k8s.io/v1",
}

// object returns what the object of a view is; nil of one that is none.
func object(kind, name, namespace string) *Object {
	if kind == "" {
		return nil
	}
	if _, bare, err := gennaker.ParseManifestName(name); err == nil {
		name = bare
	}
	return &Object{DisplayName: name, Namespace: namespace, APIVersion: apiVersions[kind]}
}

// deck reports whether Deck asks, which says so.
func deck(r *api.Request) bool { return r.Header.Get("X-RateLimit-App") == "deck" }

// loadBalancers lists those of {app}, which own it or stand behind it; all, but
// without instances, if the path names no application. To Deck one that it has no
// page for is not shown: it would show none of the application's any more.
func (h handlers) loadBalancers(r *api.Request) ([]LoadBalancerBody, error) {
	app, accounts := r.PathValue("app"), h.Fleet.All()
	if deck(r) {
		accounts = h.clusterAccounts()
	}
	out, err := gather(h, r, accounts, answerWithin, func(ctx context.Context, p provider.Provider) ([]LoadBalancerBody, error) {
		if app == "" {
			return balancers(ctx, p, func(gennaker.LoadBalancer) bool { return true }, nil)
		}
		groups, err := p.ServerGroups(ctx, app)
		if err != nil {
			return nil, err
		}
		known := map[gennaker.ServerGroupRef]gennaker.ServerGroup{}
		for _, g := range groups {
			known[g.Ref()] = g
		}
		return balancers(ctx, p, func(lb gennaker.LoadBalancer) bool {
			return strings.EqualFold(lb.Application, app) ||
				slices.ContainsFunc(lb.ServerGroups, func(g gennaker.LoadBalancerServerGroup) bool {
					_, ok := known[gennaker.ServerGroupRef{Account: p.Account.Name, Region: lb.Region, Name: g.Name}]
					return ok
				})
		}, known)
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b LoadBalancerBody) int { return strings.Compare(a.Name, b.Name) })
	return api.OrEmpty(out), nil
}

// balancers returns the load balancers of an account that are wanted. known are
// server groups that need not be asked for; with nil none is.
func balancers(ctx context.Context, p provider.Provider, wanted func(gennaker.LoadBalancer) bool, known map[gennaker.ServerGroupRef]gennaker.ServerGroup) ([]LoadBalancerBody, error) {
	all, err := p.LoadBalancers(ctx)
	if err != nil {
		return nil, err
	}
	var out []LoadBalancerBody
	for _, lb := range all {
		if !wanted(lb) {
			continue
		}
		body := LoadBalancerBody{LoadBalancer: lb, Type: lb.CloudProvider, Object: object(lb.Kind, lb.Name, lb.Region), ServerGroups: []LoadBalancerServerGroupBody{}}
		for _, g := range lb.ServerGroups {
			b := LoadBalancerServerGroupBody{LoadBalancerServerGroup: g, CloudProvider: lb.CloudProvider, DetachedInstances: []LoadBalancerInstanceBody{}}
			if b.Instances, err = behind(ctx, p, lb, g.Name, known); err != nil {
				return nil, err
			}
			body.ServerGroups = append(body.ServerGroups, b)
		}
		out = append(out, body)
	}
	return out, nil
}

// behind returns the instances of a server group behind a load balancer.
func behind(ctx context.Context, p provider.Provider, lb gennaker.LoadBalancer, name string, known map[gennaker.ServerGroupRef]gennaker.ServerGroup) ([]LoadBalancerInstanceBody, error) {
	out := []LoadBalancerInstanceBody{}
	if known == nil {
		return out, nil
	}
	at := gennaker.ServerGroupRef{Account: p.Account.Name, Region: lb.Region, Name: name}
	group, ok := known[at]
	if !ok {
		var err error
		if group, err = p.ServerGroup(ctx, at.Region, at.Name); err != nil && gennaker.KindOf(err) != gennaker.NotFound {
			return nil, err
		}
		known[at] = group
	}
	for _, in := range group.Instances {
		out = append(out, LoadBalancerInstanceBody{
			ID: instanceID(in), Name: in.Name, Zone: in.Zone, Health: gennaker.Health{Type: lb.CloudProvider, State: in.HealthState},
		})
	}
	return out, nil
}

// loadBalancer shows one, in a list.
func (h handlers) loadBalancer(r *api.Request) ([]LoadBalancerBody, error) {
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	name, region, cloud := r.PathValue("name"), r.PathValue("region"), r.Query("provider")
	if cloud != "" && cloud != p.Account.CloudProvider {
		return []LoadBalancerBody{}, nil
	}
	out, err := balancers(r.Context(), p, func(lb gennaker.LoadBalancer) bool { return lb.Name == name && lb.Region == region },
		map[gennaker.ServerGroupRef]gennaker.ServerGroup{})
	if err != nil {
		return nil, err
	}
	aged(r, p)
	return api.OrEmpty(out), nil
}

// LoadBalancerSummary is a load balancer of that name in all accounts, as
// GET /loadBalancers shows it.
type LoadBalancerSummary struct {
	Name     string                  `json:"name"`
	Accounts []LoadBalancerInAccount `json:"accounts"`
}

// LoadBalancerInAccount is where an account has load balancers of a name.
type LoadBalancerInAccount struct {
	Name    string                 `json:"name"`
	Regions []LoadBalancerInRegion `json:"regions"`
}

// LoadBalancerInRegion is the load balancers of a name in a region.
type LoadBalancerInRegion struct {
	Name          string             `json:"name"`
	LoadBalancers []LoadBalancerBody `json:"loadBalancers"`
}

// loadBalancerSummaries lists all load balancers by name, account and region.
func (h handlers) loadBalancerSummaries(r *api.Request) ([]LoadBalancerSummary, error) {
	cloud := r.Query("provider")
	all, err := gather(h, r, h.Fleet.All(), answerWithin, func(ctx context.Context, p provider.Provider) ([]LoadBalancerBody, error) {
		return balancers(ctx, p, func(lb gennaker.LoadBalancer) bool { return cloud == "" || lb.CloudProvider == cloud }, nil)
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b LoadBalancerBody) int { return strings.Compare(a.Name, b.Name) })
	out := []LoadBalancerSummary{}
	for _, lb := range all {
		if n := len(out); n == 0 || out[n-1].Name != lb.Name {
			out = append(out, LoadBalancerSummary{Name: lb.Name})
		}
		accounts := &out[len(out)-1].Accounts
		if n := len(*accounts); n == 0 || (*accounts)[n-1].Name != lb.Account {
			*accounts = append(*accounts, LoadBalancerInAccount{Name: lb.Account})
		}
		regions := &(*accounts)[len(*accounts)-1].Regions
		*regions = append(*regions, LoadBalancerInRegion{Name: lb.Region, LoadBalancers: []LoadBalancerBody{lb}})
	}
	return out, nil
}

package fleet

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// clusterAccounts returns the accounts that are clusters of containers.
func (h handlers) clusterAccounts() []provider.Provider {
	return slices.DeleteFunc(h.Fleet.All(), func(p provider.Provider) bool { return p.Resources == nil })
}

// managers lists what makes the server groups of an application.
func (h handlers) managers(r *api.Request) ([]gennaker.ServerGroupManager, error) {
	out, err := gather(h, r, h.clusterAccounts(), answerWithin, func(ctx context.Context, p provider.Provider) ([]gennaker.ServerGroupManager, error) {
		return p.ServerGroupManagers(ctx, r.PathValue("app"))
	})
	return api.OrEmpty(out), err
}

// rawResources lists the objects of an application.
func (h handlers) rawResources(r *api.Request) ([]gennaker.Resource, error) {
	out, err := gather(h, r, h.clusterAccounts(), answerWithin, func(ctx context.Context, p provider.Provider) ([]gennaker.Resource, error) {
		return p.RawResources(ctx, r.PathValue("app"))
	})
	return api.OrEmpty(out), err
}

// SecurityGroupSummary names a firewall.
type SecurityGroupSummary struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// SecurityGroupBody is a firewall as GET /securityGroups/{account}/{region}/{name}
// shows it.
type SecurityGroupBody struct {
	gennaker.SecurityGroup
	Type    string               `json:"type"` // the cloud provider
	Summary SecurityGroupSummary `json:"summary"`
}

// securityGroupsOf returns the firewalls of an account; of one that is no
// cluster, none.
func securityGroupsOf(ctx context.Context, p provider.Provider) ([]gennaker.SecurityGroup, error) {
	if p.Resources == nil {
		return nil, nil
	}
	return p.SecurityGroups(ctx)
}

// securityGroups names all firewalls, by account, cloud provider and region.
func (h handlers) securityGroups(r *api.Request) (map[string]map[string]map[string][]SecurityGroupSummary, error) {
	all, err := gather(h, r, h.clusterAccounts(), answerWithin, securityGroupsOf)
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	cloud, id := query.Get("provider"), query.Get("id")
	out := map[string]map[string]map[string][]SecurityGroupSummary{}
	for _, g := range all {
		if cloud != "" && g.CloudProvider != cloud || id != "" && g.ID != id {
			continue
		}
		if out[g.Account] == nil {
			out[g.Account] = map[string]map[string][]SecurityGroupSummary{g.CloudProvider: {}}
		}
		regions := out[g.Account][g.CloudProvider]
		regions[g.Region] = append(regions[g.Region], SecurityGroupSummary{ID: g.ID, Name: g.Name})
	}
	return out, nil
}

// accountSecurityGroups names the firewalls of an account, by region.
func (h handlers) accountSecurityGroups(r *api.Request) (map[string][]SecurityGroupSummary, error) {
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	all, err := securityGroupsOf(r.Context(), p)
	if err != nil {
		return nil, err
	}
	aged(r, p)
	out := map[string][]SecurityGroupSummary{}
	for _, g := range all {
		out[g.Region] = append(out[g.Region], SecurityGroupSummary{ID: g.ID, Name: g.Name})
	}
	return out, nil
}

func (h handlers) securityGroup(r *api.Request) (*SecurityGroupBody, error) {
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	all, err := securityGroupsOf(r.Context(), p)
	if err != nil {
		return nil, err
	}
	name, region := r.PathValue("name"), r.PathValue("region")
	i := slices.IndexFunc(all, func(g gennaker.SecurityGroup) bool { return g.Name == name && g.Region == region })
	if i < 0 {
		return nil, gennaker.Errorf(gennaker.NotFound, "Security group not found (id: %s)", name)
	}
	aged(r, p)
	return &SecurityGroupBody{SecurityGroup: all[i], Type: all[i].CloudProvider, Summary: SecurityGroupSummary{ID: all[i].ID, Name: name}}, nil
}

// InstanceBody is an instance as GET /instances shows it.
type InstanceBody struct {
	gennaker.Resource
	Name        string               `json:"name"`              // its ID
	Readable    string               `json:"humanReadableName"` // its name
	Type        string               `json:"type"`              // the cloud provider
	Zone        string               `json:"zone"`
	HealthState gennaker.HealthState `json:"healthState"`
	Health      []InstanceHealth     `json:"health"`
	LaunchTime  gennaker.Time        `json:"launchTime,omitzero"`

	// As of gennaker.Instance.
	Address    string               `json:"address,omitzero"`
	Node       string               `json:"node,omitzero"`
	Restarts   int                  `json:"restarts,omitzero"`
	Reason     string               `json:"reason,omitzero"`
	Containers []gennaker.Container `json:"containers,omitzero"`
}

// InstanceHealth is what a source says of an instance.
type InstanceHealth struct {
	Source   string               `json:"source"` // "Pod", "Container web", or the type of the health
	Type     string               `json:"type"`   // kubernetes/pod, kubernetes/container, or as Source
	Platform string               `json:"platform,omitzero"`
	State    gennaker.HealthState `json:"state"`
	Reason   string               `json:"description,omitzero"`
}

// healthOf returns what is said of an instance, and of its containers.
func healthOf(in gennaker.Instance) []InstanceHealth {
	out := []InstanceHealth{}
	for _, h := range in.Health {
		one := InstanceHealth{Source: h.Type, Type: h.Type, Platform: h.Class, State: h.State, Reason: h.Reason}
		if in.Containers != nil {
			one.Source, one.Type = "Pod", "kubernetes/pod"
		}
		out = append(out, one)
	}
	for _, c := range in.Containers {
		state := gennaker.Down
		if c.Ready {
			state = gennaker.Up
		}
		out = append(out, InstanceHealth{
			Source: "Container " + c.Name, Type: "kubernetes/container", Platform: gennaker.PlatformClass, State: state, Reason: c.Reason,
		})
	}
	return out
}

// instanceID returns what an instance is asked for by.
func instanceID(in gennaker.Instance) string {
	if in.ID != "" {
		return in.ID
	}
	return in.Name
}

func (h handlers) instance(r *api.Request) (*InstanceBody, error) {
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	of, in, _, err := findInstance(r, p)
	if err != nil {
		return nil, err
	}
	aged(r, p)
	return &InstanceBody{
		Resource: of, Name: instanceID(in), Readable: in.Name, Type: of.CloudProvider, Zone: in.Zone,
		HealthState: in.HealthState, Health: healthOf(in), LaunchTime: in.LaunchTime,
		Address: in.Address, Node: in.Node, Restarts: in.Restarts, Reason: in.Reason, Containers: in.Containers,
	}, nil
}

// findInstance returns the instance that a path names, and, of an account that
// is no cluster, its server group.
//
// Errors: NotFound.
func findInstance(r *api.Request, p provider.Provider) (of gennaker.Resource, in gennaker.Instance, group gennaker.ServerGroupRef, err error) {
	region, id := r.PathValue("region"), r.PathValue("id")
	missing := fmt.Sprintf("Instance not found (id: %s)", id)
	if p.Resources != nil {
		of, in, err = p.Instance(r.Context(), region, id)
		return of, in, group, api.OrNotFound(err, "%s", missing)
	}
	groups, err := p.ServerGroups(r.Context(), "")
	if err != nil {
		return of, in, group, err
	}
	for _, g := range groups {
		i := slices.IndexFunc(g.Instances, func(in gennaker.Instance) bool { return instanceID(in) == id })
		if i < 0 || g.Region != region {
			continue
		}
		return gennaker.Resource{
			Account: g.Account, Region: g.Region, CloudProvider: g.CloudProvider, Moniker: g.Moniker, CreatedTime: g.Instances[i].LaunchTime,
		}, g.Instances[i], g.Ref(), nil
	}
	return of, in, group, gennaker.Errorf(gennaker.NotFound, "%s", missing)
}

// ConsoleBody is what the containers of an instance wrote.
type ConsoleBody struct {
	Output []gennaker.ContainerOutput `json:"output"`
}

func (h handlers) console(r *api.Request) (*ConsoleBody, error) {
	p, err := h.provider(r.PathValue("account"))
	if err != nil {
		return nil, err
	}
	tail, err := r.Count("tail", logTail, maxLogTail)
	if err != nil {
		return nil, err
	}
	if p.Resources != nil {
		id := r.PathValue("id")
		out, err := p.Console(r.Context(), r.PathValue("region"), id, int64(tail))
		return &ConsoleBody{api.OrEmpty(out)}, api.OrNotFound(err, "Instance not found (id: %s)", id)
	}
	_, in, group, err := findInstance(r, p)
	if err != nil {
		return nil, err
	}
	log, err := p.Logs.Logs(r.Context(), group, in.Name, int64(tail), false)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	text, err := io.ReadAll(io.LimitReader(log, maxLogTail))
	if err != nil {
		return nil, fmt.Errorf("read the logs of %s: %w", in.Name, err)
	}
	return &ConsoleBody{[]gennaker.ContainerOutput{{Name: in.Name, Output: strings.ToValidUTF8(string(text), "\uFFFD")}}}, nil
}

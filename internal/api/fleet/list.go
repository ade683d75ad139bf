package fleet

import (
	"context"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/provider"
)

// Bounds of a page of ours.
const (
	pageLength  = 100
	longestPage = 1000
)

// ServerGroupPage is a part of a list.
type ServerGroupPage struct {
	Items []ServerGroupRow `json:"items"`
	Next  string           `json:"next,omitzero"` // what to ask for after it; absent at the end
}

// ServerGroupRow is a server group in a list: what one line shows of it.
type ServerGroupRow struct {
	Name           string                  `json:"name"`
	Account        string                  `json:"account"`
	Region         string                  `json:"region"`
	CloudProvider  string                  `json:"cloudProvider"`
	Application    string                  `json:"application"`
	Cluster        string                  `json:"cluster"`
	Version        *int                    `json:"version,omitzero"` // its number in the cluster
	Images         []string                `json:"images"`
	CreatedTime    gennaker.Time           `json:"createdTime,omitzero"`
	Status         string                  `json:"status"` // destroying, disabled, empty, up, down, starting, or unknown
	Capacity       gennaker.Capacity       `json:"capacity"`
	InstanceCounts gennaker.InstanceCounts `json:"instanceCounts"`
	Weight         int                     `json:"weight"` // of each instance in service, against those of other server groups
	Traffic        gennaker.Traffic        `json:"traffic,omitzero"`
	LoadBalancers  []string                `json:"loadBalancers"`
	Instances      []InstanceBox           `json:"instances"`
	AsOf           gennaker.Time           `json:"asOf,omitzero"`
}

// InstanceBox is an instance where there is little room.
type InstanceBox struct {
	Name  string               `json:"name"`
	State gennaker.HealthState `json:"state"`
}

// status says in a word how a server group is.
func status(g gennaker.ServerGroup) string {
	c := g.InstanceCounts
	switch {
	case g.Destroying:
		return "destroying"
	case g.Disabled:
		return "disabled"
	case c.Total == 0:
		return "empty"
	case c.Down+c.Failed > 0:
		return "down"
	case c.Starting > 0:
		return "starting"
	case c.Up+c.Succeeded == c.Total:
		return "up"
	}
	return "unknown"
}

func serverGroupRow(g gennaker.ServerGroup) ServerGroupRow {
	images := g.BuildInfo.Images
	if len(images) == 0 && g.Image != "" {
		images = []string{g.Image}
	}
	row := ServerGroupRow{
		Name: g.Name, Account: g.Account, Region: g.Region, CloudProvider: g.CloudProvider, Application: g.Moniker.App, Cluster: g.Cluster,
		Version: g.Moniker.Sequence, Images: api.OrEmpty(images), CreatedTime: g.CreatedTime, Status: status(g), Capacity: g.Capacity,
		InstanceCounts: g.InstanceCounts, Weight: g.Weight, Traffic: g.Traffic, LoadBalancers: api.OrEmpty(g.LoadBalancers),
		Instances: make([]InstanceBox, 0, len(g.Instances)), AsOf: g.AsOf,
	}
	for _, in := range g.Instances {
		row.Instances = append(row.Instances, InstanceBox{in.Name, in.HealthState})
	}
	return row
}

// serverGroupRows lists server groups by account, region and name, page by page.
// It reads the instances of those only that it shows.
func (h handlers) serverGroupRows(r *api.Request) (*ServerGroupPage, error) {
	limit, err := r.Count("limit", pageLength, longestPage)
	if err != nil {
		return nil, err
	}
	account, cluster, after, wanted := r.Query("account"), r.Query("cluster"), r.Query("after"), r.List("status")
	accounts := h.Fleet.All()
	if account != "" {
		p, err := h.provider(account)
		if err != nil {
			return nil, err
		}
		accounts = []provider.Provider{p}
	}
	clusters, err := gather(h, r, accounts, answerWithin, clustersIn(r.Query("application")))
	if err != nil {
		return nil, err
	}
	var refs []gennaker.ServerGroupRef
	for _, c := range clusters {
		for _, ref := range c.ServerGroups {
			if (cluster == "" || c.Name == cluster) && ref.String() > after {
				refs = append(refs, ref)
			}
		}
	}
	slices.SortFunc(refs, func(a, b gennaker.ServerGroupRef) int { return strings.Compare(a.String(), b.String()) })
	out := &ServerGroupPage{Items: []ServerGroupRow{}}
	for n, ref := range refs {
		row, err := h.row(r.Context(), ref)
		if err != nil {
			return nil, err
		}
		if row != nil && (len(wanted) == 0 || slices.Contains(wanted, row.Status)) {
			out.Items = append(out.Items, *row)
		}
		if len(out.Items) == limit && n+1 < len(refs) {
			out.Next = ref.String()
			break
		}
	}
	return out, nil
}

// row returns a server group; nil of one that is gone since, as is its account.
func (h handlers) row(ctx context.Context, ref gennaker.ServerGroupRef) (*ServerGroupRow, error) {
	p, err := h.Fleet.For(ref.Account)
	if err != nil {
		return nil, nil //nolint:nilerr // it was removed meanwhile
	}
	g, err := p.ServerGroup(ctx, ref.Region, ref.Name)
	if err != nil {
		if gennaker.KindOf(err) == gennaker.NotFound {
			return nil, nil
		}
		return nil, err
	}
	return new(serverGroupRow(g)), nil
}

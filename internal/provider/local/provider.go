package local

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node"
	"github.com/gennaker/gennaker/internal/provider"
)

// ServerGroups implements [provider.Inventory].
func (c *Client) ServerGroups(ctx context.Context, application string) ([]gennaker.ServerGroup, error) {
	all := []gennaker.ServerGroup{}
	if err := c.call(ctx, http.MethodGet, "/server-groups?application="+url.QueryEscape(application), nil, &all); err != nil {
		return nil, err
	}
	for i := range all {
		c.own(&all[i])
	}
	return all, nil
}

// ServerGroup implements [provider.Inventory].
func (c *Client) ServerGroup(ctx context.Context, region, name string) (gennaker.ServerGroup, error) {
	var g gennaker.ServerGroup
	if err := c.exists(region, name); err != nil {
		return g, err
	}
	err := c.call(ctx, http.MethodGet, groupPath(name, ""), nil, &g)
	c.own(&g)
	return g, err
}

func (c *Client) own(g *gennaker.ServerGroup) {
	g.Account = c.account
	if g.LaunchConfig != nil {
		g.LaunchConfig.Account = c.account
	}
}

// exists reports whether there can be such a server group. Errors: NotFound.
func (c *Client) exists(region, name string) error {
	if region == node.Region && name != "" && name != "." && name != ".." {
		return nil
	}
	return gennaker.Errorf(gennaker.NotFound, "there is no server group %q in region %q of account %s", name, region, c.account)
}

// Clusters implements [provider.Inventory]. One machine has few instances.
func (c *Client) Clusters(ctx context.Context, application string) ([]provider.Cluster, error) {
	groups, err := c.ServerGroups(ctx, application)
	return provider.Clusters(groups), err
}

// Search implements [provider.Inventory].
func (c *Client) Search(ctx context.Context, text string, types []string) ([]provider.Item, error) {
	groups, err := c.ServerGroups(ctx, "")
	if err != nil {
		return nil, err
	}
	balancers, err := c.LoadBalancers(ctx)
	return provider.Search(text, types, groups, balancers), err
}

// LoadBalancers implements [provider.Inventory].
func (c *Client) LoadBalancers(ctx context.Context) ([]gennaker.LoadBalancer, error) {
	all := []gennaker.LoadBalancer{}
	if err := c.call(ctx, http.MethodGet, "/load-balancers", nil, &all); err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Account = c.account
		for j := range all[i].ServerGroups {
			all[i].ServerGroups[j].Account = c.account
		}
	}
	return all, nil
}

// Watch implements [provider.Inventory]. It begins with a change of anything,
// and so does every new connection to the node.
func (c *Client) Watch(ctx context.Context, changed func(provider.Change)) {
	wait := firstRetry
	for ctx.Err() == nil {
		if c.watchOnce(ctx, changed) {
			wait = firstRetry
		}
		pause(ctx, wait)
		wait = min(2*wait, longestWait)
	}
}

// watchOnce reports changes until the connection ends, and whether there was one.
func (c *Client) watchOnce(ctx context.Context, changed func(provider.Change)) (connected bool) {
	res, err := c.send(ctx, http.MethodGet, "/watch", nil)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	lines := json.NewDecoder(res.Body)
	for {
		var ch node.Change
		if err := lines.Decode(&ch); err != nil || ctx.Err() != nil {
			return connected
		}
		connected = true
		changed(changeOf(ch))
	}
}

// changeOf returns what a change of the node is to others: everything that belongs
// to an application is in its one region.
func changeOf(ch node.Change) provider.Change {
	out := provider.Change{Application: ch.Application, ServerGroup: ch.ServerGroup}
	if out.Application != "" {
		out.Region = node.Region
	}
	return out
}

// Create implements [provider.Operations].
func (c *Client) Create(ctx context.Context, key string, spec gennaker.ServerGroupSpec) (string, error) {
	var out node.CreateResponse
	err := c.callFor(ctx, longTime, http.MethodPost, "/server-groups", node.CreateRequest{Key: key, Spec: spec}, &out)
	return out.Name, err
}

// Resize implements [provider.Operations].
func (c *Client) Resize(ctx context.Context, key string, ref gennaker.ServerGroupRef, to gennaker.Capacity) error {
	return c.operate(ctx, ref, "resize", node.OperationRequest{Key: key, Capacity: to})
}

// Enable implements [provider.Operations].
func (c *Client) Enable(ctx context.Context, key string, ref gennaker.ServerGroupRef) error {
	return c.operate(ctx, ref, "enable", node.OperationRequest{Key: key})
}

// Disable implements [provider.Operations].
func (c *Client) Disable(ctx context.Context, key string, ref gennaker.ServerGroupRef, percent int) error {
	return c.operate(ctx, ref, "disable", node.OperationRequest{Key: key, Percent: percent})
}

// Destroy implements [provider.Operations].
func (c *Client) Destroy(ctx context.Context, key string, ref gennaker.ServerGroupRef) error {
	if c.exists(ref.Region, ref.Name) != nil {
		return nil
	}
	return c.operate(ctx, ref, "destroy", node.OperationRequest{Key: key})
}

// Terminate implements [provider.Operations].
func (c *Client) Terminate(ctx context.Context, key string, ref gennaker.ServerGroupRef, instances []string) error {
	return c.operate(ctx, ref, "terminate", node.OperationRequest{Key: key, Instances: instances})
}

func (c *Client) operate(ctx context.Context, ref gennaker.ServerGroupRef, what string, req node.OperationRequest) error {
	if err := c.exists(ref.Region, ref.Name); err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, groupPath(ref.Name, what), req, nil)
}

// UpsertLoadBalancer implements [provider.LoadBalancing].
func (c *Client) UpsertLoadBalancer(ctx context.Context, lb gennaker.LoadBalancer) error {
	if lb.Name == "" || lb.Name == "." || lb.Name == ".." {
		return gennaker.Errorf(gennaker.Invalid, "the load balancer name %q is not allowed", lb.Name)
	}
	return c.call(ctx, http.MethodPut, "/load-balancers/"+url.PathEscape(lb.Name), lb, nil)
}

// DeleteLoadBalancer implements [provider.LoadBalancing].
func (c *Client) DeleteLoadBalancer(ctx context.Context, region, name string) error {
	if region != node.Region || name == "" || name == "." || name == ".." {
		return nil
	}
	return c.call(ctx, http.MethodDelete, "/load-balancers/"+url.PathEscape(name), nil, nil)
}

// Logs implements [provider.Logs]. A negative tail returns all that is kept.
func (c *Client) Logs(ctx context.Context, ref gennaker.ServerGroupRef, instance string, tail int64, follow bool) (io.ReadCloser, error) {
	if err := c.exists(ref.Region, ref.Name); err != nil {
		return nil, err
	}
	query := url.Values{"instance": {instance}, "tail": {fmt.Sprint(tail)}, "follow": {fmt.Sprint(follow)}}
	res, err := c.send(ctx, http.MethodGet, groupPath(ref.Name, "logs?")+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

package client

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gennaker/gennaker"
)

// ServerGroups returns the server groups of an application.
func (c *Client) ServerGroups(ctx context.Context, application string) ([]gennaker.ServerGroup, error) {
	var out []gennaker.ServerGroup
	err := c.get(ctx, path("applications", application, "serverGroups"), nil, &out)
	return out, err
}

// ServerGroup returns one server group of an application.
//
// Errors: NotFound.
func (c *Client) ServerGroup(ctx context.Context, application string, ref gennaker.ServerGroupRef) (gennaker.ServerGroup, error) {
	var g gennaker.ServerGroup
	err := c.get(ctx, path("applications", application, "serverGroups", ref.Account, ref.Region, ref.Name), nil, &g)
	return g, err
}

// Clusters returns the names of the clusters of an application, by account.
func (c *Client) Clusters(ctx context.Context, application string) (map[string][]string, error) {
	var out map[string][]string
	err := c.get(ctx, path("applications", application, "clusters"), nil, &out)
	return out, err
}

// change starts a task with one job on a server group.
func (c *Client) change(ctx context.Context, g gennaker.ServerGroup, jobType, description string, more map[string]any) (string, error) {
	job := map[string]any{
		"type": jobType, "cloudProvider": g.CloudProvider, "credentials": g.Account,
		"region": g.Region, "regions": []string{g.Region},
		"serverGroupName": g.Name, "cluster": g.Cluster, "moniker": g.Moniker,
	}
	maps.Copy(job, more)
	return c.Submit(ctx, Operation{
		Application: g.Moniker.App, Description: description + ": " + g.Name, Job: []map[string]any{job},
	})
}

// ResizeServerGroup starts the task that sets the capacity of g and returns the
// task's ID.
//
// Errors: Invalid for a capacity that cannot be.
func (c *Client) ResizeServerGroup(ctx context.Context, g gennaker.ServerGroup, to gennaker.Capacity) (string, error) {
	if err := to.Check(); err != nil {
		return "", err
	}
	return c.change(ctx, g, "resizeServerGroup", "Resize Server Group", map[string]any{
		"action": "scale_exact", "resizeType": "exact", "capacity": to,
	})
}

// EnableServerGroup starts the task that lets g get requests and returns the
// task's ID.
func (c *Client) EnableServerGroup(ctx context.Context, g gennaker.ServerGroup) (string, error) {
	return c.change(ctx, g, "enableServerGroup", "Enable Server Group", nil)
}

// DisableServerGroup starts the task that takes g out of service and returns
// the task's ID.
func (c *Client) DisableServerGroup(ctx context.Context, g gennaker.ServerGroup) (string, error) {
	return c.change(ctx, g, "disableServerGroup", "Disable Server Group", nil)
}

// DestroyServerGroup starts the task that destroys g and returns the task's ID.
func (c *Client) DestroyServerGroup(ctx context.Context, g gennaker.ServerGroup) (string, error) {
	return c.change(ctx, g, "destroyServerGroup", "Destroy Server Group", nil)
}

// Rollback is a request to go back to an earlier server group of a cluster.
type Rollback struct {
	Application   string
	Account       string
	Region        string
	CloudProvider string
	Cluster       string
	To            string // name of a server group; empty means the one before the newest enabled
}

// RollbackCluster starts the task that rolls a cluster back and returns the
// task's ID.
func (c *Client) RollbackCluster(ctx context.Context, r Rollback) (string, error) {
	job := map[string]any{
		"type": "rollbackCluster", "cloudProvider": r.CloudProvider, "credentials": r.Account,
		"regions": []string{r.Region}, "cluster": r.Cluster,
	}
	if r.To != "" {
		job["originalServerGroup"] = r.To
	}
	return c.Submit(ctx, Operation{
		Application: r.Application, Description: "Rollback Cluster: " + r.Cluster, Job: []map[string]any{job},
	})
}

// LogQuery chooses what to read of the logs of a server group.
type LogQuery struct {
	Instance  string // empty means all, each line led by the instance's name
	TailBytes int64  // how much of what is there; 0 leaves it to the server
	Follow    bool   // go on with what is written later
}

// Logs returns what the instances of a server group wrote. The caller closes
// it; it ends with ctx.
//
// Errors: NotFound.
func (c *Client) Logs(ctx context.Context, ref gennaker.ServerGroupRef, q LogQuery) (io.ReadCloser, error) {
	query := url.Values{}
	if q.Instance != "" {
		query.Set("instance", q.Instance)
	}
	if q.TailBytes > 0 {
		query.Set("tail", strconv.FormatInt(q.TailBytes, 10))
	}
	if q.Follow {
		query.Set("follow", "true")
	}
	at := "/api/v1" + path("server-groups", ref.Account, ref.Region, ref.Name, "logs")
	res, err := c.send(ctx, http.MethodGet, at, query, nil, "text/plain, application/json")
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

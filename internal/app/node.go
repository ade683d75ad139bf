package app

import (
	"context"

	"github.com/gennaker/gennaker/internal/api/meta"
	"github.com/gennaker/gennaker/internal/provider/local"
)

// nodeBody tells how the node of a client is.
func nodeBody(client *local.Client) func(context.Context) meta.NodeBody {
	return func(ctx context.Context) meta.NodeBody {
		status, err := client.Ping(ctx)
		if err != nil {
			return meta.NodeBody{State: meta.NodeDown, Reason: err.Error()}
		}
		body := meta.NodeBody{State: meta.NodeUp, PID: status.PID, Jobs: status.Jobs, Version: status.Version, Since: status.Since, Problems: status.Problems}
		groups, err := client.ServerGroups(ctx, "")
		if err != nil {
			return meta.NodeBody{State: meta.NodeDown, Reason: err.Error()}
		}
		for _, g := range groups {
			body.Instances += len(g.Instances)
		}
		balancers, err := client.LoadBalancers(ctx)
		if err != nil {
			return meta.NodeBody{State: meta.NodeDown, Reason: err.Error()}
		}
		body.Balancers = len(balancers)
		return body
	}
}

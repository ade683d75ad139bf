package client

import (
	"context"

	"github.com/gennaker/gennaker"
)

// LoadBalancers returns the load balancers of an application, or of all for "".
func (c *Client) LoadBalancers(ctx context.Context, application string) ([]gennaker.LoadBalancer, error) {
	at := "/api/v1/load-balancers"
	if application != "" {
		at = path("applications", application, "loadBalancers")
	}
	var out []gennaker.LoadBalancer
	err := c.get(ctx, at, nil, &out)
	return out, err
}

// UpsertLoadBalancer starts the task that makes a load balancer, or changes
// where it listens, and returns the task's ID.
func (c *Client) UpsertLoadBalancer(ctx context.Context, lb gennaker.LoadBalancer) (string, error) {
	return c.Submit(ctx, Operation{
		Application: lb.Application, Description: "Create Load Balancer: " + lb.Name,
		Job: []map[string]any{{
			"type": "upsertLoadBalancer", "cloudProvider": lb.CloudProvider,
			"account": lb.Account, "credentials": lb.Account, "region": lb.Region,
			"name": lb.Name, "listen": lb.Listen, "application": lb.Application,
		}},
	})
}

// DeleteLoadBalancer starts the task that deletes a load balancer and returns
// the task's ID.
func (c *Client) DeleteLoadBalancer(ctx context.Context, lb gennaker.LoadBalancer) (string, error) {
	return c.Submit(ctx, Operation{
		Application: lb.Application, Description: "Delete Load Balancer: " + lb.Name,
		Job: []map[string]any{{
			"type": "deleteLoadBalancer", "cloudProvider": lb.CloudProvider,
			"account": lb.Account, "credentials": lb.Account, "region": lb.Region,
			"loadBalancerName": lb.Name,
		}},
	})
}

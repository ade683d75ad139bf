package deploy

import (
	"cmp"
	"context"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
)

// loadBalancerConfig is what authors write in the stages about load balancers.
type loadBalancerConfig struct {
	where
	Name             string `json:"name"`             // name of the load balancer
	LoadBalancerName string `json:"loadBalancerName"` // another name of name, which wins
	Listen           string `json:"listen"`           // address, as 127.0.0.1:8080
}

func (d *deployer) registerLoadBalancer(r *stage.Registry) {
	stage.Add[loadBalancerConfig](r, stage.Definition{
		Type: "upsertLoadBalancer", Steps: []stage.Step{task("upsertLoadBalancer", operationTimeout, d.upsertLoadBalancer)},
	})
	stage.Add[loadBalancerConfig](r, stage.Definition{
		Type: "deleteLoadBalancer", Steps: []stage.Step{task("deleteLoadBalancer", operationTimeout, d.deleteLoadBalancer)},
	})
}

func (d *deployer) readLoadBalancer(in stage.Input) (loadBalancerConfig, provider.Provider, []string, error) {
	c, err := stage.Decode[loadBalancerConfig](in.Stage.Context)
	if err != nil {
		return c, provider.Provider{}, nil, err
	}
	c.Name = cmp.Or(c.LoadBalancerName, c.Name)
	if c.Name == "" {
		return c, provider.Provider{}, nil, gennaker.Errorf(gennaker.Invalid, "the name of the load balancer is missing").WithHint("give loadBalancerName or name")
	}
	p, err := d.provider(c.where)
	if err != nil {
		return c, p, nil, err
	}
	regions, err := c.regions(p)
	return c, p, regions, err
}

func (d *deployer) upsertLoadBalancer(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, p, regions, err := d.readLoadBalancer(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	for _, region := range regions {
		err := p.UpsertLoadBalancer(ctx, gennaker.LoadBalancer{
			Name: c.Name, Account: p.Account.Name, Region: region, CloudProvider: p.Account.CloudProvider,
			Application: cmp.Or(c.Application, in.Execution.Application), Listen: c.Listen,
		})
		if err != nil {
			return stage.Outcome{}, err
		}
	}
	return stage.Done(), nil
}

func (d *deployer) deleteLoadBalancer(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, p, regions, err := d.readLoadBalancer(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	for _, region := range regions {
		if err := p.DeleteLoadBalancer(ctx, region, c.Name); err != nil {
			return stage.Outcome{}, err
		}
	}
	return stage.Done(), nil
}

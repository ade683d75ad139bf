package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) loadBalancers() *cobra.Command {
	cmd := &cobra.Command{Use: "load-balancer", Aliases: []string{"lb"}, Short: "Load balancers: what gets requests"}
	cmd.AddCommand(s.balancerList(), s.balancerGet(), s.balancerCreate(), s.balancerDelete())
	return cmd
}

func (s *session) balancerList() *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use: "list", Short: "List the load balancers", Args: cobra.NoArgs,
		Example: "  gennaker load-balancer list\n  gennaker load-balancer list -a shop",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			all, body, err := ask(cmd.Context(), func(ctx context.Context) ([]gennaker.LoadBalancer, error) { return c.LoadBalancers(ctx, app) })
			if gennaker.KindOf(err) == gennaker.NotFound && app != "" {
				return missing(cmd.Context(), c, app, err)
			}
			if err != nil {
				return err
			}
			t := show.NewTable("NAME", "LISTEN", "APPLICATION", "ACCOUNT", "REGION", "REQUESTS", "ERRORS", "REASON")
			for _, lb := range all {
				t.Add(lb.Name, lb.Listen, show.OrDash(lb.Application), lb.Account, lb.Region,
					strconv.FormatInt(lb.Traffic.Requests, 10), strconv.FormatInt(lb.Traffic.Errors, 10), show.OrDash(lb.Reason))
			}
			return s.list(body, t)
		},
	}
	cmd.Flags().StringVarP(&app, "application", "a", "", "only those of the application with this `name`")
	return cmd
}

// findBalancer returns a load balancer, and the JSON of it as it came.
func findBalancer(ctx context.Context, c *client.Client, p *place, name string) (gennaker.LoadBalancer, json.RawMessage, error) {
	all, body, err := ask(ctx, func(ctx context.Context) ([]gennaker.LoadBalancer, error) { return c.LoadBalancers(ctx, "") })
	if err != nil {
		return gennaker.LoadBalancer{}, nil, err
	}
	i := slices.IndexFunc(all, func(lb gennaker.LoadBalancer) bool {
		return lb.Name == name && lb.Account == p.account && lb.Region == p.region
	})
	if i < 0 {
		names := make([]string, len(all))
		for i, lb := range all {
			names[i] = lb.Name
		}
		return gennaker.LoadBalancer{}, nil, gennaker.Errorf(gennaker.NotFound, "there is no load balancer %q in %s/%s", name, p.account, p.region).
			WithHint("%s", suggest(name, names, "`gennaker load-balancer list` shows those that there are"))
	}
	return all[i], pick(body, i), nil
}

func (s *session) balancerGet() *cobra.Command {
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Show a load balancer and what it sends where", Args: cobra.ExactArgs(1),
		Example: "  gennaker load-balancer get shop",
	}
	p := s.place(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		lb, body, err := findBalancer(cmd.Context(), c, p, args[0])
		if err != nil {
			return err
		}
		return s.show(body, func(w io.Writer) error {
			fmt.Fprintf(w, "%s  %s  %s/%s  %d requests, %d errors\n", show.Clean(lb.Name), show.Clean(lb.Listen),
				show.Clean(lb.Account), show.Clean(lb.Region), lb.Traffic.Requests, lb.Traffic.Errors)
			if lb.Reason != "" {
				fmt.Fprintln(w, show.Clean(lb.Reason))
			}
			if len(lb.ServerGroups) == 0 {
				return nil
			}
			t := show.NewTable("SERVER GROUP", "STATE", "WEIGHT", "IN SERVICE", "REQUESTS", "ERRORS", "LATENCY")
			for _, g := range lb.ServerGroups {
				t.Add(g.Name, show.GroupState(gennaker.ServerGroup{Disabled: g.Disabled}), strconv.Itoa(g.Weight), strconv.Itoa(g.InService),
					strconv.FormatInt(g.Traffic.Requests, 10), strconv.FormatInt(g.Traffic.Errors, 10),
					fmt.Sprintf("%.1fms", g.Traffic.LatencyMS))
			}
			return s.write(w, t)
		})
	}
	return cmd
}

func (s *session) balancerCreate() *cobra.Command {
	var listen, provider string
	cmd := &cobra.Command{
		Use: "create NAME -a APPLICATION --listen HOST:PORT", Short: "Create a load balancer, or change where it listens",
		Args:    cobra.ExactArgs(1),
		Example: "  gennaker load-balancer create shop -a shop --listen 127.0.0.1:8080",
	}
	p := s.place(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		app, err := s.inApplication(cmd, p.app)
		if err != nil {
			return err
		}
		c, err := s.client()
		if err != nil {
			return err
		}
		lb := gennaker.LoadBalancer{
			Name: args[0], Account: p.account, Region: p.region, CloudProvider: provider,
			Application: app, Listen: listen,
		}
		ctx := cmd.Context()
		return s.started(ctx, c, fmt.Sprintf("load balancer %s listens on %s", lb.Name, lb.Listen))(c.UpsertLoadBalancer(ctx, lb))
	}
	cmd.Flags().StringVar(&listen, "listen", "", "`address` to listen on, host:port")
	cmd.Flags().StringVar(&provider, "cloud-provider", "local", "`type` of the account")
	required(cmd, "listen")
	return cmd
}

func (s *session) balancerDelete() *cobra.Command {
	cmd := &cobra.Command{
		Use: "delete NAME", Short: "Delete a load balancer", Args: cobra.ExactArgs(1),
		Example: "  gennaker load-balancer delete shop",
	}
	p := s.place(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		ctx := cmd.Context()
		lb, _, err := findBalancer(ctx, c, p, args[0])
		if err != nil {
			return err
		}
		if lb.Application == "" { // a task must belong to one
			if lb.Application, err = s.inApplication(cmd, p.app); err != nil {
				return err
			}
		}
		return s.started(ctx, c, "deleted load balancer "+lb.Name)(c.DeleteLoadBalancer(ctx, lb))
	}
	return cmd
}

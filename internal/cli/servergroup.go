package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) serverGroups() *cobra.Command {
	cmd := &cobra.Command{
		Use: "server-group", Aliases: []string{"sg"}, Short: "Server groups: what runs",
		Long: `Server groups: what runs. The name of one begins with its application's; -a names
the application where that has a dash. In clusters of containers it has its kind before it:
"replicaSet shop-v003". An account and a region have to be named only where
several have one of that name.`,
	}
	cmd.AddCommand(
		s.groupList(), s.groupGet(), s.groupResize(),
		s.groupChange("enable", "Let a server group get requests", "enabled", (*client.Client).EnableServerGroup),
		s.groupChange("disable", "Take a server group out of service", "disabled", (*client.Client).DisableServerGroup),
		s.groupChange("destroy", "Stop a server group and forget it", "destroyed", (*client.Client).DestroyServerGroup),
		s.groupRollback(), s.groupLogs(),
	)
	return cmd
}

// place is where a server group is, as flags name it.
type place struct {
	app, account, region string
	given                func(flag string) bool
}

func (s *session) place(cmd *cobra.Command) *place {
	p := &place{given: func(flag string) bool { return cmd.Flags().Changed(flag) }}
	s.application(cmd, &p.app)
	cmd.Flags().StringVar(&p.account, "account", "local", "`name` of the account")
	cmd.Flags().StringVar(&p.region, "region", "local", "`name` of the region")
	s.offer(cmd, "account", accountNames)
	s.offer(cmd, "region", regionNames)
	return p
}

// in returns the application of a server group or cluster.
func (p *place) in(s *session, name string) string {
	if p.app != "" {
		return p.app
	}
	name = bare(name)
	if app := s.env.Getenv("GENNAKER_APPLICATION"); app != "" && (name == app || strings.HasPrefix(name, app+"-")) {
		return app
	}
	return gennaker.ParseServerGroupName(name).App
}

// bare returns a name without the kind before it.
func bare(name string) string {
	if _, name, err := gennaker.ParseManifestName(name); err == nil {
		return name
	}
	return name
}

// may returns whether the flags mean a server group that is called name, with
// its kind or without.
func (p *place) may(g gennaker.ServerGroup, name string) bool {
	return (g.Name == name || bare(g.Name) == name) &&
		(!p.given("account") || g.Account == p.account) && (!p.given("region") || g.Region == p.region)
}

// findGroup returns a server group: the one in the place, or the only one that
// is called so. If there is none, the hint has near names.
func (s *session) findGroup(ctx context.Context, c *client.Client, p *place, name string) (gennaker.ServerGroup, error) {
	app := p.in(s, name)
	g, err := c.ServerGroup(ctx, app, gennaker.ServerGroupRef{Account: p.account, Region: p.region, Name: name})
	if gennaker.KindOf(err) != gennaker.NotFound {
		return g, err
	}
	all, listErr := c.ServerGroups(client.KeepBody(ctx, new(json.RawMessage)), app)
	if listErr != nil && gennaker.KindOf(listErr) != gennaker.NotFound {
		return g, err
	}
	var names, refs []string
	for _, other := range all {
		names = append(names, other.Name)
		if p.may(other, name) {
			refs = append(refs, other.Ref().String())
			g = other
		}
	}
	switch len(refs) {
	case 0:
		return g, gennaker.Errorf(gennaker.NotFound, "there is no server group %q in %s/%s", name, p.account, p.region).
			WithHint("%s", suggest(name, names, "`gennaker server-group list -a "+app+"` shows those that there are"))
	case 1:
		return c.ServerGroup(ctx, app, g.Ref())
	}
	return g, gennaker.Errorf(gennaker.Invalid, "there are %d server groups %q: %s", len(refs), name, strings.Join(refs, ", ")).
		WithHint("say which with --account and --region")
}

func (s *session) groupList() *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use: "list", Short: "List the server groups of an application", Args: cobra.NoArgs,
		Example: "  gennaker server-group list -a shop",
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := s.inApplication(cmd, app)
			if err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			all, body, err := ask(cmd.Context(), func(ctx context.Context) ([]gennaker.ServerGroup, error) { return c.ServerGroups(ctx, app) })
			if gennaker.KindOf(err) == gennaker.NotFound {
				return missing(cmd.Context(), c, app, err)
			}
			if err != nil {
				return err
			}
			return s.list(body, show.ServerGroups(all))
		},
	}
	s.application(cmd, &app)
	return cmd
}

// onGroup makes a command about one server group.
func (s *session) onGroup(cmd *cobra.Command, do func(ctx context.Context, c *client.Client, g gennaker.ServerGroup) error) *cobra.Command {
	p := s.place(cmd)
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = s.offers(s.groupNames)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		g, err := s.findGroup(cmd.Context(), c, p, args[0])
		if err != nil {
			return err
		}
		if g.Moniker.App == "" {
			g.Moniker.App = p.in(s, args[0])
		}
		return do(cmd.Context(), c, g)
	}
	return cmd
}

func (s *session) groupGet() *cobra.Command {
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Show a server group and its instances", Args: cobra.ExactArgs(1),
		ValidArgsFunction: s.offers(s.groupNames),
		Example:           "  gennaker server-group get shop-prod-v003",
	}
	p := s.place(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		g, body, err := ask(cmd.Context(), func(ctx context.Context) (gennaker.ServerGroup, error) {
			return s.findGroup(ctx, c, p, args[0])
		})
		if err != nil {
			return err
		}
		return s.show(body, func(w io.Writer) error {
			fmt.Fprintf(w, "%s  %s  %s up (min %d, max %d)  %s/%s  created %s\n",
				show.Clean(g.Name), show.GroupState(g), show.Up(g), g.Capacity.Min, g.Capacity.Max, show.Clean(g.Account), show.Clean(g.Region), show.Moment(g.CreatedTime))
			if len(g.Instances) == 0 {
				return nil
			}
			t := show.NewTable("INSTANCE", "HEALTH", "ADDRESS", "RESTARTS", "SINCE", "REASON")
			for _, i := range g.Instances {
				t.Add(i.Name, string(i.HealthState), show.OrDash(i.Address), strconv.Itoa(i.Restarts), show.Moment(i.LaunchTime), show.OrDash(i.Reason))
			}
			return s.write(w, t)
		})
	}
	return cmd
}

func (s *session) groupResize() *cobra.Command {
	var size, least, most int
	cmd := &cobra.Command{
		Use: "resize NAME --size N", Short: "Change how many instances a server group has",
		Long:    "Change how many instances a server group has. --min and --max widen or narrow what\nit may have; those that are not given move only as far as the size needs.",
		Example: "  gennaker server-group resize shop-prod-v003 --size 4\n  gennaker server-group resize shop-prod-v003 --size 4 --min 2 --max 8",
	}
	s.onGroup(cmd, func(ctx context.Context, c *client.Client, g gennaker.ServerGroup) error {
		to := gennaker.Capacity{Desired: size, Min: min(g.Capacity.Min, size), Max: max(g.Capacity.Max, size)}
		if g.Capacity.Pinned() {
			to.Min, to.Max = size, size
		}
		if cmd.Flags().Changed("min") {
			to.Min = least
		}
		if cmd.Flags().Changed("max") {
			to.Max = most
		}
		done := fmt.Sprintf("resized server group %s to %d (min %d, max %d)", g.Name, to.Desired, to.Min, to.Max)
		return s.started(ctx, c, done)(c.ResizeServerGroup(ctx, g, to))
	})
	cmd.Flags().IntVar(&size, "size", 0, "`number` of instances")
	cmd.Flags().IntVar(&least, "min", 0, "least `number` of instances")
	cmd.Flags().IntVar(&most, "max", 0, "greatest `number` of instances")
	required(cmd, "size")
	return cmd
}

// groupChange makes a command that starts a task on one server group.
func (s *session) groupChange(verb, short, done string, start func(*client.Client, context.Context, gennaker.ServerGroup) (string, error)) *cobra.Command {
	return s.onGroup(&cobra.Command{
		Use: verb + " NAME", Short: short, Example: "  gennaker server-group " + verb + " shop-prod-v003",
	}, func(ctx context.Context, c *client.Client, g gennaker.ServerGroup) error {
		return s.started(ctx, c, done+" server group "+g.Name)(start(c, ctx, g))
	})
}

func (s *session) groupRollback() *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "rollback CLUSTER", Short: "Go back to the server group before", Args: cobra.ExactArgs(1),
		Long: `Enable the server group of a cluster that was in service before, and disable the
newest enabled one when the other is healthy. --to names another to go back to.`,
		Example: "  gennaker server-group rollback shop-prod\n  gennaker server-group rollback shop-prod --to shop-prod-v001",
	}
	p := s.place(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		r, err := s.rollback(cmd.Context(), c, p, args[0], to)
		if err != nil {
			return err
		}
		return s.started(cmd.Context(), c, "rolled back cluster "+r.Cluster)(c.RollbackCluster(cmd.Context(), r))
	}
	cmd.Flags().StringVar(&to, "to", "", "`name` of the server group to go back to")
	return cmd
}

// rollback checks that the cluster, and what to go back to, exist.
func (s *session) rollback(ctx context.Context, c *client.Client, p *place, cluster, to string) (client.Rollback, error) {
	r := client.Rollback{Application: p.in(s, cluster), Account: p.account, Region: p.region, Cluster: cluster, To: to}
	all, err := c.ServerGroups(ctx, r.Application)
	if gennaker.KindOf(err) == gennaker.NotFound {
		return r, missing(ctx, c, r.Application, err)
	}
	if err != nil {
		return r, err
	}
	var clusters, groups []string
	for _, g := range all {
		if g.Account != p.account || g.Region != p.region {
			continue
		}
		clusters = append(clusters, g.Cluster)
		if g.Cluster == cluster {
			r.CloudProvider = g.CloudProvider
			groups = append(groups, g.Name)
		}
	}
	if len(groups) == 0 {
		return r, gennaker.Errorf(gennaker.NotFound, "there is no cluster %q in %s/%s", cluster, p.account, p.region).
			WithHint("%s", suggest(cluster, unique(clusters), "`gennaker server-group list -a "+r.Application+"` shows what there is"))
	}
	for _, g := range groups {
		if g == to || to == "" {
			return r, nil
		}
	}
	return r, gennaker.Errorf(gennaker.NotFound, "cluster %s has no server group %q", cluster, to).
		WithHint("%s", suggest(to, groups, "it has "+quoted(groups)))
}

func (s *session) groupLogs() *cobra.Command {
	var q client.LogQuery
	cmd := s.onGroup(&cobra.Command{
		Use: "logs NAME", Short: "Print what the instances of a server group wrote",
		Long: "Print what the instances of a server group wrote, each line led by the instance\nunless one is named. It is text whatever the output format.",
		Example: `  gennaker server-group logs shop-prod-v003 -f
  gennaker server-group logs shop-prod-v003 --instance shop-prod-v003-1 --tail 4096`,
	}, func(ctx context.Context, c *client.Client, g gennaker.ServerGroup) error {
		logs, err := c.Logs(ctx, g.Ref(), q)
		return s.copyLogs(ctx, logs, err)
	})
	cmd.Flags().BoolVarP(&q.Follow, "follow", "f", false, "go on with what is written from now on")
	cmd.Flags().StringVar(&q.Instance, "instance", "", "only of the instance with this `name`")
	cmd.Flags().Int64Var(&q.TailBytes, "tail", 0, "only the last so many `bytes`; 0 leaves it to the server")
	return cmd
}

// copyLogs prints logs, unless they could not be opened.
func (s *session) copyLogs(ctx context.Context, logs io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer logs.Close()
	_, err = io.Copy(s.env.Stdout, logs)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err() // not its cause, which may name a signal
	case errors.Is(err, io.ErrUnexpectedEOF):
		return gennaker.Errorf(gennaker.Unavailable, "the logs broke off: %w", err).WithHint("is the server still there?")
	}
	return fmt.Errorf("copy the logs: %w", err)
}

// unique returns names without repetitions.
func unique(names []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, n := range names {
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

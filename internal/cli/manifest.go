package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) manifests() *cobra.Command {
	cmd := &cobra.Command{
		Use: "manifest", Short: "Manifests: the objects of clusters",
		Long: `Manifests: the objects of clusters, each called by its kind and name, as in
"deployment web" or deployment/web. --account has to be given only where there
are several clusters.`,
	}
	cmd.AddCommand(s.manifestList(), s.manifestGet(), s.manifestLogs(), s.manifestEvents())
	return cmd
}

func (s *session) manifestList() *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use: "list", Short: "List the objects of an application", Args: cobra.NoArgs,
		Example: "  gennaker manifest list -a shop",
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := s.inApplication(cmd, app)
			if err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			all, body, err := ask(cmd.Context(), func(ctx context.Context) ([]gennaker.Resource, error) { return c.Resources(ctx, app) })
			if err != nil {
				return err
			}
			t := show.NewTable("NAME", "ACCOUNT", "NAMESPACE", "CLUSTER", "VERSION", "CREATED")
			for _, r := range all {
				version := show.Dash
				if n := r.Moniker.Sequence; n != nil {
					version = fmt.Sprintf("v%03d", *n)
				}
				t.Add(r.Name, r.Account, show.OrDash(r.Namespace), show.OrDash(r.Moniker.Cluster), version, show.Moment(r.CreatedTime))
			}
			return s.list(body, t)
		},
	}
	s.application(cmd, &app)
	return cmd
}

// onManifest makes a command about one object.
func (s *session) onManifest(cmd *cobra.Command, do func(ctx context.Context, c *client.Client, ref gennaker.ManifestRef) error) *cobra.Command {
	var account, namespace string
	flags := cmd.Flags()
	flags.StringVar(&account, "account", "", "`name` of the account; default the only cluster")
	flags.StringVarP(&namespace, "namespace", "n", "default", "`name` of the namespace, if the kind is in one")
	s.offer(cmd, "account", accountNames)
	s.offer(cmd, "namespace", regionNames)
	cmd.Args = cobra.RangeArgs(1, 2)
	cmd.ValidArgsFunction = s.offers(s.manifestNames)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		kind, name, err := gennaker.ParseManifestName(strings.Replace(strings.Join(args, " "), "/", " ", 1))
		if err != nil {
			return err
		}
		c, err := s.client()
		if err != nil {
			return err
		}
		ref := gennaker.ManifestRef{Account: account, Location: namespace, Kind: kind, Name: name}
		if account == "" {
			if ref.Account, err = onlyCluster(cmd.Context(), c); err != nil {
				return err
			}
		}
		return do(cmd.Context(), c, ref)
	}
	return cmd
}

// onlyCluster returns the account that must be meant.
//
// Errors: Invalid if there are several, or none.
func onlyCluster(ctx context.Context, c *client.Client) (string, error) {
	all, err := c.Credentials(ctx)
	if err != nil {
		return "", err
	}
	var clusters []string
	for _, a := range all {
		if a.CloudProvider == kubernetes {
			clusters = append(clusters, a.Name)
		}
	}
	switch len(clusters) {
	case 0:
		return "", gennaker.Errorf(gennaker.Invalid, "there is no account of a cluster").WithHint("`gennaker account add` adds one")
	case 1:
		return clusters[0], nil
	}
	return "", gennaker.Errorf(gennaker.Invalid, "there are %d clusters", len(clusters)).WithHint("name one with --account: %s", quoted(clusters))
}

func (s *session) manifestGet() *cobra.Command {
	var raw bool
	cmd := s.onManifest(&cobra.Command{
		Use: "get KIND NAME", Short: "Show how an object is, and why",
		Long: "Show how an object is, why it is not ready, and what to do about it. --raw prints\nthe object itself.",
		Example: `  gennaker manifest get deployment web -n shop
  gennaker manifest get "deployment web" -n shop --account prod --raw`,
	}, func(ctx context.Context, c *client.Client, ref gennaker.ManifestRef) error {
		view, body, err := ask(ctx, func(ctx context.Context) (gennaker.ManifestView, error) { return c.Manifest(ctx, ref) })
		if err != nil {
			return err
		}
		if raw {
			var parts struct{ Manifest json.RawMessage }
			if err := json.Unmarshal(body, &parts); err != nil {
				return fmt.Errorf("read the object: %w", err)
			}
			return s.printDocument(parts.Manifest)
		}
		return s.show(body, func(w io.Writer) error { return show.Manifest(w, view) })
	})
	cmd.Flags().BoolVar(&raw, "raw", false, "print the object, as YAML unless -o says otherwise")
	return cmd
}

func (s *session) manifestLogs() *cobra.Command {
	var container string
	var tail int64
	cmd := s.onManifest(&cobra.Command{
		Use: "logs KIND NAME", Short: "Print what an object's newest pod wrote",
		Long: "Print the last that a container of an object's newest pod wrote. `gennaker\nserver-group logs` prints all pods of a server group, and follows them.",
		Example: `  gennaker manifest logs job migrate -n shop
  gennaker manifest logs pod web-v001-x7k2p -n shop --container proxy --tail 4096`,
	}, func(ctx context.Context, c *client.Client, ref gennaker.ManifestRef) error {
		logs, err := c.ManifestLogs(ctx, ref, container, tail)
		return s.copyLogs(ctx, logs, err)
	})
	cmd.Flags().StringVar(&container, "container", "", "`name` of the container; default the only or first one")
	cmd.Flags().Int64Var(&tail, "tail", 0, "only the last so many `bytes`; 0 leaves it to the server")
	return cmd
}

func (s *session) manifestEvents() *cobra.Command {
	return s.onManifest(&cobra.Command{
		Use: "events KIND NAME", Short: "List what the cluster says of an object",
		Long:    "List what the cluster says of an object and of what it owns, newest first.",
		Example: "  gennaker manifest events deployment web -n shop",
	}, func(ctx context.Context, c *client.Client, ref gennaker.ManifestRef) error {
		all, body, err := ask(ctx, func(ctx context.Context) ([]gennaker.ManifestEvent, error) { return c.ManifestEvents(ctx, ref) })
		if err != nil {
			return err
		}
		return s.list(body, show.Events(all))
	})
}

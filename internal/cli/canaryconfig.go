package cli

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) canaryConfigs() *cobra.Command {
	cmd := &cobra.Command{
		Use: "canary-config", Short: "Canary configs",
		Long: "Canary configs say which metrics of two versions are compared, and how.",
	}
	cmd.AddCommand(s.canaryConfigList(), s.canaryConfigGet(), s.canaryConfigSave(), s.canaryConfigDelete())
	return cmd
}

func (s *session) canaryConfigList() *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use: "list", Short: "List the canary configs", Args: cobra.NoArgs,
		Example: "  gennaker canary-config list -a shop",
		RunE: s.connected(func(ctx context.Context, c *client.Client, _ []string) error {
			all, body, err := ask(ctx, func(ctx context.Context) ([]client.CanaryConfig, error) { return c.CanaryConfigs(ctx, app) })
			if err != nil {
				return err
			}
			t := show.NewTable("NAME", "ID", "APPLICATIONS", "SAVED")
			for _, config := range all {
				t.Add(config.Name, config.ID, show.OrDash(strings.Join(config.Applications, ",")), show.Moment(config.UpdateTime))
			}
			return s.list(body, t)
		}),
	}
	cmd.Flags().StringVarP(&app, "application", "a", "", "only those of this application, by its `name`")
	s.offer(cmd, "application", s.applicationNames)
	return cmd
}

func canaryConfigIDs(ctx context.Context, c *client.Client) []string {
	all, err := c.CanaryConfigs(ctx, "")
	return named(all, err, func(config client.CanaryConfig) string { return config.ID })
}

// onCanaryConfig makes a command about one canary config.
func (s *session) onCanaryConfig(cmd *cobra.Command, do func(ctx context.Context, c *client.Client, id string) error) *cobra.Command {
	cmd.Args, cmd.ValidArgsFunction = cobra.ExactArgs(1), s.offers(canaryConfigIDs)
	cmd.RunE = s.connected(func(ctx context.Context, c *client.Client, args []string) error {
		err := do(ctx, c, args[0])
		if gennaker.KindOf(err) != gennaker.NotFound {
			return err
		}
		return gennaker.Errorf(gennaker.NotFound, "there is no canary config with the ID %q", args[0]).
			WithHint("%s", suggest(args[0], canaryConfigIDs(ctx, c), "`gennaker canary-config list` shows those that there are"))
	})
	return cmd
}

func (s *session) canaryConfigGet() *cobra.Command {
	return s.onCanaryConfig(&cobra.Command{
		Use: "get ID", Short: "Print a canary config",
		Long:    "Print a canary config: as YAML, or as the server gave it with -o json.",
		Example: "  gennaker canary-config get errors > errors.yaml",
	}, func(ctx context.Context, c *client.Client, id string) error {
		doc, err := c.CanaryConfig(ctx, id)
		if err != nil {
			return err
		}
		return s.printDocument(doc)
	})
}

func (s *session) canaryConfigSave() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "save -f FILE", Short: "Create or replace a canary config", Args: cobra.NoArgs,
		Long:    "Create a canary config from a JSON or YAML file, or replace the one with the same id.",
		Example: "  gennaker canary-config save -f errors.yaml",
		RunE: s.connected(func(ctx context.Context, c *client.Client, _ []string) error {
			d, err := s.read(file)
			if err != nil {
				return err
			}
			return s.saveCanaryConfig(ctx, c, d)
		}),
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` of the canary config, JSON or YAML; - is stdin")
	required(cmd, "file")
	return cmd
}

func (s *session) saveCanaryConfig(ctx context.Context, c *client.Client, d *document) error {
	id, _ := d.doc.Value["id"].(string)
	save, did := c.CreateCanaryConfig, "created"
	if id != "" {
		switch _, err := c.CanaryConfig(ctx, id); {
		case err == nil:
			did = "updated"
			save = func(ctx context.Context, text []byte) (string, error) { return id, c.UpdateCanaryConfig(ctx, id, text) }
		case gennaker.KindOf(err) != gennaker.NotFound:
			return err
		}
	}
	var body json.RawMessage
	id, err := save(client.KeepBody(ctx, &body), d.json)
	if err != nil {
		return d.locate(err)
	}
	s.say("%s canary config %q with the ID %s", did, d.doc.Value["name"], id)
	return s.show(body, func(io.Writer) error { return nil })
}

func (s *session) canaryConfigDelete() *cobra.Command {
	return s.onCanaryConfig(&cobra.Command{
		Use: "delete ID", Short: "Delete a canary config",
		Example: "  gennaker canary-config delete errors",
	}, func(ctx context.Context, c *client.Client, id string) error {
		if err := c.DeleteCanaryConfig(ctx, id); err != nil {
			return err
		}
		s.say("deleted canary config %q", id)
		return nil
	})
}

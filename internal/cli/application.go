package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) applications() *cobra.Command {
	cmd := &cobra.Command{Use: "app", Aliases: []string{"application"}, Short: "Applications"}
	cmd.AddCommand(s.appList(), s.appGet(), s.appSave(), s.appDelete(), s.appHistory())
	return cmd
}

func (s *session) appList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the applications", Args: cobra.NoArgs,
		Example: "  gennaker app list\n  gennaker app list -o json | jq -r '.[].name'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			all, body, err := ask(cmd.Context(), c.Applications)
			if err != nil {
				return err
			}
			t := show.NewTable("NAME", "EMAIL", "PROVIDERS", "DESCRIPTION")
			for _, a := range all {
				t.Add(a.Name, show.OrDash(a.Email), show.OrDash(attr(a, "cloudProviders")), show.OrDash(attr(a, "description")))
			}
			return s.list(body, t)
		},
	}
}

func attr(a client.Application, key string) string {
	switch v := a.Attrs[key].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		text, _ := json.Marshal(v) // it was JSON
		return string(text)
	}
}

func (s *session) appGet() *cobra.Command {
	return &cobra.Command{
		Use: "get NAME", Short: "Show an application and its clusters", Args: cobra.ExactArgs(1), ValidArgsFunction: s.offers(s.applicationNames),
		Example: "  gennaker app get shop",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			a, body, err := ask(cmd.Context(), func(ctx context.Context) (client.Application, error) {
				return findApplication(ctx, c, args[0])
			})
			if err != nil {
				return err
			}
			t := show.NewTable("ATTRIBUTE", "VALUE")
			for _, key := range slices.Sorted(maps.Keys(a.Attrs)) {
				t.Add(key, attr(a, key))
			}
			for _, account := range slices.Sorted(maps.Keys(a.Clusters)) {
				for _, cluster := range a.Clusters[account] {
					t.Add("cluster "+account, cluster.Name)
				}
			}
			return s.list(body, t)
		},
	}
}

// findApplication is client.Application, with the near names in the hint.
func findApplication(ctx context.Context, c *client.Client, name string) (client.Application, error) {
	a, err := c.Application(ctx, name)
	if gennaker.KindOf(err) != gennaker.NotFound {
		return a, err
	}
	return a, missing(ctx, c, name, err)
}

// missing is the error that there is no application of a name.
func missing(ctx context.Context, c *client.Client, name string, err error) error {
	e := gennaker.Errorf(gennaker.NotFound, "there is no application %q", name)
	all, listErr := c.Applications(ctx)
	if listErr != nil {
		return fmt.Errorf("%w", err) // the first error tells more
	}
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a.Name
	}
	return e.WithHint("%s", suggest(name, names, "`gennaker app list` shows those that there are"))
}

func (s *session) appSave() *cobra.Command {
	var email, file string
	cmd := &cobra.Command{
		Use: "save NAME [KEY=VALUE | KEY:=JSON]...", Short: "Create an application, or change its attributes",
		Long: `Create an application, or change its attributes; those that are not named stay.

KEY=VALUE sets a text, KEY:=JSON anything else, and KEY:=null takes an attribute
away. They win over --file, which is a JSON or YAML file of attributes, "-" for
stdin. NAME may be left out if the file has a name.`,
		Example: `  gennaker app save shop --email shop@example.com
  gennaker app save shop description="The shop" instancePort:=8080
  gennaker app save -f shop.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			attrs, err := s.attributes(file, email, args)
			if err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			return s.saveApplication(cmd.Context(), c, attrs)
		},
	}
	cmd.Flags().StringVar(&email, "email", "", "`address` of the owner")
	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` of attributes, JSON or YAML; - is stdin")
	return cmd
}

// attributes puts together what the command line says of an application.
func (s *session) attributes(file, email string, args []string) (map[string]any, error) {
	attrs := map[string]any{}
	if file != "" {
		d, err := s.read(file)
		if err != nil {
			return nil, err
		}
		maps.Copy(attrs, d.doc.Value)
	}
	if len(args) > 0 && !strings.Contains(args[0], "=") {
		attrs["name"], args = args[0], args[1:]
	}
	if email != "" {
		attrs["email"] = email
	}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return nil, gennaker.Errorf(gennaker.Invalid, "%q is not an attribute", arg).
				WithHint("write KEY=VALUE for a text, KEY:=JSON for anything else")
		}
		if name, isJSON := strings.CutSuffix(key, ":"); isJSON {
			var v any
			if err := json.Unmarshal([]byte(value), &v); err != nil {
				return nil, gennaker.Errorf(gennaker.Invalid, "the value of %s is not JSON: %w", name, err)
			}
			attrs[name] = v
			continue
		}
		attrs[key] = value
	}
	if name, ok := attrs["name"].(string); !ok || name == "" {
		return nil, gennaker.Errorf(gennaker.Invalid, "the application has no name").
			WithHint("name it first: gennaker app save NAME")
	}
	return attrs, nil
}

// saveApplication creates the application, or changes attributes that it has.
func (s *session) saveApplication(ctx context.Context, c *client.Client, attrs map[string]any) error {
	name, _ := attrs["name"].(string)
	old, err := c.Application(ctx, name)
	switch {
	case err == nil && old.Email != "":
		return s.started(ctx, c, fmt.Sprintf("updated application %q", old.Name))(c.UpdateApplication(ctx, old.Name, attrs))
	case err == nil, gennaker.KindOf(err) == gennaker.NotFound: // without email it was never saved
		id, err := c.CreateApplication(ctx, attrs)
		if e, ok := errors.AsType[*gennaker.Error](err); ok && e.Kind == gennaker.Invalid && attrs["email"] == nil {
			err = e.WithHint("a new application needs an owner: add --email")
		}
		return s.started(ctx, c, fmt.Sprintf("created application %q", name))(id, err)
	}
	return err
}

func (s *session) appDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Delete an application", Args: cobra.ExactArgs(1), ValidArgsFunction: s.offers(s.applicationNames),
		Example: "  gennaker app delete shop",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := s.client()
			if err != nil {
				return err
			}
			a, err := findApplication(ctx, c, args[0])
			if err != nil {
				return err
			}
			return s.started(ctx, c, fmt.Sprintf("deleted application %q", a.Name))(c.DeleteApplication(ctx, a.Name))
		},
	}
}

func (s *session) appHistory() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "history NAME", Short: "List the revisions of an application, newest first", Args: cobra.ExactArgs(1), ValidArgsFunction: s.offers(s.applicationNames),
		Example: "  gennaker app history shop --limit 5",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			all, body, err := ask(cmd.Context(), func(ctx context.Context) ([]client.Revision, error) {
				return c.ApplicationHistory(ctx, args[0], limit)
			})
			if gennaker.KindOf(err) == gennaker.NotFound {
				return missing(cmd.Context(), c, args[0], err)
			}
			if err != nil {
				return err
			}
			return s.revisions(body, all)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so `many`; 0 leaves it to the server")
	return cmd
}

func (s *session) revisions(body json.RawMessage, all []client.Revision) error {
	t := show.NewTable("SAVED", "BY")
	for _, r := range all {
		t.Add(show.Moment(r.LastModified), show.OrDash(r.LastModifiedBy))
	}
	return s.show(body, func(w io.Writer) error { return s.write(w, t) })
}

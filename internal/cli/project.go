package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

// connected makes a command of what needs a client.
func (s *session) connected(do func(ctx context.Context, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, args)
	}
}

func (s *session) projects() *cobra.Command {
	cmd := &cobra.Command{
		Use: "project", Short: "Projects",
		Long: "Projects put applications, pipelines and clusters together on one dashboard.",
	}
	cmd.AddCommand(s.projectList(), s.projectGet(), s.projectSave(), s.projectDelete())
	return cmd
}

func (s *session) projectList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the projects", Args: cobra.NoArgs,
		Example: "  gennaker project list",
		RunE: s.connected(func(ctx context.Context, c *client.Client, _ []string) error {
			all, body, err := ask(ctx, c.Projects)
			if err != nil {
				return err
			}
			t := show.NewTable("NAME", "EMAIL", "APPLICATIONS", "PIPELINES", "CLUSTERS", "SAVED", "BY")
			for _, p := range all {
				t.Add(p.Name, show.OrDash(p.Email), show.OrDash(strings.Join(p.Applications, ",")), strconv.Itoa(p.Pipelines), strconv.Itoa(p.Clusters),
					show.Moment(p.UpdateTime), show.OrDash(p.LastModifiedBy))
			}
			return s.list(body, t)
		}),
	}
}

func projectNames(ctx context.Context, c *client.Client) []string {
	all, err := c.Projects(ctx)
	return named(all, err, func(p client.Project) string { return p.Name })
}

// findProject is client.Project, with the near names in the hint.
func findProject(ctx context.Context, c *client.Client, name string) (client.Project, error) {
	p, err := c.Project(ctx, name)
	if gennaker.KindOf(err) != gennaker.NotFound {
		return p, err
	}
	return p, gennaker.Errorf(gennaker.NotFound, "there is no project %q", name).
		WithHint("%s", suggest(name, projectNames(ctx, c), "`gennaker project list` shows those that there are"))
}

func (s *session) projectGet() *cobra.Command {
	return &cobra.Command{
		Use: "get NAME_OR_ID", Short: "Print a project", Args: cobra.ExactArgs(1), ValidArgsFunction: s.offers(projectNames),
		Long:    "Print a project: as YAML, or as the server gave it with -o json.",
		Example: "  gennaker project get Shop > shop.yaml",
		RunE: s.connected(func(ctx context.Context, c *client.Client, args []string) error {
			p, err := findProject(ctx, c, args[0])
			if err != nil {
				return err
			}
			return s.printDocument(p.Document)
		}),
	}
}

func (s *session) projectSave() *cobra.Command {
	var email, file string
	cmd := &cobra.Command{
		Use: "save [NAME]", Short: "Create or replace a project", Args: cobra.MaximumNArgs(1), ValidArgsFunction: s.offers(projectNames),
		Long: `Create a project from a JSON or YAML file, or replace the one of the same name.
Without a file, create one that is empty, or change its email. NAME and --email
win over the file; to give a project another name, save it with its id.`,
		Example: "  gennaker project save Shop --email shop@example.com\n  gennaker project save -f shop.yaml",
		RunE: s.connected(func(ctx context.Context, c *client.Client, args []string) error {
			d := &document{doc: &gennaker.Document{Value: map[string]any{}}}
			if file != "" {
				var err error
				if d, err = s.read(file); err != nil {
					return err
				}
			}
			attrs := maps.Clone(d.doc.Value)
			if len(args) > 0 {
				attrs["name"] = args[0]
			}
			name, _ := attrs["name"].(string)
			if name == "" {
				return gennaker.Errorf(gennaker.Invalid, "the project has no name").WithHint("name it: gennaker project save NAME")
			}
			if email != "" {
				attrs["email"] = email
			}
			return s.saveProject(ctx, c, d, attrs, file == "")
		}),
	}
	cmd.Flags().StringVar(&email, "email", "", "`address` of the owner")
	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` of the project, JSON or YAML; - is stdin")
	return cmd
}

// saveProject saves attrs, of which d is the source. If keep is set, what they
// do not say stays as it is.
func (s *session) saveProject(ctx context.Context, c *client.Client, d *document, attrs map[string]any, keep bool) error {
	did := "created"
	old, err := c.Project(ctx, fmt.Sprint(attrs["name"]))
	switch {
	case err == nil:
		did = "updated"
		if keep {
			stored := map[string]any{}
			if err := json.Unmarshal(old.Document, &stored); err != nil {
				return fmt.Errorf("read project %s: %w", old.Name, err)
			}
			maps.Copy(stored, attrs)
			attrs = stored
			attrs["name"] = old.Name // as it is written
		}
		if attrs["id"] == nil {
			attrs["id"] = old.ID
		}
	case gennaker.KindOf(err) != gennaker.NotFound:
		return err
	case attrs["id"] != nil:
		did = "updated" // another name
	}
	if _, err := gennaker.NewProject(attrs); err != nil {
		return d.locate(err)
	}
	return s.started(ctx, c, fmt.Sprintf("%s project %q", did, attrs["name"]))(c.SaveProject(ctx, attrs))
}

func (s *session) projectDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME_OR_ID", Short: "Delete a project", Args: cobra.ExactArgs(1), ValidArgsFunction: s.offers(projectNames),
		Long:    "Delete a project. What belongs to it stays as it is.",
		Example: "  gennaker project delete Shop",
		RunE: s.connected(func(ctx context.Context, c *client.Client, args []string) error {
			p, err := findProject(ctx, c, args[0])
			if err != nil {
				return err
			}
			return s.started(ctx, c, fmt.Sprintf("deleted project %q", p.Name))(c.DeleteProject(ctx, p.ID))
		}),
	}
}

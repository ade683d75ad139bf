package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) templates() *cobra.Command {
	cmd := &cobra.Command{
		Use: "template", Aliases: []string{"pipeline-template"}, Short: "Pipeline templates",
		Long: `A template is a pipeline with variables. Pipelines that use it give values, and
may put stages of their own around its own.

A template is kept once for each tag (latest, stable, unstable, experimental,
test, canary) and once without; "latest" is the one that was saved last.`,
	}
	cmd.AddCommand(s.templateList(), s.templateGet(), s.templateSave(), s.templateDelete(), s.templatePlan(), s.templateUse())
	return cmd
}

func (s *session) templateList() *cobra.Command {
	var scopes []string
	cmd := &cobra.Command{
		Use: "list", Short: "List the pipeline templates", Args: cobra.NoArgs,
		Example: "  gennaker template list\n  gennaker template list --scopes shop",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			all, body, err := ask(cmd.Context(), func(ctx context.Context) ([]client.Template, error) { return c.Templates(ctx, scopes...) })
			if err != nil {
				return err
			}
			return s.list(body, templateTable(all))
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scopes", nil, "only those for one of these `scopes`: names of applications, or global")
	return cmd
}

// templateTable has a row for each template, with the tags that it is kept
// under.
func templateTable(all []client.Template) *show.Table {
	type row struct {
		client.Template
		tags []string
	}
	rows := map[string]*row{}
	for _, t := range all {
		if t.Digest != "" { // a copy that never changes, of one that is listed
			continue
		}
		r := rows[t.ID]
		if r == nil {
			r = &row{Template: t}
			rows[t.ID] = r
		}
		if t.UpdateTime.After(r.UpdateTime.Time) {
			r.Template = t
		}
		if t.Tag != "" {
			r.tags = append(r.tags, t.Tag)
		} else {
			r.tags = append(r.tags, "(none)")
		}
	}
	t := show.NewTable("ID", "NAME", "TAGS", "SCOPES", "SAVED", "BY")
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		r := rows[id]
		slices.Sort(r.tags)
		t.Add(id, show.OrDash(r.Name), strings.Join(r.tags, ","), show.OrDash(strings.Join(r.Scopes, ",")), show.Moment(r.UpdateTime), show.OrDash(r.LastModifiedBy))
	}
	return t
}

// templateIDs returns the IDs of the templates.
func (s *session) templateIDs(ctx context.Context, c *client.Client) []string {
	all, err := c.Templates(ctx)
	if err != nil {
		return nil
	}
	var out []string
	for _, t := range all {
		if !slices.Contains(out, t.ID) {
			out = append(out, t.ID)
		}
	}
	return out
}

// onTemplate makes a command about one copy of a template.
func (s *session) onTemplate(cmd *cobra.Command, do func(ctx context.Context, c *client.Client, id, tag string) error) *cobra.Command {
	var tag string
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, args[0], tag)
	}
	s.tag(cmd, &tag)
	cmd.ValidArgsFunction = s.offers(s.templateIDs)
	return cmd
}

func (s *session) tag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "tag", "", "`tag` of the template; without it the copy that has none")
	offerFixed(cmd, "tag", []string{"latest", "stable", "unstable", "experimental", "test", "canary"})
}

// findTemplate is client.Template, with what there is in the hint.
func (s *session) findTemplate(ctx context.Context, c *client.Client, id, tag string) (client.Template, error) {
	t, err := c.Template(ctx, id, tag)
	if gennaker.KindOf(err) != gennaker.NotFound {
		return t, err
	}
	all, listErr := c.Templates(ctx)
	if listErr != nil {
		return t, err
	}
	var ids, tags []string
	for _, t := range all {
		if t.ID == id && t.Tag != "" && t.Digest == "" {
			tags = append(tags, "--tag "+t.Tag)
		}
		if !slices.Contains(ids, t.ID) {
			ids = append(ids, t.ID)
		}
	}
	missing := gennaker.Errorf(gennaker.NotFound, "there is no template %q", id)
	if tag != "" {
		missing = gennaker.Errorf(gennaker.NotFound, "there is no template %q with the tag %s", id, tag)
	}
	if len(tags) > 0 {
		return t, missing.WithHint("it is kept under %s", strings.Join(tags, ", "))
	}
	if slices.Contains(ids, id) {
		return t, missing.WithHint("it is kept without a tag: leave --tag out")
	}
	return t, missing.WithHint("%s", suggest(id, ids, "`gennaker template list` shows those that there are"))
}

func (s *session) templateGet() *cobra.Command {
	return s.onTemplate(&cobra.Command{
		Use: "get ID", Short: "Print a pipeline template",
		Long:    "Print a pipeline template: as YAML, or as the server gave it with -o json.",
		Example: "  gennaker template get deploy --tag stable > deploy.yaml",
	}, func(ctx context.Context, c *client.Client, id, tag string) error {
		t, err := s.findTemplate(ctx, c, id, tag)
		if err != nil {
			return err
		}
		return s.printDocument(t.Document)
	})
}

// printDocument prints a document; for people YAML is the readable form.
func (s *session) printDocument(body json.RawMessage) error {
	if s.output == formatTable {
		return (&session{env: s.env, output: formatYAML}).show(body, nil)
	}
	return s.show(body, nil)
}

func (s *session) templateSave() *cobra.Command {
	var file, tag string
	var skip bool
	cmd := &cobra.Command{
		Use: "save -f FILE", Short: "Create or replace a pipeline template", Args: cobra.NoArgs,
		Long: `Create a template from a JSON or YAML file, or replace the one with the same ID
and tag. Pipelines that use it are planned first: if one of them cannot be, the
template stays as it was.`,
		Example: "  gennaker template save -f deploy.yaml\n  gennaker template save -f deploy.yaml --tag stable",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := s.read(file)
			if err != nil {
				return err
			}
			id, _ := d.doc.Value["id"].(string)
			schema, _ := d.doc.Value["schema"].(string)
			own, ok := d.doc.Value["tag"].(string)
			var problems []gennaker.Problem
			for key, missing := range map[string]bool{"id": id == "", "schema": schema == ""} {
				if missing {
					problems = append(problems, gennaker.Problem{Path: key, Message: "a template requires a text here"})
				}
			}
			if !ok && d.doc.Value["tag"] != nil {
				problems = append(problems, gennaker.Problem{Path: "tag", Message: "must be a text"})
			}
			if len(problems) > 0 {
				slices.SortFunc(problems, func(a, b gennaker.Problem) int { return strings.Compare(a.Path, b.Path) })
				return d.locate(d.doc.Invalid(problems))
			}
			if tag == "" {
				tag = own
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			return s.saveTemplate(cmd.Context(), c, d, id, tag, skip)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` of the template, JSON or YAML; - is stdin")
	cmd.Flags().BoolVar(&skip, "skip-plan-dependents", false, "do not plan the pipelines that use it first")
	s.tag(cmd, &tag)
	required(cmd, "file")
	return cmd
}

func (s *session) saveTemplate(ctx context.Context, c *client.Client, d *document, id, tag string, skip bool) error {
	save, did := c.CreateTemplate, "created"
	switch _, err := c.Template(ctx, id, tag); {
	case err == nil:
		did = "updated"
		save = func(ctx context.Context, text []byte, tag string) (client.Task, error) {
			return c.UpdateTemplate(ctx, id, text, tag, skip)
		}
	case gennaker.KindOf(err) != gennaker.NotFound:
		return err
	}
	t, err := save(ctx, d.json, tag)
	if err != nil {
		return d.locate(err)
	}
	key := fmt.Sprintf("%q", id)
	if tag != "" {
		key += " with the tag " + tag
	}
	if !t.Status.Complete() { // the server gave up waiting
		return s.await(ctx, c, t.ID, fmt.Sprintf("%s template %s", did, key))
	}
	if failed := outcome(whole(t)); failed != nil {
		return failed
	}
	s.say("%s template %s", did, key)
	if s.output == formatTable {
		return nil
	}
	saved, err := c.Template(ctx, id, tag)
	if err != nil {
		return fmt.Errorf("read the saved template: %w", err)
	}
	return s.printDocument(saved.Document)
}

func (s *session) templateDelete() *cobra.Command {
	return s.onTemplate(&cobra.Command{
		Use: "delete ID", Short: "Delete one copy of a pipeline template",
		Long:    "Delete the copy of a template with a tag, or the one without. It must not be in use.",
		Example: "  gennaker template delete deploy\n  gennaker template delete deploy --tag test",
	}, func(ctx context.Context, c *client.Client, id, tag string) error {
		if _, err := s.findTemplate(ctx, c, id, tag); err != nil {
			return err
		}
		if err := c.DeleteTemplate(ctx, id, tag); err != nil {
			return err
		}
		s.say("deleted template %q", id)
		return nil
	})
}

func (s *session) templatePlan() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "plan -f FILE", Short: "Print the pipeline that a use of a template stands for", Args: cobra.NoArgs,
		Long: `Print the ordinary pipeline that a pipeline with a template stands for, as YAML.
Nothing is saved, nothing runs.`,
		Example: "  gennaker template use deploy -a shop -n prod --set wait:=30 | gennaker template plan -f -",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := s.read(file)
			if err != nil {
				return err
			}
			if schema, _ := d.doc.Value["schema"].(string); schema == "" {
				return d.locate(d.doc.Invalid([]gennaker.Problem{{Path: "schema", Message: "a pipeline that uses a template requires \"v2\" here"}}))
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			planned, err := c.PlanTemplate(cmd.Context(), d.json)
			if err != nil {
				return err
			}
			return s.printDocument(planned)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` of the pipeline, JSON or YAML; - is stdin")
	required(cmd, "file")
	return cmd
}

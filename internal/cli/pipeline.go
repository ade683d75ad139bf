package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) pipelines() *cobra.Command {
	cmd := &cobra.Command{
		Use: "pipeline", Short: "Pipelines",
		Long: "Pipelines of an application. -a may be left out when GENNAKER_APPLICATION is set.",
	}
	cmd.AddCommand(s.pipelineList(), s.pipelineGet(), s.pipelineSave(), s.pipelineLint(), s.pipelinePlan(), s.pipelineDelete(), s.pipelineHistory(), s.pipelineDiff(), s.pipelineRun(), s.pipelineTest())
	return cmd
}

// application adds the flag that names an application.
func (s *session) application(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVarP(into, "application", "a", "", "`name` of the application; also GENNAKER_APPLICATION")
	s.offer(cmd, "application", s.applicationNames)
}

// inApplication returns the application that a flag or the environment names.
func (s *session) inApplication(cmd *cobra.Command, name string) (string, error) {
	if name == "" {
		name = s.env.Getenv("GENNAKER_APPLICATION")
	}
	if name == "" {
		return "", usage(cmd, "which application?").WithHint("add -a NAME, or set GENNAKER_APPLICATION")
	}
	return name, nil
}

// findPipeline is client.Pipeline, with the near names in the hint.
func findPipeline(ctx context.Context, c *client.Client, app, name string) (client.Pipeline, error) {
	p, err := c.Pipeline(ctx, app, name)
	if gennaker.KindOf(err) != gennaker.NotFound {
		return p, err
	}
	if _, appErr := c.Application(ctx, app); gennaker.KindOf(appErr) == gennaker.NotFound {
		return p, missing(ctx, c, app, err)
	}
	all, listErr := c.Pipelines(ctx, app)
	if listErr != nil {
		return p, err
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return p, gennaker.Errorf(gennaker.NotFound, "application %s has no pipeline %q", app, name).
		WithHint("%s", suggest(name, names, "`gennaker pipeline list -a "+app+"` shows those that there are"))
}

func (s *session) pipelineList() *cobra.Command {
	var app string
	cmd := &cobra.Command{
		Use: "list", Short: "List the pipelines of an application", Args: cobra.NoArgs,
		Example: "  gennaker pipeline list -a shop",
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := s.inApplication(cmd, app)
			if err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			all, body, err := ask(cmd.Context(), func(ctx context.Context) ([]client.Pipeline, error) { return c.Pipelines(ctx, app) })
			if gennaker.KindOf(err) == gennaker.NotFound {
				return missing(cmd.Context(), c, app, err)
			}
			if err != nil {
				return err
			}
			t := show.NewTable("NAME", "ID", "STAGES", "STATE", "SAVED", "BY")
			for _, p := range all {
				state := "enabled"
				if p.Disabled {
					state = "disabled"
				}
				t.Add(p.Name, p.ID, strconv.Itoa(p.Stages), state, show.Moment(p.UpdateTime), show.OrDash(p.LastModifiedBy))
			}
			return s.list(body, t)
		},
	}
	s.application(cmd, &app)
	return cmd
}

// onPipeline makes a command about one pipeline.
func (s *session) onPipeline(cmd *cobra.Command, do func(ctx context.Context, c *client.Client, app, name string) error) *cobra.Command {
	var app string
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		app, err := s.inApplication(cmd, app)
		if err != nil {
			return err
		}
		c, err := s.client()
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, app, args[0])
	}
	s.application(cmd, &app)
	cmd.ValidArgsFunction = s.offers(func(ctx context.Context, c *client.Client) []string {
		return s.pipelineNames(ctx, c, app)
	})
	return cmd
}

func (s *session) pipelineGet() *cobra.Command {
	return s.onPipeline(&cobra.Command{
		Use: "get NAME_OR_ID", Short: "Print the definition of a pipeline",
		Long:    "Print the definition of a pipeline: as YAML, or as the server gave it with -o json.",
		Example: "  gennaker pipeline get \"Deploy to prod\" -a shop > deploy.yaml",
	}, func(ctx context.Context, c *client.Client, app, name string) error {
		p, err := findPipeline(ctx, c, app, name)
		if err != nil {
			return err
		}
		return s.definition(p)
	})
}

// definition prints a pipeline; for people YAML is the readable form.
func (s *session) definition(p client.Pipeline) error {
	if s.output == formatTable {
		return (&session{env: s.env, output: formatYAML}).show(p.Document, nil)
	}
	return s.show(p.Document, nil)
}

func (s *session) pipelineSave() *cobra.Command {
	var file string
	var strict bool
	cmd := &cobra.Command{
		Use: "save -f FILE", Short: "Create or replace a pipeline", Args: cobra.NoArgs,
		Long: `Create a pipeline from a JSON or YAML file, or replace the one of the same name.
What is wrong with it is shown with its line and column. A pipeline with warnings
is saved all the same, unless --strict is given; ` + "`gennaker pipeline lint`" + ` shows
them without saving.`,
		Example: `  gennaker pipeline save -f deploy.yaml
  jq '.disabled = true' deploy.json | gennaker pipeline save -f -`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := s.read(file)
			if err != nil {
				return err
			}
			p, err := gennaker.ParsePipeline(d.json)
			if err != nil && (p.Application == "" || p.Name == "") {
				return d.locate(err)
			} // the server finds the rest again, and what only it can know
			c, err := s.client()
			if err != nil {
				return err
			}
			return s.savePipeline(cmd.Context(), c, d, p, strict)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "`file` of the definition, JSON or YAML; - is stdin")
	cmd.Flags().BoolVar(&strict, "strict", false, "save no pipeline with warnings")
	required(cmd, "file")
	return cmd
}

func (s *session) savePipeline(ctx context.Context, c *client.Client, d *document, p gennaker.Pipeline, strict bool) error {
	done, text := "created", d.json
	old, err := c.Pipeline(ctx, p.Application, p.Name)
	switch {
	case err == nil:
		done = "updated"
		if p.ID == "" {
			text = d.with("id", old.ID)
		}
	case gennaker.KindOf(err) != gennaker.NotFound:
		return err
	}
	found, err := c.SaveAndLintPipeline(ctx, text, strict)
	if err != nil {
		return d.locate(err)
	}
	for _, w := range d.placed(found) {
		if w.Severity != client.SeverityInfo {
			s.note("%s", d.warning(w))
		}
	}
	s.say("%s pipeline %q of application %s", done, p.Name, p.Application)
	if s.output == formatTable {
		return nil
	}
	saved, err := c.Pipeline(ctx, p.Application, p.Name)
	if err != nil {
		return fmt.Errorf("read the saved pipeline: %w", err)
	}
	return s.definition(saved)
}

func (s *session) pipelineDelete() *cobra.Command {
	return s.onPipeline(&cobra.Command{
		Use: "delete NAME_OR_ID", Short: "Delete a pipeline",
		Example: "  gennaker pipeline delete \"Deploy to prod\" -a shop",
	}, func(ctx context.Context, c *client.Client, app, name string) error {
		p, err := findPipeline(ctx, c, app, name)
		if err != nil {
			return err
		}
		if err := c.DeletePipeline(ctx, app, p.Name); err != nil {
			return err
		}
		s.say("deleted pipeline %q of application %s", p.Name, app)
		return nil
	})
}

func (s *session) pipelineRun() *cobra.Command {
	var parameters []string
	var file string
	var follow bool
	cmd := s.onPipeline(&cobra.Command{
		Use: "run NAME_OR_ID", Short: "Start a pipeline",
		Long: `Start a pipeline and print the ID of its execution. With --follow, show how it
goes on and wait for its end; the exit code is 0 then if it succeeded.

-p KEY=VALUE sets a parameter; it wins over --parameters-file, which is a JSON or
YAML file of them, "-" for stdin.`,
		Example: `  gennaker pipeline run "Deploy to prod" -a shop -p version=2 --follow
  id=$(gennaker pipeline run nightly -a shop)`,
	}, func(ctx context.Context, c *client.Client, app, name string) error {
		start := client.Start{}
		var err error
		if start.Parameters, err = s.parameters(file, parameters); err != nil {
			return err
		}
		p, err := findPipeline(ctx, c, app, name)
		if err != nil {
			return err
		}
		// By name: a name wins over an ID, so another pipeline's name that is
		// this one's ID would be started instead.
		id, body, err := ask(ctx, func(ctx context.Context) (string, error) { return c.StartPipeline(ctx, app, p.Name, start) })
		if err != nil {
			return err
		}
		if follow {
			return s.follow(ctx, c, id)
		}
		return s.show(body, func(w io.Writer) error {
			_, err := fmt.Fprintln(w, id)
			return err
		})
	})
	cmd.Flags().StringArrayVarP(&parameters, "parameter", "p", nil, "a parameter, as `KEY=VALUE`; may be given more than once")
	cmd.Flags().StringVar(&file, "parameters-file", "", "`file` of parameters, JSON or YAML; - is stdin")
	cmd.Flags().BoolVar(&follow, "follow", false, "show how it goes on, and wait for its end")
	return cmd
}

// parameters puts together the parameters of a file and of flags.
func (s *session) parameters(file string, flags []string) (map[string]any, error) {
	out := map[string]any{}
	if file != "" {
		d, err := s.read(file)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, d.doc.Value)
	}
	for _, f := range flags {
		key, value, ok := strings.Cut(f, "=")
		if !ok || key == "" {
			return nil, gennaker.Errorf(gennaker.Invalid, "%q is not a parameter", f).WithHint("write -p KEY=VALUE")
		}
		out[key] = value
	}
	return out, nil
}

// pick returns the element of a JSON list that is chosen, as it came.
func pick(list json.RawMessage, i int) json.RawMessage {
	var all []json.RawMessage
	if err := json.Unmarshal(list, &all); err != nil || i >= len(all) {
		return nil
	}
	return all[i]
}

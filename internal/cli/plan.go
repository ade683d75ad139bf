package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) pipelinePlan() *cobra.Command {
	var app, file string
	var parameters []string
	cmd := &cobra.Command{
		Use: "plan FILE|NAME_OR_ID", Short: "Say what a run would do, without doing it", Args: cobra.ExactArgs(1),
		Long: `Say what a run of a pipeline would do now: which stages would run and which be
skipped, the values of its expressions, its artifacts, and the moves on server
groups as they are at this moment. The pipeline is in a file, or a stored one.

Nothing is done. Stages that would ask a machine outside, such as webhooks and
jobs, are assumed to succeed, and people to judge in favor.`,
		Example: `  gennaker pipeline plan deploy.yaml -p version=2
  gennaker pipeline plan "Deploy to prod" -a shop -o json | jq '.stages[].moves'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := client.PlanRequest{}
			var err error
			if r.Trigger.Parameters, err = s.parameters(file, parameters); err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			return s.plan(cmd, c, args[0], app, r)
		},
	}
	s.application(cmd, &app)
	cmd.Flags().StringArrayVarP(&parameters, "parameter", "p", nil, "a parameter, as `KEY=VALUE`; may be given more than once")
	cmd.Flags().StringVar(&file, "parameters-file", "", "`file` of parameters, JSON or YAML; - is stdin")
	return cmd
}

// plan asks for the plan of a file, or of a stored pipeline if there is no such
// file.
func (s *session) plan(cmd *cobra.Command, c *client.Client, what, app string, r client.PlanRequest) error {
	locate := func(err error) error { return err }
	if _, err := os.Stat(what); err == nil || what == "-" {
		d, err := s.read(what)
		if err != nil {
			return err
		}
		r.Pipeline, locate = d.json, d.locate
	} else {
		if r.Application, err = s.inApplication(cmd, app); err != nil {
			return err
		}
		p, err := findPipeline(cmd.Context(), c, r.Application, what)
		if err != nil {
			return err
		}
		r.Name = p.Name
	}
	plan, body, err := ask(cmd.Context(), func(ctx context.Context) (gennaker.Plan, error) { return c.PlanPipeline(ctx, r) })
	if err != nil {
		return locate(err)
	}
	if err := s.show(body, func(w io.Writer) error { return printPlan(w, plan) }); err != nil {
		return err
	}
	if plan.Refused != "" {
		return gennaker.Errorf(gennaker.Invalid, "%s would not start: %s", plan.Name, plan.Refused)
	}
	return nil
}

func printPlan(w io.Writer, p gennaker.Plan) error {
	var b strings.Builder
	if p.Refused == "" {
		fmt.Fprintf(&b, "%s would end as %s, after %s and what is assumed\n", p.Name, p.Status, time.Duration(p.Seconds)*time.Second)
	}
	for _, a := range p.Artifacts {
		fmt.Fprintf(&b, "artifact %s %s\n", a.Type, cmp.Or(a.Reference, a.Name))
	}
	for _, st := range p.Stages {
		verdict := string(st.Status)
		switch {
		case st.Status == gennaker.Succeeded && st.Assumed:
			verdict = "assumed to succeed"
		case st.Status == gennaker.Succeeded:
			verdict = "runs"
		case st.Status == gennaker.NotStarted:
			verdict = "is not reached"
		}
		fmt.Fprintf(&b, "\n%s. %s (%s): %s", st.RefID, st.Name, st.Type, verdict)
		if st.Reason != "" {
			fmt.Fprintf(&b, ": %s", st.Reason)
		}
		b.WriteByte('\n')
		for _, v := range st.Values {
			text, err := json.Marshal(v.Value)
			if err != nil {
				return fmt.Errorf("write %s: %w", v.Path, err)
			}
			fmt.Fprintf(&b, "     %s = %s\n", v.Path, text)
		}
		for _, m := range st.Moves {
			fmt.Fprintf(&b, "   → %s\n", m)
		}
		for _, u := range st.Unresolved {
			fmt.Fprintf(&b, "   ? %s\n", u)
		}
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, show.Clean(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}

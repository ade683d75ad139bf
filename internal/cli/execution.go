package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) executions() *cobra.Command {
	cmd := &cobra.Command{Use: "execution", Aliases: []string{"exec"}, Short: "Runs of pipelines"}
	cmd.AddCommand(
		s.executionList(), s.executionGet(), s.executionFollow(), s.executionCancel(),
		s.executionPause(), s.executionResume(), s.executionRestart(), s.executionJudge(), s.executionDelete(),
	)
	return cmd
}

func (s *session) executionList() *cobra.Command {
	var app, pipeline string
	var statuses []string
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List the executions of an application, newest first", Args: cobra.NoArgs,
		Example: `  gennaker execution list -a shop
  gennaker execution list -a shop --pipeline nightly --status TERMINAL --limit 5`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := s.inApplication(cmd, app)
			if err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			q := client.ExecutionQuery{Application: app, Limit: limit}
			if q.Statuses, err = parseStatuses(statuses); err != nil {
				return err
			}
			return s.listExecutions(cmd.Context(), c, q, pipeline)
		},
	}
	s.application(cmd, &app)
	cmd.Flags().StringVar(&pipeline, "pipeline", "", "only of the pipeline with this `name` or ID")
	cmd.Flags().StringSliceVar(&statuses, "status", nil, "only with one of these `statuses`, e.g. RUNNING,TERMINAL")
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so `many` of each pipeline; 0 leaves it to the server")
	offerFixed(cmd, "status", statusNames())
	return cmd
}

func (s *session) listExecutions(ctx context.Context, c *client.Client, q client.ExecutionQuery, pipeline string) error {
	if pipeline != "" {
		p, err := findPipeline(ctx, c, q.Application, pipeline)
		if err != nil {
			return err
		}
		q.PipelineIDs = []string{p.ID}
	}
	all, body, err := ask(ctx, func(ctx context.Context) ([]gennaker.Execution, error) { return c.Executions(ctx, q) })
	if gennaker.KindOf(err) == gennaker.NotFound {
		return missing(ctx, c, q.Application, err)
	}
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b gennaker.Execution) int {
		return cmp.Or(b.BuildTime.Compare(a.BuildTime.Time), strings.Compare(b.ID, a.ID))
	})
	t := show.NewTable("ID", "STATUS", "PIPELINE", "STARTED", "TOOK", "BY")
	for _, e := range all {
		t.Add(e.ID, string(e.Status), show.Title(e), show.Moment(e.StartTime), show.Took(e.StartTime, e.EndTime, s.env.Now()),
			show.OrDash(e.Authentication.User))
	}
	return s.list(body, t)
}

func statusNames() []string {
	var out []string
	for _, st := range gennaker.Statuses() {
		out = append(out, string(st))
	}
	return out
}

func parseStatuses(names []string) ([]gennaker.Status, error) {
	var out []gennaker.Status
	for _, n := range names {
		st := gennaker.Status(strings.ToUpper(strings.ReplaceAll(n, "-", "_")))
		if !slices.Contains(gennaker.Statuses(), st) {
			return nil, gennaker.Errorf(gennaker.Invalid, "there is no status %q", n).
				WithHint("%s", suggest(n, statusNames(), "the statuses are "+strings.Join(statusNames(), ", ")))
		}
		out = append(out, st)
	}
	return out, nil
}

// onExecution makes a command about one execution.
func (s *session) onExecution(cmd *cobra.Command, do func(ctx context.Context, c *client.Client, id string) error) *cobra.Command {
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := s.client()
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, args[0])
	}
	return cmd
}

const exampleID = "01JD3V9Z0000000000000000AA"

func (s *session) executionGet() *cobra.Command {
	return s.onExecution(&cobra.Command{
		Use: "get ID", Short: "Show an execution and its stages",
		Example: "  gennaker execution get " + exampleID,
	}, func(ctx context.Context, c *client.Client, id string) error {
		e, body, err := ask(ctx, func(ctx context.Context) (gennaker.Execution, error) { return c.Execution(ctx, id) })
		if err != nil {
			return err
		}
		return s.show(body, func(w io.Writer) error {
			if err := s.writeTree(w, e); err != nil || !e.Status.Complete() {
				return err
			}
			if err := outcome(e); err != nil {
				fmt.Fprintln(w)
				report(w, err)
			}
			return nil
		})
	})
}

func (s *session) executionFollow() *cobra.Command {
	return s.onExecution(&cobra.Command{
		Use: "follow ID", Short: "Show how an execution goes on, until its end",
		Long: `Show how an execution goes on, until its end. On a terminal it is a tree of the
stages, elsewhere a line for each change: time, status, pipeline, stage or task,
and its name. The exit code is 0 if the execution succeeded. Interrupting this
does not interrupt the execution.`,
		Example: "  gennaker execution follow " + exampleID,
	}, s.follow)
}

func (s *session) executionCancel() *cobra.Command {
	var reason string
	cmd := s.onExecution(&cobra.Command{
		Use: "cancel ID", Short: "Cancel an execution",
		Example: "  gennaker execution cancel " + exampleID + " --reason \"wrong version\"",
	}, func(ctx context.Context, c *client.Client, id string) error {
		return s.asked("asked to cancel", id, c.CancelExecution(ctx, id, reason))
	})
	cmd.Flags().StringVar(&reason, "reason", "", "`why`, for those who look at it later")
	return cmd
}

// asked says what was done to an execution, unless it was not.
func (s *session) asked(done, id string, err error) error {
	if err == nil {
		s.say("%s execution %s", done, id)
	}
	return err
}

func (s *session) executionPause() *cobra.Command {
	return s.onExecution(&cobra.Command{
		Use: "pause ID", Short: "Keep an execution from going on",
		Example: "  gennaker execution pause " + exampleID,
	}, func(ctx context.Context, c *client.Client, id string) error {
		return s.asked("paused", id, c.PauseExecution(ctx, id))
	})
}

func (s *session) executionResume() *cobra.Command {
	return s.onExecution(&cobra.Command{
		Use: "resume ID", Short: "Let a paused execution go on",
		Example: "  gennaker execution resume " + exampleID,
	}, func(ctx context.Context, c *client.Client, id string) error {
		return s.asked("resumed", id, c.ResumeExecution(ctx, id))
	})
}

func (s *session) executionDelete() *cobra.Command {
	return s.onExecution(&cobra.Command{
		Use: "delete ID", Short: "Forget an execution that is complete",
		Example: "  gennaker execution delete " + exampleID,
	}, func(ctx context.Context, c *client.Client, id string) error {
		return s.asked("deleted", id, c.DeleteExecution(ctx, id))
	})
}

func (s *session) executionRestart() *cobra.Command {
	var stage string
	cmd := s.onExecution(&cobra.Command{
		Use: "restart ID --stage NAME_OR_ID", Short: "Run a stage again, and all that comes behind it",
		Example: "  gennaker execution restart " + exampleID + " --stage \"Deploy to prod\"",
	}, func(ctx context.Context, c *client.Client, id string) error {
		e, err := c.Execution(ctx, id)
		if err != nil {
			return err
		}
		st, err := findStage(e, stage)
		if err != nil {
			return err
		}
		_, body, err := ask(ctx, func(ctx context.Context) (gennaker.Execution, error) { return c.RestartStage(ctx, id, st.ID) })
		if err != nil {
			return err
		}
		s.say("restarted stage %q of execution %s", st.Name, id)
		return s.show(body, nothing)
	})
	cmd.Flags().StringVar(&stage, "stage", "", "`name`, refId or ID of the stage")
	required(cmd, "stage")
	return cmd
}

// nothing is the text of a result that was said already.
func nothing(io.Writer) error { return nil }

func (s *session) executionJudge() *cobra.Command {
	var stage, input string
	cmd := &cobra.Command{
		Use: "judge ID continue|stop", Short: "Answer a stage that waits for a judgment",
		Long: "Answer a stage that waits for a judgment. --stage may be left out when only one does.",
		Args: cobra.ExactArgs(2),
		Example: "  gennaker execution judge " + exampleID + " continue\n" +
			"  gennaker execution judge " + exampleID + " --stage \"Go live?\" continue --input blue",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return []string{"continue", "stop"}, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[1] != "continue" && args[1] != "stop" {
				return usage(cmd, "%q is not a judgment", args[1]).WithHint("say continue or stop")
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			return s.judge(cmd.Context(), c, args[0], stage, client.Judgment{Continue: args[1] == "continue", Input: input})
		},
	}
	cmd.Flags().StringVar(&stage, "stage", "", "`name`, refId or ID of the stage")
	cmd.Flags().StringVar(&input, "input", "", "`one` of the inputs that the stage asks for")
	return cmd
}

func (s *session) judge(ctx context.Context, c *client.Client, id, stage string, j client.Judgment) error {
	e, err := c.Execution(ctx, id)
	if err != nil {
		return err
	}
	st, err := findJudgment(e, stage)
	if err != nil {
		return err
	}
	_, body, err := ask(ctx, func(ctx context.Context) (gennaker.Execution, error) { return c.Judge(ctx, id, st.ID, j) })
	if err != nil {
		return err
	}
	verdict := "stop"
	if j.Continue {
		verdict = "continue"
	}
	s.say("judged stage %q of execution %s: %s", st.Name, id, verdict)
	return s.show(body, nothing)
}

// findStage returns the stage with an ID, a refId or a name, in this order.
func findStage(e gennaker.Execution, name string) (gennaker.Stage, error) {
	for _, same := range []func(gennaker.Stage) bool{
		func(s gennaker.Stage) bool { return s.ID == name },
		func(s gennaker.Stage) bool { return s.RefID == name },
		func(s gennaker.Stage) bool { return s.Name == name },
	} {
		var found []gennaker.Stage
		for _, s := range e.Stages {
			if same(s) {
				found = append(found, s)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			return gennaker.Stage{}, several(found, fmt.Sprintf("execution %s has %d stages %q", e.ID, len(found), name))
		}
	}
	var names []string
	for _, s := range e.Stages {
		if s.ParentStageID == "" {
			names = append(names, s.Name)
		}
	}
	return gennaker.Stage{}, gennaker.Errorf(gennaker.NotFound, "execution %s has no stage %q", e.ID, name).
		WithHint("%s", suggest(name, names, "its stages are "+quoted(names)))
}

// several is the error that a name is not enough.
func several(found []gennaker.Stage, message string) error {
	ids := make([]string, len(found))
	for i, s := range found {
		ids[i] = fmt.Sprintf("%s (%s)", s.ID, s.Name)
	}
	return gennaker.Errorf(gennaker.Invalid, "%s", message).WithHint("say which one with --stage ID: %s", strings.Join(ids, ", "))
}

// findJudgment returns the stage to judge: the named one, or the only one that
// waits.
func findJudgment(e gennaker.Execution, name string) (gennaker.Stage, error) {
	if name != "" {
		return findStage(e, name)
	}
	var waiting []gennaker.Stage
	for _, s := range e.Stages {
		if show.Judging(s) {
			waiting = append(waiting, s)
		}
	}
	switch len(waiting) {
	case 0:
		return gennaker.Stage{}, gennaker.Errorf(gennaker.NotFound, "no stage of execution %s waits for a judgment", e.ID)
	case 1:
		return waiting[0], nil
	}
	return gennaker.Stage{}, several(waiting, fmt.Sprintf("%d stages of execution %s wait for a judgment", len(waiting), e.ID))
}

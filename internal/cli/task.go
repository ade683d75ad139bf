package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) tasks() *cobra.Command {
	cmd := &cobra.Command{
		Use: "task", Short: "Ad-hoc operations: saving, resizing, destroying",
		Long: "A task is an operation that is not a pipeline's. The commands that change something\nstart one and wait for it.",
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "get ID", Short: "Show a task", Args: cobra.ExactArgs(1),
			Example: "  gennaker task get 01JD3V9Z0000000000000000AA",
			RunE: func(cmd *cobra.Command, args []string) error {
				c, err := s.client()
				if err != nil {
					return err
				}
				t, body, err := ask(cmd.Context(), func(ctx context.Context) (client.Task, error) { return c.Task(ctx, args[0]) })
				if err != nil {
					return err
				}
				return s.show(body, func(w io.Writer) error { return s.writeTree(w, whole(t)) })
			},
		},
		&cobra.Command{
			Use: "wait ID", Short: "Wait until a task is complete", Args: cobra.ExactArgs(1),
			Long:    "Wait until a task is complete. The exit code is 0 if it succeeded.",
			Example: "  gennaker task wait 01JD3V9Z0000000000000000AA",
			RunE: func(cmd *cobra.Command, args []string) error {
				c, err := s.client()
				if err != nil {
					return err
				}
				return s.await(cmd.Context(), c, args[0], "")
			},
		},
	)
	return cmd
}

// whole returns the execution of a task, with what only the task's view says.
func whole(t client.Task) gennaker.Execution {
	e := t.Execution
	e.ID, e.Status, e.StartTime, e.EndTime = t.ID, t.Status, t.StartTime, t.EndTime
	if show.Title(e) == show.Dash {
		e.Description = t.Name
	}
	return e
}

// await waits for a task and says done, or else how it ended.
func (s *session) await(ctx context.Context, c *client.Client, id, done string) error {
	t, body, err := ask(ctx, func(ctx context.Context) (last client.Task, err error) {
		for t, err := range c.WatchTask(ctx, id) {
			if err != nil {
				return last, err
			}
			last = t
		}
		return last, nil
	})
	if err != nil {
		if ctx.Err() != nil {
			s.note("the task goes on; wait for it with: gennaker task wait %s", id)
		}
		return err
	}
	if failed := outcome(whole(t)); failed != nil || s.output != formatTable {
		if s.output != formatTable {
			if err := s.show(body, nil); err != nil {
				return err
			}
		}
		return failed
	}
	if done == "" {
		done = string(t.Status) + " " + t.ID + " " + t.Name
	}
	s.say("%s", done)
	return nil
}

// started waits for a task that was just started, unless that went wrong.
func (s *session) started(ctx context.Context, c *client.Client, done string) func(id string, err error) error {
	return func(id string, err error) error {
		if err != nil {
			return err
		}
		return s.await(ctx, c, id, done)
	}
}

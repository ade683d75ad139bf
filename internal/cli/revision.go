package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) pipelineHistory() *cobra.Command {
	var limit int
	cmd := s.onPipeline(&cobra.Command{
		Use: "history NAME_OR_ID", Short: "List the revisions of a pipeline, newest first",
		Example: "  gennaker pipeline history \"Deploy to prod\" -a shop\n  gennaker pipeline history \"Deploy to prod\" -a shop -o json | jq '.[1].document'",
	}, func(ctx context.Context, c *client.Client, app, name string) error {
		p, err := findPipeline(ctx, c, app, name)
		if err != nil {
			return err
		}
		all, body, err := ask(ctx, func(ctx context.Context) ([]gennaker.Revision, error) {
			return c.PipelineRevisions(ctx, p.ID, 0, limit)
		})
		if err != nil {
			return err
		}
		t := show.NewTable("REVISION", "SAVED", "BY")
		for _, r := range all {
			t.Add(strconv.Itoa(r.Number), show.Moment(r.At), show.OrDash(r.Author))
		}
		return s.list(body, t)
	})
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so `many`; 0 leaves it to the server")
	return cmd
}

func (s *session) pipelineDiff() *cobra.Command {
	var from, to int
	cmd := s.onPipeline(&cobra.Command{
		Use: "diff NAME_OR_ID", Short: "Show what changed between two revisions of a pipeline",
		Long: `Show what changed between two revisions of a pipeline: the last two, unless others
are named. Stages are told apart by their refId, wherever they stand.`,
		Example: "  gennaker pipeline diff \"Deploy to prod\" -a shop\n  gennaker pipeline diff \"Deploy to prod\" -a shop --from 3 --to 7",
	}, func(ctx context.Context, c *client.Client, app, name string) error {
		p, err := findPipeline(ctx, c, app, name)
		if err != nil {
			return err
		}
		from, to, err := lastRevisions(ctx, c, p, from, to)
		if err != nil {
			return err
		}
		all, body, err := ask(ctx, func(ctx context.Context) ([]gennaker.Difference, error) {
			return c.ComparePipelines(ctx, p.ID, from, to)
		})
		if err != nil {
			return err
		}
		if len(all) == 0 {
			s.say("revisions %d and %d are the same", from, to)
		}
		return s.show(body, func(w io.Writer) error { return writeDifferences(w, all) })
	})
	cmd.Flags().IntVar(&from, "from", 0, "`number` of the older revision; 0 is the one before --to")
	cmd.Flags().IntVar(&to, "to", 0, "`number` of the newer revision; 0 is the last one")
	return cmd
}

// lastRevisions fills in the revisions that were not named.
func lastRevisions(ctx context.Context, c *client.Client, p client.Pipeline, from, to int) (int, int, error) {
	if to == 0 {
		newest, err := c.PipelineRevisions(ctx, p.ID, 0, 1)
		if err != nil {
			return 0, 0, err
		}
		if len(newest) == 0 {
			return 0, 0, gennaker.Errorf(gennaker.NotFound, "pipeline %q has no revisions", p.Name)
		}
		to = newest[0].Number
	}
	if from = cmp.Or(from, to-1); from < 1 {
		return 0, 0, gennaker.Errorf(gennaker.NotFound, "pipeline %q has no revision before %d", p.Name, to).
			WithHint("it was not changed since it was made")
	}
	return from, to, nil
}

// writeDifferences writes each place that changed, and below it what was and
// what is there.
func writeDifferences(w io.Writer, all []gennaker.Difference) error {
	for _, d := range all {
		var lines strings.Builder
		lines.WriteString(show.Clean(d.Path) + "\n")
		for _, side := range []struct {
			sign string
			text json.RawMessage
		}{{"-", d.Was}, {"+", d.Is}} {
			if len(side.text) > 0 {
				lines.WriteString("  " + side.sign + " " + show.Clean(string(side.text)) + "\n")
			}
		}
		if _, err := io.WriteString(w, lines.String()); err != nil {
			return fmt.Errorf("write the differences: %w", err)
		}
	}
	return nil
}

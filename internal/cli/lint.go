package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) pipelineLint() *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use: "lint FILE", Short: "Say what is wrong with a pipeline, without saving it", Args: cobra.ExactArgs(1),
		Long: `Say what is wrong with a pipeline, or a pipeline template, without saving it. The
file is JSON or YAML; - is stdin. The server is asked, since it knows the stage
types and the other pipelines.

There is a line for each thing that was found, as compilers write them. An error
cannot work, a warning is hardly what was meant, and info is good to know. The
exit code is 2 if there is an error, and 0 otherwise; --strict makes every
warning an error.`,
		Example: `  gennaker pipeline lint deploy.yaml
  gennaker pipeline lint --strict deploy.json -o json | jq '.warnings[].rule'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := s.read(args[0])
			if err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			return s.lint(cmd.Context(), c, d, strict)
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "make every warning an error")
	return cmd
}

func (s *session) lint(ctx context.Context, c *client.Client, d *document, strict bool) error {
	found, err := c.LintPipeline(ctx, d.json, strict)
	if err != nil {
		return d.locate(err)
	}
	found = d.placed(found)
	body, err := json.Marshal(map[string]any{"warnings": found})
	if err != nil {
		return fmt.Errorf("write what was found: %w", err)
	}
	counts := map[client.Severity]int{}
	for _, w := range found {
		counts[w.Severity]++
	}
	err = s.show(body, func(w io.Writer) error {
		for _, one := range found {
			if _, err := fmt.Fprintln(w, show.Clean(d.warning(one))); err != nil {
				return err
			}
		}
		return nil
	})
	if n := counts[client.SeverityError]; err == nil && n > 0 {
		return gennaker.Errorf(gennaker.Invalid, "%s has %s", d.file, plural(n, "error"))
	}
	return err
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// warning writes w as compilers do: file:line:column: severity: message (rule).
func (d *document) warning(w client.Warning) string {
	text := fmt.Sprintf("%s:%d:%d: %s: %s", d.file, w.Line, w.Column, w.Severity, w.Message)
	if w.Hint != "" {
		text += "; " + w.Hint
	}
	return text + " (" + w.Rule + ")"
}

// placed returns found with the positions in the file.
func (d *document) placed(found []client.Warning) []client.Warning {
	out := make([]client.Warning, len(found))
	for i, w := range found {
		if d.yaml != nil {
			w.Line, w.Column = d.within(w.Path, w.Offset)
		}
		out[i] = w
	}
	slices.SortStableFunc(out, func(a, b client.Warning) int { // the server saw them in another order
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return out
}

// within returns where a byte of the text at path is in a YAML file. A text that
// is written in another way than it reads, with escapes or folded, has the
// place of its beginning.
func (d *document) within(path string, offset int) (line, column int) {
	n := d.find(path)
	line, column = n.Line, n.Column
	if offset <= 0 || d.yaml[path] != n || offset > len(n.Value) {
		return line, column
	}
	start := strings.LastIndexByte(n.Value[:offset], '\n') + 1
	part, _, _ := strings.Cut(n.Value[start:], "\n")
	lines := strings.Split(string(d.text), "\n")
	from := line - 1 + strings.Count(n.Value[:offset], "\n")
	for i := max(from, 0); i < len(lines) && i <= from+1; i++ { // a block begins behind its sign
		skip := 0
		if i == line-1 {
			skip = min(column-1, len(lines[i]))
		}
		if at := strings.Index(lines[i][skip:], part); at >= 0 && part != "" {
			return i + 1, skip + at + offset - start + 1
		}
	}
	return line, column
}

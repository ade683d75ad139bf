package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

func (s *session) expressions() *cobra.Command {
	cmd := &cobra.Command{Use: "expression", Short: "Expressions in pipelines, ${ … }"}
	cmd.AddCommand(s.expressionEval(), s.expressionFunctions())
	return cmd
}

func (s *session) expressionEval() *cobra.Command {
	var execution, stage string
	cmd := &cobra.Command{
		Use: "eval TEXT", Short: "Evaluate a text with expressions in an execution", Args: cobra.ExactArgs(1),
		Long: `Evaluate a text with expressions as a stage of an execution sees it, or, without
--stage, as one behind all others would. The execution may be complete.

It prints the value: a text as it is, anything else as JSON. If an expression has
no value, it says why, and the exit code is 2.`,
		Example: `  gennaker expression eval --execution 01JD3V9Z0000000000000000AA '${parameters.version}'
  gennaker expression eval --execution 01JD3V9Z0000000000000000AA --stage Deploy '${#stage("Bake").outputs}' | jq .`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			id := ""
			if stage != "" {
				if id, err = stageID(cmd.Context(), c, execution, stage); err != nil {
					return err
				}
			}
			v, body, err := ask(cmd.Context(), func(ctx context.Context) (client.Evaluation, error) {
				return c.EvaluateExpression(ctx, execution, id, args[0])
			})
			if err != nil {
				return err
			}
			return s.evaluation(args[0], v, body)
		},
	}
	cmd.Flags().StringVar(&execution, "execution", "", "`ID` of the execution")
	cmd.Flags().StringVar(&stage, "stage", "", "refId, name or ID of the `stage`")
	required(cmd, "execution")
	return cmd
}

// stageID finds a stage by its refId, name or ID.
func stageID(ctx context.Context, c *client.Client, execution, stage string) (string, error) {
	e, err := c.Execution(ctx, execution)
	if err != nil {
		return "", err
	}
	var names []string
	for _, is := range []func(gennaker.Stage) bool{
		func(st gennaker.Stage) bool { return st.RefID == stage },
		func(st gennaker.Stage) bool { return st.Name == stage },
		func(st gennaker.Stage) bool { return st.ID == stage },
	} {
		for _, st := range e.Stages {
			if is(st) {
				return st.ID, nil
			}
			names = append(names, st.Name, st.RefID)
		}
	}
	return "", gennaker.Errorf(gennaker.NotFound, "execution %s has no stage %q", execution, stage).
		WithHint("%s", suggest(stage, unique(names), "`gennaker execution get "+execution+"` shows those that there are"))
}

// evaluation prints the value of a text, or why it has none.
func (s *session) evaluation(text string, v client.Evaluation, body json.RawMessage) error {
	if len(v.Findings) == 0 || s.output != formatTable {
		if err := s.show(body, func(w io.Writer) error { return writeValue(w, v.Result) }); err != nil {
			return err
		}
	}
	if len(v.Findings) == 0 {
		return nil
	}
	f := v.Findings[0]
	line, caret := pointed(text, f.Offset)
	e := gennaker.Errorf(gennaker.Invalid, "%s", f.Message)
	e.Hint, e.Problems = f.Hint, []gennaker.Problem{{Message: line}, {Message: caret}}
	return e
}

// writeValue writes a text as it is, and anything else as JSON.
func writeValue(w io.Writer, v json.RawMessage) error {
	var text string
	if json.Unmarshal(v, &text) == nil && !bytes.Equal(bytes.TrimSpace(v), []byte("null")) {
		_, err := fmt.Fprintln(w, text)
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, v, "", "  "); err != nil {
		return fmt.Errorf("write the value: %w", err)
	}
	_, err := fmt.Fprintln(w, out.String())
	return err
}

// pointed returns the line of text that has the byte at offset, and a line with
// a caret below it.
func pointed(text string, offset int) (line, caret string) {
	offset = max(min(offset, len(text)), 0)
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	line, _, _ = strings.Cut(text[start:], "\n")
	return line, strings.Repeat(" ", utf8.RuneCountInString(text[start:offset])) + "^"
}

func (s *session) expressionFunctions() *cobra.Command {
	return &cobra.Command{
		Use: "functions", Short: "List the functions and types that expressions can name", Args: cobra.NoArgs,
		Example: "  gennaker expression functions",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			all, body, err := ask(cmd.Context(), c.ExpressionLanguage)
			if err != nil {
				return err
			}
			t := show.NewTable("NAME", "ARGUMENTS")
			for _, f := range all.Functions {
				t.Add("#"+f.Name, arguments(f))
			}
			for _, name := range all.Types {
				t.Add("T("+name+")", show.Dash)
			}
			return s.list(body, t)
		},
	}
}

// arguments says how many arguments a function takes.
func arguments(f client.Function) string {
	switch {
	case f.Max < 0:
		return strconv.Itoa(f.Min) + " or more"
	case f.Max != f.Min:
		return fmt.Sprintf("%d to %d", f.Min, f.Max)
	}
	return strconv.Itoa(f.Min)
}

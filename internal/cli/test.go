package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
)

// TestResult is what became of one test of a pipeline.
type TestResult struct {
	File     string        `json:"file"`
	Line     int           `json:"line"` // where it begins
	Name     string        `json:"name"`
	Failures []string      `json:"failures"` // none if it passed
	Took     time.Duration `json:"nanoseconds"`
}

// Tester runs the tests of pipelines that are in files and directories, and
// calls each with the results, file by file. Errors: Invalid for files that
// cannot be read.
type Tester func(ctx context.Context, paths []string, chosen func(name string) bool, each func([]TestResult) error) error

func (s *session) pipelineTest() *cobra.Command {
	var run string
	var verbose bool
	cmd := &cobra.Command{
		Use: "test [DIR|FILE…]", Short: "Run tests of pipelines, without a server",
		Long: `Run the tests in files called *.test.yaml, in directories and below them; without
an argument, in this one. A test says how a pipeline is started, how stages end
that would ask a machine outside, what is judged, and what must have come to.
Nothing is deployed, and no time passes: stages run in a simulation.

The exit code is not 0 if a test fails.`,
		Example: "  gennaker pipeline test\n  gennaker pipeline test pipelines/deploy.test.yaml --run 'roll.*back' -v",
		RunE: func(cmd *cobra.Command, paths []string) error {
			only, err := regexp.Compile(run)
			if err != nil {
				return usage(cmd, "--run is no regular expression: %w", err)
			}
			if len(paths) == 0 {
				paths = []string{"."}
			}
			return s.test(cmd.Context(), paths, only.MatchString, verbose)
		},
	}
	cmd.Flags().StringVar(&run, "run", "", "only tests whose name this `regexp` matches")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "name every test")
	return cmd
}

func (s *session) test(ctx context.Context, paths []string, chosen func(string) bool, verbose bool) error {
	if s.env.Tester == nil {
		return gennaker.Errorf(gennaker.Invalid, "this program cannot test pipelines")
	}
	all := []TestResult{}
	failed := 0
	err := s.env.Tester(ctx, paths, chosen, func(results []TestResult) error {
		all = append(all, results...)
		for _, r := range results {
			if len(r.Failures) > 0 {
				failed++
			}
		}
		if s.output != formatTable || len(results) == 0 {
			return nil
		}
		return printTests(s.env.Stdout, results, verbose)
	})
	if err != nil {
		return err
	}
	if s.output != formatTable {
		body, err := json.Marshal(all)
		if err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
		if err := s.show(body, nil); err != nil {
			return err
		}
	}
	switch {
	case len(all) == 0:
		return gennaker.Errorf(gennaker.NotFound, "there are no tests in %s", strings.Join(paths, ", ")).
			WithHint("tests of pipelines are in files called *.test.yaml")
	case failed > 0:
		return &failure{cause: fmt.Sprintf("%d of %d tests failed", failed, len(all))}
	}
	return nil
}

// printTests prints the results of one file.
func printTests(w io.Writer, results []TestResult, verbose bool) error {
	verdict, took := "ok  ", time.Duration(0)
	var b strings.Builder
	for _, r := range results {
		took += r.Took
		switch {
		case len(r.Failures) > 0:
			verdict = "FAIL"
			fmt.Fprintf(&b, "  FAIL %s:%d: %s\n", r.File, r.Line, r.Name)
			for _, f := range r.Failures {
				fmt.Fprintf(&b, "    %s\n", strings.ReplaceAll(f, "\n", "\n    "))
			}
		case verbose:
			fmt.Fprintf(&b, "  ok   %s\n", r.Name)
		}
	}
	_, err := fmt.Fprintf(w, "%s %s  %d tests  %s\n%s", verdict, results[0].File, len(results), took.Round(10*time.Microsecond), b.String())
	return err
}

package main

import (
	"context"

	"github.com/gennaker/gennaker/internal/app"
	"github.com/gennaker/gennaker/internal/cli"
	"github.com/gennaker/gennaker/internal/simulate"
)

// testPipelines is the tester of the command line.
func testPipelines(ctx context.Context, paths []string, chosen func(string) bool, each func([]cli.TestResult) error) error {
	files, err := simulate.Files(paths...)
	if err != nil {
		return err
	}
	types, err := app.Types()
	if err != nil {
		return err
	}
	return simulate.RunFiles(ctx, files, types, chosen, func(results []simulate.Result) error {
		out := make([]cli.TestResult, len(results))
		for i, r := range results {
			out[i] = cli.TestResult(r)
			if out[i].Failures == nil {
				out[i].Failures = []string{}
			}
		}
		return each(out)
	})
}

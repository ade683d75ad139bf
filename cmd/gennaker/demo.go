package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gennaker/gennaker/examples"
	"github.com/gennaker/gennaker/internal/demo"
)

func demoCommand() *cobra.Command {
	var cfg demo.Config
	cmd := &cobra.Command{
		Use: "demo", Short: "Watch deployments happen under load, on this machine",
		Long: `Demo starts a server and a node in a scratch directory and deploys versions of a
small service under a constant load: by red/black, by rolling red/black with a
judgment, a bad one that is refused, a rollback, and one during which the server
is killed. It takes about a minute and counts every request. The exit code is 0
only if none was lost and every deployment ended as it should.`,
		Example: "  gennaker demo\n  gennaker demo --keep --rate 200",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			cfg.Self, cfg.Examples, cfg.Out = self, examples.Files, cmd.OutOrStdout()
			if f, ok := cfg.Out.(*os.File); ok {
				cfg.Terminal = term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" //nolint:gosec // a descriptor is small
			}
			return demo.Run(cmd.Context(), cfg)
		},
	}
	cmd.Flags().BoolVar(&cfg.Keep, "keep", false, "leave the server and the service running at the end")
	cmd.Flags().IntVar(&cfg.Rate, "rate", 500, "requests per second")
	return cmd
}

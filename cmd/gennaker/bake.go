package main

import (
	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker/internal/bake"
)

// bakeCommand is what the server starts to render a chart or a kustomization.
func bakeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "bake", Short: "Render what standard input says", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return bake.Serve(cmd.InOrStdin(), cmd.OutOrStdout()) },
	}
}

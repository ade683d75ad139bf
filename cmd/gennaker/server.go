package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker/internal/app"
	"github.com/gennaker/gennaker/internal/node"
	"github.com/gennaker/gennaker/internal/node/shim"
	"github.com/gennaker/gennaker/internal/provider/local"
)

// version returns the version that the binary was built as.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// commands returns the commands that are not the client's.
func commands() []*cobra.Command {
	return []*cobra.Command{upCommand(), nodeCommand(), demoCommand(), helloCommand(), bakeCommand()}
}

func logger(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
}

func upCommand() *cobra.Command {
	var cfg app.Config
	var config string
	cmd := &cobra.Command{
		Use: "up", Short: "Start the server",
		Long: `Up starts the server: the API, and everything behind it, in this process. The
node that runs server groups on this machine is a process of its own; it is
started if it does not run, and goes on when the server ends, so that stopping
or upgrading the server interrupts nothing.

Stop the server with Ctrl-C or SIGTERM; executions go on when it is started
again. Stop the node with "gennaker node stop".`,
		Example: "  gennaker up\n  gennaker up --demo\n  gennaker up --data /var/lib/gennaker --listen 127.0.0.1:9000",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&cfg.Data, "data", app.DefaultData(), "directory of the database and the node")
	cmd.Flags().StringVar(&config, "config", "", "`file` of settings, YAML; default config.yaml in the data directory, if there is one")
	cmd.Flags().StringVar(&cfg.Listen, "listen", app.DefaultListen, "address of the API; loopback only while authentication is not configured")
	cmd.Flags().BoolVar(&cfg.Demo, "demo", false, "show something at once: a small service that is deployed under load, on this machine")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		optional := config == ""
		if optional {
			config = filepath.Join(cfg.Data, "config.yaml")
		}
		if cfg.Settings, err = app.ReadSettings(config, optional); err != nil {
			return err
		}
		cfg.Version, cfg.Log, cfg.Node = version(), logger(cmd), []string{self, "node"}
		cfg.Bake = []string{self, bakeCommand().Name()}
		a, err := app.New(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "Gennaker is ready at http://%s (data in %s)\nThe pages are at http://%s/ui/\n", a.Addr(), cfg.Data, a.Addr())
		return a.Run(cmd.Context())
	}
	return cmd
}

func nodeCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use: "node", Short: "Run the node of this machine, or talk to it",
		Long: `Node runs the process that supervises the instances on this machine and
balances traffic over them. "gennaker up" starts it when it does not run; a
process supervisor may run it as well.`,
		Example: "  gennaker node --data /var/lib/gennaker",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return node.Run(cmd.Context(), node.Config{
				Dir: app.NodeDir(data), Version: version(), Log: logger(cmd), Shim: []string{cmd.Name(), shimCommand().Name()},
			})
		},
	}
	cmd.PersistentFlags().StringVar(&data, "data", app.DefaultData(), "data directory of the server")
	cmd.AddCommand(&cobra.Command{
		Use: "status", Short: "Tell whether the node runs", Args: cobra.NoArgs,
		Example: "  gennaker node status",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := local.New(app.NodeDir(data), app.LocalAccount).Ping(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "the node runs as process %d\n", s.PID)
			return nil
		},
	}, stopCommand(&data), shimCommand())
	return cmd
}

// shimCommand is what the node starts beside each job.
func shimCommand() *cobra.Command {
	return &cobra.Command{
		Use: "shim DIR", Short: "Stay with a job until it ends", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return shim.Run(cmd.Context(), args[0]) },
	}
}

func stopCommand(data *string) *cobra.Command {
	var instances bool
	cmd := &cobra.Command{
		Use: "stop", Short: "Stop the node; its instances go on unless --instances", Args: cobra.NoArgs,
		Long: `Stop the node; its instances go on unless --instances.

A server that runs starts the node again, as after a crash: stop the server
first if the node is to stay away.`,
		Example: "  gennaker node stop\n  gennaker node stop --instances",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := local.New(app.NodeDir(*data), app.LocalAccount)
			if err := c.Stop(cmd.Context(), instances); err != nil {
				return err
			}
			c.Lost(context.WithoutCancel(cmd.Context()))
			fmt.Fprintln(cmd.OutOrStdout(), "the node has stopped")
			return nil
		},
	}
	cmd.Flags().BoolVar(&instances, "instances", false, "stop all instances too")
	return cmd
}

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

// Env is what the commands may know of the process.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer // a terminal if it is an *os.File that is one
	Version        string
	Getenv         func(key string) string // default os.Getenv
	Now            func() time.Time        // default time.Now

	// Commands are more commands of the root, such as up, node and demo.
	Commands []*cobra.Command
	// Tester runs tests of pipelines; nil is none.
	Tester Tester
}

const rootHelp = `Gennaker deploys applications: it runs pipelines of stages, and looks after the
server groups and load balancers that they make.

The commands below speak with a server, which ` + "`gennaker up`" + ` starts. They print
tables for people; -o json prints exactly what the server answered.

Exit codes:
%s`

// New returns the root command.
func New(env Env) *cobra.Command {
	if env.Getenv == nil {
		env.Getenv = os.Getenv
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	s := &session{env: env}
	root := &cobra.Command{
		Use: "gennaker", Version: env.Version,
		Short: "Deploy applications with pipelines",
		Long:  fmt.Sprintf(rootHelp, exitHelp()),
		Example: `  gennaker app list
  gennaker pipeline save -f deploy.yaml
  gennaker pipeline run "Deploy to prod" -a shop -p version=2 --follow
  gennaker server-group list -a shop`,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: s.prepare,
	}
	server := env.Getenv("GENNAKER_SERVER")
	if server == "" {
		server = client.DefaultURL
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.server, "server", server, "`URL` of the server; also GENNAKER_SERVER")
	flags.Lookup("server").DefValue = client.DefaultURL
	flags.StringVarP(&s.output, "output", "o", formatTable, "`format` of the result: table, json or yaml")
	flags.BoolVar(&s.noColor, "no-color", false, "no colors; also NO_COLOR, and without a terminal")
	offerFixed(root, "output", []string{formatTable, formatJSON, formatYAML})
	root.AddCommand(
		s.applications(), s.pipelines(), s.executions(), s.expressions(), s.serverGroups(),
		s.loadBalancers(), s.manifests(), s.accounts(), s.tasks(), s.templates(), s.projects(), s.canaryConfigs(), s.version(),
	)
	root.AddCommand(env.Commands...)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(cmd, "%s", flagError(err))
	})
	strict(root)
	return root
}

// Run carries out one command line, without the program's name, and returns the
// exit code. When ctx is canceled it stops soon.
func Run(ctx context.Context, env Env, args []string) Exit {
	root := New(env)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	exit := exitOf(ctx, err)
	if exit == Interrupted {
		err = nil // who interrupted knows
	}
	report(env.Stderr, err)
	return exit
}

// session is what the commands of one command line share.
type session struct {
	env     Env
	server  string
	output  string
	noColor bool
	warned  sync.Map // accounts that were said to be down
}

// warn says, once, that an answer does not show an account as it is.
func (s *session) warn(old client.Stale) {
	if _, again := s.warned.LoadOrStore(old.Account, true); again {
		return
	}
	if old.At.IsZero() {
		s.note("warning: the account %s does not answer; nothing of it is shown", old.Account)
		return
	}
	s.note("warning: the account %s does not answer; it is shown as it was at %s", old.Account, show.Moment(gennaker.At(old.At)))
}

func (s *session) prepare(cmd *cobra.Command, _ []string) error {
	switch s.output {
	case formatTable, formatJSON, formatYAML:
		if err := cmd.ValidateRequiredFlags(); err != nil { // before cobra does, whose error has no kind
			return usage(cmd, "%w", err)
		}
		return nil
	}
	return usage(cmd, "there is no output format %q", s.output).WithHint("the formats are table, json and yaml")
}

func (s *session) client() (*client.Client, error) {
	return client.New(client.Config{URL: s.server, UserAgent: "gennaker/" + s.env.Version, Stale: s.warn})
}

// strict makes unknown commands, and wrong numbers of arguments, errors with a
// hint, everywhere in the tree.
func strict(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			var names []string
			for _, sub := range cmd.Commands() {
				names = append(names, sub.Name())
			}
			return usage(cmd, "there is no command %q", cmd.CommandPath()+" "+args[0]).
				WithHint("%s", suggest(args[0], names, "see `"+cmd.CommandPath()+" --help`"))
		}
		return
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usage(cmd, "wrong arguments: %w", err)
			}
			if slices.Contains(args, "") { // as an unset variable of a shell gives
				return usage(cmd, "an argument is empty")
			}
			return nil
		}
	}
}

// usage is an error in the command line.
func usage(cmd *cobra.Command, format string, args ...any) *gennaker.Error {
	return gennaker.Errorf(gennaker.Invalid, format, args...).
		WithHint("usage: %s, see --help", cmd.UseLine())
}

func flagError(err error) string {
	if e, ok := err.(*pflag.NotExistError); ok { //nolint:errorlint // pflag does not wrap it
		return "there is no flag --" + strings.TrimLeft(e.GetSpecifiedName(), "-")
	}
	return err.Error()
}

// required marks flags that must be given.
func required(cmd *cobra.Command, flags ...string) {
	for _, f := range flags {
		if err := cmd.MarkFlagRequired(f); err != nil {
			panic("cli: " + err.Error())
		}
	}
}

func (s *session) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the versions of this program and of the server",
		Example: "  gennaker version", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.say("client %s", s.env.Version)
			c, err := s.client()
			if err != nil {
				return err
			}
			v, body, err := ask(cmd.Context(), c.Version)
			if err != nil {
				return err
			}
			return s.show(body, func(io.Writer) error { s.say("server %s", v); return nil })
		},
	}
}

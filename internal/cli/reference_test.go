package cli_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/cli"
)

func update() bool { return flag.Lookup("update").Value.String() == "true" }

// TestMoreCommands holds that commands of others are commands like ours.
func TestMoreCommands(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err    error
		args   []string
		want   cli.Exit
		stderr string
	}{
		"it works":        {nil, []string{"up"}, cli.OK, ""},
		"a plain error":   {errors.New("no room"), []string{"up"}, cli.Failed, "error: no room\n"},
		"a kind and hint": {gennaker.Errorf(gennaker.NotFound, "no file").WithHint("make one"), []string{"up"}, cli.NotFound, "error: no file\nhint: make one\n"},
		"an argument":     {nil, []string{"up", "x"}, cli.Usage, "error: wrong arguments: unknown command \"x\" for \"gennaker up\"\nhint: usage: gennaker up [flags], see --help\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := &cobra.Command{Use: "up", Short: "Start the server", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return tt.err }}
			var stderr, page bytes.Buffer
			env := cli.Env{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &stderr, Commands: []*cobra.Command{up}}
			if got := cli.Run(t.Context(), env, tt.args); got != tt.want {
				t.Errorf("exit code %d, want %d", got, tt.want)
			}
			if diff := cmp.Diff(tt.stderr, stderr.String()); diff != "" {
				t.Error(diff)
			}
			if err := cli.Reference(&page, &cobra.Command{Use: "up", Short: "Start the server", Run: func(*cobra.Command, []string) {}}); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(page.String(), "\n## gennaker up\n\nStart the server.\n") {
				t.Error("the reference page does not have the command")
			}
		})
	}
}

// TestHelp holds that every command says what it does, with an example that is
// a command line.
func TestHelp(t *testing.T) {
	t.Parallel()
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: short help %q", cmd.CommandPath(), cmd.Short)
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		if cmd.HasSubCommands() {
			return
		}
		if !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s has no example of itself", cmd.CommandPath())
		}
	}
	walk(cli.New(cli.Env{Stdout: os.Stdout, Stderr: os.Stderr}))
}

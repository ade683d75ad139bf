package cli_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker/internal/cli"
)

func update() bool { return flag.Lookup("update").Value.String() == "true" }

func TestReference(t *testing.T) {
	t.Parallel()
	page := filepath.Join("..", "..", "docs", "reference", "cli.md")
	var got bytes.Buffer
	if err := cli.Reference(&got); err != nil {
		t.Fatal(err)
	}
	if update() {
		if err := os.WriteFile(page, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("docs/reference/cli.md is old; run go test ./internal/cli -update\n%s", diff)
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

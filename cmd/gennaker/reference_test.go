package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/cli"
)

var update = flag.Bool("update", false, "rewrite the pages of docs/reference")

// comparePage holds that a page of docs/reference is got; -update writes it.
func comparePage(t *testing.T, name, got string) {
	t.Helper()
	page := filepath.Join("..", "..", "docs", "reference", name)
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil { //nolint:gosec // a page that everyone may read
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("docs/reference/%s is old; run go test ./cmd/gennaker -update\n%s", name, diff)
	}
}

// TestCommandReference holds docs/reference/cli.md.
func TestCommandReference(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/home/you/.local/state") // where the default of --data comes from
	var got bytes.Buffer
	if err := cli.Reference(&got, commands()...); err != nil {
		t.Fatal(err)
	}
	comparePage(t, "cli.md", got.String())
}

// TestCommandHelp holds that each command of this package has an example of
// itself.
func TestCommandHelp(t *testing.T) {
	t.Parallel()
	var walk func(path string, cmd *cobra.Command)
	walk = func(path string, cmd *cobra.Command) {
		path += " " + cmd.Name()
		if cmd.Short == "" || !cmd.Hidden && !strings.Contains(cmd.Example, path) {
			t.Errorf("%s has no example of itself, or says not what it does", path)
		}
		for _, sub := range cmd.Commands() {
			walk(path, sub)
		}
	}
	for _, cmd := range commands() {
		walk("gennaker", cmd)
	}
}

// TestErrorReference holds docs/reference/errors.md, and that the statuses and
// exit codes in it are those of the code.
func TestErrorReference(t *testing.T) {
	t.Parallel()
	meaning := map[gennaker.Kind]string{
		gennaker.Invalid:     "the request can never succeed as it is; the message says what is wrong, `problems` where",
		gennaker.Denied:      "not allowed to this caller",
		gennaker.NotFound:    "what was named does not exist",
		gennaker.Conflict:    "it may succeed after a look at what is there now",
		gennaker.TooLarge:    "over a bound",
		gennaker.TooMany:     "more requests than this caller may send; `Retry-After` says in how many seconds it may",
		gennaker.Unavailable: "something that it needs is away; try again",
		gennaker.Internal:    "a fault of Gennaker; the cause stands in the server's log under the incident that the message names",
	}
	var b strings.Builder
	b.WriteString("# Errors\n\nThis page is made from the code; `go test ./cmd/gennaker -update` writes it.\n\n" +
		"Every error has a kind. The API answers with the HTTP status of the kind, and the command line ends with its exit code.\n\n" +
		"| kind | HTTP status | exit code | meaning |\n| --- | ---: | ---: | --- |\n")
	for _, kind := range gennaker.Kinds() {
		if meaning[kind] == "" {
			t.Errorf("kind %s has no meaning", kind)
		}
		fails := &cobra.Command{Use: "fails", RunE: func(*cobra.Command, []string) error { return gennaker.Errorf(kind, "no") }}
		exit := cli.Run(t.Context(), cli.Env{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Commands: []*cobra.Command{fails}}, []string{"fails"})
		fmt.Fprintf(&b, "| `%s` | %d | %d | %s |\n", kind, kind.HTTPStatus(), exit, meaning[kind])
	}
	fmt.Fprintf(&b, "\nTwo exit codes have no kind: %d (%s) and %d (%s). A command that waits for an execution ends with %d if\nthe execution did not succeed.\n",
		cli.Unreachable, cli.Unreachable, cli.Interrupted, cli.Interrupted, cli.Failed)
	b.WriteString(`
## Body

` + "```json" + `
{
  "timestamp": 1767323045000,
  "status": 404,
  "error": "Not Found",
  "message": "one sentence of cause",
  "hint": "what to do about it",
  "problems": [{"path": "stages[0].type", "line": 3, "column": 14, "message": "…"}]
}
` + "```" + `

` + "`timestamp`" + ` is in milliseconds since 1970. ` + "`hint`" + ` and ` + "`problems`" + ` are left out when there are none; ` + "`line`" + ` and
` + "`column`" + ` count from 1, columns in bytes. The shape is Gate's, with ` + "`hint`" + ` and ` + "`problems`" + ` added.
`)
	comparePage(t, "errors.md", b.String())
}

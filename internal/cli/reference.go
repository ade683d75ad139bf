package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Reference writes the reference page of the command line in Markdown. More
// commands of the root, such as up, come with those of this package.
func Reference(w io.Writer, more ...*cobra.Command) error {
	root := New(Env{
		Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Commands: more,
		Getenv: func(string) string { return "" },
	})
	root.InitDefaultCompletionCmd()
	var b strings.Builder
	b.WriteString("# Command line\n\nThis page is made from the commands themselves; `go test ./cmd/gennaker -update` writes it.\n\n")
	b.WriteString(root.Long[:strings.Index(root.Long, "Exit codes:")])
	b.WriteString("## Exit codes\n\n| code | meaning |\n| ---: | --- |\n")
	for _, e := range Exits() {
		fmt.Fprintf(&b, "| %d | %s |\n", int(e), e)
	}
	b.WriteString("\n## Flags of every command\n\n")
	flagTable(&b, root.PersistentFlags())
	b.WriteString("\n## Environment\n\n| variable | what |\n| --- | --- |\n" +
		"| `GENNAKER_SERVER` | the default of `--server` |\n" +
		"| `GENNAKER_APPLICATION` | the default of `-a` |\n" +
		"| `NO_COLOR` | if not empty, no colors |\n")
	for _, cmd := range root.Commands() {
		describe(&b, cmd)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// describe writes the section of cmd, then those of the commands below it.
func describe(b *strings.Builder, cmd *cobra.Command) {
	if cmd.Hidden || cmd.Name() == "help" {
		return
	}
	depth := strings.Count(cmd.CommandPath(), " ") + 1
	fmt.Fprintf(b, "\n%s %s\n", strings.Repeat("#", depth), cmd.CommandPath())
	cobras := cmd.Name() == "completion" || cmd.Parent().Name() == "completion" // their help is long, and not ours
	if cobras || !strings.HasPrefix(cmd.Long, cmd.Short) {
		fmt.Fprintf(b, "\n%s.\n", cmd.Short)
	}
	if cmd.Long != "" && !cobras {
		fmt.Fprintf(b, "\n%s\n", strings.TrimSpace(cmd.Long))
	}
	if len(cmd.Aliases) > 0 && cmd.HasSubCommands() {
		fmt.Fprintf(b, "\nAlso called `%s`.\n", strings.Join(cmd.Aliases, "`, `"))
	}
	if !cmd.HasSubCommands() || cmd.HasExample() { // others only show their help
		use(b, cmd)
	}
	for _, sub := range cmd.Commands() {
		describe(b, sub)
	}
}

// use writes how cmd itself is used.
func use(b *strings.Builder, cmd *cobra.Command) {
	fmt.Fprintf(b, "\n```\n%s\n```\n", cmd.UseLine())
	if flags := cmd.LocalFlags(); flags.HasAvailableFlags() {
		b.WriteString("\n")
		flagTable(b, flags)
	}
	if cmd.HasExample() {
		var lines []string
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			lines = append(lines, strings.TrimPrefix(line, "  "))
		}
		fmt.Fprintf(b, "\nExamples:\n\n```sh\n%s\n```\n", strings.Join(lines, "\n"))
	}
}

func flagTable(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| flag | what | default |\n| --- | --- | --- |\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, text := pflag.UnquoteUsage(f)
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		if value != "" {
			name += " _" + value + "_"
		}
		def := ""
		if f.DefValue != "" && f.DefValue != "[]" && f.DefValue != "false" && f.DefValue != "0" {
			def = "`" + f.DefValue + "`"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, strings.ReplaceAll(text, "|", "\\|"), def)
	})
}

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

// The output formats.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
)

// ask calls the server, and returns the body of its answer too.
func ask[T any](ctx context.Context, call func(context.Context) (T, error)) (T, json.RawMessage, error) {
	var body json.RawMessage
	v, err := call(client.KeepBody(ctx, &body))
	return v, body, err
}

// show prints a result: body as it is, or for people what text writes.
func (s *session) show(body json.RawMessage, text func(w io.Writer) error) error {
	switch s.output {
	case formatJSON:
		if len(body) == 0 {
			return nil
		}
		_, err := s.env.Stdout.Write(append(bytes.TrimRight(body, "\n"), '\n'))
		return err
	case formatYAML:
		if len(body) == 0 {
			return nil
		}
		out, err := yaml.JSONToYAML(body)
		if err != nil {
			return fmt.Errorf("write the answer as YAML: %w", err)
		}
		_, err = s.env.Stdout.Write(out)
		return err
	}
	return text(s.env.Stdout)
}

// list is show for a table.
func (s *session) list(body json.RawMessage, t *show.Table) error {
	return s.show(body, func(w io.Writer) error { return s.write(w, t) })
}

// write draws t as fits w.
func (s *session) write(w io.Writer, t *show.Table) error {
	width, _, _ := show.Size(w)
	return t.Write(w, width, s.colors(w))
}

// say prints a line for people; machines get none.
func (s *session) say(format string, args ...any) {
	if s.output == formatTable {
		fmt.Fprintln(s.env.Stdout, show.Clean(fmt.Sprintf(format, args...)))
	}
}

// note prints a line beside the result.
func (s *session) note(format string, args ...any) {
	fmt.Fprintln(s.env.Stderr, show.Clean(fmt.Sprintf(format, args...)))
}

func (s *session) colors(w io.Writer) bool {
	_, _, ok := show.Size(w)
	return ok && !s.noColor && s.env.Getenv("NO_COLOR") == "" && s.env.Getenv("TERM") != "dumb"
}

// writeTree draws an execution as fits w.
func (s *session) writeTree(w io.Writer, e gennaker.Execution) error {
	width, _, _ := show.Size(w)
	_, err := io.WriteString(w, strings.Join(show.Tree(e, s.env.Now(), width, s.colors(w)), "\n")+"\n")
	return err
}

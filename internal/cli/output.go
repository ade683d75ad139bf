package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"
	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
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
func (s *session) list(body json.RawMessage, t *table) error {
	return s.show(body, func(w io.Writer) error { return s.write(w, t) })
}

// write draws t as fits w.
func (s *session) write(w io.Writer, t *table) error {
	width, _, _ := size(w)
	return t.write(w, width, s.colors(w))
}

// say prints a line for people; machines get none.
func (s *session) say(format string, args ...any) {
	if s.output == formatTable {
		fmt.Fprintln(s.env.Stdout, clean(fmt.Sprintf(format, args...)))
	}
}

// note prints a line beside the result.
func (s *session) note(format string, args ...any) {
	fmt.Fprintln(s.env.Stderr, clean(fmt.Sprintf(format, args...)))
}

func (s *session) colors(w io.Writer) bool {
	_, _, ok := size(w)
	return ok && !s.noColor && s.env.Getenv("NO_COLOR") == "" && s.env.Getenv("TERM") != "dumb"
}

// size returns the columns and rows of a terminal.
func size(w io.Writer) (width, height int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) { //nolint:gosec // a descriptor fits
		return 0, 0, false
	}
	width, height, err := term.GetSize(int(f.Fd())) //nolint:gosec // as above
	return width, height, err == nil
}

// clean replaces what would move the cursor of a terminal, start a line, or turn
// the direction: what the server answers may hold text of anybody.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, s)
}

const dash = "-" // stands for what there is none of

func orDash(s string) string {
	if s == "" {
		return dash
	}
	return s
}

func moment(t gennaker.Time) string {
	if t.IsZero() {
		return dash
	}
	return t.UTC().Format(time.RFC3339)
}

// took returns how long something ran, until now if it still does.
func took(start, end gennaker.Time, now time.Time) string {
	if start.IsZero() {
		return dash
	}
	if end.IsZero() {
		end = gennaker.At(now)
	}
	d := max(end.Sub(start.Time), 0)
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

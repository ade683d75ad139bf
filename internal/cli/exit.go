package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/cli/show"
)

// Exit is an exit code.
type Exit int

// The exit codes.
const (
	OK          Exit = 0
	Failed      Exit = 1
	Usage       Exit = 2
	Unreachable Exit = 3
	NotFound    Exit = 4
	Interrupted Exit = 130
)

// Exits returns all exit codes, in the order of the help.
func Exits() []Exit { return []Exit{OK, Failed, Usage, Unreachable, NotFound, Interrupted} }

// String says what the exit code means.
func (e Exit) String() string {
	switch e {
	case OK:
		return "it worked"
	case Failed:
		return "the execution did not succeed, or the server refused"
	case Usage:
		return "wrong usage or invalid input"
	case Unreachable:
		return "the server cannot be reached"
	case NotFound:
		return "what was named does not exist"
	case Interrupted:
		return "interrupted"
	}
	return fmt.Sprintf("exit code %d", int(e))
}

func exitHelp() string {
	var b strings.Builder
	for _, e := range Exits() {
		fmt.Fprintf(&b, "  %3d  %s\n", int(e), e)
	}
	return strings.TrimRight(b.String(), "\n")
}

func exitOf(ctx context.Context, err error) Exit {
	switch {
	case err == nil:
		return OK
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return Interrupted
	case errors.Is(err, client.ErrUnreachable):
		return Unreachable
	}
	switch gennaker.KindOf(err) {
	case gennaker.Invalid, gennaker.TooLarge:
		return Usage
	case gennaker.NotFound:
		return NotFound
	case gennaker.Denied, gennaker.Conflict, gennaker.TooMany, gennaker.Unavailable, gennaker.Internal:
		return Failed
	}
	return Failed
}

// failure is an execution that did not succeed.
type failure struct{ cause, hint string }

func (f *failure) Error() string { return f.cause }

// outcome returns nil for an execution that succeeded, and else why it did not.
func outcome(e gennaker.Execution) error {
	if cause, hint := show.Cause(e); cause != "" {
		return &failure{cause: cause, hint: hint}
	}
	return nil
}

// inFile is an error in a document that was read from a file.
type inFile struct {
	file string
	err  error
}

func (e *inFile) Error() string { return e.file + ": " + e.err.Error() }
func (e *inFile) Unwrap() error { return e.err }

// report writes err for people: a sentence, what to do, each problem.
func report(w io.Writer, err error) {
	if err == nil {
		return
	}
	sentence, problems := explain(err)
	fmt.Fprintf(w, "error: %s\n", show.Clean(sentence))
	hint := gennaker.HintOf(err)
	if f, ok := errors.AsType[*failure](err); ok {
		hint = f.hint
	}
	if hint != "" {
		fmt.Fprintf(w, "hint: %s\n", show.Clean(hint))
	}
	for _, p := range problems {
		fmt.Fprintf(w, "  %s\n", show.Clean(p))
	}
}

// explain returns what to say of err: the sentence, and the problems that are
// not in it.
func explain(err error) (sentence string, problems []string) {
	e, ok := errors.AsType[*gennaker.Error](err)
	if !ok {
		return err.Error(), nil
	}
	file := ""
	if f, ok := errors.AsType[*inFile](err); ok {
		file = f.file
	}
	for _, p := range e.Problems {
		problems = append(problems, problem(file, p))
	}
	switch {
	case len(problems) == 1 && file != "":
		return problems[0], nil
	case len(problems) == 1 && strings.Contains(e.Message, e.Problems[0].Message):
		return err.Error(), nil
	case len(problems) > 1 && file != "":
		return fmt.Sprintf("%s has %d problems", file, len(problems)), problems
	}
	return err.Error(), problems
}

// problem writes p as compilers do: file:line:column: path: message.
func problem(file string, p gennaker.Problem) string {
	var parts []string
	if file != "" {
		parts = append(parts, file)
	}
	if p.Line > 0 {
		parts = append(parts, strconv.Itoa(p.Line))
		if p.Column > 0 {
			parts = append(parts, strconv.Itoa(p.Column))
		}
	}
	at := strings.Join(parts, ":")
	if at != "" {
		at += ": "
	}
	if p.Path != "" {
		at += p.Path + ": "
	}
	return at + p.Message
}

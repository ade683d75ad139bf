package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/cli"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "rewrite the expectations of scripts")
	os.Exit(m.Run())
}

// TestScripts runs testdata/*.txtar. Besides testscript's own there are the
// commands:
//
//	gennaker ARGS...        run a command line, which must succeed
//	exits CODE ARGS...      run one that must end with CODE
//	interrupt TEXT ARGS...  run one, and interrupt it when it printed TEXT
//	input FILE              what the next of these reads
//	large FILE              write a file that is too large
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: update(),
		Setup: func(env *testscript.Env) error {
			s := httptest.NewServer(newWorld().handler())
			env.Defer(s.Close)
			gone := httptest.NewServer(nil)
			gone.Close()
			env.Setenv("GENNAKER_SERVER", s.URL)
			env.Setenv("NOBODY", gone.URL)
			env.Values[inputKey{}] = &bytes.Buffer{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"gennaker": func(ts *testscript.TestScript, neg bool, args []string) { exits(ts, neg, cli.OK, args) },
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				code, err := strconv.Atoi(args[0])
				ts.Check(err)
				exits(ts, neg, cli.Exit(code), args[1:])
			},
			"interrupt": func(ts *testscript.TestScript, neg bool, args []string) {
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				signal := errors.New("a signal") // as signal.NotifyContext does
				out := &tripwire{Writer: ts.Stdout(), text: args[0], trip: func() { cancel(signal) }}
				if got := invoke(ctx, ts, out, args[1:]); got != cli.Interrupted || neg {
					ts.Fatalf("exit code %d, want %d\n%s", got, cli.Interrupted, ts.Stderr())
				}
			},
			"large": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte(" "), gennaker.MaxDocumentBytes+1), 0o600))
			},
			"input": func(ts *testscript.TestScript, _ bool, args []string) {
				input(ts).Reset()
				input(ts).WriteString(ts.ReadFile(args[0]))
			},
		},
	})
}

type inputKey struct{}

func input(ts *testscript.TestScript) *bytes.Buffer { return ts.Value(inputKey{}).(*bytes.Buffer) }

func exits(ts *testscript.TestScript, neg bool, want cli.Exit, args []string) {
	if neg {
		ts.Fatalf("say `exits CODE` instead of !")
	}
	if got := invoke(context.Background(), ts, ts.Stdout(), args); got != want {
		ts.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", got, want, ts.Stdout(), ts.Stderr())
	}
}

func invoke(ctx context.Context, ts *testscript.TestScript, out io.Writer, args []string) cli.Exit {
	for i, a := range args { // files are found in the script's directory
		if i > 0 && (args[i-1] == "-f" || args[i-1] == "--parameters-file" || args[i-1] == "lint") && a != "-" {
			args[i] = ts.MkAbs(a)
		}
	}
	var stderr bytes.Buffer
	code := cli.Run(ctx, cli.Env{
		Stdin: input(ts), Stdout: relative{out, ts.MkAbs(".") + "/"}, Stderr: &stderr, Version: "1.2.3", Getenv: ts.Getenv,
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC) },
	}, args)
	_, err := io.WriteString(ts.Stderr(), strings.ReplaceAll(stderr.String(), ts.MkAbs(".")+"/", ""))
	ts.Check(err)
	return code
}

// relative leaves out the directory of files.
type relative struct {
	io.Writer
	dir string
}

func (w relative) Write(b []byte) (int, error) {
	if _, err := w.Writer.Write(bytes.ReplaceAll(b, []byte(w.dir), nil)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// tripwire calls trip when text was written.
type tripwire struct {
	io.Writer
	text string
	seen strings.Builder
	trip func()
}

func (w *tripwire) Write(b []byte) (int, error) {
	w.seen.Write(b)
	if strings.Contains(w.seen.String(), w.text) {
		w.trip()
	}
	return w.Writer.Write(b)
}

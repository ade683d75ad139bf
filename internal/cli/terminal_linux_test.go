package cli_test

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gennaker/gennaker/internal/cli"
)

// terminal returns a terminal of 60 columns and 20 rows, and what is written to
// it, which can be read when it was closed.
func terminal(t *testing.T) (tty *os.File, written func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	if err := unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 20, Col: 60}); err != nil {
		t.Fatal(err)
	}
	all := make(chan string, 1)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, master) // ends with EIO when the terminal is closed
		all <- b.String()
	}()
	return tty, func() string { tty.Close(); return <-all }
}

// TestTerminal follows an execution on a terminal: a tree that is drawn again
// in its place, with colors unless they are not wanted.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env    map[string]string
		args   []string
		colors bool
	}{
		"colors":     {nil, nil, true},
		"NO_COLOR":   {map[string]string{"NO_COLOR": "1"}, nil, false},
		"--no-color": {nil, []string{"--no-color"}, false},
		"dumb":       {map[string]string{"TERM": "dumb"}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(newWorld().handler())
			t.Cleanup(s.Close)
			tty, written := terminal(t)
			var stderr bytes.Buffer
			code := cli.Run(context.Background(), cli.Env{
				Stdin: strings.NewReader(""), Stdout: tty, Stderr: &stderr,
				Getenv: func(key string) string { return tt.env[key] },
			}, append([]string{"pipeline", "run", "Deploy to prod", "-a", "shop", "--follow", "--server", s.URL}, tt.args...))
			got := written()
			if code != cli.OK || stderr.Len() > 0 {
				t.Fatalf("exit code %d: %s", code, stderr.String())
			}
			if strings.Contains(got, "\x1b[32m") != tt.colors {
				t.Errorf("colors: want %t in %q", tt.colors, got)
			}
			// Each step is drawn over the last: three lines up, and clear.
			if strings.Count(got, "\x1b[3A\r\x1b[J") < 5 || !strings.Contains(got, "Warm up") || !strings.Contains(got, "SUCCEEDED E1 Deploy to prod in 5s") {
				t.Errorf("got %q", got)
			}
			for line := range strings.SplitSeq(got, "\r\n") {
				if len(line) > 90 { // 60 columns, and escapes
					t.Errorf("too wide: %q", line)
				}
			}
		})
	}
}

package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/flow"
	"github.com/gennaker/gennaker/internal/store"
)

// TestMain runs this binary as a process with a database of its own, if asked.
func TestMain(m *testing.M) {
	if path := os.Getenv("STORE_TEST_CHILD"); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child opens the database, says "ready", and stores one execution after the
// other for each that it was told to, saying so when it is durable.
func child(path string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, path, discard())
	if err != nil {
		return err
	}
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		if in.Text() == "close" {
			return db.Close()
		}
		for i := 0; ; i++ {
			id := fmt.Sprint(in.Text(), "-", i)
			deltas := []engine.Delta{run{id: id, config: "p", stages: 3}.delta(), {ID: "counter", Head: &flow.State{Status: gennaker.Running, NextSeq: i}}}
			if i == 0 {
				deltas[1] = run{id: in.Text() + "-counter"}.delta()
			} else {
				deltas[1].ID = in.Text() + "-counter"
			}
			if err := db.Commit(ctx, deltas); err != nil {
				return err
			}
			fmt.Println(i)
		}
	}
	return in.Err()
}

type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func start(t *testing.T, path string) process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_CHILD="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := process{cmd, in, bufio.NewScanner(out)}
	if !p.out.Scan() || p.out.Text() != "ready" {
		t.Fatalf("the child says %q, %v", p.out.Text(), p.Wait())
	}
	return p
}

func (p process) tell(t *testing.T, text string) {
	t.Helper()
	if _, err := fmt.Fprintln(p.in, text); err != nil {
		t.Fatal(err)
	}
}

func TestLockedByAnotherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "gennaker.db")
	p := start(t, path)
	_, err := store.Open(t.Context(), path, discard())
	if gennaker.KindOf(err) != gennaker.Conflict || gennaker.HintOf(err) == "" {
		t.Fatalf("Open = %v, hint %q, want Conflict with a hint", err, gennaker.HintOf(err))
	}
	if want := fmt.Sprintf("the data directory %s is in use by process %d", filepath.Dir(path), p.Process.Pid); err.Error() != want {
		t.Errorf("Open = %q, want %q", err, want)
	}
	p.tell(t, "close")
	if err := p.Wait(); err != nil {
		t.Fatalf("the child was disturbed: %v", err)
	}
	openAt(t, path)
}

func TestLockedByThisProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gennaker.db")
	db := openAt(t, path)
	if _, err := store.Open(t.Context(), path, discard()); gennaker.KindOf(err) != gennaker.Conflict {
		t.Errorf("second Open = %v, want Conflict", err)
	}
	commit(t, db, run{id: "A"}.delta())
}

func TestKilledInTheMiddleOfCommits(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gennaker.db")
	acknowledged := map[string]int{}
	for round := range 4 {
		p := start(t, path)
		name := fmt.Sprint("r", round)
		p.tell(t, name)
		for p.out.Scan() {
			if _, err := fmt.Sscan(p.out.Text(), new(int)); err != nil {
				t.Fatalf("the child says %q", p.out.Text())
			}
			acknowledged[name]++
			if acknowledged[name] == 20+round {
				if err := p.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := p.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("the child ended by itself: %v", err)
		}
	}
	db := openAt(t, path)
	if err := db.Health(t.Context()); err != nil {
		t.Errorf("Health = %v", err)
	}
	open := map[string]bool{}
	for _, id := range openIDs(t, db) {
		open[id] = true
	}
	for name, n := range acknowledged {
		for i := range n {
			id := fmt.Sprint(name, "-", i)
			if s := load(t, db, id); len(s.State.Stages) != 3 || len(s.Docs) != 3 || !open[id] {
				t.Errorf("%s was acknowledged, and is not whole: %+v", id, s)
			}
		}
		if got := load(t, db, name+"-counter").State.NextSeq; got < n-1 {
			t.Errorf("%s: counter = %d after %d commits", name, got, n)
		}
	}
}

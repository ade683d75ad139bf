package shim_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gennaker/gennaker/internal/node/shim"
)

// TestMain is a shim when it is run as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "shim" {
		if shim.Run(context.Background(), os.Args[2]) != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func prepare(t *testing.T, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	err := shim.Prepare(dir, shim.Plan{
		Path: "/bin/sh", Args: []string{"sh", "-eu", "-c", text}, Env: os.Environ(),
		Dir: filepath.Join(dir, "work"), Timeout: time.Minute, Grace: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func look(t *testing.T, dir string) shim.Standing {
	t.Helper()
	at, err := shim.Look(dir)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestClaim: of many shims for one job one runs it.
func TestClaim(t *testing.T) {
	t.Parallel()
	dir := prepare(t, "echo x >> count; exit 5")
	if at := look(t, dir); !at.Claimed.IsZero() || at.Result != nil {
		t.Errorf("before: %+v", at)
	}
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for range cap(errs) {
		wg.Go(func() { errs <- exec.Command(os.Args[0], "shim", dir).Run() })
	}
	wg.Wait()
	close(errs)
	good := 0
	for err := range errs {
		if err == nil {
			good++
		}
	}
	count, err := os.ReadFile(filepath.Join(dir, "work", "count"))
	if good != 1 || err != nil || string(count) != "x\n" {
		t.Errorf("%d shims ran it, count is %q, %v", good, count, err)
	}
	at := look(t, dir)
	if at.Claimed.IsZero() || at.Result == nil || at.Result.Status != 5 || at.Result.Started.IsZero() || at.Result.Ended.IsZero() {
		t.Errorf("after: %+v %+v", at, at.Result)
	}
	if err := shim.Claim(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a claim of what was claimed: %v", err)
	}
}

// TestClaimed: what somebody else claimed is not run.
func TestClaimed(t *testing.T) {
	t.Parallel()
	dir := prepare(t, "touch ran")
	if err := shim.Claim(dir); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(os.Args[0], "shim", dir).Run(); err == nil {
		t.Error("the shim says that it ran it")
	}
	if at := look(t, dir); at.Claimed.IsZero() || at.Result != nil {
		t.Errorf("it stands at %+v", at)
	}
	if _, err := os.Stat(filepath.Join(dir, "work", "ran")); err == nil {
		t.Error("it was run")
	}
}

// TestStop: a shim whose context ends stops its job, and one whose context has
// ended does not begin it.
func TestStop(t *testing.T) {
	t.Parallel()
	dir := prepare(t, "touch began; exec sleep 1000")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := shim.Run(ctx, dir); err == nil {
		t.Error("it says that it ran it")
	}
	if at := look(t, dir); !at.Claimed.IsZero() {
		t.Errorf("it stands at %+v", at)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- shim.Run(ctx, dir) }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := os.Stat(filepath.Join(dir, "work", "began")); err == nil {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if at := look(t, dir); at.Result == nil || !at.Result.Stopped || at.Result.TimedOut || at.Result.Signal != int(syscall.SIGTERM) {
		t.Errorf("it stands at %+v %+v", at, at.Result)
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := shim.Run(t.Context(), dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a plan: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "plan.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := shim.Run(t.Context(), dir); err == nil {
		t.Error("a broken plan was run")
	}
	if err := os.WriteFile(filepath.Join(dir, "result.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if at := look(t, dir); at.Result == nil || at.Result.Problem == "" {
		t.Errorf("a broken result: %+v", at)
	}
}

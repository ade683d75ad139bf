// Package shim is the process that stays with a job, so that the job's end is
// recorded though nobody else is there to see it.
//
// A node starts one shim per job, in a directory that holds what to run. The
// shim claims the job, which only one process ever can, runs it in a session of
// its own, ends it at its deadline or when it gets SIGTERM itself, and writes
// how it ended, durably, before it exits. What a node finds in the directory
// tells where the job stands:
//
//	no claim            the job never began: start a shim
//	a claim, no result  a shim runs, or it is lost how the job ended
//	a result            the job ended
package shim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/durable"
	"github.com/gennaker/gennaker/internal/node/process"
)

// Files in the directory of a job.
const (
	planFile   = "plan.json"
	claimFile  = "claimed"
	resultFile = "result.json"
)

// Bounds of reading a file, and of trying to write one.
const (
	maxFile    = 8 << 20
	writeTries = 120
	writeAgain = time.Second
)

// errBroken is said of a file that is not what was written.
var errBroken = errors.New("the file is broken")

// Plan is what a shim runs.
type Plan struct {
	Path    string        `json:"path"` // of the executable
	Args    []string      `json:"args"` // with the name first
	Env     []string      `json:"env"`  // all of it
	Dir     string        `json:"dir"`  // working directory; made if missing
	Timeout time.Duration `json:"timeout"`
	Grace   time.Duration `json:"grace"` // between SIGTERM and SIGKILL
}

// Result is how a job ended.
type Result struct {
	Started  gennaker.Time `json:"started"`
	Ended    gennaker.Time `json:"ended"`
	Status   int           `json:"status"`            // if it exited
	Signal   int           `json:"signal,omitzero"`   // if it was killed
	Stopped  bool          `json:"stopped,omitzero"`  // the shim was told to stop it
	TimedOut bool          `json:"timedOut,omitzero"` // the shim stopped it at its deadline
	Problem  string        `json:"problem,omitzero"`  // why it could not be started, or is not known how it ended
}

// Prepare writes what a shim in dir will run.
func Prepare(dir string, p Plan) error {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode the plan of a job: %w", err)
	}
	return durable.WriteFile(filepath.Join(dir, planFile), b)
}

// Standing is where a job stands.
type Standing struct {
	Claimed time.Time // when a process claimed it; zero if none did
	Result  *Result   // how it ended; nil if it did not, or it is lost how
}

// Look tells where the job in dir stands.
func Look(dir string) (Standing, error) {
	r, err := read[Result](filepath.Join(dir, resultFile))
	switch {
	case err == nil:
		return Standing{r.Started.Time, &r}, nil
	case errors.Is(err, errBroken):
		return Standing{Result: &Result{Problem: "what was recorded of its end is broken"}}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return Standing{}, fmt.Errorf("read how a job ended: %w", err)
	}
	info, err := os.Lstat(filepath.Join(dir, claimFile))
	switch {
	case err == nil:
		return Standing{Claimed: info.ModTime()}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return Standing{}, fmt.Errorf("ask whether a job began: %w", err)
	}
	return Standing{}, nil
}

// Run is the whole life of a shim, in the process that is one: stdout is the
// log of the job. The job is stopped when ctx ends or the process gets SIGTERM;
// a caller that takes that signal itself must end ctx then.
//
// Errors: whatever kept it from running the job or from recording its end; there
// is no result then.
func Run(ctx context.Context, dir string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	plan, err := read[Plan](filepath.Join(dir, planFile))
	if err != nil {
		return fmt.Errorf("read what to run: %w", err)
	}
	if ctx.Err() != nil { // it never begins, unless another shim is started
		return errors.New("told to stop before the job began")
	}
	if err := Claim(dir); err != nil {
		return err
	}
	result := plan.run(ctx)
	b, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encode how the job ended: %w", err)
	}
	for try := 1; ; try++ {
		err := durable.WriteFile(filepath.Join(dir, resultFile), b)
		if err == nil || try == writeTries {
			return err
		}
		time.Sleep(writeAgain) // the disk may be full for a while
	}
}

// Claim makes sure, durably, that no other process has run the job in dir or
// ever will. Errors: fs.ErrExist if another did this before.
func Claim(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, claimFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("claim the job: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("claim the job: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("claim the job: %w", err)
	}
	defer d.Close()
	return d.Sync()
}

// run starts the process and waits for its end.
func (p Plan) run(ctx context.Context) Result {
	r := Result{Started: gennaker.At(time.Now())}
	proc, err := p.start()
	if err != nil {
		r.Problem, r.Ended = err.Error(), gennaker.At(time.Now())
		return r
	}
	deadline := time.NewTimer(p.Timeout)
	defer deadline.Stop()
	select {
	case <-proc.Done():
	case <-ctx.Done():
		r.Stopped = true
	case <-deadline.C:
		r.TimedOut = true
	}
	if r.Stopped || r.TimedOut {
		proc.Stop(context.WithoutCancel(ctx), p.Grace)
	}
	exit := proc.Exit()
	r.Ended, r.Status, r.Signal = gennaker.At(exit.At), exit.Status, int(exit.Signal)
	if !exit.Known {
		r.Problem = "the system does not tell how its process ended"
	}
	return r
}

func (p Plan) start() (*process.Process, error) {
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the working directory: %w", err)
	}
	return process.Start(process.Spec{Path: p.Path, Args: p.Args, Dir: p.Dir, Env: p.Env, Log: os.Stdout})
}

func read[T any](path string) (T, error) {
	var v T
	f, err := os.Open(path)
	if err != nil {
		return v, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("%w: %w", errBroken, err)
	}
	return v, nil
}

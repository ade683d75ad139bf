package job_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node"
	"github.com/gennaker/gennaker/internal/node/shim"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/local"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/job"
)

// TestMain is the shim of a job when it is run as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "shim" {
		if shim.Run(context.Background(), os.Args[2]) != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// machine is a real node and what it changes.
type machine struct {
	*testing.T
	*local.Client
	dir     string
	changes chan struct{}
	stop    func(jobs bool)
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{T: t, dir: t.TempDir(), changes: make(chan struct{}, 1)}
	m.Client = local.New(m.dir, "local")
	m.start()
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		m.Watch(ctx, func(provider.Change) {
			select {
			case m.changes <- struct{}{}:
			default:
			}
		})
	})
	t.Cleanup(func() {
		m.stop(true)
		cancel()
		watching.Wait()
		m.Close()
	})
	return m
}

func (m *machine) start() {
	m.Helper()
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		done <- node.Run(ctx, node.Config{Dir: m.dir, Log: slog.New(slog.NewTextHandler(m.Output(), nil)), Shim: []string{"shim"}})
	}()
	m.stop = func(jobs bool) {
		defer cancel()
		stopping, over := context.WithTimeout(context.Background(), time.Minute)
		defer over()
		if err := m.Stop(stopping, jobs); err != nil {
			m.Errorf("stop the node: %v", err)
		}
		if err := <-done; err != nil {
			m.Errorf("the node: %v", err)
		}
	}
	if err := m.Wait(m.Context()); err != nil {
		m.Fatal(err)
	}
}

// change waits for a change of the fleet.
func (m *machine) change() {
	m.Helper()
	select {
	case <-m.changes:
	case <-time.After(time.Minute):
		m.Fatal("nothing changes")
	}
}

func (m *machine) runner() *runner {
	r := newRunner(m.T, provider.NewFleet(m.Provider()), job.Config{})
	r.waiting = func(stage.Outcome) { m.change() }
	return r
}

// TestRealJobs: the stages with real processes.
func TestRealJobs(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tool"), []byte("#!/bin/sh\necho \"tool $*\"; echo word=$2 > out\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for what, tt := range map[string]struct {
		kind    string
		context object
		fails   string
		want    object
	}{
		"a script": {
			kind: "runJob", context: object{"script": `echo SPINNAKER_PROPERTY_A=1; printf '{"n": %s}' $N > out.json`, "env": object{"N": 5}, "propertyFile": "out.json"},
			want: object{"a": "1", "n": 5.0},
		},
		"an artifact": {
			kind: "runJob", context: object{"artifact": object{"reference": dir}, "command": []any{"tool", "x", "y"}, "propertyFile": "out"},
			want: object{"word": "y"},
		},
		"its only executable": {
			kind: "runJob", context: object{"artifact": object{"reference": dir}, "propertyFile": "out"}, want: object{"word": ""},
		},
		"a failure": {
			kind: "runJob", context: object{"command": "echo so what; exit 4"}, fails: "Reason: it exited with status 4. Details: so what",
		},
		"a timeout": {
			kind: "runJob", context: object{"command": "sleep 1000", "jobTimeoutSeconds": 1}, fails: "Reason: it ran longer than 1s, and was stopped.",
		},
		"a missing command":       {kind: "runJob", context: object{"command": []any{"no-such"}}, fails: `the command "no-such" is neither in the artifact nor in PATH`},
		"a missing property file": {kind: "runJob", context: object{"script": "true", "propertyFile": "out"}, fails: "the job did not write it"},
		"a script stage":          {kind: "script", context: object{"scriptPath": dir, "command": "tool a b", "propertyFile": "out"}, want: object{"word": "b"}},
		"a script in an artifact": {
			kind: "script", context: object{"artifact": object{"reference": dir}, "scriptPath": ".", "command": "tool a b", "propertyFile": "out"}, want: object{"word": "b"},
		},
	} {
		r := m.runner()
		r.key = what
		tt.context["account"] = "local"
		r.run(tt.kind, tt.context)
		if failed := r.err != nil || r.last.Status() != gennaker.Succeeded; failed != (tt.fails != "") || !strings.Contains(r.reason(), tt.fails) {
			t.Errorf("%s: it is %s: %s", what, r.last.Status(), r.reason())
		}
		got, _ := r.stage.Outputs["propertyFileContents"].(object)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: properties (-want +got):\n%s", what, diff)
		}
	}
}

// TestRealRestart: a stage waits for its job over a restart of the node, and
// over one of itself.
func TestRealRestart(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := t.TempDir()
	r := m.runner()
	r.waiting = func(stage.Outcome) {
		m.stop(false)
		if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		m.start()
		r.waiting = func(stage.Outcome) { m.change() }
	}
	c := object{
		"account": "local", "env": object{"DIR": dir}, "propertyFile": "out",
		"script": `echo x >> "$DIR/count"; while [ ! -e "$DIR/go" ]; do sleep 0.02; done; echo k=v > out`,
	}
	r.run("runJob", c)
	if r.last.Status() != gennaker.Succeeded || r.stage.Outputs["k"] != "v" {
		t.Errorf("it is %s: %s", r.last.Status(), r.reason())
	}
	again := m.runner()
	again.run("runJob", c)
	if again.last.Status() != gennaker.Succeeded || again.stage.Outputs["k"] != "v" {
		t.Errorf("once more it is %s: %s", again.last.Status(), again.reason())
	}
	if b, err := os.ReadFile(filepath.Join(dir, "count")); err != nil || string(b) != "x\n" {
		t.Errorf("it ran %d times, %v", len(b)/2, err)
	}
}

// TestRealCancel: a stage that is canceled stops its job.
func TestRealCancel(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	r := m.runner()
	r.canceled = "waitOnJobCompletion"
	r.run("runJob", object{"account": "local", "script": "exec sleep 1000"})
	for r.err == nil {
		j, err := m.Job(t.Context(), r.name("runJob"))
		if err != nil {
			t.Fatal(err)
		}
		if j.Ended() {
			if !j.Canceled || j.State != gennaker.JobFailed {
				t.Errorf("the job is %+v", j)
			}
			return
		}
		m.change()
	}
	t.Error(r.err)
}

package process_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gennaker/gennaker/internal/node/process"
)

// The test binary is also the processes that the tests start.
const role = "PROCESS_TEST_ROLE"

func TestMain(m *testing.M) {
	switch r := os.Getenv(role); {
	case r == "":
		os.Exit(m.Run())
	case strings.HasPrefix(r, "exit "):
		status, _ := strconv.Atoi(strings.TrimPrefix(r, "exit "))
		os.Exit(status)
	case r == "ignore":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ready")
		forever()
	case r == "fork": // one child in the group, one in a session of its own
		for _, setsid := range []bool{false, true} {
			c := exec.Command("/proc/self/exe")
			c.Env = append(os.Environ(), role+"=run")
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: setsid}
			if err := c.Start(); err != nil {
				panic(err)
			}
		}
		fmt.Println("ready")
		forever()
	default:
		fmt.Println("ready")
		forever()
	}
}

// forever is longer than any test. Without a timer the runtime would find a
// deadlock.
func forever() { <-time.After(time.Hour) }

// start starts a process in a role and waits, unless it exits at once, until it
// is ready.
func start(t *testing.T, as string, marks ...string) *process.Process {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	t.Cleanup(func() { r.Close() }) // not earlier: it may write to it at its end
	p, err := process.Start(process.Spec{
		Path: os.Args[0], Args: []string{"me"}, Dir: t.TempDir(), Env: append(marks, role+"="+as), Log: w,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Signal(syscall.SIGKILL)
		await(t, p)
	})
	if !strings.HasPrefix(as, "exit") {
		if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || line != "ready\n" {
			t.Fatalf("it said %q, %v", line, err)
		}
	}
	return p
}

func await(t *testing.T, p *process.Process) {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, 7} {
		p := start(t, fmt.Sprintf("exit %d", status))
		await(t, p)
		if e := p.Exit(); !e.Known || e.Status != status || e.Signal != 0 || e.At.IsZero() {
			t.Errorf("status %d: %+v", status, e)
		}
	}
	p := start(t, "run")
	p.Signal(syscall.SIGTERM)
	await(t, p)
	if e := p.Exit(); !e.Known || e.Signal != syscall.SIGTERM {
		t.Errorf("after SIGTERM: %+v", e)
	}
	p.Signal(syscall.SIGTERM) // to nobody
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	if _, err := process.Start(process.Spec{Path: "/nonexistent", Log: os.Stderr}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestStopKillsWhatIgnoresTerm(t *testing.T) {
	t.Parallel()
	p := start(t, "ignore")
	p.Stop(t.Context(), 10*time.Millisecond)
	await(t, p)
	if e := p.Exit(); e.Signal != syscall.SIGKILL {
		t.Errorf("it ended with %+v", e)
	}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	child := start(t, "run")
	id := child.ID()
	other, err := process.Adopt(id)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-other.Done():
		t.Fatal("it ended already")
	default:
	}
	for what, wrong := range map[string]process.ID{
		"another start": {Boot: id.Boot, PID: id.PID, Ticks: id.Ticks + 1},
		"another boot":  {Boot: "x", PID: id.PID, Ticks: id.Ticks},
		"no process":    {Boot: id.Boot},
	} {
		if _, err := process.Adopt(wrong); !errors.Is(err, process.ErrGone) {
			t.Errorf("%s: %v", what, err)
		}
	}
	other.Signal(syscall.SIGTERM)
	await(t, other)
	await(t, child)
	if e := other.Exit(); e.Known {
		t.Errorf("exit of an adopted one: %+v", e)
	}
	if _, err := process.Adopt(id); !errors.Is(err, process.ErrGone) {
		t.Errorf("adopt a dead one: %v", err)
	}
}

// TestRelease: a released process runs on, with its group.
func TestRelease(t *testing.T) {
	t.Parallel()
	mark := "TEST_MARK=" + t.TempDir()
	p := start(t, "run", mark)
	p.Release()
	found, err := process.Find([]string{mark})
	if err != nil || len(found) != 1 || found[0].ID != p.ID() {
		t.Fatalf("found %+v, %v", found, err)
	}
	again, err := process.Adopt(p.ID())
	if err != nil {
		t.Fatal(err)
	}
	again.Signal(syscall.SIGKILL)
	await(t, again)
}

func TestFindAndKillMarked(t *testing.T) {
	t.Parallel()
	mark := "TEST_MARK=" + t.TempDir()
	p := start(t, "fork", mark, "COLOR=red")
	other := start(t, "run", mark+"x", "COLOR=red")
	found, err := process.Find([]string{mark, "COLOR=red"}, "COLOR", "SHAPE")
	if err != nil || len(found) != 3 {
		t.Fatalf("found %+v, %v", found, err)
	}
	if found[0].ID != p.ID() || !found[0].Leader || found[0].Marks["COLOR"] != "red" || len(found[0].Marks) != 1 {
		t.Errorf("the first is %+v, want %+v", found[0], p.ID())
	}
	leaders := 0
	for _, f := range found {
		if f.Leader {
			leaders++
		}
	}
	if leaders != 2 {
		t.Errorf("%d leaders in %+v", leaders, found)
	}
	if n, err := process.KillMarked(mark); n != 3 || err != nil {
		t.Errorf("killed %d, %v", n, err)
	}
	await(t, p)
	if left, err := process.Find([]string{mark}); len(left) != 0 || err != nil {
		t.Errorf("left %+v, %v", left, err)
	}
	select {
	case <-other.Done():
		t.Error("another's process was killed")
	default:
	}
}

// TestEndKillsGroup: what is left in the group of a child ends with it.
func TestEndKillsGroup(t *testing.T) {
	t.Parallel()
	mark := "TEST_MARK=" + t.TempDir()
	p := start(t, "fork", mark)
	process.Kill(p.ID())
	await(t, p)
	over := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := process.Find([]string{mark})
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 1 && left[0].Leader { // the one that has a session of its own
			break
		}
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("left %+v", left)
		}
	}
	if _, err := process.KillMarked(mark); err != nil {
		t.Error(err)
	}
}

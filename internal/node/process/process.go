package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ID names a process for ever, over reuse of its number and reboots.
type ID struct {
	Boot  string // of the machine, when it ran
	PID   int
	Ticks uint64 // when it started, in clock ticks after the boot
}

// ErrGone says that there is no such process (any more).
var ErrGone = errors.New("the process is gone")

// Spec is what to start.
type Spec struct {
	Path string   // of the executable
	Args []string // with the name first
	Dir  string   // working directory
	Env  []string // all of it
	Log  *os.File // stdout and stderr; the process gets its own descriptor
}

// Exit is how a process ended.
type Exit struct {
	Known  bool           // false for one that was adopted: only its parent is told
	Status int            // if it exited
	Signal syscall.Signal // if it was killed
	At     time.Time
}

// Process is a running process, or one that ended.
type Process struct {
	id    ID
	pidfd *os.File
	child *os.Process // nil if adopted
	done  chan struct{}
	mu    sync.Mutex
	exit  Exit
	over  bool
}

// Start starts a process in a session of its own.
func Start(s Spec) (*Process, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("open the null device: %w", err)
	}
	defer null.Close()
	fd := -1
	child, err := startProcess(s, &os.ProcAttr{
		Dir: s.Dir, Env: s.Env, Files: []*os.File{null, s.Log, s.Log},
		Sys: &syscall.SysProcAttr{Setsid: true, PidFD: &fd},
	})
	if err != nil {
		return nil, err
	}
	if fd < 0 {
		_ = child.Kill()
		_, _ = child.Wait()
		return nil, errors.New("the kernel gives no pidfd")
	}
	p, err := watch(child.Pid, fd, child)
	if err != nil {
		_ = child.Kill()
		_, _ = child.Wait()
		return nil, err
	}
	return p, nil
}

// startProcess tries again for a moment when the executable is busy: a fork
// elsewhere in this process may hold a descriptor from when it was written.
func startProcess(s Spec, attr *os.ProcAttr) (*os.Process, error) {
	for try := 0; ; try++ {
		child, err := os.StartProcess(s.Path, s.Args, attr)
		if !errors.Is(err, syscall.ETXTBSY) || try == 20 {
			return child, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Adopt returns the process that id names, started by whomever.
//
// Errors: ErrGone.
func Adopt(id ID) (*Process, error) {
	fd, err := open(id)
	if err != nil {
		return nil, err
	}
	return watch(id.PID, fd, nil)
}

// open returns a descriptor of the process that id names.
func open(id ID) (int, error) {
	if id.PID <= 0 || id.Boot != Boot() {
		return 0, ErrGone
	}
	fd, err := unix.PidfdOpen(id.PID, 0)
	if err != nil {
		return 0, fmt.Errorf("open process %d: %w", id.PID, ErrGone)
	}
	// With the descriptor in hand the number cannot be given to another.
	if s, err := readStat(id.PID); err != nil || s.ticks != id.Ticks || s.state == 'Z' {
		_ = unix.Close(fd)
		return 0, ErrGone
	}
	return fd, nil
}

func watch(pid, fd int, child *os.Process) (*Process, error) {
	s, err := readStat(pid)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	p := &Process{
		id: ID{Boot: Boot(), PID: pid, Ticks: s.ticks}, pidfd: os.NewFile(uintptr(fd), "pidfd"),
		child: child, done: make(chan struct{}),
	}
	go p.await()
	return p, nil
}

// await waits, without a thread, for the process to end.
func (p *Process) await() {
	defer close(p.done)
	conn, err := p.pidfd.SyscallConn()
	if err == nil {
		err = conn.Read(func(fd uintptr) bool { return ended(int(fd)) })
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	defer p.pidfd.Close()
	if err != nil { // released: the process runs on
		if p.child != nil {
			_ = p.child.Release()
		}
		return
	}
	p.exit.At = time.Now()
	if p.child == nil {
		return
	}
	// A child is reaped last: until then its group cannot be another's.
	_ = unix.Kill(-p.id.PID, unix.SIGKILL)
	s, err := p.child.Wait()
	if err != nil {
		return
	}
	if ws, ok := s.Sys().(syscall.WaitStatus); ok {
		p.exit.Known = true
		if ws.Signaled() {
			p.exit.Signal = ws.Signal()
		} else {
			p.exit.Status = ws.ExitStatus()
		}
	}
}

func ended(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return err != nil || n > 0
	}
}

// ID returns what names p.
func (p *Process) ID() ID { return p.id }

// Done is closed when p ended and, if it was a child, what was left of its
// process group was killed.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit returns how p ended. It waits for that.
func (p *Process) Exit() Exit {
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exit
}

// Signal sends a signal to the process group of p, as long as p runs.
func (p *Process) Signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		_ = unix.Kill(-p.id.PID, s)
	}
}

// Release stops watching p, which runs on. Done is closed.
func (p *Process) Release() {
	_ = p.pidfd.SetReadDeadline(time.Unix(1, 0))
	<-p.done
}

// Stop ends p: SIGTERM to its group, and SIGKILL if it still runs after grace.
// It returns early, with the process perhaps running, when ctx ends.
func (p *Process) Stop(ctx context.Context, grace time.Duration) {
	p.Signal(unix.SIGTERM)
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-p.done:
		return
	case <-ctx.Done():
		return
	case <-t.C:
	}
	p.Signal(unix.SIGKILL)
	select {
	case <-p.done:
	case <-ctx.Done():
	}
}

// Boot returns the identity of this run of the machine.
func Boot() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// stat is what /proc/<pid>/stat tells.
type stat struct {
	state   byte
	session int
	ticks   uint64
}

func readStat(pid int) (stat, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			return stat{}, ErrGone
		}
		return stat{}, err
	}
	return parseStat(b)
}

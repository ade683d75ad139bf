package storm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/app"
	"github.com/gennaker/gennaker/internal/provider/local"
)

// patience bounds everything that is waited for.
const patience = 3 * time.Minute

// world is a server, and what it did in its lives: processes, and everything
// that acts on them.
type world struct {
	t      *testing.T
	data   string
	listen string
	client *client.Client
	http   *http.Client
	node   *local.Client // past the server

	process    *exec.Cmd
	exited     chan struct{}
	nodeKilled bool

	mu       sync.Mutex
	expected map[string]expectation // by execution
	failed   chan struct{}          // closed at the first failure
}

// newWorld starts a server and its node on an empty data directory.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, data: t.TempDir(), listen: address(t), http: &http.Client{Transport: &http.Transport{}},
		expected: map[string]expectation{}, failed: make(chan struct{}),
	}
	w.node = local.New(app.NodeDir(w.data), app.LocalAccount)
	var err error
	if w.client, err = client.New(client.Config{URL: "http://" + w.listen, HTTP: w.http}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.end)
	w.up()
	return w
}

// address returns an address on which nobody listens, with a port that the
// system does not give to outgoing connections.
func address(t *testing.T) string {
	t.Helper()
	for range 1000 {
		a := net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(10_000)))
		if ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", a); err == nil {
			_ = ln.Close()
			return a
		}
	}
	t.Fatal("there is no free port")
	return ""
}

// fail notes a failure, from any goroutine, and ends the storm.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf(format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.failed:
	default:
		close(w.failed)
	}
}

func (w *world) logPath() string { return filepath.Join(w.data, "server.log") }

// up starts the server, and returns when it answers.
func (w *world) up() {
	w.t.Helper()
	log, err := os.OpenFile(w.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(binary, "up", "--data", w.data, "--listen", w.listen)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	ready, exited := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(exited)
		lines := bufio.NewReader(out)
		if line, _ := lines.ReadString('\n'); strings.HasPrefix(line, "Gennaker is ready") {
			close(ready)
		}
		_, _ = io.Copy(io.Discard, lines)
		_ = cmd.Wait()
	}()
	w.process, w.exited = cmd, exited
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	select {
	case <-ready:
	case <-exited:
		w.t.Fatalf("the server ended: %s\n%s", cmd.ProcessState, tail(w.logPath()))
	case <-ctx.Done():
		w.t.Fatalf("the server did not start\n%s", tail(w.logPath()))
	}
	if _, err := w.client.Version(ctx); err != nil {
		w.t.Fatalf("the server does not answer: %v\n%s", err, tail(w.logPath()))
	}
}

// kill ends the server at once. One that ended by itself is a failure.
func (w *world) kill() {
	select {
	case <-w.exited:
		w.t.Errorf("the server ended by itself: %s", w.process.ProcessState)
	default:
	}
	_ = w.process.Process.Kill()
	<-w.exited
}

// stop ends the server in good order, as an upgrade does.
func (w *world) stop() {
	_ = w.process.Process.Signal(syscall.SIGTERM)
	<-w.exited
	if code := w.process.ProcessState.ExitCode(); code != 0 {
		w.t.Errorf("the server was told to stop, and ended with %s", w.process.ProcessState)
	}
}

// nodePID returns the process of the node.
func (w *world) nodePID() int {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(app.NodeDir(w.data), "node.lock"))
	if err != nil {
		w.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		w.t.Fatal(err)
	}
	return pid
}

// killNode ends the node at once.
func (w *world) killNode() {
	w.t.Helper()
	w.nodeKilled = true
	if err := syscall.Kill(w.nodePID(), syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		w.t.Fatal(err)
	}
}

// end stops everything that this world started.
func (w *world) end() {
	if w.process != nil {
		_ = w.process.Process.Kill()
		<-w.exited
	}
	w.http.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.node.Stop(ctx, true); err == nil {
		w.node.Lost(ctx)
	}
	w.node.Close()
	for _, path := range []string{w.logPath(), filepath.Join(app.NodeDir(w.data), "node.log")} {
		text, err := os.ReadFile(path)
		if err != nil {
			w.t.Error(err)
		}
		for _, bad := range []string{"panic: ", "fatal error: ", "DATA RACE"} {
			if i := bytes.Index(text, []byte(bad)); i >= 0 {
				w.t.Errorf("%s:\n%s", path, text[i:min(len(text), i+4<<10)])
			}
		}
	}
	for _, pid := range w.processes() { // what a defect left behind
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if w.t.Failed() {
		w.t.Logf("log of the server:\n%s", tail(w.logPath()))
		w.t.Logf("log of the node:\n%s", tail(filepath.Join(app.NodeDir(w.data), "node.log")))
	}
}

// processes returns the processes of the node and its instances, by what they
// have in their environment or, for the node, in its lock.
func (w *world) processes() []int {
	id, err := os.ReadFile(filepath.Join(app.NodeDir(w.data), "node.id"))
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		w.t.Errorf("list processes: %v", err)
	}
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err == nil && strings.Contains("\x00"+string(environ), "\x00GENNAKER_NODE="+string(id)+"\x00") {
			out = append(out, pid)
		}
	}
	return out
}

// tail returns the end of a log.
func tail(path string) string {
	const most = 6 << 10
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "(none)"
		}
		return fmt.Sprint(err)
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-most), io.SeekStart)
	}
	text, _ := io.ReadAll(f)
	return string(text)
}

// pause waits; it returns false if ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

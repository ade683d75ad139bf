package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact"
)

// world is the processes and files of the demo.
type world struct {
	self    string
	dir     string
	listen  string // of the API
	url     string
	service string // host:port of the load balancer
	server  *exec.Cmd
	log     *os.File
}

// newWorld makes a scratch directory and starts a server in it.
func newWorld(ctx context.Context, self string) (*world, error) {
	dir, err := os.MkdirTemp("", "gennaker-demo-")
	if err != nil {
		return nil, fmt.Errorf("make a scratch directory: %w", err)
	}
	w := &world{self: self, dir: dir}
	if w.log, err = os.OpenFile(filepath.Join(dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	for _, addr := range []*string{&w.listen, &w.service} {
		if *addr, err = freeAddr(ctx); err != nil {
			return nil, err
		}
	}
	w.url = "http://" + w.listen
	if _, err := w.start(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func freeAddr(ctx context.Context) (string, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

func (w *world) data() string { return filepath.Join(w.dir, "data") }

// start starts the server, and returns how long it took until it was ready.
func (w *world) start(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	cmd := exec.Command(w.self, "up", "--data", w.data(), "--listen", w.listen) //nolint:gosec // our own binary
	cmd.Stderr = w.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is the demo's
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, fmt.Errorf("start the server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start the server: %w", err)
	}
	w.server = cmd
	ready := make(chan error, 1)
	go func() {
		line, err := bufio.NewReader(out).ReadString('\n')
		if !strings.Contains(line, "ready") {
			err = errors.Join(errors.New("it ended"), err)
		} else {
			err = nil
		}
		ready <- err
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case err = <-ready:
	case <-time.After(20 * time.Second):
		err = errors.New("it is not ready after 20 s")
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		return 0, gennaker.Errorf(gennaker.Unavailable, "the server did not start: %w", err).WithHint("its log is %s", w.log.Name())
	}
	return time.Since(began), nil
}

// kill ends the server without a warning.
func (w *world) kill() (pid int, err error) {
	pid = w.server.Process.Pid
	if err := w.server.Process.Kill(); err != nil {
		return pid, fmt.Errorf("kill the server: %w", err)
	}
	_ = w.server.Wait() // it was killed: that is its error
	return pid, nil
}

// close stops the server, the node and all instances, and removes the files.
func (w *world) close() error {
	var errs []error
	if w.server != nil && w.server.ProcessState == nil {
		errs = append(errs, w.server.Process.Signal(syscall.SIGTERM))
		_ = w.server.Wait()
	}
	out, err := exec.Command(w.self, "node", "stop", "--instances", "--data", w.data()).CombinedOutput() //nolint:gosec // our own binary
	if err != nil {
		errs = append(errs, fmt.Errorf("stop the node: %w: %s", err, out))
	}
	return errors.Join(append(errs, w.log.Close(), removeAll(w.dir))...)
}

// removeAll removes a tree that holds directories without write permission.
func removeAll(dir string) error {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			return os.Chmod(path, 0o700) //nolint:gosec // a directory of ours, about to go
		}
		return nil
	})
	return errors.Join(err, os.RemoveAll(dir))
}

// artifact makes the artifact of a version of the sample service, once: a
// directory with the program and what it is to say. Version v3 is the bad one.
func (w *world) artifact(version string) (gennaker.RunArtifact, error) {
	dir := filepath.Join(w.dir, "artifacts", version)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := w.build(dir, version); err != nil {
			return gennaker.RunArtifact{}, fmt.Errorf("make the artifact of %s: %w", version, err)
		}
	}
	digest, err := artifact.Digest(dir)
	return gennaker.RunArtifact{Reference: dir, Digest: digest}, err
}

func (w *world) build(dir, version string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	program, err := os.ReadFile(w.self)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "hello"), program, 0o700); err != nil { //nolint:gosec // it is a program
		return err
	}
	about, err := describe(version)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "hello.json"), about, 0o600)
}

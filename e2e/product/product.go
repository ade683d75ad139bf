// Package product is Gennaker as its users run it, for tests: the real binary,
// started, killed and started again.
package product

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/api/apitest"
)

// Build makes the program in a directory, and returns its path.
func Build(dir string) (string, error) {
	binary := filepath.Join(dir, "gennaker")
	out, err := exec.Command("go", "build", "-o", binary, "github.com/gennaker/gennaker/cmd/gennaker").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return binary, nil
}

// Main runs the tests of a package, with the path of the program that they are
// about in binary; without one where -short leaves them out. It does not return.
func Main(m *testing.M, binary *string) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "gennaker")
	if err == nil && !testing.Short() {
		*binary, err = Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// A Server is a server with a data directory of its own, and without a local
// node. Its methods end the test when something goes wrong.
type Server struct {
	*client.Client
	Data, Log string

	t       testing.TB
	binary  string
	listen  string
	process *exec.Cmd
	exited  chan struct{}
}

// patience bounds how long a server may take to start.
const patience = 30 * time.Second

// Start starts a server whose configuration has these accounts of clusters. It
// ends with the test.
func Start(t testing.TB, binary string, accounts ...map[string]any) *Server {
	t.Helper()
	s := &Server{t: t, binary: binary, Data: t.TempDir(), listen: address(t)}
	s.Log = filepath.Join(s.Data, "server.log")
	text, err := json.Marshal(map[string]any{"local": map[string]any{"enabled": false}, "kubernetes": map[string]any{"accounts": accounts}})
	if err == nil {
		err = os.WriteFile(filepath.Join(s.Data, "config.yaml"), text, 0o600)
	}
	if err == nil {
		s.Client, err = client.New(client.Config{URL: "http://" + s.listen, HTTP: &http.Client{Transport: apitest.Transport(t, http.DefaultTransport)}})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", s.tail())
		}
	})
	s.Up()
	return s
}

// Configure puts sections into the configuration, and starts the server again
// with it.
func (s *Server) Configure(sections map[string]any) {
	s.t.Helper()
	file := filepath.Join(s.Data, "config.yaml")
	config := map[string]any{}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &config)
	}
	maps.Copy(config, sections)
	if err == nil {
		text, err = json.Marshal(config)
	}
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.Kill()
	s.Up()
}

// address returns an address on which nobody listens.
func address(t testing.TB) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// On returns the server for a test within the one that started it, which ends
// when something goes wrong there. It is not to be killed by it.
func (s *Server) On(t testing.TB) *Server {
	other := *s
	other.t = t
	return &other
}

// Up starts the server again, and returns when it answers.
func (s *Server) Up() {
	s.t.Helper()
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(s.binary, "up", "--data", s.Data, "--listen", s.listen)
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
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
	s.process, s.exited = cmd, exited
	select {
	case <-ready:
	case <-exited:
		s.t.Fatalf("the server ended: %s\n%s", cmd.ProcessState, s.tail())
	case <-time.After(patience):
		s.t.Fatalf("the server did not start\n%s", s.tail())
	}
}

// Kill ends the server at once.
func (s *Server) Kill() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	<-s.exited
}

// Resident returns the memory that the server has, in bytes.
func (s *Server) Resident() int64 {
	s.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	var kilobytes int64
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
				s.t.Fatalf("read %q: %v", line, err)
			}
		}
	}
	return kilobytes << 10
}

// tail returns the last lines of the server's log.
func (s *Server) tail() string {
	text, err := os.ReadFile(s.Log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// Application makes an application.
func (s *Server) Application(name string) {
	s.t.Helper()
	id, err := s.CreateApplication(s.t.Context(), map[string]any{"name": name, "email": name + "@example.com"})
	if err != nil {
		s.t.Fatal(err)
	}
	for task, err := range s.WatchTask(s.t.Context(), id) {
		if err != nil {
			s.t.Fatal(err)
		}
		if task.Status.Complete() {
			return
		}
	}
}

// Save saves a pipeline of an application; stages get their places in order, one
// after the other, unless they say more.
func (s *Server) Save(application, name string, stages ...map[string]any) {
	s.t.Helper()
	for i, stage := range stages {
		if stage["refId"] == nil {
			stage["refId"], stage["requisiteStageRefIds"] = strconv.Itoa(i+1), []string{}
			if i > 0 {
				stage["requisiteStageRefIds"] = []string{strconv.Itoa(i)}
			}
		}
	}
	text, err := json.Marshal(map[string]any{"application": application, "name": name, "stages": stages})
	if err == nil {
		err = s.SavePipeline(s.t.Context(), text)
	}
	if err != nil {
		s.t.Fatalf("save %s: %v", name, err)
	}
}

// Begin starts a pipeline.
func (s *Server) Begin(application, name string, parameters map[string]any) (id string) {
	s.t.Helper()
	id, err := s.StartPipeline(s.t.Context(), application, name, client.Start{Parameters: parameters})
	if err != nil {
		s.t.Fatalf("start %s: %v", name, err)
	}
	return id
}

// Await returns an execution when it is complete, whatever happens to the server
// meanwhile.
func (s *Server) Await(ctx context.Context, id string) gennaker.Execution {
	s.t.Helper()
	for {
		for x, err := range s.Watch(ctx, id) {
			if err != nil {
				break
			}
			if x.Status.Complete() {
				return x
			}
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("execution %s does not end: %v", id, context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Run starts a pipeline and returns its execution when that is complete.
func (s *Server) Run(application, name string, parameters map[string]any) gennaker.Execution {
	s.t.Helper()
	return s.Await(s.t.Context(), s.Begin(application, name, parameters))
}

// Explain returns what failed in an execution, and why.
func Explain(x gennaker.Execution) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", x.Name, x.Status)
	for _, st := range x.Stages {
		if e, ok := st.Context["exception"]; ok || st.Status.Failed() {
			text, _ := json.Marshal(e)
			fmt.Fprintf(&b, "\n  %s (%s) %s: %s", st.Name, st.Type, st.Status, text)
		}
	}
	return b.String()
}

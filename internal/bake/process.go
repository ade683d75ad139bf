package bake

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/gennaker/gennaker"
)

// Defaults of a Process.
const (
	defaultTimeout  = 2 * time.Minute
	defaultMemory   = 1 << 30 // bytes
	defaultParallel = 2
)

// Bounds of what passes between a server and its child.
const (
	maxRequest = 512 << 20 // bytes; JSON with base64
	maxReply   = 256 << 20
	maxStderr  = 64 << 10
	maxLines   = 50 // warnings
	maxStack   = 128 << 20
	grace      = 10 * time.Second // that a child has more than its server waits
)

// Config says how children run. Zero bounds are the defaults.
type Config struct {
	Command  []string      // program and arguments that call Serve; required
	Timeout  time.Duration // of one child; 2 min
	Memory   int64         // of one child, bytes; 1 GiB
	Parallel int           // children at a time; 2
}

// Process renders in child processes. It is safe for concurrent use.
type Process struct {
	cfg   Config
	slots chan struct{}
}

// NewProcess starts nothing.
func NewProcess(cfg Config) *Process {
	cfg.Timeout, cfg.Memory = cmp.Or(cfg.Timeout, defaultTimeout), cmp.Or(cfg.Memory, defaultMemory)
	return &Process{cfg: cfg, slots: make(chan struct{}, cmp.Or(cfg.Parallel, defaultParallel))}
}

// order is what a child is told.
type order struct {
	Request Request       `json:"request"`
	Memory  int64         `json:"memory"`  // bytes
	Timeout time.Duration `json:"timeout"` // after which it ends itself, if its server cannot end it
}

// reply is what a child answers.
type reply struct {
	Result   Result             `json:"result"`
	Kind     gennaker.Kind      `json:"kind,omitzero"` // of an error
	Message  string             `json:"message,omitzero"`
	Hint     string             `json:"hint,omitzero"`
	Problems []gennaker.Problem `json:"problems,omitzero"`
}

// Render renders in a child.
//
// Errors: those of the function Render; TooLarge if the child used up its time,
// memory or stack; Unavailable if it could not be started or ended otherwise;
// the context's if it ends.
func (p *Process) Render(ctx context.Context, req Request) (Result, error) {
	if len(p.cfg.Command) == 0 {
		return Result{}, gennaker.Errorf(gennaker.Unavailable, "this server was not told with which command to bake")
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return Result{}, context.Cause(ctx)
	}
	text, err := json.Marshal(order{req, p.cfg.Memory, p.cfg.Timeout + grace})
	if err != nil {
		return Result{}, fmt.Errorf("encode what to bake: %w", err)
	}
	late, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	stdout, stderr := &bounded{most: maxReply}, &bounded{most: maxStderr}
	child := exec.CommandContext(late, p.cfg.Command[0], p.cfg.Command[1:]...) //nolint:gosec // the command is the server's own
	child.Env, child.Dir = []string{}, os.TempDir()
	child.Stdin, child.Stdout, child.Stderr = bytes.NewReader(text), stdout, stderr
	child.WaitDelay = time.Second
	err = child.Run()
	switch {
	case ctx.Err() != nil:
		return Result{}, context.Cause(ctx)
	case late.Err() != nil:
		return Result{}, gennaker.Errorf(gennaker.TooLarge, "baking took longer than %s", p.cfg.Timeout).
			WithHint("look for a loop in the templates, or bake less at a time")
	case err != nil:
		return Result{}, p.crashed(err, stderr.String())
	}
	var answer reply
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil {
		return Result{}, gennaker.Errorf(gennaker.Unavailable, "the process that bakes answered nothing that can be read: %w", err)
	}
	if answer.Kind != "" {
		return Result{}, &gennaker.Error{Kind: answer.Kind, Message: answer.Message, Hint: answer.Hint, Problems: answer.Problems}
	}
	return answer.Result, nil
}

// exhausted matches what Go, and its race detector, say of memory that they do
// not get.
var exhausted = regexp.MustCompile(`out of memory|cannot allocate memory|failed to allocate`)

// crashed says why a child ended without an answer.
func (p *Process) crashed(err error, stderr string) error {
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case strings.Contains(stderr, "goroutine stack exceeds"):
		return gennaker.Errorf(gennaker.TooLarge, "the templates call each other without an end").
			WithHint("look for a template, or a text given to tpl, that includes itself")
	case exhausted.MatchString(stderr) || exited && killed(exit):
		return gennaker.Errorf(gennaker.TooLarge, "baking needs more than %d bytes of memory", p.cfg.Memory).
			WithHint("look for a loop in the templates, or bake less at a time")
	}
	first, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	return gennaker.Errorf(gennaker.Unavailable, "the process that bakes ended: %w: %s", err, oneLine(first)).
		WithHint("try again; if it stays, render the chart with helm template or kustomize build")
}

func killed(exit *exec.ExitError) bool {
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// bounded keeps the first bytes that are written to it.
type bounded struct {
	bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, b.most-b.Len()))])
	return len(p), nil
}

// Serve is the whole life of a child: it reads what to render from in and writes
// the answer to out. From then on this process can open nothing any more,
// neither files nor connections.
//
// Errors: those of reading, writing, and of giving rights away; those of
// rendering are in the answer.
func Serve(in io.Reader, out io.Writer) error {
	var o order
	if err := json.NewDecoder(io.LimitReader(in, maxRequest)).Decode(&o); err != nil {
		return fmt.Errorf("read what to bake: %w", err)
	}
	if err := confine(o.Memory); err != nil {
		return err
	}
	late := time.AfterFunc(o.Timeout, func() { os.Exit(1) })
	defer late.Stop()
	said := &bounded{most: maxStderr}
	log.SetFlags(0)
	log.SetOutput(said)
	var answer reply
	result, err := Render(o.Request)
	if err != nil {
		answer = reply{Kind: gennaker.KindOf(err), Message: err.Error(), Hint: gennaker.HintOf(err)}
		if e, ok := errors.AsType[*gennaker.Error](err); ok {
			answer.Problems = e.Problems
		}
	} else {
		result.Warnings = append(result.Warnings, warnings(said.String())...)
		answer.Result = result
	}
	if err := json.NewEncoder(out).Encode(answer); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// warnings returns the lines of a log that warn.
func warnings(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = oneLine(strings.TrimPrefix(line, "WARN "))
		if rest, ok := strings.CutPrefix(strings.ToLower(line), "warning: "); ok {
			line = line[len(line)-len(rest):]
		} else if strings.HasPrefix(line, "INFO ") || strings.HasPrefix(line, "DEBUG ") || line == "" {
			continue
		}
		if out = append(out, line); len(out) == maxLines {
			break
		}
	}
	return out
}

// offline refuses requests.
type offline struct{}

// RoundTrip implements http.RoundTripper.
func (offline) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close() // as a transport has to
	}
	return nil, errOffline
}

// confine takes from this process what rendering needs none of. The system
// refuses every new descriptor, and with them files, connections and programs;
// what reads the network by way of the default client is told so in words.
// Memory counts on top of what the process has when it begins.
func confine(memory int64) error {
	http.DefaultTransport = offline{}
	debug.SetMaxStack(maxStack)
	debug.SetMemoryLimit(memory / 4 * 3)
	probe, err := os.Open(os.DevNull)
	if err != nil {
		return fmt.Errorf("find the next descriptor: %w", err)
	}
	next := uint64(probe.Fd())
	if err := probe.Close(); err != nil {
		return fmt.Errorf("find the next descriptor: %w", err)
	}
	for what, bound := range map[int]uint64{syscall.RLIMIT_NOFILE: next, syscall.RLIMIT_DATA: held() + uint64(memory), syscall.RLIMIT_CORE: 0} { //nolint:gosec // a bound is positive
		if err := syscall.Setrlimit(what, &syscall.Rlimit{Cur: bound, Max: bound}); err != nil {
			return fmt.Errorf("confine the process that bakes: %w", err)
		}
	}
	return nil
}

// held returns how many bytes of data the system counts for this process, as
// RLIMIT_DATA counts; 0 if it does not tell.
func held() uint64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), "VmData:")
	var kib uint64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		return 0
	}
	return kib << 10
}

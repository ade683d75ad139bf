package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/gennaker/gennaker"
)

// Types of checks.
const (
	HTTP    = "http"
	TCP     = "tcp"
	Command = "command"
	None    = "none"
)

// Bounds of a check.
const (
	maxMillis    = 24 * 60 * 60 * 1000
	maxThreshold = 1000
	maxPath      = 4096
)

// WithDefaults returns hc with every zero filled in.
func WithDefaults(hc gennaker.HealthCheck) gennaker.HealthCheck {
	set := func(n *int, unset int) {
		if *n == 0 {
			*n = unset
		}
	}
	if hc.Type == "" {
		switch {
		case hc.Path != "":
			hc.Type = HTTP
		case len(hc.Command) > 0:
			hc.Type = Command
		default:
			hc.Type = TCP
		}
	}
	if hc.Path == "" {
		hc.Path = "/"
	}
	set(&hc.IntervalMS, 1000)
	set(&hc.TimeoutMS, 1000)
	set(&hc.HealthyThreshold, 1)
	set(&hc.UnhealthyThreshold, 3)
	set(&hc.GraceSeconds, 10)
	return hc
}

// Validate reports whether the check can be made. Errors: Invalid.
func Validate(hc gennaker.HealthCheck) error {
	hc = WithDefaults(hc)
	bad := func(format string, args ...any) error {
		return gennaker.Errorf(gennaker.Invalid, "the health check cannot be made: "+format, args...)
	}
	switch hc.Type {
	case HTTP:
		if !strings.HasPrefix(hc.Path, "/") || len(hc.Path) > maxPath || strings.ContainsAny(hc.Path, " \r\n\t") {
			return bad("path %.100q is not a path like /health", hc.Path)
		}
	case TCP, None:
	case Command:
		if len(hc.Command) == 0 {
			return bad("the command is missing")
		}
	default:
		return bad("type %q is not one of http, tcp, command, none", hc.Type)
	}
	if hc.IntervalMS < 10 || hc.IntervalMS > maxMillis || hc.TimeoutMS < 1 || hc.TimeoutMS > maxMillis {
		return bad("intervalMs must be in 10..%d and timeoutMs in 1..%d", maxMillis, maxMillis)
	}
	if min(hc.HealthyThreshold, hc.UnhealthyThreshold) < 1 || max(hc.HealthyThreshold, hc.UnhealthyThreshold) > maxThreshold {
		return bad("thresholds must be in 1..%d", maxThreshold)
	}
	if hc.GraceSeconds < 0 || hc.GraceSeconds > maxMillis/1000 {
		return bad("graceSeconds must be in 0..%d", maxMillis/1000)
	}
	return nil
}

// Target is whom to ask.
type Target struct {
	Port int
	Dir  string   // where a command runs
	Env  []string // what a command gets
}

// Check asks once, with defaults filled in, for at most the timeout. It returns
// "" if t is well, else why not in a sentence.
func Check(ctx context.Context, hc gennaker.HealthCheck, t Target) (reason string) {
	timeout := time.Duration(hc.TimeoutMS) * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var err error
	switch hc.Type {
	case None:
	case HTTP:
		err = checkHTTP(ctx, hc.Path, t.Port)
	case Command:
		err = checkCommand(ctx, hc.Command, t)
	default:
		err = checkTCP(ctx, t.Port)
	}
	if err == nil {
		return ""
	}
	what := "the connection to port " + fmt.Sprint(t.Port)
	switch hc.Type {
	case HTTP:
		what = "GET " + hc.Path
	case Command:
		what = "the health command " + hc.Command[0]
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("does not listen on port %d yet", t.Port)
	case ctx.Err() != nil:
		return fmt.Sprintf("%s was not answered in %d ms", what, hc.TimeoutMS)
	}
	return what + " " + err.Error()
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

func checkTCP(ctx context.Context, port int) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address(port))
	if err != nil {
		return fmt.Errorf("failed: %w", err)
	}
	return c.Close()
}

func checkHTTP(ctx context.Context, path string, port int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address(port)+path, nil)
	if err != nil {
		return fmt.Errorf("failed: %w", err)
	}
	req.Header.Set("User-Agent", "gennaker-health")
	req.Close = true
	tr := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	res, err := tr.RoundTrip(req) // follows no redirects: 3xx is healthy
	if err != nil {
		return fmt.Errorf("failed: %w", err)
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	_ = res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 399 {
		return fmt.Errorf("answered %d", res.StatusCode)
	}
	return nil
}

// checkCommand runs a command in a process group of its own, all of which is
// killed at the timeout.
func checkCommand(ctx context.Context, command []string, t Target) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = t.Dir, t.Env
	if local := t.Dir + "/" + command[0]; !strings.HasPrefix(command[0], "/") {
		if _, err := os.Stat(local); err == nil {
			cmd.Path, cmd.Err = local, nil
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if e, ok := errors.AsType[*exec.ExitError](err); ok && e.Exited() {
		return fmt.Errorf("exited with status %d", e.ExitCode())
	}
	if err != nil {
		return fmt.Errorf("failed: %w", err)
	}
	return nil
}

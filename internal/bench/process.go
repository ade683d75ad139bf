package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker/client"
)

// process is a server in a process of its own.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	client *client.Client
	start  float64 // seconds from its start to the first good answer
}

// startSelf starts this program as a server, see serveChild.
func startSelf(ctx context.Context, dir string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	return startServer(ctx, cmd, func(line string) string { return line })
}

// startServer starts a server, whose first line has its URL, and waits until it
// is healthy.
func startServer(ctx context.Context, cmd *exec.Cmd, url func(line string) string) (p *process, err error) {
	p = &process{cmd: cmd}
	cmd.Stderr = &bytes.Buffer{}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	p.out = bufio.NewReader(out)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.kill(), fmt.Errorf("it said %q", cmd.Stderr))
		}
	}()
	line, err := p.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("read where the server listens: %w", err)
	}
	if p.client, err = newClient(url(strings.TrimSpace(line))); err != nil {
		return nil, err
	}
	err = poll(ctx, time.Millisecond, func() (bool, error) {
		err := healthy(ctx, p.client.URL())
		return err == nil, nil
	})
	p.start = time.Since(began).Seconds()
	return p, err
}

// stats asks for the stats; with a garbage collection before if collect.
func (p *process) stats(collect bool) (s stats, err error) {
	line := "stats\n"
	if collect {
		line = "gc\n"
	}
	if _, err := io.WriteString(p.in, line); err != nil {
		return s, fmt.Errorf("ask for the stats: %w", err)
	}
	answer, err := p.out.ReadBytes('\n')
	if err != nil {
		return s, fmt.Errorf("read the stats: %w", err)
	}
	return s, json.Unmarshal(answer, &s)
}

// stop ends a server of startSelf in good order.
func (p *process) stop() error {
	if err := p.in.Close(); err != nil {
		return fmt.Errorf("tell the server to end: %w", err)
	}
	return p.cmd.Wait()
}

// kill ends it at once.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed, and says so
	return err
}

// resident returns the resident memory of a process in MB of 1024².
//
// Source: proc(5), VmRSS.
func resident(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	return parseResident(string(b))
}

func parseResident(status string) (float64, error) {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("the status of a process has no VmRSS")
}

// settled returns the resident memory of a process once it falls no more.
func settled(ctx context.Context, pid int, every time.Duration) (mb float64, err error) {
	for range 20 {
		last := mb
		if mb, err = resident(pid); err != nil || last > 0 && mb > 0.99*last {
			return mb, err
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return mb, nil
}

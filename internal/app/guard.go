package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node"
	"github.com/gennaker/gennaker/internal/provider/local"
)

// nodeGuard keeps a node running as a process of its own, which outlives this
// one.
type nodeGuard struct {
	client  *local.Client
	dir     string
	command []string // of the node's process
	log     *slog.Logger
}

// Times of the guard.
const (
	nodeStart    = 15 * time.Second // how long a node may take until it answers
	firstRestart = 50 * time.Millisecond
	lastRestart  = 10 * time.Second
)

// ensure starts the node unless it runs, and returns when it answers.
func (g *nodeGuard) ensure(ctx context.Context) error {
	if _, err := g.client.Ping(ctx); err == nil || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	exited, err := g.spawn()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, nodeStart, errors.New("it did not answer in time"))
	defer cancel()
	go func() {
		select {
		case <-exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := g.client.Wait(ctx); err != nil {
		return gennaker.Errorf(gennaker.Unavailable, "the node did not start: %w", err).
			WithHint("its log is %s", g.logPath())
	}
	return nil
}

func (g *nodeGuard) logPath() string { return node.LogPath(g.dir) }

// spawn starts the node in a session of its own, so that no signal to this
// process reaches it. The channel is closed when the process ended.
func (g *nodeGuard) spawn() (<-chan struct{}, error) {
	if err := os.MkdirAll(g.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the node's directory: %w", err)
	}
	log, err := os.OpenFile(g.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the node's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(g.command[0], g.command[1:]...) //nolint:gosec // it is our own binary
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the node: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		if err := cmd.Wait(); err != nil {
			g.log.Warn("the node ended", "error", err)
		}
	}()
	return exited, nil
}

// keep starts the node again whenever it is gone, until ctx ends.
func (g *nodeGuard) keep(ctx context.Context) {
	for apart := firstRestart; ; {
		began := time.Now()
		g.client.Lost(ctx)
		if ctx.Err() != nil {
			return // not the node is gone, but this process goes
		}
		var pause time.Duration
		pause, apart = pace(apart, time.Since(began))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		if err := g.ensure(ctx); err != nil && ctx.Err() == nil {
			g.log.Error("the node is away", "error", err)
		}
	}
}

// pace returns how long to wait before a node that ran for a while is started
// again, and how far apart starts are to be from then on. One that ran long
// enough is started at once, for nothing answers in the meantime; one that
// cannot stay up is tried ever more rarely.
func pace(apart, ran time.Duration) (pause, next time.Duration) {
	if ran >= apart {
		return 0, firstRestart
	}
	return apart - ran, min(2*apart, lastRestart)
}

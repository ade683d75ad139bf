package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gennaker/gennaker/internal/app"
	"github.com/gennaker/gennaker/internal/provider/local"
)

// measureStart measures the real binary: how long it takes from the start of
// its process to the first good answer, and what it and its node weigh idle.
func measureStart(ctx context.Context, o options) ([]figure, error) {
	binary, err := build(ctx, o)
	if err != nil {
		return nil, err
	}
	var fresh, again, server, node []float64
	for range o.runs {
		err := inDir(o, func(dir string) error {
			for _, starts := range []*[]float64{&fresh, &again} {
				p, err := up(ctx, binary, dir)
				if err != nil {
					return err
				}
				*starts = append(*starts, p.start)
				s, n, err := weigh(ctx, o, p, dir)
				if err == nil && starts == &fresh {
					server, node = append(server, s), append(node, n)
				}
				if err := errors.Join(err, down(ctx, p, dir, starts == &again)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return []figure{
		{what: "start to healthy, empty directory, starts the node", unit: seconds, measured: fresh, target: "< 1s", met: below(1)},
		{what: "start to healthy, existing directory, node runs", unit: seconds, measured: again, target: "< 1s", met: below(1)},
		{what: "resident memory of the server, idle", unit: megabytes, measured: server, target: "< 100 MB", met: below(100)},
		{what: "resident memory of the node, idle", unit: megabytes, measured: node, target: "< 100 MB", met: below(100)},
	}, nil
}

// build builds the real binary.
func build(ctx context.Context, o options) (string, error) {
	binary := filepath.Join(o.dir, "gennaker")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/gennaker/gennaker/cmd/gennaker").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the binary: %w: %s", err, out)
	}
	return binary, nil
}

// up starts the real server.
func up(ctx context.Context, binary, dir string) (*process, error) {
	cmd := exec.CommandContext(ctx, binary, "up", "--data", dir, "--listen", "127.0.0.1:0")
	return startServer(ctx, cmd, func(line string) string {
		_, rest, _ := strings.Cut(line, "http://")
		addr, _, _ := strings.Cut(rest, " ")
		return "http://" + addr
	})
}

// weigh returns the resident memory of a server and its node.
func weigh(ctx context.Context, o options, p *process, dir string) (server, node float64, err error) {
	if server, err = settled(ctx, p.cmd.Process.Pid, pick(o, time.Second, 10*time.Millisecond)); err != nil {
		return 0, 0, err
	}
	status, err := local.New(app.NodeDir(dir), app.LocalAccount).Ping(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("ask the node for its process: %w", err)
	}
	node, err = resident(status.PID)
	return server, node, err
}

// down ends a server, and its node if it is asked to.
func down(ctx context.Context, p *process, dir string, withNode bool) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("end the server: %w", err)
	}
	_ = p.cmd.Wait() // how it says goodbye is not measured
	if !withNode {
		return nil
	}
	c := local.New(app.NodeDir(dir), app.LocalAccount)
	if err := c.Stop(ctx, true); err != nil {
		return fmt.Errorf("end the node: %w", err)
	}
	c.Lost(ctx)
	return nil
}

// healthy returns why a server is not, or nil.
func healthy(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for the health: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask for the health: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server is not healthy: %s", res.Status)
	}
	return nil
}

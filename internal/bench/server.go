package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/app"
)

// server is a whole server in this process, without a node.
type server struct {
	client *client.Client
	clock  *clock
	stop   context.CancelFunc
	done   chan error
}

// newServer starts a server on a data directory.
func newServer(ctx context.Context, dir string) (*server, error) {
	s := &server{clock: newClock(), done: make(chan error, 1)}
	a, err := app.New(ctx, app.Config{Data: dir, Listen: "127.0.0.1:0", Log: quiet(), Stages: s.clock.register})
	if err != nil {
		return nil, err
	}
	if s.client, err = newClient("http://" + a.Addr().String()); err != nil {
		return nil, err
	}
	ctx, s.stop = context.WithCancel(ctx)
	go func() { s.done <- a.Run(ctx) }()
	return s, nil
}

func (s *server) close() error {
	s.stop()
	return <-s.done
}

func newClient(url string) (*client.Client, error) {
	return client.New(client.Config{URL: url, HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: submitters}}})
}

// application is whose pipelines are run over HTTP.
const application = "bench"

// savePipeline stores a pipeline of one stage of each type, one behind the
// other, and its application.
func savePipeline(ctx context.Context, c *client.Client, name string, types ...string) error {
	task, err := c.CreateApplication(ctx, map[string]any{"name": application, "email": "bench@example.com"})
	if err != nil {
		return err
	}
	for t, err := range c.WatchTask(ctx, task) {
		if err != nil {
			return err
		}
		if t.Status.Complete() && t.Status != gennaker.Succeeded {
			return fmt.Errorf("the application was not created: %s", t.Status)
		}
	}
	stages := make([]map[string]any, len(types))
	for i, typ := range types {
		stages[i] = map[string]any{"refId": fmt.Sprint(i), "type": typ, "name": typ, "requisiteStageRefIds": []string{}}
		if i > 0 {
			stages[i]["requisiteStageRefIds"] = []string{fmt.Sprint(i - 1)}
		}
	}
	doc, err := json.Marshal(map[string]any{"application": application, "name": name, "stages": stages, "limitConcurrent": false})
	if err != nil {
		return fmt.Errorf("encode the pipeline: %w", err)
	}
	return c.SavePipeline(ctx, doc)
}

// judgment returns the ID of the execution's manual judgment, once it waits.
func judgment(x gennaker.Execution) (id string, waits bool) {
	i := slices.IndexFunc(x.Stages, func(s gennaker.Stage) bool { return s.Type == "manualJudgment" })
	if i < 0 {
		return "", false
	}
	return x.Stages[i].ID, x.Stages[i].Status == gennaker.Running && len(x.Stages[i].Tasks) > 0
}

// poll calls f until it reports true.
func poll(ctx context.Context, every time.Duration, f func() (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if ok, err := f(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stats is what a server in a process of its own says about itself.
type stats struct {
	Goroutines int
	CPU        float64 // seconds so far
	Tasks      int     // that the clock saw
}

// serveChild is that process: it says where it listens, and answers each line
// that it reads with its stats, after a garbage collection. It ends when there
// is nothing more to read.
func serveChild(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	s, err := newServer(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, s.client.URL())
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if lines.Text() == "gc" {
			runtime.GC()
		}
		err := json.NewEncoder(out).Encode(stats{Goroutines: runtime.NumGoroutine(), CPU: cpuTime(), Tasks: s.clock.count()})
		if err != nil {
			return errors.Join(err, s.close())
		}
	}
	return s.close()
}

package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/demo/load"
)

// Config says how the demo runs.
type Config struct {
	Self     string // this program; it is the server, the node and the sample service
	Examples fs.FS  // the application and its pipelines
	Out      io.Writer
	Terminal bool // Out is a terminal: redraw, in colors
	Keep     bool // leave the server and the deployed service running at the end
	Rate     int  // requests per second; 0 means 500
}

// application and the names of its parts, as the examples have them.
const (
	application  = "demo"
	cluster      = "demo-prod"
	loadBalancer = "demo"
)

// step is one deployment of the demo.
type step struct {
	title   string
	explain string
	want    gennaker.Status
	version string // that serves afterwards
	run     func(ctx context.Context, d *demo) (running, error)
	during  func(ctx context.Context, d *demo, x gennaker.Execution) error // called on every change
}

// running names what a step started.
type running struct {
	id   string
	task bool // an ad-hoc operation, not a pipeline
}

// result is what a step did.
type result struct {
	step     step
	status   gennaker.Status
	took     time.Duration
	sent     int64
	lost     int64
	problems []string
}

// demo is a running demonstration.
type demo struct {
	Config
	world   *world
	client  *client.Client
	load    *load.Load
	view    view
	results []result
	judged  map[string]bool
	killed  bool
}

// Run runs the demo. Errors: Conflict, naming them, if anything was lost or
// ended otherwise than expected.
func Run(ctx context.Context, cfg Config) (err error) {
	if cfg.Rate == 0 {
		cfg.Rate = 500
	}
	w, err := newWorld(ctx, cfg.Self)
	if err != nil {
		return err
	}
	d := &demo{Config: cfg, world: w, judged: map[string]bool{}}
	defer func() {
		if !cfg.Keep || err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if d.client, err = client.New(client.Config{URL: w.url}); err != nil {
		return err
	}
	d.view = newView(cfg.Out, cfg.Terminal, d.status)
	defer d.view.close()
	d.view.say("A scratch directory: %s", w.dir)
	if err := d.prepare(ctx); err != nil {
		return err
	}
	return d.play(ctx)
}

// prepare saves the documents of the examples and makes the load balancer.
func (d *demo) prepare(ctx context.Context) error {
	d.view.say("The server: %s. Saving the application and its pipelines from examples/", d.world.url)
	attrs, err := readObject(d.Examples, "application.json")
	if err != nil {
		return err
	}
	if err := d.task(ctx, func() (string, error) { return d.client.CreateApplication(ctx, attrs) }); err != nil {
		return fmt.Errorf("save the application: %w", err)
	}
	for _, name := range []string{"validate.json", "deploy.json", "deploy-gradually.json"} {
		doc, err := fs.ReadFile(d.Examples, name)
		if err != nil {
			return fmt.Errorf("read the example: %w", err)
		}
		if err := d.client.SavePipeline(ctx, doc); err != nil {
			return fmt.Errorf("save %s: %w", name, err)
		}
	}
	lb := gennaker.LoadBalancer{
		Name: loadBalancer, Account: "local", Region: "local", CloudProvider: "local", Application: application, Listen: d.world.service,
	}
	if err := d.task(ctx, func() (string, error) { return d.client.UpsertLoadBalancer(ctx, lb) }); err != nil {
		return fmt.Errorf("make the load balancer: %w", err)
	}
	return nil
}

// task waits for an ad-hoc operation.
func (d *demo) task(ctx context.Context, start func() (string, error)) error {
	id, err := start()
	if err != nil {
		return err
	}
	x, err := d.follow(ctx, running{id, true}, nil)
	if err == nil && x.Status != gennaker.Succeeded {
		err = fmt.Errorf("it ended as %s: %s", x.Status, cause(x))
	}
	return err
}

// play runs the steps, and tells how it went.
func (d *demo) play(ctx context.Context) error {
	loadCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	for i, s := range script() {
		if err := d.step(ctx, s); err != nil {
			stop()
			return fmt.Errorf("%s: %w", s.title, err)
		}
		if i == 0 {
			var err error
			d.view.say("From now on %d requests a second, half of them over new connections, some slow, and one download without end", d.Rate)
			if d.load, err = load.Run(loadCtx, load.Config{
				URL: "http://" + d.world.service + "/", Rate: float64(d.Rate), PostPath: "echo",
				SlowPath: "slow?ms=1500", DownloadPath: "download?bytes=4000000&rate=400000",
			}); err != nil {
				return err
			}
		}
		if !pause(ctx, 1500*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	d.view.say("Stopping the load, and waiting for the requests in flight")
	stop()
	end := d.load.Wait()
	d.view.close()
	return d.report(end)
}

// step runs one deployment and notes what became of it.
func (d *demo) step(ctx context.Context, s step) error {
	r := result{step: s}
	before := d.snapshot()
	began := time.Now()
	d.view.begin(s.title, s.explain)
	started, err := s.run(ctx, d)
	if err != nil {
		return err
	}
	x, err := d.follow(ctx, started, func(x gennaker.Execution) error {
		if s.during == nil {
			return nil
		}
		return s.during(ctx, d, x)
	})
	if err != nil {
		return err
	}
	r.status, r.took = x.Status, time.Since(began)
	after := d.snapshot()
	r.sent, r.lost = after.Sent-before.Sent, after.Lost-before.Lost
	if r.status != s.want {
		r.problems = append(r.problems, fmt.Sprintf("ended as %s, not %s: %s", r.status, s.want, cause(x)))
	}
	if err := d.checkVersion(ctx, s.version); err != nil {
		r.problems = append(r.problems, err.Error())
	}
	d.view.end(s, x, r)
	d.results = append(d.results, r)
	return nil
}

func (d *demo) snapshot() load.Snapshot {
	if d.load == nil {
		return load.Snapshot{}
	}
	return d.load.Snapshot()
}

// follow watches an execution until it ended, also while the server is away.
func (d *demo) follow(ctx context.Context, r running, changed func(gennaker.Execution) error) (gennaker.Execution, error) {
	const patience = time.Minute
	lastSeen := time.Now()
	for {
		for x, err := range watch(ctx, d.client, r) {
			if err != nil {
				if ctx.Err() != nil || gennaker.KindOf(err) != gennaker.Unavailable || time.Since(lastSeen) > patience {
					return x, err
				}
				break
			}
			lastSeen = time.Now()
			d.view.show(x)
			if changed != nil {
				if err := changed(x); err != nil {
					return x, err
				}
			}
			if x.Status.Complete() {
				return x, nil
			}
		}
		if !pause(ctx, 50*time.Millisecond) {
			return gennaker.Execution{}, context.Cause(ctx)
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// cause returns why an execution failed, in a sentence.
func cause(x gennaker.Execution) string {
	for _, s := range x.Stages {
		exception, _ := s.Context["exception"].(map[string]any)
		details, _ := exception["details"].(map[string]any)
		if list, _ := details["errors"].([]any); len(list) > 0 {
			return fmt.Sprint(list[0])
		}
	}
	return "no cause is known"
}

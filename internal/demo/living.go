package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/demo/load"
)

// lesson is a deployment of the resident demo.
type lesson struct {
	step, pipeline, version string
	must                    bool // nothing makes sense after it fails
}

func lessons() []lesson {
	return []lesson{
		{step: "v1 is deployed", pipeline: "Deploy", version: "v1", must: true},
		{step: "v2 takes over by red/black", pipeline: "Deploy", version: "v2"},
		{step: "v3 never becomes healthy, and is refused", pipeline: "Deploy", version: badVersion},
		{step: "v4 takes over step by step, and waits for your judgment", pipeline: "Deploy gradually", version: "v4"},
	}
}

// play prepares what is not there, goes on with the script, and sends requests
// until ctx ends.
func (r *Resident) play(ctx context.Context) error {
	loading, stop := context.WithCancel(ctx)
	defer r.unload(stop)
	if !r.remembers().Prepared {
		r.begins("the application, its pipelines and its load balancer are made")
		if err := r.prepare(ctx); err != nil {
			return err
		}
	}
	for i, l := range lessons() {
		if r.remembers().Steps <= i {
			r.begins(l.step)
			if err := r.teach(ctx, l); err != nil {
				return fmt.Errorf("%s: %w", l.step, err)
			}
			if err := r.note(func(m *memory) { m.Steps = i + 1 }); err != nil {
				return err
			}
			r.begins("")
		}
		if i == 0 {
			if err := r.serve(loading); err != nil {
				return err
			}
		}
	}
	<-ctx.Done()
	return nil
}

// prepare saves the documents and makes the load balancer.
func (r *Resident) prepare(ctx context.Context) error {
	if err := r.artifacts(); err != nil {
		return err
	}
	attrs, err := readObject(r.Examples, "application.json")
	if err != nil {
		return err
	}
	if err := r.task(ctx, func() (string, error) { return r.Client.CreateApplication(ctx, attrs) }); err != nil {
		return fmt.Errorf("save the application: %w", err)
	}
	saved, err := r.Client.Pipelines(ctx, application)
	if err != nil {
		return fmt.Errorf("look for the pipelines: %w", err)
	}
	for _, name := range []string{"validate.json", "deploy.json", "deploy-gradually.json"} {
		doc, err := r.pipeline(name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(saved, func(p client.Pipeline) bool { return p.Name == doc["name"] }) {
			continue // by an attempt that was interrupted
		}
		text, err := json.Marshal(doc)
		if err == nil {
			err = r.Client.SavePipeline(ctx, text)
		}
		if err != nil {
			return fmt.Errorf("save %s: %w", name, err)
		}
	}
	lb := gennaker.LoadBalancer{
		Name: loadBalancer, Account: "local", Region: "local", CloudProvider: "local", Application: application, Listen: r.remembers().Listen,
	}
	if err := r.task(ctx, func() (string, error) { return r.Client.UpsertLoadBalancer(ctx, lb) }); err != nil {
		return fmt.Errorf("make the load balancer: %w", err)
	}
	return r.note(func(m *memory) { m.Prepared = true })
}

// pipeline returns an example whose parameter for the artifact is a choice.
func (r *Resident) pipeline(name string) (map[string]any, error) {
	doc, err := readObject(r.Examples, name)
	if err != nil {
		return nil, err
	}
	parameters, _ := doc["parameterConfig"].([]any)
	for _, p := range parameters {
		if p, _ := p.(map[string]any); p["name"] == "artifact" {
			options := []any{}
			for _, v := range versions {
				options = append(options, map[string]any{"value": r.reference(v)})
			}
			p["hasOptions"], p["options"], p["default"] = true, options, r.reference(versions[len(versions)-1])
		}
	}
	return doc, nil
}

// teach deploys a version, unless that was begun before, and waits for its end.
func (r *Resident) teach(ctx context.Context, l lesson) error {
	id, err := r.begun(ctx, l)
	if err == nil && id == "" {
		id, err = r.Client.StartPipeline(ctx, application, l.pipeline, client.Start{Parameters: map[string]any{"artifact": r.reference(l.version)}})
	}
	if err != nil {
		return err
	}
	x, err := r.follow(ctx, running{id: id})
	if err == nil && l.must && x.Status != gennaker.Succeeded {
		return gennaker.Errorf(gennaker.Conflict, "it ended as %s: %s", x.Status, cause(x))
	}
	return err
}

// begun finds the execution of a lesson that was interrupted.
func (r *Resident) begun(ctx context.Context, l lesson) (string, error) {
	list, err := r.Client.Executions(ctx, client.ExecutionQuery{Application: application, Limit: 30})
	for _, x := range list {
		if x.Name == l.pipeline && x.Trigger.Parameters["artifact"] == r.reference(l.version) {
			return x.ID, err
		}
	}
	return "", err
}

// serve begins to send requests.
func (r *Resident) serve(ctx context.Context) error {
	l, err := load.Run(ctx, load.Config{
		URL: "http://" + r.remembers().Listen + "/", Rate: residentRate, PostPath: "echo", SlowPath: "slow?ms=1500", MaxInFlight: 10 * residentRate,
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.load, r.state = l, gennaker.DemoRunning
	return nil
}

// lastRequests bounds how long the requests in flight are waited for.
const lastRequests = 2 * time.Second

// unload ends the load, and waits a little for the requests in flight.
func (r *Resident) unload(stop func()) {
	stop()
	r.mu.Lock()
	l := r.load
	r.load = nil
	r.mu.Unlock()
	if l == nil {
		return
	}
	ended := make(chan struct{})
	go func() {
		l.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(lastRequests):
	}
}

// remove takes away all that the demo made, its files last.
func (r *Resident) remove(ctx context.Context) error {
	r.begins("what runs is canceled")
	if err := r.cancel(ctx); err != nil {
		return fmt.Errorf("cancel what runs: %w", err)
	}
	r.begins("the server groups are destroyed")
	groups, err := r.Client.ServerGroups(ctx, application)
	for _, g := range groups {
		if g.Account == "local" {
			err = r.task(ctx, func() (string, error) { return r.Client.DestroyServerGroup(ctx, g) })
		}
		if err != nil {
			return fmt.Errorf("destroy the server group %s: %w", g.Name, err)
		}
	}
	if err != nil {
		return fmt.Errorf("look for server groups: %w", err)
	}
	r.begins("the load balancer and the documents are deleted")
	balancers, err := r.Client.LoadBalancers(ctx, application)
	for _, lb := range balancers {
		if lb.Account == "local" && lb.Name == loadBalancer {
			err = r.task(ctx, func() (string, error) { return r.Client.DeleteLoadBalancer(ctx, lb) })
		}
	}
	if err != nil {
		return fmt.Errorf("delete the load balancer: %w", err)
	}
	err = r.task(ctx, func() (string, error) { return r.Client.DeleteApplication(ctx, application) })
	if err != nil && gennaker.KindOf(err) != gennaker.NotFound {
		return fmt.Errorf("delete the application: %w", err)
	}
	if err := os.RemoveAll(r.Dir); err != nil {
		return fmt.Errorf("remove the files: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.memory, r.state, r.step, r.reason = memory{}, gennaker.DemoAbsent, "", ""
	return nil
}

// cancel cancels the executions of the application, and waits for their ends.
func (r *Resident) cancel(ctx context.Context) error {
	unfinished := []gennaker.Status{gennaker.NotStarted, gennaker.Running, gennaker.Paused, gennaker.Buffered, gennaker.Suspended}
	list, err := r.Client.Executions(ctx, client.ExecutionQuery{Application: application, Statuses: unfinished, Limit: 30})
	if err != nil {
		return err
	}
	for _, x := range list {
		if err := r.Client.CancelExecution(ctx, x.ID, "the demo is taken away"); err != nil && gennaker.KindOf(err) != gennaker.Conflict {
			return err
		}
	}
	for _, x := range list {
		if _, err := r.follow(ctx, running{id: x.ID}); err != nil {
			return err
		}
	}
	return nil
}

// task waits for an operation, which must succeed.
func (r *Resident) task(ctx context.Context, start func() (string, error)) error {
	id, err := start()
	if err != nil {
		return err
	}
	x, err := r.follow(ctx, running{id, true})
	if err == nil && x.Status != gennaker.Succeeded {
		err = gennaker.Errorf(gennaker.Conflict, "it ended as %s: %s", x.Status, cause(x))
	}
	return err
}

// follow waits for the end of an execution.
func (r *Resident) follow(ctx context.Context, what running) (gennaker.Execution, error) {
	for {
		for x, err := range watch(ctx, r.Client, what) {
			if err != nil && (ctx.Err() != nil || gennaker.KindOf(err) != gennaker.Unavailable) {
				return x, err
			}
			if err == nil && x.Status.Complete() {
				return x, nil
			}
		}
		if !pause(ctx, time.Second) {
			return gennaker.Execution{}, context.Cause(ctx)
		}
	}
}

// watch returns what is running whenever it changes.
func watch(ctx context.Context, c *client.Client, what running) iter.Seq2[gennaker.Execution, error] {
	if !what.task {
		return c.Watch(ctx, what.id)
	}
	return func(yield func(gennaker.Execution, error) bool) {
		for t, err := range c.WatchTask(ctx, what.id) {
			if !yield(t.Execution, err) {
				return
			}
		}
	}
}

func readObject(files fs.FS, name string) (map[string]any, error) {
	b, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("read the example: %w", err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("read the example %s: %w", name, err)
	}
	return m, nil
}

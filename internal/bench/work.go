package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/store"
)

// The shape of the work: design figures for durable throughput.
const (
	workStages   = 10
	workTasks    = 3
	contextBytes = 4 << 10
	submitters   = 64
)

// Stage types that a benchmark registers.
const (
	typeWork  = "benchWork"  // three tasks that do nothing
	typeClock = "benchClock" // one task that does nothing, and is timed
)

// clock notes when tasks began and ended.
type clock struct {
	mu    sync.Mutex
	ended map[string]time.Time // by execution: its last task
	gaps  []float64            // from one task's end to the next one's begin, in seconds
	began func(execution string, at time.Time)
	tasks int

	lasts atomic.Int64 // how long a task takes, in nanoseconds
}

func newClock() *clock { return &clock{ended: map[string]time.Time{}} }

// task is a task that does nothing, for as long as it lasts.
func (c *clock) task(_ context.Context, in stage.Input) (stage.Outcome, error) {
	now := time.Now()
	time.Sleep(time.Duration(c.lasts.Load()))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tasks++
	if last, ok := c.ended[in.Execution.ID]; ok {
		c.gaps = append(c.gaps, now.Sub(last).Seconds())
	}
	if c.began != nil {
		c.began(in.Execution.ID, now)
	}
	c.ended[in.Execution.ID] = time.Now()
	return stage.Done(), nil
}

// count returns how many tasks ran.
func (c *clock) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tasks
}

// takeGaps returns the gaps so far, and forgets them.
func (c *clock) takeGaps() []float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.gaps
	c.gaps = nil
	return out
}

// register adds the benchmark's stage types.
func (c *clock) register(r *stage.Registry) {
	noop := stage.TaskFunc(func(context.Context, stage.Input) (stage.Outcome, error) { return stage.Done(), nil })
	work := stage.Definition{Type: typeWork}
	for i := range workTasks {
		work.Steps = append(work.Steps, stage.Step{Name: "step" + strconv.Itoa(i+1), Task: noop, Timeout: time.Hour})
	}
	stage.Add[struct{}](r, work)
	stage.Add[struct{}](r, stage.Definition{
		Type: typeClock, Steps: []stage.Step{{Name: "tick", Task: stage.TaskFunc(c.task), Timeout: time.Hour}},
	})
}

// stageContext returns the context of a stage as a deploy stage has it: one
// cluster with its environment, of contextBytes as JSON.
func stageContext() map[string]any {
	env := map[string]any{}
	for i := range 40 {
		env[fmt.Sprintf("SETTING_%02d", i)] = fmt.Sprintf("value-%d-of-the-setting-with-some-text", i)
	}
	cluster := map[string]any{
		"account": "local", "application": "bench", "cloudProvider": "local", "stack": "prod", "strategy": "redblack",
		"capacity": map[string]any{"min": 2, "max": 4, "desired": 3}, "loadBalancers": []any{"bench"},
		"artifact":    map[string]any{"reference": "/srv/bench.tar.gz", "digest": "sha256:" + strings.Repeat("0a1b2c3d", 8)},
		"healthCheck": map[string]any{"type": "http", "path": "/health"}, "env": env,
	}
	c := map[string]any{"clusters": []any{cluster}, "comments": ""}
	b, err := json.Marshal(c)
	if err != nil || len(b) > contextBytes {
		panic(fmt.Sprintf("the context has %d bytes: %v", len(b), err))
	}
	c["comments"] = strings.Repeat("x", contextBytes-len(b))
	return c
}

// chain returns an execution of n stages of a type, one behind the other.
func chain(typ string, n int, context map[string]any) gennaker.Execution {
	x := gennaker.Execution{
		Type: gennaker.TypePipeline, Application: "bench", Name: "bench", BuildTime: gennaker.At(time.Now()),
		Trigger: gennaker.Trigger{Type: "manual", User: "bench"},
	}
	for i := range n {
		st := gennaker.Stage{RefID: strconv.Itoa(i + 1), Type: typ, Name: "Stage " + strconv.Itoa(i+1), Context: context}
		if i > 0 {
			st.Requires = []string{strconv.Itoa(i)}
		}
		x.Stages = append(x.Stages, st)
	}
	return x
}

// rig is an engine on a database of its own.
type rig struct {
	db     *store.DB
	engine *engine.Engine
	clock  *clock
	ends   sync.Map // execution → chan struct{}, closed at its end
}

// newRig starts an engine in dir; wrap may put something before its store.
func newRig(ctx context.Context, dir string, wrap func(engine.Store) engine.Store) (*rig, error) {
	r := &rig{clock: newClock()}
	var err error
	if r.db, err = store.Open(ctx, filepath.Join(dir, "gennaker.db"), quiet()); err != nil {
		return nil, err
	}
	registry := &stage.Registry{}
	r.clock.register(registry)
	var s engine.Store = r.db
	if wrap != nil {
		s = wrap(s)
	}
	r.engine, err = engine.New(ctx, engine.Config{Store: s, Registry: registry, Log: quiet(), Publish: r.publish})
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (r *rig) publish(ev gennaker.Event) {
	if ev.Stage == "" && ev.Status.Complete() {
		close(r.end(ev.Execution))
	}
}

// end returns the channel that is closed when an execution ended.
func (r *rig) end(id string) chan struct{} {
	c, _ := r.ends.LoadOrStore(id, make(chan struct{}))
	ch, _ := c.(chan struct{})
	return ch
}

// finish runs an execution to its end.
func (r *rig) finish(ctx context.Context, x gennaker.Execution) error {
	id, err := r.engine.Submit(ctx, x)
	if err != nil {
		return err
	}
	select {
	case <-r.end(id):
		r.ends.Delete(id)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *rig) close(ctx context.Context) error {
	if err := r.engine.Close(ctx); err != nil {
		return err
	}
	return r.db.Close()
}

// each calls f with 0 to n-1 on so many goroutines, and returns the first error.
func each(ctx context.Context, n, goroutines int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan int)
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range work {
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		work <- i
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

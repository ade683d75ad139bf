package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/flow"
	"github.com/gennaker/gennaker/internal/stage"
)

// Config is what an Engine needs.
type Config struct {
	Store    Store
	Registry *stage.Registry
	Log      *slog.Logger
	// Publish is told what changed, after it is durable; it must not block.
	// May be nil.
	Publish func(gennaker.Event)
	// Observer is told how executions go; may be nil.
	Observer Observer
	// Functions are those that expressions may call besides the built-in ones,
	// within a context; may be nil.
	Functions func(ctx context.Context) map[string]expr.Function
	// Fetch gets what #fromUrl and its like ask for; nil refuses them.
	Fetch func(ctx context.Context, url string) (string, error)
	// Workers is how many tasks run at the same time; 0 means 128.
	Workers int
	// MaxBatch is how many inputs share a commit; 0 means 512.
	MaxBatch int
}

// Engine runs executions. Its methods are safe for concurrent use.
type Engine struct {
	cfg    Config
	inputs chan input
	jobs   jobQueue
	signal signals

	// A simulation does these another way; see simulation.go.
	now   func() time.Time
	post  func(in input)
	work  func(f func())
	after func(d time.Duration, f func())

	ctx  context.Context // of all tasks; ends with errShutdown
	stop context.CancelCauseFunc
	done chan struct{} // closed when the writer returned

	// Owned by the writer's goroutine.
	runs   map[string]*run
	lanes  map[string]map[*run]bool // pipeline config → its active executions
	corr   map[string]string        // type and correlation ID → execution
	timers timerQueue
	own    []input // inputs of the writer to itself

	mu       sync.Mutex
	degraded error // why commits do not work, or nil
}

// run is an active execution.
type run struct {
	x    gennaker.Execution // without stages; never changes
	wake time.Time          // when it is due in the timer queue
	slot int                // its place there, or -1

	mu    sync.RWMutex // guards what follows against readers that are not the writer
	state *flow.State
	docs  map[string]*doc // by stage ID; nil while parked

	inflight map[place]*attempt // nil while nothing is
	topics   map[place][]string
}

// place names what can be under way in an execution: a task, or the planning of
// a stage.
type place struct {
	stage string
	run   int
	task  int        // -1 for planning
	phase flow.Phase // of planning
}

// errShutdown interrupts tasks when the engine closes.
var errShutdown = errors.New("the server shuts down")

// New recovers every execution that is not settled, and runs them until Close.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	e := newEngine(ctx, cfg)
	e.now, e.post, e.work = time.Now, e.send, e.jobs.add
	e.after = func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	err := cfg.Store.Open(ctx, func(s Stored) error {
		e.track(newRun(s))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("recover executions: %w", err)
	}
	go e.write()
	return e, nil
}

// newEngine returns an engine that does nothing yet.
func newEngine(ctx context.Context, cfg Config) *Engine {
	if cfg.Workers == 0 {
		cfg.Workers = 128
	}
	if cfg.MaxBatch == 0 {
		cfg.MaxBatch = 512
	}
	if cfg.Publish == nil {
		cfg.Publish = func(gennaker.Event) {}
	}
	if cfg.Observer == nil {
		cfg.Observer = unobserved{}
	}
	e := &Engine{
		cfg: cfg, inputs: make(chan input, 4096), done: make(chan struct{}),
		runs: map[string]*run{}, lanes: map[string]map[*run]bool{}, corr: map[string]string{},
	}
	e.jobs.max = cfg.Workers
	e.ctx, e.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	return e
}

func newRun(s Stored) *run {
	r := &run{x: s.Execution, state: s.State, slot: -1, topics: map[place][]string{}}
	r.x.Stages = nil
	r.docs = docsOf(s)
	return r
}

// docsOf returns the open JSON of every stage; one whose is empty need not have
// been stored.
func docsOf(s Stored) map[string]*doc {
	docs := make(map[string]*doc, len(s.State.Stages))
	for _, st := range s.State.Stages {
		docs[st.ID] = &doc{Doc: s.Docs[st.ID]}
	}
	return docs
}

// track makes r an active execution.
func (e *Engine) track(r *run) {
	e.runs[r.x.ID] = r
	if c := r.x.PipelineConfigID; c != "" {
		if e.lanes[c] == nil {
			e.lanes[c] = map[*run]bool{}
		}
		e.lanes[c][r] = true
	}
	if id := r.x.Trigger.CorrelationID; id != "" {
		e.corr[correlation(r.x)] = r.x.ID
	}
}

func (e *Engine) forget(r *run) {
	delete(e.runs, r.x.ID)
	if lane := e.lanes[r.x.PipelineConfigID]; lane != nil {
		delete(lane, r)
		if len(lane) == 0 {
			delete(e.lanes, r.x.PipelineConfigID)
		}
	}
	if key := correlation(r.x); e.corr[key] == r.x.ID {
		delete(e.corr, key)
	}
	e.timers.set(r, time.Time{})
	for p := range r.topics {
		e.signal.unlisten(r, p, r.topics[p])
	}
}

func correlation(x gennaker.Execution) string { return string(x.Type) + "/" + x.Trigger.CorrelationID }

// Close stops all tasks, which go on at the next New, and waits for them and
// for the last commit.
func (e *Engine) Close(ctx context.Context) error {
	e.stop(errShutdown)
	select {
	case <-e.done:
	case <-ctx.Done():
		return fmt.Errorf("wait for the last commit: %w", ctx.Err())
	}
	return e.jobs.wait(ctx)
}

// Health returns why executions do not go on at the moment, or nil.
func (e *Engine) Health() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.degraded
}

// Signal wakes the tasks that wait for topic. It does not block for long, and
// may be called from anywhere.
func (e *Engine) Signal(topic string) {
	if !e.signal.note(topic) {
		return
	}
	e.post(input{apply: func(b *batch) { b.wakeTopic(topic) }})
}

// SignalAll wakes every task that waits for a topic: anything may have happened.
func (e *Engine) SignalAll() {
	for _, topic := range e.signal.all() {
		e.Signal(topic)
	}
}

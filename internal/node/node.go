package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/balancer"
	"github.com/gennaker/gennaker/internal/node/process"
	"github.com/gennaker/gennaker/internal/node/state"
)

// Names of the one region and the cloud provider of a node.
const (
	Region        = "local"
	CloudProvider = "local"
)

// Config is what a node needs to know.
type Config struct {
	Dir      string       // data directory; made if missing, 0700
	Version  string       // of the program
	Log      *slog.Logger // nil discards
	LogBytes int64        // how much of each instance's and job's log, and of its own, is kept; 0 means 16 MiB
	KeepJobs int          // of how many jobs that ended the log and the files are kept; 0 means 100
	// Shim holds the arguments with which this program is shim.Run of the
	// directory that follows them. Without it the node runs no jobs.
	Shim []string
	// WriteFile makes data durable at path, whole or not at all; nil means
	// durable.WriteFile.
	WriteFile func(path string, data []byte) error
}

// closeTime bounds how long requests in flight may take when the node ends.
const closeTime = 10 * time.Second

// node is the running node.
type node struct {
	Config
	id    string
	since gennaker.Time // when it started
	store *state.Store
	bal   *balancer.Balancer
	hub   *hub
	ports *ports

	ctx     context.Context // ends when the node lets go of its instances
	release context.CancelFunc
	work    sync.WaitGroup // goroutines of instances and listeners

	creating  sync.Mutex   // serialises what gives away numbers and names load balancers
	unpacking sync.RWMutex // written by who deletes artifacts that nobody uses
	routing   sync.Mutex   // serialises what is handed to the balancer
	pruning   sync.Mutex   // serialises who forgets jobs
	mu        sync.RWMutex
	groups    map[string]*group
	clusters  map[string]state.Cluster // changed with creating held
	balancers map[string]*listener
	jobs      map[string]*job
	problems  []string // what could not be read at the start
	stopping  bool     // instances are stopped and stay so
}

// Run serves the node in cfg.Dir until ctx ends or it is told to stop by its
// API. Instances keep running, unless it was told to stop them.
//
// Errors: Conflict if another node has the directory; Unavailable if the state
// cannot be read or the socket not be made.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.LogBytes = cmp.Or(cfg.LogBytes, 16<<20)
	cfg.KeepJobs = cmp.Or(cfg.KeepJobs, keepOutputs)
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return fmt.Errorf("find the data directory: %w", err)
	}
	cfg.Dir = dir
	unlock, err := lock(dir)
	if err != nil {
		return err
	}
	defer unlock()
	n, err := restore(ctx, cfg)
	if err != nil {
		return err
	}
	ln, err := listen(dir)
	if err != nil {
		n.letGo()
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	srv := &http.Server{
		Handler:           n.routes(stop),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       baseContext(ctx),
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	cfg.Log.InfoContext(ctx, "node is ready", "dir", dir, "pid", os.Getpid(), "groups", len(n.groups))
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case <-ctx.Done():
		err = nil
	case err = <-served:
	}
	stop(nil)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	_ = srv.Shutdown(grace)
	n.letGo()
	_ = os.Remove(ln.Addr().String())
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return gennaker.Errorf(gennaker.Unavailable, "serve the node's socket: %w", err)
	}
	return nil
}

// restore reads the state and takes up everything in it.
func restore(ctx context.Context, cfg Config) (*node, error) {
	id, err := identity(cfg.Dir)
	if err != nil {
		return nil, err
	}
	store, contents, err := state.Open(filepath.Join(cfg.Dir, "state"), cfg.WriteFile)
	if err != nil {
		return nil, err
	}
	n := &node{
		Config: cfg, id: id, since: gennaker.At(time.Now()), store: store, bal: balancer.New(cfg.Log), hub: newHub(), ports: newPorts(),
		groups: map[string]*group{}, clusters: map[string]state.Cluster{}, balancers: map[string]*listener{},
		jobs: map[string]*job{},
	}
	n.ctx, n.release = context.WithCancel(context.WithoutCancel(ctx))
	for _, c := range contents.Corrupt {
		cfg.Log.ErrorContext(ctx, "a state file is broken and was moved aside", "path", c.Path, "error", c.Err)
		n.problems = append(n.problems, fmt.Sprintf("a state file could not be read (%v) and was moved to %s", c.Err, c.Path))
	}
	for _, c := range contents.Clusters {
		n.clusters[c.Name] = c
	}
	marked, err := process.Find([]string{n.mark()}, markInstance, markAttempt, markCheck, markPort, markJob)
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Unavailable, "look for running instances: %w", err)
	}
	n.sweep(contents, marked)
	for _, rec := range contents.Groups {
		g := newGroup(n, rec)
		n.groups[rec.Name] = g
		g.adopt(marked)
	}
	n.route() // before anything listens, so that the first request is served
	for _, b := range contents.Balancers {
		n.open(b)
	}
	for _, g := range n.list() {
		g.tend()
	}
	for _, rec := range contents.Jobs {
		n.jobs[rec.Name] = newJob(n, rec)
	}
	for _, j := range n.allJobs() {
		j.begin()
	}
	n.work.Go(n.keepHouse)
	return n, nil
}

// sweep kills what runs for no instance and no job. What may belong to a record
// that could not be read is left alone and reported: somebody may mend the
// record.
func (n *node) sweep(c state.Contents, marked []process.Found) {
	known := map[string]bool{}
	for _, g := range c.Groups {
		for _, i := range g.Instances {
			known[g.InstanceName(i.Suffix)] = true
		}
	}
	for _, j := range c.Jobs {
		known[j.Name] = true
	}
	for _, f := range marked {
		name := f.Marks[markInstance] + f.Marks[markJob] // it has one of them
		if known[name] {
			continue
		}
		group := name[:max(0, strings.LastIndexByte(name, '-'))]
		if slices.ContainsFunc(c.Corrupt, func(c state.Corrupt) bool { return c.IsGroup(group) || c.IsJob(name) }) {
			n.problems = append(n.problems, fmt.Sprintf("process %d of %s runs, but the state of that cannot be read", f.ID.PID, name))
			continue
		}
		n.Log.Warn("killing a process that belongs to no instance and no job", "pid", f.ID.PID, "name", name)
		process.Kill(f.ID)
	}
}

// letGo ends everything but the instances and jobs.
func (n *node) letGo() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(n.ctx), closeTime)
	defer cancel()
	n.release()
	if err := n.bal.Close(ctx); err != nil {
		n.Log.WarnContext(ctx, "requests were cut off at the end of the node", "error", err)
	}
	n.work.Wait()
}

// list returns the server groups by name.
func (n *node) list() []*group {
	n.mu.RLock()
	defer n.mu.RUnlock()
	all := slices.Collect(maps.Values(n.groups))
	slices.SortFunc(all, func(a, b *group) int { return cmp.Compare(a.name, b.name) })
	return all
}

// find returns a server group. Errors: NotFound.
func (n *node) find(name string) (*group, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if g, ok := n.groups[name]; ok {
		return g, nil
	}
	return nil, gennaker.Errorf(gennaker.NotFound, "there is no server group %s on this node", name)
}

// route hands the instances in service to the balancer. When it returns, no new
// request reaches any other.
func (n *node) route() {
	n.routing.Lock()
	defer n.routing.Unlock()
	table := balancer.Table{}
	for _, g := range n.list() {
		r := g.routed.Load()
		for _, lb := range r.balancers {
			table[lb] = append(table[lb], balancer.Group{
				Name: g.name, Weight: r.weight * len(r.targets), Targets: r.targets,
			})
		}
	}
	n.bal.Set(table)
}

// stopInstances stops all instances and jobs and waits for them, or for the end
// of the node. Instances stay stopped until another node takes up the state;
// jobs are over.
func (n *node) stopInstances() {
	n.mu.Lock()
	n.stopping = true
	n.mu.Unlock()
	for _, g := range n.list() {
		g.halt()
	}
	jobs := n.allJobs()
	for _, j := range jobs {
		if err := j.cancel(nodeStops); err != nil {
			n.Log.Warn("a job could not be stopped with the node", "job", j.name, "error", err)
		}
	}
	for _, g := range n.list() {
		g.halted()
	}
	for _, j := range jobs {
		select {
		case <-j.ended:
		case <-n.ctx.Done():
		}
	}
}

func (n *node) halting() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.stopping
}

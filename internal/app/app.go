// Package app puts Gennaker together: the composition root, and the server in
// every scenario test.
//
//	a, err := app.New(ctx, app.Config{Data: dir, Listen: "127.0.0.1:8084", Node: []string{exe, "node"}})
//	err = a.Run(ctx) // serves until ctx ends
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	documents "github.com/gennaker/gennaker/internal/api/document"
	"github.com/gennaker/gennaker/internal/api/execution"
	"github.com/gennaker/gennaker/internal/api/fleet"
	"github.com/gennaker/gennaker/internal/api/meta"
	"github.com/gennaker/gennaker/internal/bake"
	"github.com/gennaker/gennaker/internal/demo"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/event"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/launch"
	"github.com/gennaker/gennaker/internal/observe"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
	"github.com/gennaker/gennaker/internal/provider/local"
	"github.com/gennaker/gennaker/internal/stage"
	stagebake "github.com/gennaker/gennaker/internal/stage/bake"
	"github.com/gennaker/gennaker/internal/stage/deploy"
	"github.com/gennaker/gennaker/internal/stage/document"
	"github.com/gennaker/gennaker/internal/stage/schema"
	"github.com/gennaker/gennaker/internal/store"
	"github.com/gennaker/gennaker/internal/template"
	"github.com/gennaker/gennaker/ui"
)

// Config is what a server is made of. The zero value listens on
// 127.0.0.1:8084 and keeps its data under the user's state directory.
type Config struct {
	Data    string // directory of the database and the node
	Listen  string // host:port; only loopback while authentication is not configured
	Version string
	Log     *slog.Logger
	// Node is the command of the local node's process, to which --data DIR is
	// added. Empty is none: then there is no local account.
	Node []string
	// Bake is the command that renders charts and kustomizations; empty refuses
	// them. See bake.Serve.
	Bake []string
	// Fleet holds accounts besides the local one; for tests.
	Fleet []provider.Provider
	// KeepFor is how long complete executions are kept, by the time they were
	// made; 0 means DefaultKeepFor. The newest KeepNewest of each pipeline are
	// kept however old they are; 0 means DefaultKeepNewest.
	KeepFor    time.Duration
	KeepNewest int
	Settings   Settings
	// Demo begins the demo, if it was not begun before.
	Demo bool
	// Stages adds stage types; for tests and benchmarks.
	Stages func(*stage.Registry)
}

// DefaultListen is where the server listens: Spinnaker's Gate port.
const DefaultListen = "127.0.0.1:8084"

// LocalAccount is the name of the account of this machine.
const LocalAccount = "local"

// App is a server.
type App struct {
	cfg    Config
	log    *slog.Logger
	db     *store.DB
	engine *engine.Engine
	api    *api.Server
	fleet  *provider.Fleet
	places *accounts
	traces *observe.Traces // nil if nobody takes them
	events *event.Log
	guard  *nodeGuard
	demo   *demo.Resident
	since  gennaker.Time
	ln     net.Listener
	work   sync.WaitGroup
}

// DefaultData returns the directory for data: $XDG_STATE_HOME/gennaker, or
// ~/.local/state/gennaker.
func DefaultData() string {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "gennaker-data"
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "gennaker")
}

// NodeDir returns the node's directory within a data directory.
func NodeDir(data string) string { return filepath.Join(data, "node") }

// New opens the data, recovers executions, and listens. Nothing is served
// before Run.
//
// Errors: Denied for an address that is not loopback; Conflict if the address
// or the data directory is in use; Unavailable if the data cannot be read.
func New(ctx context.Context, cfg Config) (_ *App, err error) {
	cfg.Data, cfg.Listen = cmp.Or(cfg.Data, DefaultData()), cmp.Or(cfg.Listen, DefaultListen)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Data, err = filepath.Abs(cfg.Data); err != nil {
		return nil, fmt.Errorf("find the data directory: %w", err)
	}
	if err := checkLoopback(cfg.Listen); err != nil {
		return nil, err
	}
	a := &App{cfg: cfg, log: cfg.Log, events: &event.Log{}, since: gennaker.At(time.Now()), fleet: provider.NewFleet(cfg.Fleet...)}
	defer func() {
		if err != nil {
			a.abandon()
		}
	}()
	if a.db, err = store.Open(ctx, filepath.Join(cfg.Data, "gennaker.db"), cfg.Log); err != nil {
		return nil, err
	}
	a.db.OnChange(a.documentChanged)
	if a.ln, err = listen(ctx, cfg.Listen); err != nil {
		return nil, err
	}
	if err := a.accounts(ctx); err != nil {
		return nil, err
	}
	return a, a.compose(ctx)
}

// compose makes the engine and the API.
func (a *App) compose(ctx context.Context) error {
	registry := &stage.Registry{}
	known := func(ctx context.Context) map[string]expr.Function { return functions(ctx, a.db) }
	out, err := newOutside(a.cfg.Settings, a.cfg.Data, a.log)
	if err != nil {
		return err
	}
	late := &lateEngine{ready: make(chan struct{})}
	evaluate := evaluator(context.WithoutCancel(ctx), known)
	ahead := planner{template.Resolver{Library: a.db, Fetcher: out.artifacts, Evaluate: evaluate}, a.db, a.fleet, registry, known}
	l := &launch.Launcher{
		Catalog: a.db, Runtime: late, Registry: registry, Now: time.Now,
		Resolve: ahead.resolve,
		Env: func(ctx context.Context) expr.Env {
			fetch := func(url string) (string, error) { return out.expressions.Text(ctx, url) }
			return expr.Env{Now: time.Now(), Functions: known(ctx), Fetch: fetch}
		},
	}
	err = register(registry, needs{
		pipelines: launch.Children{Launcher: l}, fleet: a.fleet, history: a.db, application: a.db.Application,
		document: document.Config{Catalog: a.db, Projects: a.db, Inventory: deployed{a.fleet}, Templates: a.db, Artifacts: out.artifacts, Evaluate: evaluate},
		client:   out.webhooks, settings: a.cfg.Settings, manifests: unkept{out.artifacts},
		bake: stagebake.Config{
			Fetch: out.artifacts.open, Render: bake.NewProcess(bake.Config{Command: a.cfg.Bake}).Render,
			HoldsSecret: manifest.HoldsSecret, Seal: out.key.Seal,
		},
	})
	if err != nil {
		return err
	}
	if a.cfg.Stages != nil {
		a.cfg.Stages(registry)
	}
	metrics, err := a.observed(ctx)
	if err != nil {
		return err
	}
	a.engine, err = engine.New(ctx, engine.Config{
		Store: a.db, Registry: registry, Log: a.log, Publish: a.events.Publish, Functions: known, Fetch: out.expressions.Text,
		Observer: observe.Executions{Metrics: metrics, Traces: a.traces},
	})
	if err != nil {
		return err
	}
	late.engine = a.engine
	close(late.ready)
	tasks := execution.Runner{Launcher: launcher{l}, History: a.db, Events: a.events}
	pages, err := builtPages()
	if err != nil {
		return err
	}
	if a.demo, err = a.resident(); err != nil {
		return err
	}
	settings := a.cfg.Settings
	about := meta.Config{Accounts: a.fleet.Accounts, Demo: a.demo, Stages: sync.OnceValue(func() schema.Catalog { return schema.Of(registry) }), Server: a.figures, Origins: settings.API.Origins}
	if a.guard != nil {
		about.Node = nodeBody(a.guard.client)
	}
	a.api = api.New(api.Config{
		Log: a.log, Version: a.cfg.Version, Health: a.health, Access: api.Loopback{},
		Hosts: settings.API.Hosts, Origins: settings.API.Origins, Rate: api.Rate(settings.API.RateLimit),
		Pages: pages, Observe: metrics.Request, Metrics: metrics.Text, PublicMetrics: settings.Telemetry.Metrics.Public,
		Routes: slices.Concat(
			meta.Routes(about),
			fleet.Routes(fleet.Config{Log: a.log, Applications: a.db, Activities: a.db, Guards: trafficGuards{deploy.Config{Application: a.db.Application}}, Projects: a.db, Fleet: a.fleet, Accounts: a.places}),
			documents.Routes(documents.Config{
				Catalog: a.db, Runs: a.db, Revisions: a.db, Templates: a.db, Projects: a.db, CanaryConfigs: a.db, Notifications: a.db,
				Planner: ahead, Linter: linter{registry, a.db, known}, Artifacts: out.artifacts, Inventory: answering{a.fleet},
				Preconfigured: a.cfg.Settings.preconfigured(), Access: api.Loopback{}, Tasks: tasks, YAML: yaml.Marshal,
			}),
			execution.Routes(execution.Config{
				Runner: tasks, Executions: audited{a.engine, a.db}, Checker: registry, Expressions: expressions{a.engine}, Pipelines: a.db, Access: api.Loopback{},
			}),
		),
	})
	return nil
}

// builtPages returns the pages that this program was built with.
func builtPages() (*api.Pages, error) {
	files, err := ui.Files()
	if err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	return api.ReadPages(files)
}

// accounts fills the fleet.
func (a *App) accounts(ctx context.Context) error {
	if err := a.node(ctx); err != nil {
		return err
	}
	a.places = &accounts{log: a.log, fleet: a.fleet, store: a.db, open: a.openCluster, watch: a.watch, changed: a.accountChanged}
	return a.places.load(ctx, a.cfg.Settings.Kubernetes.accounts())
}

// node puts this machine into the fleet, and sees that its node runs.
func (a *App) node(ctx context.Context) error {
	if on := a.cfg.Settings.Local.Enabled; len(a.cfg.Node) == 0 || on != nil && !*on {
		return nil
	}
	dir := NodeDir(a.cfg.Data)
	client := local.New(dir, LocalAccount)
	a.fleet.Put(client.Provider())
	a.guard = &nodeGuard{client: client, dir: dir, command: append(a.cfg.Node[:len(a.cfg.Node):len(a.cfg.Node)], "--data", a.cfg.Data), log: a.log}
	return a.guard.ensure(ctx)
}

// Addr returns where the server listens.
func (a *App) Addr() net.Addr { return a.ln.Addr() }

// Run serves until ctx ends, and then shuts down: requests and tasks finish or
// are interrupted, and go on in the next process. The node and its instances
// stay.
func (a *App) Run(ctx context.Context) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	a.work.Go(func() { a.places.run(background) })
	if a.guard != nil {
		a.work.Go(func() { a.guard.keep(background) })
		meter := trafficMeter{events: a.events, account: LocalAccount, balancers: a.guard.client.LoadBalancers}
		a.work.Go(func() { meter.run(background) })
	}
	a.work.Go(func() { prune(background, a.db, a.cfg, a.log) })
	if a.traces != nil {
		a.work.Go(func() { a.traces.Run(background) })
	}
	served := make(chan error, 1)
	go func() { served <- a.api.Serve(a.ln) }()
	a.work.Go(func() { a.demo.Run(background) })
	if a.cfg.Demo {
		if _, err := a.demo.Start(ctx); err != nil {
			a.log.ErrorContext(ctx, "start the demo", "error", err)
		}
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	return errors.Join(err, a.shutdown(stop))
}

// shutdownTime bounds how long a shutdown may take.
const shutdownTime = 10 * time.Second

func (a *App) shutdown(stop func()) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	err := errors.Join(a.api.Shutdown(ctx), a.engine.Close(ctx))
	stop()
	a.work.Wait()
	return errors.Join(err, a.db.Close())
}

// abandon undoes a New that failed.
func (a *App) abandon() {
	if a.ln != nil {
		a.ln.Close()
	}
	if a.db != nil {
		a.db.Close()
	}
}

// health returns why the server cannot do its work.
func (a *App) health(ctx context.Context) []string {
	var out []string
	for _, err := range []error{a.engine.Health(), a.db.Health(ctx)} {
		if err != nil {
			out = append(out, err.Error())
		}
	}
	if a.guard != nil {
		if _, err := a.guard.client.Ping(ctx); err != nil {
			out = append(out, "the node of this machine does not answer: "+err.Error())
		}
	}
	return out
}

// checkLoopback refuses an address that others can reach.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return gennaker.Errorf(gennaker.Invalid, "the address %q is not host:port: %w", addr, err)
	}
	if strings.EqualFold(host, "localhost") {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return nil
	}
	return gennaker.Errorf(gennaker.Denied, "refusing to listen on %s: everyone who reaches it could deploy, since authentication is not configured", addr).
		WithHint("listen on 127.0.0.1, and let an authenticating proxy or an SSH tunnel reach it")
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Conflict, "cannot listen on %s: %w", addr, err).
			WithHint("stop what listens there, or choose another address with --listen")
	}
	return ln, nil
}

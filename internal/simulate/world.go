package simulate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/engine"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/launch"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/bind"
	"github.com/gennaker/gennaker/internal/stage/control"
	"github.com/gennaker/gennaker/internal/stage/deploy"
	"github.com/gennaker/gennaker/internal/stage/manifest"
)

// World is what a simulation starts from. The zero value knows no pipeline, no
// account and only the types that this package simulates.
type World struct {
	// Registry has the types that there are besides; their stages are assumed
	// to succeed. May be nil.
	Registry *stage.Registry
	// Pipelines are those that stages may start.
	Pipelines []gennaker.Pipeline
	// Catalog has more of them, and the applications with traffic guards and
	// other attributes. It is asked for what stages name; may be nil.
	Catalog Catalog
	// Accounts are the places to deploy to. Accounts and load balancers that a
	// pipeline names and that are not there are made, unless Strict is set.
	Accounts []gennaker.Account
	Strict   bool
	// Missing are accounts of which nothing is known, and why: a stage that is
	// about one fails for that reason.
	Missing map[string]error
	// Groups and Balancers are what is there.
	Groups    []gennaker.ServerGroup
	Balancers []gennaker.LoadBalancer
	// Objects are those of clusters that are there, stable, in this order.
	Objects []Object
	// Unhealthy names clusters whose new server groups, or workloads, never become
	// healthy: "shop-prod", "replicaSet web".
	Unhealthy []string
	// Script says how stages end, by name or refId; nil lets all of them run.
	Script Script
	// Functions are those of expressions that ask the catalog; may be nil.
	Functions map[string]expr.Function
	Resolve   launch.Resolve // of definitions made from templates; may be nil
	Now       time.Time
	// Location is that of execution windows; nil is Spinnaker's.
	Location *time.Location
}

// Catalog has documents.
type Catalog interface {
	// Pipeline returns a pipeline by name, or else by ID. Errors: NotFound.
	Pipeline(ctx context.Context, application, nameOrID string) (gennaker.Pipeline, error)
	// Application returns an application. Errors: NotFound.
	Application(ctx context.Context, name string) (gennaker.Application, error)
}

// Simulation is a simulated installation. It is not safe for concurrent use.
type Simulation struct {
	*engine.Simulation

	// Answers are given to judgments as soon as they are asked for, by the name
	// of the stage; that of "*" to all others.
	Answers map[string]Judgment

	world    World
	clusters map[string]*fake.Provider // by account
	begun    bool                      // what is there at the beginning is there
	launcher *launch.Launcher
	fleet    *provider.Fleet
	moves    *moves
	assumed  map[string]bool // types whose stages are assumed to succeed
	script   *player
}

// New returns a simulation in which nothing runs yet.
//
// Errors: Invalid for server groups that cannot be.
func New(w World) (*Simulation, error) {
	s := &Simulation{world: w, clusters: map[string]*fake.Provider{}, fleet: &provider.Fleet{}, moves: &moves{}, assumed: map[string]bool{}, script: &player{script: w.Script, runs: map[string]map[string]int{}}}
	for account, err := range w.Missing {
		s.fleet.Miss(account, gennaker.Errorf(gennaker.Invalid, "%w", err)) // not Unavailable, for which tasks wait
	}
	if err := s.populate(); err != nil {
		return nil, fmt.Errorf("make the simulated server groups: %w", err)
	}
	registry := &stage.Registry{}
	s.Simulation = engine.Simulate(engine.Config{Registry: registry, Functions: s.functions}, w.Now)
	s.launcher = &launch.Launcher{
		Catalog: catalog{s}, Runtime: s.Simulation, Registry: registry, Now: s.Now, Resolve: w.Resolve,
		Env: func(ctx context.Context) expr.Env { return expr.Env{Now: s.Now(), Functions: s.functions(ctx)} },
	}
	s.register(registry)
	return s, nil
}

// register fills the registry: the real stages over what is simulated, then
// those that are assumed.
func (s *Simulation) register(r *stage.Registry) {
	own := &stage.Registry{}
	produced := bind.Produced(catalog{s})
	control.Register(own, control.Config{
		Pipelines: launch.Children{Launcher: s.launcher}, Clusters: s.fleet, BindProduced: produced, Location: s.world.Location,
	})
	bind.Register(own, catalog{s})
	deploy.Register(own, s.fleet, deploy.Config{Application: catalog{s}.Application})
	manifest.Register(own, s.fleet, manifest.Config{
		Artifact: bind.Artifact, Artifacts: bind.Artifacts, BindProduced: produced, History: catalog{s},
	})
	r.Inherit(own, func(d stage.Definition) stage.Definition { return s.script.scripted(unfetched(d)) })
	if s.world.Registry != nil {
		r.Inherit(s.world.Registry, func(d stage.Definition) stage.Definition {
			s.assumed[d.Type] = true
			return s.script.scripted(assumed(d))
		})
	}
	for _, kind := range s.script.types() {
		if _, err := r.Find(kind); err != nil {
			stage.Add[struct{}](r, s.script.scripted(stage.Definition{Type: kind}))
		}
	}
}

func (s *Simulation) functions(context.Context) map[string]expr.Function { return s.world.Functions }

// Start starts a pipeline, and lets everything happen that needs no time.
//
// Errors: those of a start in earnest.
func (s *Simulation) Start(ctx context.Context, p gennaker.Pipeline, trigger gennaker.Trigger) (string, error) {
	s.world.Pipelines = append(slices.Clone(s.world.Pipelines), p)
	if !s.world.Strict {
		if err := s.supply(ctx, p.Doc.Value); err != nil {
			return "", err
		}
	}
	x, err := s.launcher.Execution(ctx, p, trigger)
	if err != nil {
		id, refused := s.Refuse(ctx, x, err.Error())
		return id, cmp.Or(err, refused)
	}
	id, err := s.Submit(ctx, x)
	s.look()
	return id, err
}

// maxLooks bounds how often tasks look for changes that are not there.
const maxLooks = 1000

// look lets tasks see what happened outside, and answers judgments.
func (s *Simulation) look() {
	for s.Look(maxLooks); s.answer(); {
		s.Look(maxLooks)
	}
}

// answer answers one judgment, and reports whether there was one.
func (s *Simulation) answer() bool {
	if len(s.Answers) == 0 {
		return false
	}
	ctx := context.Background()
	for _, id := range s.Running() {
		x, err := s.Execution(ctx, id)
		if err != nil {
			continue
		}
		for _, st := range x.Stages {
			a, ok := s.Answers[st.Name]
			if !ok {
				a, ok = s.Answers["*"]
			}
			if !ok || st.Type != "manualJudgment" || st.Status != gennaker.Running || st.Context["judgmentStatus"] != nil {
				continue
			}
			return s.Patch(ctx, id, st.ID, cmp.Or(a.By, "judge"), a.values()) == nil
		}
	}
	return false
}

// Pass lets time pass, with everything that happens on the way.
func (s *Simulation) Pass(d time.Duration) {
	end := s.Now().Add(d)
	for next := s.Next(); !next.IsZero() && !next.After(end); next = s.Next() {
		s.Advance(next)
		s.look()
	}
	s.Advance(end)
}

// Run lets time pass until nothing happens any more by itself, but at most d.
func (s *Simulation) Run(d time.Duration) {
	end := s.Now().Add(d)
	for next := s.Next(); !next.IsZero() && !next.After(end); next = s.Next() {
		s.Advance(next)
		s.look()
	}
}

// Moves returns what was done to server groups, in order, a sentence each.
func (s *Simulation) Moves() []string {
	out := make([]string, len(s.moves.all))
	for i, m := range s.moves.all {
		out[i] = m.text
	}
	return out
}

// catalog is what starts look into.
type catalog struct{ s *Simulation }

// Pipeline finds a pipeline by name, then by ID: first one that is simulated.
func (c catalog) Pipeline(ctx context.Context, application, nameOrID string) (gennaker.Pipeline, error) {
	for _, fits := range []func(gennaker.Pipeline) bool{
		func(p gennaker.Pipeline) bool { return p.Name == nameOrID },
		func(p gennaker.Pipeline) bool { return p.ID == nameOrID },
	} {
		for _, p := range c.s.world.Pipelines {
			if strings.EqualFold(p.Application, application) && fits(p) {
				return p, nil
			}
		}
	}
	if outer := c.s.world.Catalog; outer != nil {
		return outer.Pipeline(ctx, application, nameOrID)
	}
	return gennaker.Pipeline{}, gennaker.Errorf(gennaker.NotFound, "application %s has no pipeline %q in this simulation", application, nameOrID)
}

// Executions returns those of the simulation that q is about, newest first.
func (c catalog) Executions(ctx context.Context, q gennaker.ExecutionQuery) ([]gennaker.Execution, error) {
	var out []gennaker.Execution
	for _, id := range slices.Backward(c.s.Simulation.Executions()) {
		x, err := c.s.Execution(ctx, id)
		if err != nil {
			return nil, err
		}
		if len(q.PipelineConfigIDs) > 0 && !slices.Contains(q.PipelineConfigIDs, x.PipelineConfigID) ||
			len(q.Statuses) > 0 && !slices.Contains(q.Statuses, x.Status) || q.Limit > 0 && len(out) == q.Limit {
			continue
		}
		out = append(out, x)
	}
	return out, nil
}

// Execution returns an execution of the simulation.
func (c catalog) Execution(ctx context.Context, id string) (gennaker.Execution, error) {
	return c.s.Execution(ctx, id)
}

// Application returns an application of the world.
func (c catalog) Application(ctx context.Context, name string) (gennaker.Application, error) {
	if outer := c.s.world.Catalog; outer != nil {
		return outer.Application(ctx, name)
	}
	return gennaker.Application{}, gennaker.Errorf(gennaker.NotFound, "there is no application %s in this simulation", name)
}

func (s *Simulation) addAccount(a gennaker.Account) *fake.Provider {
	p := fake.New(fake.Config{Account: a, Now: func() time.Time { return s.world.Now }, Script: func(spec gennaker.ServerGroupSpec) fake.Script {
		m, err := gennaker.NewMoniker(spec.Application, spec.Stack, spec.Detail)
		if err == nil && slices.Contains(s.world.Unhealthy, m.Cluster) {
			return fake.Script{Start: fake.Never()}
		}
		return fake.Script{}
	}, Manifest: s.behaves, Kinds: []string{"*"}})
	s.clusters[a.Name] = p
	s.fleet.Put(s.moves.watch(p.Provider()))
	return p
}

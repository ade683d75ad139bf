package deploy

import (
	"context"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
)

// Config is what the stages are told beside their own configuration. The zero
// value is ready to use.
type Config struct {
	// Application returns the document of an application, for its trafficGuards;
	// one that does not exist has none. Nil is no traffic guards.
	Application func(ctx context.Context, name string) (gennaker.Application, error)
	// GuardRatio is the part of its healthy instances that a guarded cluster
	// must keep more than; at least 0 and less than 0.5.
	GuardRatio float64
	// MinDisable is how long after its start a disableCluster stage ends at the
	// earliest, if it disabled something.
	MinDisable time.Duration
}

// Time limits of tasks, Spinnaker's.
const (
	operationTimeout = time.Hour
	upTimeout        = 2 * time.Hour
	downTimeout      = 2 * time.Hour
	clusterTimeout   = 30 * time.Minute
	rollbackTimeout  = 30 * time.Minute
	unpinTimeout     = 20 * time.Minute
	destroyTimeout   = 5 * time.Minute
)

// deployer is what all stages of this package share. It does not change.
type deployer struct {
	fleet  *provider.Fleet
	config Config
}

// Register adds the stage types of this package. It panics if one is there, or
// if Config is not possible.
func Register(r *stage.Registry, fleet *provider.Fleet, config Config) {
	if config.GuardRatio < 0 || config.GuardRatio >= 0.5 {
		panic("deploy: GuardRatio must be at least 0 and less than 0.5")
	}
	d := &deployer{fleet: fleet, config: config}
	d.registerDeploy(r)
	d.registerServerGroup(r)
	d.registerResize(r)
	d.registerCluster(r)
	d.registerRollback(r)
	d.registerInstances(r)
	d.registerLoadBalancer(r)
}

// task is a step of one function.
func task(name string, timeout time.Duration, run func(context.Context, stage.Input) (stage.Outcome, error)) stage.Step {
	return stage.Step{Name: name, Task: stage.TaskFunc(run), Timeout: timeout}
}

// undoable is a task with something to say or to undo.
type undoable struct {
	run, cancel func(context.Context, stage.Input) (stage.Outcome, error)
}

// Run implements stage.Task.
func (u undoable) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	return u.run(ctx, in)
}

// Cancel implements stage.Canceler.
func (u undoable) Cancel(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	return u.cancel(ctx, in)
}

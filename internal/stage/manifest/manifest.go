package manifest

import (
	"context"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
)

// Config is what the stages are told beside their own configuration. The zero
// value is ready to use, but without artifacts.
type Config struct {
	// Artifacts returns the artifacts that a stage sees: bind.Artifacts.
	Artifacts func(in stage.Input) []gennaker.Artifact
	// Artifact returns the artifact that a stage names: bind.Artifact.
	Artifact func(in stage.Input, id string, inline any) (gennaker.Artifact, error)
	// Fetcher gets the content of artifacts; nil refuses them.
	Fetcher Fetcher
	// Parse reads manifests from YAML or JSON, of which there may be several
	// documents. Errors: Invalid, with the document and its line.
	Parse func(text []byte) ([]gennaker.Manifest, error)
	// BindProduced binds the artifacts that a stage made to those that it
	// expects; it is the last step. Without a name there is none.
	BindProduced stage.Step
	// History knows what else runs; nil is nothing.
	History History
}

// History knows the executions of pipelines.
type History interface {
	// Executions returns executions, newest first, without the contexts of their
	// stages.
	Executions(ctx context.Context, q gennaker.ExecutionQuery) ([]gennaker.Execution, error)
	// Execution returns an execution with its stages. Errors: NotFound.
	Execution(ctx context.Context, id string) (gennaker.Execution, error)
}

// Fetcher gets what an artifact names, within bounds of its own.
type Fetcher interface {
	// Fetch returns the content of an artifact as pipelines write it.
	Fetch(ctx context.Context, artifact map[string]any) ([]byte, error)
}

// Time limits. Those of operations and of stability are Spinnaker's.
const (
	operationTimeout = time.Hour
	stableTimeout    = 30 * time.Minute
	trafficTimeout   = 30 * time.Minute
	turnTimeout      = 72 * time.Hour // until another deployment of the cluster has ended
	jobTimeout       = 2 * time.Hour
	lookEvery        = 30 * time.Second // without having been told of a change
)

// maker is what all stages of this package share. It does not change.
type maker struct {
	fleet  *provider.Fleet
	config Config
}

// Register adds the stage types of this package. It panics if one is there.
func Register(r *stage.Registry, fleet *provider.Fleet, config Config) {
	m := &maker{fleet: fleet, config: config}
	m.registerDeploy(r)
	m.registerOperations(r)
	m.registerTraffic(r)
	stage.Add[jobConfig](r, m.job())
}

// Job returns the definition of runJobManifest, as which a runJob stage runs
// that is about a manifest.
func Job(fleet *provider.Fleet, config Config) stage.Definition {
	m := &maker{fleet: fleet, config: config}
	return m.job()
}

// provider returns the provider of an account that has manifests.
//
// Errors: Invalid.
func (m *maker) provider(account string) (provider.Provider, error) {
	if account == "" {
		return provider.Provider{}, gennaker.Errorf(gennaker.Invalid, "the account is missing").
			WithHint("the accounts that take manifests are %v", m.accounts())
	}
	p, err := m.fleet.For(account)
	if err == nil && p.Manifests == nil {
		err = gennaker.Errorf(gennaker.Invalid, "account %s takes no manifests", account).
			WithHint("the accounts that do are %v", m.accounts())
	}
	return p, err
}

// accounts returns the names of the accounts that take manifests.
func (m *maker) accounts() []string {
	out := []string{}
	for _, p := range m.fleet.All() {
		if p.Manifests != nil {
			out = append(out, p.Account.Name)
		}
	}
	return out
}

// task is a step of one function, with the time that operations have.
func task(name string, run func(context.Context, stage.Input) (stage.Outcome, error)) stage.Step {
	return stage.Step{Name: name, Task: stage.TaskFunc(run), Timeout: operationTimeout}
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

// explained is a wait that says, when its time is over, what it waited for. It
// waits for nothing if a task before it failed, and that was ignored.
func explained(look func(context.Context, stage.Input) (stage.Outcome, error)) stage.Task {
	run := func(ctx context.Context, in stage.Input) (stage.Outcome, error) {
		if in.Stage.Context["exception"] != nil {
			return stage.Skip(), nil
		}
		return look(ctx, in)
	}
	return undoable{run, func(ctx context.Context, in stage.Input) (stage.Outcome, error) {
		o, err := look(ctx, in)
		why, _ := o.Context()[messagesKey].([]any)
		if err != nil || o.Final() || len(why) == 0 {
			return stage.Done(), err
		}
		return stage.Fail("%v", why[0]).WithContext(o.Context()), nil
	}}
}

// bound adds the step that binds what a stage made.
func (m *maker) bound(steps ...stage.Step) []stage.Step {
	if m.config.BindProduced.Name == "" {
		return steps
	}
	return append(steps, m.config.BindProduced)
}

// object is a part of a stage's context.
type object = map[string]any

func drop(c object, keys ...string) {
	for _, k := range keys {
		delete(c, k)
	}
}

// waiting looks again when something of the applications changes, and every
// half minute. A zero until is none.
func waiting(in stage.Input, account string, until time.Time, applications ...string) stage.Outcome {
	next := in.Now.Add(lookEvery)
	if !until.IsZero() && until.Before(next) {
		next = until
	}
	topics := make([]string, len(applications))
	for i, a := range applications {
		topics[i] = stage.FleetTopic(account, a)
	}
	return stage.Wait(next, topics...)
}

// failed is the failure that err stands for, or err itself if it only says that
// nothing is known.
func failed(err error) (stage.Outcome, error) {
	if kind := gennaker.KindOf(err); kind == gennaker.Unavailable || kind == gennaker.Internal {
		return stage.Outcome{}, err
	}
	return stage.Fail("%s", err.Error()).WithHint("%s", gennaker.HintOf(err)), nil
}

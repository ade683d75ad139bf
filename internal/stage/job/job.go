// Package job is the stages that run a process until it ends: runJob, script,
// and those that the server's configuration adds.
//
//	var r stage.Registry
//	job.Register(&r, fleet, job.Config{})
//
// A job is asked for under the key of the step that runs it, so that a crash at
// any moment neither loses nor repeats it; a stage that is restarted has another
// key and runs it anew. A stage that waits for its job is woken by a change of
// the fleet, never by polling. If it is canceled or times out, the job is
// stopped, also one that was asked for and did not begin.
//
// # What a job puts out
//
// The properties of a job become outputs of its stage, and stand together in
// propertyFileContents: those of its propertyFile, which is a JSON object if its
// name ends in .json and a Java properties file otherwise, and those that it
// writes to its log in lines that begin with SPINNAKER_PROPERTY_NAME=value,
// whose names become lower case, or with SPINNAKER_CONFIG_JSON={…}. The file
// wins. Outputs that the stage itself has, such as jobStatus, are not replaced.
//
// # Beside Spinnaker
//
// Spinnaker's runJob runs containers, and its script stage a job of a Jenkins;
// here both run processes of this machine, and read the same lines from logs.
// A script stage has no monitorScript and getBuildProperties apart: the job's
// properties come with its end. Task names are Spinnaker's. Left out is
// monitorDeploy, which is there only because operations are asynchronous.
//
// Source: Spinnaker orca RunJobStage, WaitOnJobCompletion, ScriptStage,
// PreconfiguredJobStage; clouddriver for the lines in logs.
package job

import (
	"context"
	"maps"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
)

// Config is what the stages are told beside their own configuration. The zero
// value is ready to use.
type Config struct {
	// BindProduced binds the artifacts that a job produced to those that its
	// stage expects; it is the last step. Without a name there is none.
	BindProduced stage.Step
	// Manifest is as what runJob stages run that are about a Kubernetes Job; nil
	// refuses them, and Preconfigured may have no manifest then.
	Manifest *stage.Definition
	// Preconfigured are stage types of their own; each passes its Check.
	Preconfigured []Preconfigured
}

// Time limits of tasks, Spinnaker's.
const (
	runTimeout  = time.Hour
	waitTimeout = 2 * time.Hour
)

// runner is what all stages of this package share. It does not change.
type runner struct {
	fleet *provider.Fleet
	read  func(in stage.Input) (request, error)
}

// Register adds the stage types of this package. It panics if one is there, or
// if a preconfigured job is not possible.
func Register(r *stage.Registry, fleet *provider.Fleet, cfg Config) {
	jobs := runner{fleet: fleet}
	jobs.read = jobs.readJob
	own := stage.Definition{Type: "runJob", Restart: restart, Steps: jobs.steps("runJob", "waitOnJobCompletion")}
	if cfg.BindProduced.Name != "" {
		own.Steps = append(own.Steps, cfg.BindProduced)
	}
	if cfg.Manifest != nil {
		own = stage.Choose(own, *cfg.Manifest, aboutManifest)
	}
	stage.Add[jobConfig](r, own)
	scripts := runner{fleet: fleet}
	scripts.read = scripts.readScript
	stage.Add[scriptConfig](r, stage.Definition{
		Type: "script", Restart: restart, Steps: scripts.steps("startScript", "monitorScript"),
		Start: func(context map[string]any) map[string]any { return jobs.settled(context, "credentials") },
	})
	for _, p := range cfg.Preconfigured {
		if err := p.Check(); err != nil {
			panic("job: " + err.Error())
		}
		if !p.enabled() {
			continue
		}
		stage.Add[preconfiguredConfig](r, jobs.preconfigured(p, cfg))
	}
}

// preconfigured returns the definition of a stage type of the configuration.
func (r runner) preconfigured(p Preconfigured, cfg Config) stage.Definition {
	if p.Manifest != nil {
		d := *cfg.Manifest
		d.Type, d.Aliases, d.Start = p.Type, nil, p.start
		return d
	}
	steps := r.steps("runJob", "waitOnJobCompletion")
	if p.ProducesArtifacts && cfg.BindProduced.Name != "" {
		steps = append(steps, cfg.BindProduced)
	}
	start := func(context map[string]any) map[string]any {
		return r.settled(p.start(context), "credentials", "account")
	}
	return stage.Definition{Type: p.Type, Start: start, Restart: restart, Steps: steps}
}

// steps are the tasks of every stage that runs a job.
func (r runner) steps(run, wait string) []stage.Step {
	return []stage.Step{
		{Name: run, Task: task{r.run, r.cancelRun}, Timeout: runTimeout},
		{Name: wait, Task: task{r.wait, r.cancelWait}, Timeout: waitTimeout, If: r.waits},
	}
}

// task is a task with something to undo.
type task struct {
	run, cancel func(context.Context, stage.Input) (stage.Outcome, error)
}

// Run implements stage.Task.
func (t task) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) { return t.run(ctx, in) }

// Cancel implements stage.Canceler.
func (t task) Cancel(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	return t.cancel(ctx, in)
}

// restart moves what the run before left into restartDetails.
func restart(context map[string]any) {
	before, _ := context["restartDetails"].(map[string]any)
	details := maps.Clone(before)
	if details == nil {
		details = map[string]any{}
	}
	for _, k := range []string{"jobStatus", "completionDetails", "propertyFileContents", "deploy.jobs"} {
		if v, ok := context[k]; ok {
			details[k] = v
			delete(context, k)
		}
	}
	if len(details) > 0 {
		context["restartDetails"] = details
	}
}

// request is what a stage asks for.
type request struct {
	provider     provider.Provider
	spec         gennaker.JobSpec
	propertyFile string
}

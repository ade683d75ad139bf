package execution

import (
	"context"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/event"
)

// Executions does what users do to executions that run. Every method returns
// when the request is durable, not when it took effect.
//
// Errors: NotFound for an execution or stage that does not exist; Conflict for
// one whose state does not allow it, Invalid for values that cannot be.
type Executions interface {
	// Cancel cancels an execution; one that is complete stays as it is.
	Cancel(ctx context.Context, id, user, reason string) error
	// Pause holds a RUNNING execution before its next tasks.
	Pause(ctx context.Context, id, user string) error
	// Resume lets a PAUSED execution go on.
	Resume(ctx context.Context, id, user string) error
	// Restart runs the top-level stage that stageID is or belongs to again, and
	// the stages behind it. values are put into the contexts of those of them
	// that have these refIds; it may be nil.
	Restart(ctx context.Context, id, stageID, user string, values map[string]map[string]any) error
	// Patch merges values into the context of a stage: a judgment, a skipped
	// wait. Numbers in values are json.Number.
	Patch(ctx context.Context, id, stageID, user string, values map[string]any) error
	// Delete forgets a complete execution.
	Delete(ctx context.Context, id string) error
}

// Operation is an ad-hoc operation: what Spinnaker calls a task.
//
// Shape: each job holds a string "type" and the configuration of a stage of
// that type; numbers are json.Number.
type Operation struct {
	Application string
	Description string
	Jobs        []map[string]any
	// Key names the operation among those of its caller: another one with the
	// same key is the same, and starts nothing. Empty is none.
	Key string
}

// Launcher starts executions. They are durable when a method returns.
type Launcher interface {
	// StartPipeline starts a pipeline, found by name first and then by ID.
	// executionID is the ID that the execution shall have, or "" for a new one;
	// if there is already an execution with it, that one is returned; so is one
	// that is not complete and has the correlation ID of trigger.
	// Errors: NotFound; Invalid for a disabled pipeline or a trigger that
	// cannot be; Conflict if executionID is that of something else.
	StartPipeline(ctx context.Context, application, nameOrID string, trigger gennaker.Trigger, executionID string) (id string, err error)
	// Start is StartPipeline for a pipeline that need not be saved.
	Start(ctx context.Context, p gennaker.Pipeline, trigger gennaker.Trigger, executionID string) (id string, err error)
	// Preview returns a pipeline as Start would begin with it: without its
	// template, and with its trigger. Errors: Invalid.
	Preview(ctx context.Context, p gennaker.Pipeline, trigger gennaker.Trigger) (map[string]any, error)
	// StartTask starts an operation, its jobs one after the other; or returns
	// the one that was started with its Key.
	// Errors: Invalid, with a Problem for each job that cannot run.
	StartTask(ctx context.Context, op Operation, user string) (id string, err error)
}

// History reads executions.
type History interface {
	// Execution returns an execution with everything that belongs to it.
	// Errors: NotFound.
	Execution(ctx context.Context, id string) (gennaker.Execution, error)
	// Executions answers q in the order that its type promises. What it returns
	// is the caller's to keep, not to change.
	Executions(ctx context.Context, q gennaker.ExecutionQuery) ([]gennaker.Execution, error)
}

// Checker knows the stage types.
type Checker interface {
	// Check returns what is wrong with stages. Paths begin with "stages[i]".
	Check(stages []gennaker.StageConfig) []gennaker.Problem
}

// Events tells what changes: an event.Log.
type Events interface {
	// Read returns a reader of what comes behind a place; of what comes from now on
	// for "", and if known is false.
	Read(behind string) (reader *event.Reader, known bool)
	// Follow counts a stream of events, until leave is called.
	Follow() (leave func())
}

// Pipelines finds the pipelines whose executions are asked for.
type Pipelines interface {
	// Pipelines returns the pipelines of an application, or of all for "".
	Pipelines(ctx context.Context, application string) ([]gennaker.Pipeline, error)
	// Pipeline returns one pipeline, by exact name first and then by ID.
	// Errors: NotFound.
	Pipeline(ctx context.Context, application, nameOrID string) (gennaker.Pipeline, error)
}

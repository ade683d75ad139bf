package stage

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
)

// Task does the work of one step of a stage.
type Task interface {
	// Run does the work, or looks at how it goes. It may be called many times,
	// also for work that is done: see Input.Key. It is never called twice at
	// the same time for one step.
	//
	// When ctx ends, Run returns soon; context.Cause tells why. What it returns
	// then is ignored, and it is run again unless the stage was canceled.
	//
	// Errors: an error means that Run could not tell; the Outcome is ignored. A
	// definite kind (Invalid, Denied, NotFound, Conflict, TooLarge) fails the
	// stage with its message; any other is tried again, ever later, until the
	// step's timeout.
	Run(ctx context.Context, in Input) (Outcome, error)
}

// Canceler is a Task that has something to undo when its stage is canceled or
// times out while the step runs.
type Canceler interface {
	// Cancel is called after Run returned, possibly more than once. The values
	// of the returned Outcome are kept; its status is not.
	Cancel(ctx context.Context, in Input) (Outcome, error)
}

// TaskFunc is a Task of one function.
type TaskFunc func(ctx context.Context, in Input) (Outcome, error)

// Run calls f.
func (f TaskFunc) Run(ctx context.Context, in Input) (Outcome, error) { return f(ctx, in) }

// Input is what a Task, or a planner, may know.
//
// Everything in it is shared and must not be changed.
type Input struct {
	Execution gennaker.Execution // without its stages
	Stage     gennaker.Stage     // with its context as it is now
	Task      string             // name of the step; empty for planners
	Key       string             // the same for every attempt at this step or plan; another after a restart of the stage
	Attempt   int                // from 1; grows with every Run that returned an error
	Now       time.Time
	TaskStart time.Time

	// Upstream returns the stages whose outputs this one sees, nearest first,
	// without itself.
	//
	// Source: Orca StageExecution.ancestors.
	Upstream func() []gennaker.Stage

	// Children returns the stages before this one's own tasks, with what they
	// put out, in order; may be nil.
	Children func() []gennaker.Stage

	// Evaluate returns v with the values of the expressions in it, as the stage
	// sees them; more are names that come before the stage's own. Call it
	// through Eval; may be nil.
	Evaluate func(v any, more map[string]any) (any, expr.Summary)
}

// Get returns the value of key in the stage's own context, even a null one, or
// else in the outputs of the nearest stage upstream that has it; nil if none.
func (in Input) Get(key string) any {
	if v, ok := in.Stage.Context[key]; ok {
		return v
	}
	if in.Upstream == nil {
		return nil
	}
	for _, s := range in.Upstream() {
		if v, ok := s.Outputs[key]; ok {
			return v
		}
	}
	return nil
}

// Outcome is what a Task found. Make one with the functions of this package;
// the zero Outcome is invalid, so that a forgotten return is caught.
type Outcome struct {
	status  gennaker.Status
	until   time.Time
	after   time.Duration
	topics  []string
	context map[string]any
	outputs map[string]any
	reason  string
	hint    string
	details map[string]any
}

// Done is success.
func Done() Outcome { return Outcome{status: gennaker.Succeeded} }

// Skip is success without having had to do anything.
func Skip() Outcome { return Outcome{status: gennaker.Skipped} }

// Redirect jumps back to the first step of the loop that this step ends.
func Redirect() Outcome { return Outcome{status: gennaker.Redirect} }

// Cancel ends the stage as canceled.
func Cancel(format string, args ...any) Outcome {
	return Outcome{status: gennaker.Canceled, reason: fmt.Sprintf(format, args...)}
}

// Fail is a failure that another attempt cannot mend. The reason is one
// sentence for the user.
func Fail(format string, args ...any) Outcome {
	return Outcome{status: gennaker.Terminal, reason: fmt.Sprintf(format, args...)}
}

// Again asks to be run again after d: for what gives no event.
func Again(d time.Duration) Outcome { return Outcome{status: gennaker.Running, after: d} }

// Wait asks to be run again when one of topics is signaled or the stage's
// context is changed by hand, and at until at the latest; a zero until waits
// for events alone. No event is lost: one that came while the task ran counts.
func Wait(until time.Time, topics ...string) Outcome {
	return Outcome{status: gennaker.Running, until: until, topics: topics}
}

// WithContext returns o with values to put into the stage's context. They are
// stored also if o is not final, but then only if they changed something.
func (o Outcome) WithContext(values map[string]any) Outcome {
	o.context = merge(o.context, values)
	return o
}

// WithOutputs returns o with values to put into the stage's outputs.
func (o Outcome) WithOutputs(values map[string]any) Outcome {
	o.outputs = merge(o.outputs, values)
	return o
}

// WithHint returns o, a failure, with what the user can do about it.
func (o Outcome) WithHint(format string, args ...any) Outcome {
	o.hint = fmt.Sprintf(format, args...)
	return o
}

// WithDetails returns o, a failure, with more keys for exception.details.
func (o Outcome) WithDetails(details map[string]any) Outcome {
	o.details = merge(o.details, details)
	return o
}

func merge(into, values map[string]any) map[string]any {
	out := maps.Clone(into)
	if out == nil {
		out = make(map[string]any, len(values))
	}
	maps.Copy(out, values)
	return out
}

// Status returns the task status that o stands for; "" for the zero Outcome.
func (o Outcome) Status() gennaker.Status { return o.status }

// Final reports whether o ends the step.
func (o Outcome) Final() bool { return o.status != gennaker.Running }

// Due returns when to run again, seen from now; zero if only events count.
func (o Outcome) Due(now time.Time) time.Time {
	if o.after > 0 {
		return now.Add(o.after)
	}
	return o.until
}

// Topics returns what wakes the task.
func (o Outcome) Topics() []string { return o.topics }

// Context returns the values for the stage's context; may be nil.
func (o Outcome) Context() map[string]any { return o.context }

// Outputs returns the values for the stage's outputs; may be nil.
func (o Outcome) Outputs() map[string]any { return o.outputs }

// Reason returns why o is a failure, what to do about it, and more keys for the
// exception's details.
func (o Outcome) Reason() (reason, hint string, details map[string]any) {
	return o.reason, o.hint, o.details
}

// FleetTopic is signaled when a server group of the application changed.
func FleetTopic(account, application string) string { return "fleet/" + account + "/" + application }

// ExecutionTopic is signaled when the execution ended.
func ExecutionTopic(id string) string { return "execution/" + id }

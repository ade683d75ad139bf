package control

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

type monitorPipeline struct{ pipelines Pipelines }

// Run waits until the child ended, and takes over its status and outputs.
func (t monitorPipeline) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	id := childOf(in)
	child, err := t.pipelines.Execution(ctx, id)
	if err != nil {
		return stage.Outcome{}, fmt.Errorf("read child execution %q: %w", id, err)
	}
	status := map[string]any{childStatus: string(child.Status)}
	if !child.Status.Complete() {
		return stage.Wait(time.Time{}, stage.ExecutionTopic(id)).WithContext(status), nil
	}
	var out stage.Outcome
	switch {
	case child.Status == gennaker.Succeeded:
		out = stage.Done()
	case failed(child.Status):
		out = failure(child)
	default:
		out = stage.Cancel("child pipeline %s ended as %s", child.Name, child.Status)
	}
	c, err := stage.Decode[pipelineConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	if !c.SkipOutputs {
		out = out.WithOutputs(mergedOutputs(child.Stages))
	}
	return out.WithContext(status), nil
}

// Cancel cancels the child.
func (t monitorPipeline) Cancel(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	return canceled(ctx, t.pipelines, in, childOf(in))
}

func canceled(ctx context.Context, p Pipelines, in stage.Input, id string) (stage.Outcome, error) {
	if err := cancel(ctx, p, in, id); err != nil {
		return stage.Outcome{}, err
	}
	return stage.Done().WithContext(map[string]any{executionID: id}), nil
}

// cancel cancels a child. One that is complete, or gone, is canceled.
func cancel(ctx context.Context, p Pipelines, in stage.Input, id string) error {
	reason := cmp.Or(in.Execution.CancelReason, fmt.Sprintf("stage %s of execution %s ended", in.Stage.Name, in.Execution.ID))
	err := p.CancelExecution(ctx, id, canceledBy, reason)
	if kind := gennaker.KindOf(err); err == nil || kind == gennaker.NotFound || kind == gennaker.Conflict {
		return nil
	}
	return fmt.Errorf("cancel child execution %s: %w", id, err)
}

// failed reports whether a child that ended so makes its stage fail.
func failed(s gennaker.Status) bool { return s.Halt() && s != gennaker.Canceled }

// monitorConfig is the configuration of a monitorPipeline stage.
type monitorConfig struct {
	ExecutionIDs []string `json:"executionIds"`    // what to wait for
	Behavior     string   `json:"monitorBehavior"` // WaitForAllToComplete, the default, or FailFast
}

const (
	failFast       = "FailFast"
	oneFailed      = "At least one monitored pipeline failed, look for errors in failed pipelines"
	oneCanceled    = "At least one monitored pipeline was cancelled"
	maxMonitored   = 1000
	statusesOutput = "executionStatuses"
)

// monitor waits for executions that something else started.
//
// Source: Spinnaker orca MonitorPipelineStage.
func monitor(p Pipelines) stage.Definition {
	return stage.Definition{
		Type:     "monitorPipeline",
		Internal: true,
		Steps:    []stage.Step{{Name: "monitorPipeline", Task: monitorExecutions{p}, Timeout: monitorTimeout}},
	}
}

type monitorExecutions struct{ pipelines Pipelines }

// Run waits until the executions ended, and takes over their worst status.
func (t monitorExecutions) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[monitorConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	ids := slices.DeleteFunc(c.ExecutionIDs, func(id string) bool { return id == "" })
	if len(ids) == 0 || len(ids) > maxMonitored {
		return stage.Fail("no pipeline execution ids to monitor").WithHint("set executionIds to a list of 1 to %d executions", maxMonitored), nil
	}
	children, err := executions(ctx, t.pipelines, ids)
	if err != nil {
		return stage.Outcome{}, err
	}
	out := verdict(children, c.Behavior == failFast)
	outputs := map[string]any{}
	if len(children) == 1 && children[0].Status.Complete() {
		maps.Copy(outputs, mergedOutputs(children[0].Stages))
	}
	outputs[statusesOutput] = statuses(children)
	return out.WithOutputs(outputs), nil
}

func executions(ctx context.Context, p Pipelines, ids []string) ([]gennaker.Execution, error) {
	var out []gennaker.Execution
	for _, id := range ids {
		x, err := p.Execution(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read child execution %s: %w", id, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// verdict is what a stage is to do that monitors several executions: wait for
// those that run, unless one failed and it is to fail fast.
func verdict(children []gennaker.Execution, fast bool) stage.Outcome {
	var running []string
	succeeded, anyFailed := true, false
	var errs []any
	for _, x := range children {
		succeeded = succeeded && x.Status == gennaker.Succeeded
		anyFailed = anyFailed || failed(x.Status)
		if !x.Status.Complete() {
			running = append(running, stage.ExecutionTopic(x.ID))
		}
		why, _ := said(x)
		errs = append(errs, why...)
	}
	switch {
	case succeeded:
		return stage.Done()
	case anyFailed && (len(running) == 0 || fast):
		return stage.Fail(oneFailed).WithDetails(map[string]any{"errors": append([]any{oneFailed}, errs...)})
	case len(running) == 0:
		return stage.Cancel(oneCanceled)
	}
	return stage.Wait(time.Time{}, running...)
}

// statuses returns the state of executions by ID, as Spinnaker has it in the
// outputs.
func statuses(children []gennaker.Execution) map[string]any {
	out := map[string]any{}
	for _, x := range children {
		details := map[string]any{"status": string(x.Status), "application": x.Application}
		if x.Status.Halt() {
			errs, source := said(x)
			details["exception"] = map[string]any{"details": map[string]any{"errors": errs}, "source": source}
		}
		out[x.ID] = details
	}
	return out
}

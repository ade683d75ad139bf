package control

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// dependsConfig is the configuration of a dependsOnExecution stage.
type dependsConfig struct {
	ExecutionType string `json:"executionType" enum:"pipeline|orchestration"` // pipeline or orchestration
	ExecutionID   string `json:"executionId"`                                 // the execution that must succeed
}

// dependsTimeout is Spinnaker's.
const dependsTimeout = 2 * time.Hour

// dependsOnExecution waits for another execution, which must succeed.
//
// Source: Spinnaker orca DependsOnExecutionStage.
func dependsOnExecution(p Pipelines) stage.Definition {
	return stage.Definition{
		Type: "dependsOnExecution",
		Steps: []stage.Step{{
			Name: "dependsOnExecution", Task: awaitExecution{p}, Timeout: dependsTimeout,
		}},
	}
}

type awaitExecution struct{ pipelines Pipelines }

// Run looks at the other execution, and waits for its end.
func (t awaitExecution) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[dependsConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	kind := gennaker.ExecutionType(strings.ToUpper(c.ExecutionType))
	if c.ExecutionID == "" || kind != gennaker.TypePipeline && kind != gennaker.TypeOrchestration {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "executionId is missing, or executionType %q is not pipeline or orchestration", c.ExecutionType)
	}
	if c.ExecutionID == in.Execution.ID {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "execution %s would wait for itself", c.ExecutionID)
	}
	x, err := t.pipelines.Execution(ctx, c.ExecutionID)
	switch {
	case gennaker.KindOf(err) == gennaker.NotFound && err != nil, err == nil && x.Type != kind:
		message := fmt.Sprintf("Execution (%s) %s not found.", c.ExecutionType, c.ExecutionID)
		return stage.Fail("%s", message).WithContext(map[string]any{"error": message}), nil
	case err != nil:
		return stage.Outcome{}, fmt.Errorf("read execution %s: %w", c.ExecutionID, err)
	case x.Status.Successful():
		return stage.Done(), nil
	case x.Status.Complete():
		reason := fmt.Sprintf("Depended-on execution completed with status %s", x.Status)
		return stage.Cancel("%s", reason).WithContext(map[string]any{"reason": reason}), nil
	}
	return stage.Wait(time.Time{}, stage.ExecutionTopic(c.ExecutionID)), nil
}

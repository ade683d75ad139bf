package bind

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/match"
)

// History knows the executions of pipelines.
type History interface {
	// Executions returns executions, newest first.
	Executions(ctx context.Context, q gennaker.ExecutionQuery) ([]gennaker.Execution, error)
	// Execution returns an execution with its stages. Errors: NotFound.
	Execution(ctx context.Context, id string) (gennaker.Execution, error)
}

// Prior returns all artifacts of the execution of a pipeline that began last,
// whatever became of it, but not of the one with the ID except; none if there
// is no other, or the pipeline has no ID.
//
// Errors: those of h.
func Prior(ctx context.Context, h History, pipelineID, except string) ([]gennaker.Artifact, error) {
	x, ok, err := latest(ctx, h, pipelineID, nil, except)
	if err != nil || !ok {
		return nil, err
	}
	return match.All(x, ""), nil
}

// considered is among how many of the newest executions latest looks.
const considered = 100

// latest returns the execution of a pipeline with one of statuses, or any, that
// began last, if there is one but except; one that has not begun only if none
// has.
//
// Source: Orca ArtifactUtils: by start time, then by ID, without one last.
func latest(ctx context.Context, h History, pipelineID string, statuses []gennaker.Status, except string) (x gennaker.Execution, ok bool, err error) {
	if pipelineID == "" {
		return x, false, nil
	}
	list, err := h.Executions(ctx, gennaker.ExecutionQuery{
		Type: gennaker.TypePipeline, PipelineConfigIDs: []string{pipelineID}, Statuses: statuses, Limit: considered,
	})
	if err != nil {
		return x, false, fmt.Errorf("look for executions of pipeline %s: %w", pipelineID, err)
	}
	list = slices.DeleteFunc(slices.Clone(list), func(x gennaker.Execution) bool { return x.ID == except })
	if len(list) == 0 {
		return x, false, nil
	}
	newest := slices.MaxFunc(list, func(a, b gennaker.Execution) int {
		return cmp.Or(a.StartTime.Compare(b.StartTime.Time), strings.Compare(a.ID, b.ID))
	})
	if x, err = h.Execution(ctx, newest.ID); err != nil {
		return x, false, fmt.Errorf("read execution %s: %w", newest.ID, err)
	}
	return x, true, nil
}

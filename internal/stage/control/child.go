package control

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// failure returns the failure of a child: what its stages said.
//
// Source: Spinnaker orca MonitorPipelineTask.
func failure(child gennaker.Execution) stage.Outcome {
	errs, source := said(child)
	if len(errs) == 0 {
		return stage.Fail("child pipeline %s ended as %s", child.Name, child.Status).
			WithHint("look at execution %s", child.ID)
	}
	return stage.Fail("%v", errs[0]).
		WithHint("look at execution %s", child.ID).
		WithDetails(map[string]any{"errors": errs, "source": source})
}

// said returns what the stages of a child said that failed, and where the first
// of them is.
func said(child gennaker.Execution) (errs []any, source map[string]any) {
	for i, s := range child.Stages {
		why := stageErrors(s)
		for _, e := range why {
			errs = append(errs, fmt.Sprintf("Exception in child pipeline stage (%s: %s): %s", child.Name, cmp.Or(s.Name, s.Type), e))
		}
		if source == nil && len(why) > 0 {
			source = map[string]any{
				"executionId": child.ID, "stageId": s.ID, "stageName": cmp.Or(s.Name, s.Type), "stageIndex": i,
			}
			// A grandchild's failure is shown where it happened.
			exception, _ := s.Context["exception"].(map[string]any)
			details, _ := exception["details"].(map[string]any)
			if deeper, ok := details["source"].(map[string]any); ok {
				source = deeper
			}
		}
	}
	return errs, source
}

// stageErrors returns why a stage failed: details.errors of its exception, or
// else details.error.
func stageErrors(s gennaker.Stage) []string {
	if !s.Status.Halt() {
		return nil
	}
	exception, _ := s.Context["exception"].(map[string]any)
	details, _ := exception["details"].(map[string]any)
	var out []string
	errs, _ := details["errors"].([]any)
	for _, e := range errs {
		out = append(out, fmt.Sprint(e))
	}
	if text, _ := details["error"].(string); len(out) == 0 && text != "" {
		out = append(out, text)
	}
	return out
}

// mergedOutputs returns the outputs of all stages, those behind over those
// before; lists under one key are joined, each entry once.
//
// Source: Spinnaker orca PipelineExecution.getContext.
func mergedOutputs(stages []gennaker.Stage) map[string]any {
	out := map[string]any{}
	for _, s := range inOrder(stages) {
		for key, v := range s.Outputs {
			list, isList := v.([]any)
			before, wasList := out[key].([]any)
			if isList && wasList {
				v = joinLists(before, list)
			}
			out[key] = v
		}
	}
	return out
}

func joinLists(a, b []any) []any {
	out := slices.Clone(a)
	for _, v := range b {
		if !slices.ContainsFunc(out, func(o any) bool { return reflect.DeepEqual(o, v) }) {
			out = append(out, v)
		}
	}
	return out
}

// inOrder returns stages so that each comes behind its requisites, and synthetic
// ones stay around their parent.
func inOrder(stages []gennaker.Stage) []gennaker.Stage {
	parent := map[string]string{}
	refs := map[string]string{} // refId of a stage by ID
	for _, s := range stages {
		parent[s.ID], refs[s.ID] = s.ParentStageID, s.RefID
	}
	top := func(id string) string {
		for range stages { // a damaged document may have a circle
			if parent[id] == "" {
				break
			}
			id = parent[id]
		}
		return refs[id]
	}
	ranks := ranks(stages)
	out := slices.Clone(stages)
	slices.SortStableFunc(out, func(a, b gennaker.Stage) int {
		return cmp.Compare(ranks[top(a.ID)], ranks[top(b.ID)])
	})
	return out
}

// ranks gives the refIds of top-level stages numbers so that each has a larger
// one than its requisites.
func ranks(stages []gennaker.Stage) map[string]int {
	out := map[string]int{}
	left := slices.DeleteFunc(slices.Clone(stages), func(s gennaker.Stage) bool { return s.ParentStageID != "" })
	for len(left) > 0 {
		waiting := left[:0:0]
		for _, s := range left {
			if slices.ContainsFunc(s.Requires, func(ref string) bool { _, ok := out[ref]; return !ok }) {
				waiting = append(waiting, s)
				continue
			}
			out[s.RefID] = len(out)
		}
		if len(waiting) == len(left) { // requisites that do not exist
			break
		}
		left = waiting
	}
	return out
}

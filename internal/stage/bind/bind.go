// Package bind gives stages their artifacts: what a stage sees, the one that it
// asks for by ID, the step that binds what it produced, and the stages
// evaluateArtifacts and findArtifactFromExecution.
//
// Where it differs from Spinnaker: an artifact that a stage produces may be a
// prior one, if usePriorArtifact is set; findArtifactFromExecution never finds
// its own execution; contents that are an object become JSON; an expression
// without a value in an artifact that is to be fetched is an error; what cannot
// be found is said with what there is.
//
// Source: Spinnaker orca ArtifactUtils, BindProducedArtifactsTask,
// EvaluateArtifactsStage, FindArtifactFromExecutionTask.
package bind

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/match"
	"github.com/gennaker/gennaker/internal/stage"
)

// Keys of contexts and outputs.
const (
	artifactsKey = "artifacts"
	resolvedKey  = "resolvedExpectedArtifacts"
	expectedKey  = "expectedArtifacts"
)

// Register adds the stages of this package to r.
func Register(r *stage.Registry, h History) {
	stage.Add[evaluateConfig](r, evaluateArtifacts(h))
	stage.Add[findConfig](r, findArtifactFromExecution(h))
}

// Artifacts returns the artifacts that a stage sees, each once: see
// match.Visible. Those are also what a pipeline gets that the stage starts.
func Artifacts(in stage.Input) []gennaker.Artifact {
	return match.Visible(in.Stage, upstream(in), in.Execution.Trigger)
}

// Resolved returns the expected artifacts that a stage sees, each with Bound:
// see match.VisibleExpected.
func Resolved(in stage.Input) []gennaker.ExpectedArtifact {
	return match.VisibleExpected(in.Stage, upstream(in), in.Execution.Trigger)
}

func upstream(in stage.Input) []gennaker.Stage {
	if in.Upstream == nil {
		return nil
	}
	return in.Upstream()
}

// Artifact returns the artifact that a stage names: the one that is bound to
// the expected artifact with an ID or, if the ID is empty, the one that stands
// in the stage itself, as open JSON. Expressions in it are evaluated. What is
// bound without an account has that of its matchArtifact.
//
// Errors: Invalid, which says what there is, if there is no such artifact, or
// an expression outside of its metadata has no value.
func Artifact(in stage.Input, id string, inline any) (gennaker.Artifact, error) {
	a, err := named(in, id, inline)
	if err != nil {
		return a, err
	}
	v, summary := in.Eval(a.Map(), nil)
	for _, f := range summary.Findings {
		if !strings.HasPrefix(f.Path, "metadata") {
			return a, gennaker.Errorf(gennaker.Invalid, "an expression in artifact %s has no value: %s", match.Describe(a), f)
		}
	}
	return gennaker.ArtifactOf(v)
}

func named(in stage.Input, id string, inline any) (a gennaker.Artifact, err error) {
	if id == "" && inline == nil {
		return a, gennaker.Errorf(gennaker.Invalid, "no artifact is named").
			WithHint("give the ID of an expected artifact, or an artifact")
	}
	if id == "" {
		return gennaker.ArtifactOf(inline)
	}
	all := Resolved(in)
	i := slices.IndexFunc(all, func(e gennaker.ExpectedArtifact) bool { return e.ID == id })
	if i < 0 {
		return a, gennaker.Errorf(gennaker.Invalid, "no artifact with the ID %q was found before this stage", id).
			WithHint("%s; one that the pipeline expects is found if its trigger names it in expectedArtifactIds, or if it may be a default or a prior one", ids(all))
	}
	if all[i].Bound == nil {
		return a, gennaker.Errorf(gennaker.Invalid, "the expected artifact %s with the ID %q has no boundArtifact", match.DescribeExpected(all[i]), id)
	}
	a = *all[i].Bound
	if a.ArtifactAccount == "" {
		a.ArtifactAccount = all[i].Match.ArtifactAccount
	}
	return a, nil
}

// ids lists expected artifacts with their IDs.
func ids(all []gennaker.ExpectedArtifact) string {
	const most = 10
	var words []string
	for _, e := range all {
		word := strconv.Quote(e.ID)
		if name := match.DescribeExpected(e); name != word {
			word += " for " + name
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	switch {
	case len(words) == 0:
		return "there are none at all"
	case len(words) > most:
		words = append(words[:most], fmt.Sprintf("and %d more", len(words)-most))
	}
	return "there are the IDs " + strings.Join(words, ", ")
}

// Produced is the last step of a stage that makes artifacts: it looks for those
// in expectedArtifacts among the ones that the stage sees, its own first, in
// context and outputs under artifacts. It puts artifacts and
// resolvedExpectedArtifacts there, for the stages behind it, and fails if one
// is not found. A stage that expects none does not have the step.
//
// A stage that has it takes both keys out of its context in its Restart: see
// Restart. Without h, none may be a prior one.
func Produced(h History) stage.Step {
	return stage.Step{
		Name: "bindProducedArtifacts",
		Task: produced(h),
		If: func(in stage.Input) bool {
			expected, err := match.Expected(in.Stage.Context[expectedKey])
			return err != nil || len(expected) > 0
		},
	}
}

// Restart takes what Produced put there out of the context of a stage, so that
// what it makes then counts: a stage.Definition's Restart, or a part of it.
func Restart(context map[string]any) {
	delete(context, artifactsKey)
	delete(context, resolvedKey)
}

func produced(h History) stage.Task {
	return stage.TaskFunc(func(ctx context.Context, in stage.Input) (stage.Outcome, error) {
		expected, err := match.Expected(in.Stage.Context[expectedKey])
		if err != nil {
			return stage.Outcome{}, err
		}
		if len(expected) == 0 {
			return stage.Done(), nil
		}
		r := match.Request{Expected: expected, Candidates: Artifacts(in)}
		if h != nil {
			r.Prior = func() ([]gennaker.Artifact, error) {
				return Prior(ctx, h, in.Execution.PipelineConfigID, in.Execution.ID)
			}
		}
		found, err := match.Resolve(r)
		if err != nil {
			return stage.Outcome{}, err
		}
		return bound(found), nil
	})
}

// bound is success with what was found.
func bound(found match.Resolution) stage.Outcome {
	values := map[string]any{artifactsKey: match.Open(found.Artifacts), resolvedKey: match.Open(found.Expected)}
	return stage.Done().WithContext(values).WithOutputs(values)
}

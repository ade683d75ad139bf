package match

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gennaker/gennaker"
)

// Keys of pipelines and triggers.
const (
	artifactsKey   = "artifacts"
	resolvedKey    = "resolvedExpectedArtifacts"
	expectedKey    = "expectedArtifacts"
	expectedIDsKey = "expectedArtifactIds"
	receivedKey    = "receivedArtifacts"
)

// ForTrigger resolves the artifacts that a pipeline expects when it starts, and
// returns the trigger with the outcome: artifacts are those that were received
// and those that were found, each once; expectedArtifacts and
// resolvedExpectedArtifacts are the expected ones, each with its
// boundArtifact.
//
// Received are receivedArtifacts of the pipeline and the trigger's artifacts.
// Of the pipeline's expectedArtifacts only those count whose ID is among the
// trigger's expectedArtifactIds, or which may be prior or default ones. Prior
// returns the artifacts of the execution before: see All.
//
// Shape: pipeline is the document, open JSON; it is not changed, nor is trigger.
// Errors: those of Resolve; Invalid if something is not of its type.
// Source: Orca ArtifactUtils.resolveArtifacts.
func ForTrigger(pipeline map[string]any, trigger gennaker.Trigger, prior func() ([]gennaker.Artifact, error)) (gennaker.Trigger, error) {
	fail := func(err error) (gennaker.Trigger, error) { return trigger, err }
	received, err := artifacts(pipeline[receivedKey], receivedKey)
	if err != nil {
		return fail(err)
	}
	own, err := artifacts(trigger.Artifacts, "trigger.artifacts")
	if err != nil {
		return fail(err)
	}
	received = Distinct(append(received, own...))
	expected, err := Expected(pipeline[expectedKey])
	if err != nil {
		return fail(err)
	}
	ids, err := list(trigger.Other[expectedIDsKey], "trigger."+expectedIDsKey)
	if err != nil {
		return fail(err)
	}
	expected = slices.DeleteFunc(expected, func(e gennaker.ExpectedArtifact) bool {
		return !slices.Contains(ids, any(e.ID)) && !e.UseDefault && !e.UsePrior
	})
	found, err := Resolve(Request{Expected: expected, Candidates: received, Prior: prior, Unique: true})
	if err != nil {
		return fail(err)
	}
	out := trigger
	out.Other = maps.Clone(trigger.Other)
	if out.Other == nil {
		out.Other = map[string]any{}
	}
	out.Artifacts = []map[string]any{}
	for _, a := range Distinct(append(received, found.Artifacts...)) {
		out.Artifacts = append(out.Artifacts, a.Map())
	}
	out.Other[expectedKey] = Open(found.Expected)
	out.Other[resolvedKey] = Open(found.Expected)
	return out, nil
}

// ExpectedIDs returns what trigger.expectedArtifactIds is of an execution of
// pipeline that another one starts: the IDs that its triggers of type pipeline
// name for the pipeline with the ID parent, and those of its expected artifacts
// that one of received fits; each once.
//
// Errors: Invalid if something in the document is not of its type.
// Source: Orca DependentPipelineStarter.
func ExpectedIDs(pipeline map[string]any, parent string, received []gennaker.Artifact) ([]any, error) {
	triggers, err := list(pipeline["triggers"], "triggers")
	if err != nil {
		return nil, err
	}
	out := []any{}
	add := func(id any) {
		if s, ok := id.(string); ok && !slices.Contains(out, id) {
			out = append(out, s)
		}
	}
	for i, v := range triggers {
		t, ok := v.(map[string]any)
		if !ok || t["type"] != "pipeline" || t["pipeline"] != any(parent) || parent == "" {
			continue
		}
		ids, err := list(t[expectedIDsKey], fmt.Sprintf("triggers[%d].%s", i, expectedIDsKey))
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			add(id)
		}
	}
	expected, err := Expected(pipeline[expectedKey])
	if err != nil {
		return nil, err
	}
	m := matcher{left: maxWork}
	for _, e := range expected {
		for _, a := range received {
			differs, err := m.differs(e.Match, a)
			if err != nil {
				return nil, fmt.Errorf("expected artifact %s: %w", DescribeExpected(e), err)
			}
			if differs < 0 {
				add(e.ID)
				break
			}
		}
	}
	return out, nil
}

// Expected reads expected artifacts from open JSON: the value of
// expectedArtifacts of a pipeline or a stage. Null is none, one object a list of
// it. Errors: Invalid.
func Expected(v any) ([]gennaker.ExpectedArtifact, error) {
	if m, ok := v.(map[string]any); ok {
		v = []any{m}
	}
	all, err := list(v, expectedKey)
	if err != nil {
		return nil, err
	}
	out := make([]gennaker.ExpectedArtifact, len(all))
	for i, v := range all {
		if out[i], err = gennaker.ExpectedArtifactOf(v); err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", expectedKey, i, err)
		}
	}
	return out, nil
}

// Open returns artifacts as open JSON.
func Open[A interface{ Map() map[string]any }](list []A) []any {
	out := make([]any, len(list))
	for i, a := range list {
		out[i] = a.Map()
	}
	return out
}

func artifacts(v any, path string) ([]gennaker.Artifact, error) {
	all, err := list(v, path)
	if err != nil {
		return nil, err
	}
	out := make([]gennaker.Artifact, len(all))
	for i, v := range all {
		if out[i], err = gennaker.ArtifactOf(v); err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", path, i, err)
		}
	}
	return out, nil
}

// list returns the elements of a list in open JSON; null is an empty one.
func list(v any, path string) ([]any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	case []map[string]any:
		out := make([]any, len(v))
		for i, m := range v {
			out[i] = m
		}
		return out, nil
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out, nil
	}
	return nil, gennaker.Errorf(gennaker.Invalid, "%s must be a list", path)
}

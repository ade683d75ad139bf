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
	received, err := artifacts(pipeline[receivedKey], receivedKey)
	if err != nil {
		return trigger, err
	}
	own, err := artifacts(trigger.Artifacts, "trigger.artifacts")
	if err != nil {
		return trigger, err
	}
	received = Distinct(append(received, own...))
	expected, err := Expected(pipeline[expectedKey])
	if err != nil {
		return trigger, err
	}
	ids, err := list(trigger.Other[expectedIDsKey], "trigger."+expectedIDsKey)
	if err != nil {
		return trigger, err
	}
	expected = slices.DeleteFunc(expected, func(e gennaker.ExpectedArtifact) bool {
		return !slices.Contains(ids, any(e.ID)) && !e.UseDefault && !e.UsePrior
	})
	found, err := Resolve(Request{Expected: expected, Candidates: received, Prior: prior, Unique: true})
	if err != nil {
		return trigger, err
	}
	out := trigger
	out.Artifacts = Maps(Distinct(append(received, found.Artifacts...)))
	out.Other = with(trigger.Other, map[string]any{expectedKey: Open(found.Expected), resolvedKey: Open(found.Expected)})
	return out, nil
}

// ForChild returns trigger, that of an execution which another one starts, with
// the expectedArtifactIds that ForTrigger asks for: those that the triggers of
// pipeline name for the pipeline with the ID parent, and those of its expected
// artifacts that one of the trigger's artifacts fits; each once. The trigger's
// artifacts are what the parent gave: of a stage bind.Artifacts, else All.
//
// Shape: pipeline is the document, open JSON; it is not changed, nor is trigger.
// Errors: Invalid if something is not of its type, or a pattern is no regular
// expression.
// Source: Orca DependentPipelineStarter.
func ForChild(pipeline map[string]any, parent string, trigger gennaker.Trigger) (gennaker.Trigger, error) {
	ids, err := triggerIDs(pipeline, parent)
	if err != nil {
		return trigger, err
	}
	received, err := artifacts(trigger.Artifacts, "trigger.artifacts")
	if err != nil {
		return trigger, err
	}
	expected, err := Expected(pipeline[expectedKey])
	if err != nil {
		return trigger, err
	}
	m := matcher{left: maxWork}
	for _, e := range expected {
		for _, a := range received {
			differs, err := m.differs(e.Match, a)
			if err != nil {
				return trigger, fmt.Errorf("expected artifact %s: %w", DescribeExpected(e), err)
			}
			if differs < 0 {
				ids = append(ids, e.ID)
				break
			}
		}
	}
	distinct := []any{}
	for _, id := range ids {
		if !slices.Contains(distinct, any(id)) {
			distinct = append(distinct, id)
		}
	}
	out := trigger
	out.Other = with(trigger.Other, map[string]any{expectedIDsKey: distinct})
	return out, nil
}

// triggerIDs returns the expectedArtifactIds of the triggers of pipeline that
// wait for the pipeline with the ID parent.
func triggerIDs(pipeline map[string]any, parent string) ([]string, error) {
	triggers, err := list(pipeline["triggers"], "triggers")
	if err != nil {
		return nil, err
	}
	var out []string
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
			if s, ok := id.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// with returns m with more keys.
func with(m, more map[string]any) map[string]any {
	out := make(map[string]any, len(m)+len(more))
	maps.Copy(out, m)
	maps.Copy(out, more)
	return out
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

// Maps returns artifacts as they stand in a gennaker.Trigger.
func Maps(list []gennaker.Artifact) []map[string]any {
	out := make([]map[string]any, len(list))
	for i, a := range list {
		out[i] = a.Map()
	}
	return out
}

// Open returns artifacts, or expected ones, as open JSON.
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

package match

import (
	"slices"

	"github.com/gennaker/gennaker"
)

// All returns the artifacts of an execution: what its top-level stages put out,
// those of the last stage first, each stage's in reverse, then those of its
// trigger. What is no artifact is left out, and so are the stages with the
// refId except, unless it is empty.
//
// Source: Orca ArtifactUtils.getAllArtifacts, getArtifactsForPipelineIdWithoutStageRef.
func All(x gennaker.Execution, except string) []gennaker.Artifact {
	var out []gennaker.Artifact
	for _, s := range inOrder(x.Stages) {
		if except == "" || s.RefID != except {
			out = append(out, readable(s.Outputs[artifactsKey], gennaker.ArtifactOf)...)
		}
	}
	slices.Reverse(out)
	return append(out, readable(x.Trigger.Artifacts, gennaker.ArtifactOf)...)
}

// Visible returns the artifacts that a stage sees: those in its context, those
// it put out, those that the stages upstream put out, nearest first, and the
// trigger's; each once. What is no artifact is left out.
//
// Source: Orca StageContext.getAll.
func Visible(own gennaker.Stage, upstream []gennaker.Stage, trigger gennaker.Trigger) []gennaker.Artifact {
	return Distinct(seen(own, upstream, artifactsKey, trigger.Artifacts, gennaker.ArtifactOf))
}

// VisibleExpected returns the expected artifacts that were resolved and that a
// stage sees, in the same order.
func VisibleExpected(own gennaker.Stage, upstream []gennaker.Stage, trigger gennaker.Trigger) []gennaker.ExpectedArtifact {
	return seen(own, upstream, resolvedKey, trigger.Other[resolvedKey], gennaker.ExpectedArtifactOf)
}

func seen[A any](own gennaker.Stage, upstream []gennaker.Stage, key string, last any, read func(any) (A, error)) []A {
	out := append(readable(own.Context[key], read), readable(own.Outputs[key], read)...)
	for _, s := range upstream {
		out = append(out, readable(s.Outputs[key], read)...)
	}
	return append(out, readable(last, read)...)
}

// readable returns what in a list can be read.
func readable[A any](v any, read func(any) (A, error)) (out []A) {
	all, err := list(v, "")
	if err != nil {
		return nil
	}
	for _, v := range all {
		if a, err := read(v); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// inOrder returns the top-level stages so that each comes behind its
// requisites: those that could run at the same time in the order in which they
// are listed.
func inOrder(stages []gennaker.Stage) []gennaker.Stage {
	left := slices.DeleteFunc(slices.Clone(stages), func(s gennaker.Stage) bool { return s.ParentStageID != "" })
	out := make([]gennaker.Stage, 0, len(left))
	done := map[string]bool{}
	for len(left) > 0 {
		var ready, waiting []gennaker.Stage
		for _, s := range left {
			if slices.ContainsFunc(s.Requires, func(ref string) bool { return !done[ref] }) {
				waiting = append(waiting, s)
			} else {
				ready = append(ready, s)
			}
		}
		if len(ready) == 0 { // a damaged document: requisites that do not exist
			return append(out, waiting...)
		}
		for _, s := range ready {
			done[s.RefID] = true
		}
		out, left = append(out, ready...), waiting
	}
	return out
}

package app_test

import (
	"encoding/base64"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
)

// Artifacts come from defaults, texts and earlier executions, are bound, and are
// given to a child.
func TestArtifacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := object{"id": "config", "matchArtifact": object{"type": "embedded/base64", "name": "config"}}
	evaluate := stage(1, "evaluateArtifacts", object{
		"artifactContents":  []object{{"id": "config", "name": "config", "contents": "tag: ${ parameters.tag }"}},
		"expectedArtifacts": []object{config},
	})
	w.save("make", object{
		"id": "make-id",
		"expectedArtifacts": []object{{
			"id": "chart", "matchArtifact": object{"type": "helm/chart"}, "usePriorArtifact": true, "useDefaultArtifact": true,
			"defaultArtifact": object{"type": "helm/chart", "name": "shop", "version": "${ parameters.tag }"},
		}},
	}, evaluate, stage(2, "pipeline", object{"application": "demo", "pipeline": "child"}))
	w.save("child", object{"id": "child-id", "expectedArtifacts": []object{
		{"id": "c", "matchArtifact": object{"name": "config"}},
		{"id": "other", "matchArtifact": object{"name": "other"}},
	}}, stage(1, "noop", nil))
	x := w.ended(w.begin("make", object{"tag": "v7"}), gennaker.Succeeded)
	if a := x.Trigger.Artifacts; len(a) != 1 || a[0]["version"] != "v7" {
		t.Errorf("trigger.artifacts are %v, want the default of this run", a)
	}
	id, _ := x.Stages[1].Context["executionId"].(string)
	child := w.ended(id, gennaker.Succeeded)
	bound, _ := child.Trigger.Other["resolvedExpectedArtifacts"].([]any)
	if len(bound) != 1 || len(child.Trigger.Artifacts) != 2 {
		t.Fatalf("the child has %v, bound %v", child.Trigger.Artifacts, bound)
	}
	e, err := gennaker.ExpectedArtifactOf(bound[0])
	if err != nil || e.ID != "c" || e.Bound.Reference != base64.StdEncoding.EncodeToString([]byte("tag: v7")) {
		t.Errorf("bound in the child: %+v, %v", e, err)
	}

	w.save("find", object{"id": "find-id"}, stage(1, "findArtifactFromExecution", object{
		"pipeline": "make-id", "executionOptions": object{"successful": true},
		"expectedArtifacts": []object{config, {"id": "chart", "matchArtifact": object{"type": "helm/.*"}}},
	}))
	x = w.ended(w.begin("find", nil), gennaker.Succeeded)
	if got, _ := x.Stages[0].Outputs["artifacts"].([]any); len(got) != 2 {
		t.Errorf("found %v, want the text and the chart", got)
	}
	w.save("lost", object{"id": "lost-id"}, stage(1, "findArtifactFromExecution", object{
		"pipeline": "make-id", "expectedArtifacts": []object{{"matchArtifact": object{"type": "helm/chart", "version": "2"}}},
	}))
	w.ended(w.begin("lost", nil), gennaker.Terminal)
	w.save("strict", object{"id": "strict-id", "expectedArtifacts": []object{{"id": "x", "matchArtifact": object{"name": "x"}, "usePriorArtifact": true}}}, stage(1, "noop", nil))
	_, err = w.StartPipeline(w.ctx, "demo", "strict", client.Start{})
	refused(t, err, gennaker.Invalid, `Unmatched expected artifact "x" could not be resolved.`)
}

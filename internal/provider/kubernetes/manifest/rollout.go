package manifest

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/gennaker/gennaker"
)

// MaxReplicas bounds what a workload is scaled to.
const MaxReplicas = 100_000

// CheckScale reports whether objects of a kind can be scaled to so many
// replicas. A kind that is not in the table is left to the cluster.
//
// Errors: Invalid.
func CheckScale(kind Kind, replicas int) error {
	switch {
	case kind.Plural != "" && !kind.Scales:
		return gennaker.Errorf(gennaker.Invalid, "a %s has no replicas to scale", kind).
			WithHint("scale a Deployment, a ReplicaSet or a StatefulSet")
	case replicas < 0 || replicas > MaxReplicas:
		return gennaker.Errorf(gennaker.Invalid, "%d replicas are not possible", replicas).
			WithHint("choose a number from 0 to %d", MaxReplicas)
	}
	return nil
}

// CheckRollout reports whether objects of a kind have rollouts that can be
// undone, restarted, paused and resumed.
//
// Errors: Invalid.
func CheckRollout(kind Kind) error {
	if !kind.Rolls {
		return gennaker.Errorf(gennaker.Invalid, "a %s has no rollouts", kind).
			WithHint("choose a Deployment, a DaemonSet or a StatefulSet")
	}
	return nil
}

// RevisionOf returns the number of what a workload once was: a ReplicaSet of a
// Deployment, or a ControllerRevision. ok is false of anything else.
func RevisionOf(m gennaker.Manifest) (n int, ok bool) {
	if text(m, "kind") == "ControllerRevision" {
		i, ok := integer(m, "revision")
		return int(i), ok
	}
	n, err := strconv.Atoi(Annotations(m)[RevisionAnnotation])
	return n, err == nil && n > 0
}

// PickRevision returns the member of history that a rollback means: revision to
// if it is not 0, else the one that is back revisions before the newest; 0 means
// 1.
//
// Errors: Invalid if there is none.
// Source: strategies, B7; clouddriver-kubernetes KubernetesUndoRolloutManifestOperation.
func PickRevision(history []gennaker.Manifest, back, to int) (gennaker.Manifest, error) {
	byNumber := map[int]gennaker.Manifest{}
	var numbers []int
	for _, m := range history {
		if n, ok := RevisionOf(m); ok {
			if _, twice := byNumber[n]; !twice {
				numbers = append(numbers, n)
			}
			byNumber[n] = m
		}
	}
	slices.Sort(numbers)
	if to != 0 {
		m, ok := byNumber[to]
		if !ok {
			return nil, gennaker.Errorf(gennaker.Invalid, "there is no revision %d", to).WithHint("the revisions are %v", numbers)
		}
		return m, nil
	}
	if back == 0 {
		back = 1
	}
	i := len(numbers) - back - 1
	if back < 0 || i < 0 {
		return nil, gennaker.Errorf(gennaker.Invalid, "There are %d revision(s) in total, cannot rollback %d", len(numbers), back).
			WithHint("the revisions are %v; spec.revisionHistoryLimit says how many are kept", numbers)
	}
	return byNumber[numbers[i]], nil
}

// Patch is a change as an API server takes it.
type Patch struct {
	Strategy string // strategic, merge or json, as patchManifest names them
	Body     []byte
}

// UndoPatch returns the patch that makes a workload what a member of its history
// was: its pod template, and nothing else. It is empty if it is so already.
//
// Errors: Invalid for a paused Deployment, which would not follow, or a revision
// that holds no template.
func UndoPatch(workload, revision gennaker.Manifest) (Patch, error) {
	if err := CheckRollout(KindOf(workload)); err != nil {
		return Patch{}, err
	}
	if paused, _ := field[bool](workload, "spec", "paused"); paused {
		return Patch{}, gennaker.Errorf(gennaker.Invalid, "%s is paused, and would not roll back", describe(workload)).WithHint("resume its rollout first")
	}
	source := revision
	if text(revision, "kind") == "ControllerRevision" {
		source, _ = field[map[string]any](revision, "data")
	}
	template, ok := field[map[string]any](source, "spec", "template")
	if !ok {
		return Patch{}, gennaker.Errorf(gennaker.Invalid, "%s holds no pod template", describe(revision))
	}
	template = Clone(template)
	delete(template, "$patch") // the directive with which controllers apply it
	if labels, ok := field[map[string]any](template, "metadata", "labels"); ok {
		delete(labels, "pod-template-hash")
	}
	was, _ := field[map[string]any](workload, "spec", "template")
	if Digest(was) == Digest(template) && sameJSON(was["metadata"], template["metadata"]) {
		return Patch{Strategy: "json", Body: []byte("[]")}, nil
	}
	return jsonPatch(PatchOperation{Op: "replace", Path: "/spec/template", Value: template})
}

func sameJSON(a, b any) bool {
	return Digest(gennaker.Manifest{"": a}) == Digest(gennaker.Manifest{"": b})
}

func jsonPatch(ops ...PatchOperation) (Patch, error) {
	b, err := json.Marshal(ops)
	if err != nil {
		return Patch{}, gennaker.Errorf(gennaker.Invalid, "write the patch: %w", err)
	}
	return Patch{Strategy: "json", Body: b}, nil
}

// RestartPatch returns the patch that makes a workload replace its pods: at, any
// text that is new, as kubectl writes a time, goes into the pod template. One key
// of an operation must give one text.
//
// Errors: Invalid for a kind that does not roll, or a paused Deployment.
func RestartPatch(workload gennaker.Manifest, at string) (Patch, error) {
	if err := CheckRollout(KindOf(workload)); err != nil {
		return Patch{}, err
	}
	if paused, _ := field[bool](workload, "spec", "paused"); paused {
		return Patch{}, gennaker.Errorf(gennaker.Invalid, "%s is paused, and would not restart", describe(workload)).WithHint("resume its rollout first")
	}
	b, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
		"annotations": map[string]any{RestartedAnnotation: at},
	}}}})
	if err != nil {
		return Patch{}, gennaker.Errorf(gennaker.Invalid, "write the patch: %w", err)
	}
	return Patch{Strategy: "merge", Body: b}, nil
}

package manifest

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gennaker/gennaker"
)

// Why an object is not stable, in Spinnaker's words: pipelines compare them.
const (
	noStatus          = "No status reported yet"
	noAvailability    = "No availability reported"
	oldGeneration     = "Waiting for status generation to match updated object generation"
	waitUpdated       = "Waiting for all replicas to be updated"
	waitOld           = "Waiting for old replicas to finish termination"
	waitAvailable     = "Waiting for all replicas to be available"
	waitReady         = "Waiting for all replicas to be ready"
	waitLabeled       = "Waiting for all replicas to be fully-labeled"
	waitScheduled     = "Waiting for all replicas to be scheduled"
	waitUpdScheduled  = "Waiting for all updated replicas to be scheduled"
	waitUpdReady      = "Waiting for all updated replicas to be ready"
	waitCount         = "Waiting for at least the desired replica count to be met"
	waitPartition     = "Waiting for partitioned roll out to finish"
	partitionDone     = "Partitioned roll out complete"
	waitRevision      = "Waiting for the updated revision to match the current revision"
	waitReplicaSet    = "Waiting for replicaset spec update to be observed"
	waitJob           = "Waiting for jobs to finish"
	deadlineExceeded  = "Deployment exceeded its progress deadline"
	podPending        = "Pod is pending"
	podFailed         = "Pod has failed"
	podUnknown        = "Pod phase is unknown"
	waitGatewayParent = "Waiting for a gateway to accept the route"
)

// StatusOf returns how far an object, as the cluster has it, has got. Stable is
// what a deployment waits for; Failed ends the wait.
//
// Source: strategies, B6; the handlers of clouddriver-kubernetes. Kinds that
// Spinnaker does not know are stable there at once; here when kstatus says that
// they are: their controller has seen this generation, and none of the conditions
// Ready, Reconciling and Stalled says otherwise. So are definitions of custom
// resources, once their names are established. Gateways are stable when they are
// programmed, routes when every gateway that has spoken has accepted them, and at
// least one has. A Job that says that it is complete is, though fewer pods
// succeeded than it names.
func StatusOf(m gennaker.Manifest) gennaker.ManifestStatus {
	kind := KindOf(m)
	if kind.Plural == "" {
		return otherStatus(m)
	}
	switch kind.Name {
	case "Deployment":
		return deploymentStatus(m)
	case "ReplicaSet":
		return replicaSetStatus(m)
	case "StatefulSet":
		return statefulSetStatus(m)
	case "DaemonSet":
		return daemonSetStatus(m)
	case "Job":
		return jobStatus(m)
	case "Pod":
		return podStatus(m)
	case "HorizontalPodAutoscaler":
		return autoscalerStatus(m)
	case "Gateway":
		return gatewayStatus(m)
	case "HTTPRoute":
		return routeStatus(m)
	case "CustomResourceDefinition":
		return otherStatus(m)
	}
	return stable()
}

func stable() gennaker.ManifestStatus {
	return gennaker.ManifestStatus{
		Stable:    gennaker.ManifestCondition{State: true},
		Available: gennaker.ManifestCondition{State: true},
	}
}

// unstable is available still, unlike unavailable.
func unstable(message string) gennaker.ManifestStatus {
	s := stable()
	s.Stable = gennaker.ManifestCondition{Message: message}
	return s
}

func unavailable(message string) gennaker.ManifestStatus {
	s := unstable(message)
	s.Available = gennaker.ManifestCondition{Message: message}
	return s
}

func noneReported() gennaker.ManifestStatus {
	s := unstable(noStatus)
	s.Available = gennaker.ManifestCondition{Message: noAvailability}
	return s
}

// statusField returns the status of an object.
func statusField(m gennaker.Manifest) (map[string]any, bool) {
	return field[map[string]any](m, "status")
}

// observed reports whether the status is about the object as it is.
func observed(m gennaker.Manifest) bool {
	got, ok := integer(m, "status", "observedGeneration")
	want, _ := integer(m, "metadata", "generation")
	return ok && got == want
}

// count returns a number of the status, 0 if it is not there.
func count(m map[string]any, path ...string) int64 {
	n, _ := integer(m, path...)
	return n
}

// condition returns the condition of a type.
func condition(in map[string]any, kind string) (c map[string]any, ok bool) {
	for _, c := range maplist(in, "conditions") {
		if strings.EqualFold(text(c, "type"), kind) {
			return c, true
		}
	}
	return nil, false
}

// is reports whether a condition has a value: True, False, Unknown.
func is(c map[string]any, value string) bool { return strings.EqualFold(text(c, "status"), value) }

func deploymentStatus(m gennaker.Manifest) gennaker.ManifestStatus {
	st, ok := statusField(m)
	if !ok {
		return noneReported()
	}
	if !observed(m) {
		return unstable(oldGeneration)
	}
	out := stable()
	for _, c := range maplist(st, "conditions") {
		if strings.EqualFold(text(c, "reason"), "DeploymentPaused") {
			out.Paused = gennaker.ManifestCondition{State: true, Message: text(c, "message")}
		}
	}
	if c, ok := condition(st, "Available"); ok && is(c, "False") {
		out.Stable = gennaker.ManifestCondition{Message: text(c, "message")}
		out.Available = out.Stable
	}
	if c, ok := condition(st, "Progressing"); ok && strings.EqualFold(text(c, "reason"), "ProgressDeadlineExceeded") {
		out.Failed = gennaker.ManifestCondition{State: true, Message: deadlineExceeded}
	}
	desired, updated := count(m, "spec", "replicas"), count(st, "updatedReplicas")
	wait := ""
	switch {
	case updated < desired:
		wait = waitUpdated
	case count(st, "replicas") > updated:
		wait = waitOld
	case count(st, "availableReplicas") < desired:
		wait = waitAvailable
	case count(st, "readyReplicas") < desired:
		wait = waitReady
	}
	if wait != "" {
		out.Stable = gennaker.ManifestCondition{Message: wait}
	}
	return out
}

func replicaSetStatus(m gennaker.Manifest) gennaker.ManifestStatus {
	st, ok := statusField(m)
	desired := count(m, "spec", "replicas")
	switch {
	case !ok:
		return noneReported()
	case count(st, "fullyLabeledReplicas") < desired:
		return unavailable(waitLabeled)
	case count(st, "readyReplicas") < desired:
		return unavailable(waitReady)
	case count(st, "availableReplicas") < desired:
		return unavailable(waitAvailable)
	case !observed(m):
		return unstable(waitReplicaSet)
	}
	return stable()
}

func statefulSetStatus(m gennaker.Manifest) gennaker.ManifestStatus {
	update, _ := field[map[string]any](m, "spec", "updateStrategy")
	if strings.EqualFold(text(update, "type"), "OnDelete") {
		return stable()
	}
	st, ok := statusField(m)
	desired, replicas := count(m, "spec", "replicas"), count(st, "replicas")
	switch {
	case !ok:
		return noneReported()
	case !observed(m):
		return unstable(oldGeneration)
	case replicas < desired:
		return unstable(waitCount)
	case count(st, "readyReplicas") < desired:
		return unstable(waitUpdReady)
	}
	updated, counted := integer(st, "updatedReplicas")
	if rolling, ok := field[map[string]any](update, "rollingUpdate"); ok && counted && strings.EqualFold(text(update, "type"), "RollingUpdate") {
		if partition, ok := integer(rolling, "partition"); ok && updated < replicas-partition {
			return unstable(waitPartition)
		}
		s := stable()
		s.Stable.Message = partitionDone
		return s
	}
	switch {
	case count(st, "currentReplicas") < desired:
		return unstable(waitUpdScheduled)
	case text(st, "currentRevision") != text(st, "updateRevision"):
		return unstable(waitRevision)
	}
	return stable()
}

func daemonSetStatus(m gennaker.Manifest) gennaker.ManifestStatus {
	st, ok := statusField(m)
	desired := count(st, "desiredNumberScheduled")
	switch {
	case !ok:
		return noneReported()
	case !observed(m):
		return unstable(oldGeneration)
	case strings.EqualFold(text(m, "spec", "updateStrategy", "type"), "OnDelete"):
		return stable()
	case count(st, "currentNumberScheduled") < desired:
		return unstable(waitScheduled)
	case count(st, "updatedNumberScheduled") < desired:
		return unstable(waitUpdScheduled)
	case count(st, "numberAvailable") < desired:
		return unstable(waitAvailable)
	case count(st, "numberReady") < desired:
		return unstable(waitReady)
	}
	return stable()
}

func jobStatus(m gennaker.Manifest) gennaker.ManifestStatus {
	st, ok := statusField(m)
	if !ok {
		return noneReported()
	}
	completions, ok := integer(m, "spec", "completions")
	if !ok {
		completions = 1
	}
	if count(st, "succeeded") >= completions {
		return stable()
	}
	if c, ok := condition(st, "Failed"); ok && is(c, "True") {
		out := stable()
		out.Failed = gennaker.ManifestCondition{State: true, Message: text(c, "message")}
		return out
	}
	if c, ok := condition(st, "Complete"); ok && is(c, "True") {
		return stable()
	}
	return unstable(waitJob)
}

func podStatus(m gennaker.Manifest) gennaker.ManifestStatus {
	st, ok := statusField(m)
	if !ok {
		return noneReported()
	}
	switch text(st, "phase") {
	case "Running", "Succeeded":
		return stable()
	case "Pending":
		return unavailable(podPending)
	case "Failed":
		return unavailable(podFailed)
	}
	return unavailable(podUnknown)
}

// autoscalerStatus waits while the scale is on its way, but not for one that
// cannot be worked out, as where no metrics are served.
func autoscalerStatus(m gennaker.Manifest) gennaker.ManifestStatus {
	st, _ := statusField(m)
	if c, ok := condition(st, "ScalingActive"); ok && is(c, "False") {
		return stable()
	}
	desired, current := count(st, "desiredReplicas"), count(st, "currentReplicas")
	direction := "up"
	switch {
	case desired == current:
		return stable()
	case desired < current:
		direction = "down"
	}
	return unstable(fmt.Sprintf("Waiting for HPA to complete a scale %s, current: %d desired: %d", direction, current, desired))
}

// current reports whether a condition is True and about this generation.
func current(m gennaker.Manifest, c map[string]any) bool {
	generation, _ := integer(m, "metadata", "generation")
	seen, ok := integer(c, "observedGeneration")
	return is(c, "True") && (!ok || seen >= generation)
}

func gatewayStatus(m gennaker.Manifest) gennaker.ManifestStatus {
	st, ok := statusField(m)
	if !ok {
		return noneReported()
	}
	for _, kind := range []string{"Accepted", "Programmed"} {
		if c, ok := condition(st, kind); !ok || !current(m, c) {
			return unavailable(cmp.Or(text(c, "message"), "Waiting for the gateway to be "+strings.ToLower(kind)))
		}
	}
	return stable()
}

func routeStatus(m gennaker.Manifest) gennaker.ManifestStatus {
	parents := maplist(m, "status", "parents")
	if len(parents) == 0 {
		return unavailable(waitGatewayParent)
	}
	for _, p := range parents {
		for _, kind := range []string{"Accepted", "ResolvedRefs"} {
			if c, ok := condition(p, kind); !ok || !current(m, c) {
				return unavailable(cmp.Or(text(c, "message"), waitGatewayParent))
			}
		}
	}
	return stable()
}

// otherStatus asks kstatus.
func otherStatus(m gennaker.Manifest) gennaker.ManifestStatus {
	object, err := Normalize(m)
	if err != nil {
		return unstable(err.Error())
	}
	r, err := status.Compute(&unstructured.Unstructured{Object: object})
	if err != nil {
		return unstable(fmt.Sprintf("The status cannot be read: %v", err))
	}
	switch r.Status {
	case status.CurrentStatus:
		return stable()
	case status.FailedStatus:
		out := unavailable(r.Message)
		out.Failed = gennaker.ManifestCondition{State: true, Message: r.Message}
		return out
	default:
		return unstable(r.Message)
	}
}

// Package slim strips Kubernetes objects of what nobody asks an inventory for, so
// that an index of many fits into memory.
package slim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Bounds of what is kept of one object, in bytes.
const (
	maxAnnotation = 4 << 10
	maxMessage    = 1 << 10
)

// ChangedAt is the annotation in which an EndpointSlice keeps, for us alone,
// when its controller last wrote it, as RFC 3339 has it: its managed fields are
// not kept.
const ChangedAt = "gennaker.io/changed-at"

// Object strips an object, in place, of what the index has no use for: managed
// fields, annotations of others, environments, specs. What is slim stays as it
// is. It is a cache.TransformFunc.
//
// Errors: for what is no object.
func Object(obj any) (any, error) {
	m, err := meta.Accessor(obj)
	if err != nil {
		return nil, fmt.Errorf("strip an object: %w", err)
	}
	if s, ok := obj.(*discoveryv1.EndpointSlice); ok {
		slimSlice(s)
	}
	m.SetManagedFields(nil)
	m.SetSelfLink("")
	m.SetGenerateName("")
	m.SetAnnotations(slimAnnotations(m.GetAnnotations()))
	switch o := obj.(type) {
	case *corev1.Pod:
		slimPod(o)
	case *corev1.Service:
		o.Status.Conditions = nil
	case *corev1.Event:
		o.Message = cut(o.Message)
		o.Source, o.ReportingInstance = corev1.EventSource{Component: o.Source.Component}, ""
	case *corev1.PersistentVolumeClaim:
		o.Spec = corev1.PersistentVolumeClaimSpec{StorageClassName: o.Spec.StorageClassName, VolumeName: o.Spec.VolumeName}
		o.Status = corev1.PersistentVolumeClaimStatus{Phase: o.Status.Phase}
	case *appsv1.ReplicaSet:
		slimTemplate(&o.Spec.Template)
	case *appsv1.StatefulSet:
		slimTemplate(&o.Spec.Template)
		o.Spec.VolumeClaimTemplates = nil
	case *appsv1.DaemonSet:
		slimTemplate(&o.Spec.Template)
	case *appsv1.Deployment:
		slimTemplate(&o.Spec.Template)
	case *batchv1.Job:
		slimTemplate(&o.Spec.Template)
		o.Status.UncountedTerminatedPods = nil
	case *batchv1.CronJob:
		slimTemplate(&o.Spec.JobTemplate.Spec.Template)
		o.Spec.JobTemplate.ObjectMeta = metav1.ObjectMeta{}
	case *autoscalingv2.HorizontalPodAutoscaler:
		o.Spec.Metrics, o.Spec.Behavior, o.Status.CurrentMetrics = nil, nil, nil
	case *networkingv1.Ingress:
		o.Spec.TLS = nil
	case *gatewayv1.HTTPRoute:
		for r := range o.Spec.Rules {
			o.Spec.Rules[r] = gatewayv1.HTTPRouteRule{Name: o.Spec.Rules[r].Name, BackendRefs: slimBackends(o.Spec.Rules[r].BackendRefs)}
		}
		o.Status = gatewayv1.HTTPRouteStatus{}
	}
	return obj, nil
}

// slimAnnotations keeps what Spinnaker, Gennaker and rollouts write.
func slimAnnotations(all map[string]string) map[string]string {
	var out map[string]string
	for k, v := range all {
		domain, _, _ := strings.Cut(k, "/")
		ours := strings.HasSuffix(domain, "spinnaker.io") || strings.HasSuffix(domain, "gennaker.io") || domain == "deployment.kubernetes.io"
		if !ours || len(v) > maxAnnotation {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[k] = v
	}
	return out
}

// slimPod keeps of the spec where it runs and what it mounts; its containers
// are in the status, and in the template of its owner.
func slimPod(p *corev1.Pod) {
	var volumes []corev1.Volume
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			volumes = append(volumes, v)
		}
	}
	p.Spec = corev1.PodSpec{
		NodeName: p.Spec.NodeName, HostNetwork: p.Spec.HostNetwork, RestartPolicy: p.Spec.RestartPolicy,
		Volumes: volumes, ReadinessGates: p.Spec.ReadinessGates,
	}
	s := &p.Status
	p.Status = corev1.PodStatus{
		Phase: s.Phase, Conditions: slimConditions(s.Conditions, p.Spec.ReadinessGates), Message: cut(s.Message), Reason: s.Reason,
		PodIP: s.PodIP, PodIPs: s.PodIPs, StartTime: s.StartTime,
		InitContainerStatuses: slimContainers(s.InitContainerStatuses), ContainerStatuses: slimContainers(s.ContainerStatuses),
	}
	if len(p.Status.PodIPs) == 1 {
		p.Status.PodIPs = nil // it is PodIP
	}
}

// slimConditions keeps whether a pod is ready, and what may say why it is not.
func slimConditions(all []corev1.PodCondition, gates []corev1.PodReadinessGate) []corev1.PodCondition {
	var out []corev1.PodCondition
	for _, c := range all {
		gate := slices.ContainsFunc(gates, func(g corev1.PodReadinessGate) bool { return g.ConditionType == c.Type })
		usual := c.Type == corev1.PodInitialized || c.Type == corev1.ContainersReady || c.Status == corev1.ConditionTrue
		if c.Type != corev1.PodReady && !gate && usual {
			continue
		}
		c.Message = cut(c.Message)
		out = append(out, c)
	}
	return slices.Clip(out)
}

func slimContainers(all []corev1.ContainerStatus) []corev1.ContainerStatus {
	out := make([]corev1.ContainerStatus, len(all))
	for i, c := range all {
		out[i] = corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: c.Ready, Started: c.Started, RestartCount: c.RestartCount,
			State: slimState(c.State), LastTerminationState: slimState(c.LastTerminationState),
		}
	}
	return out
}

func slimState(s corev1.ContainerState) corev1.ContainerState {
	if s.Waiting != nil {
		s.Waiting.Message = cut(s.Waiting.Message)
	}
	if s.Terminated != nil {
		s.Terminated.Message, s.Terminated.ContainerID = cut(s.Terminated.Message), ""
	}
	return s
}

// slimTemplate keeps what selects, and the images.
func slimTemplate(t *corev1.PodTemplateSpec) {
	containers := func(all []corev1.Container) []corev1.Container {
		out := make([]corev1.Container, len(all))
		for i, c := range all {
			out[i] = corev1.Container{Name: c.Name, Image: c.Image}
		}
		return out
	}
	t.ObjectMeta = metav1.ObjectMeta{Labels: t.Labels}
	t.Spec = corev1.PodSpec{
		Containers: containers(t.Spec.Containers), InitContainers: containers(t.Spec.InitContainers),
		TerminationGracePeriodSeconds: t.Spec.TerminationGracePeriodSeconds,
	}
}

func slimBackends(all []gatewayv1.HTTPBackendRef) []gatewayv1.HTTPBackendRef {
	out := make([]gatewayv1.HTTPBackendRef, len(all))
	for i, b := range all {
		out[i] = gatewayv1.HTTPBackendRef{BackendRef: b.BackendRef}
	}
	return out
}

func slimSlice(s *discoveryv1.EndpointSlice) {
	var last time.Time
	for _, f := range s.ManagedFields {
		if f.Time != nil && f.Time.After(last) {
			last = f.Time.Time
		}
	}
	if !last.IsZero() {
		if s.Annotations == nil {
			s.Annotations = map[string]string{}
		}
		s.Annotations[ChangedAt] = last.UTC().Format(time.RFC3339)
	}
	for i, e := range s.Endpoints {
		thin := discoveryv1.Endpoint{Conditions: e.Conditions}
		if e.TargetRef != nil && e.TargetRef.Kind == "Pod" {
			thin.TargetRef = &corev1.ObjectReference{Kind: e.TargetRef.Kind, Name: e.TargetRef.Name}
			thin.TargetRef.Namespace = cmp.Or(e.TargetRef.Namespace, s.Namespace)
		} else {
			thin.Addresses = e.Addresses
		}
		s.Endpoints[i] = thin
	}
	s.Endpoints = slices.Clip(s.Endpoints)
	s.Ports = nil
}

// cut bounds a message.
func cut(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage], "") + "…"
}

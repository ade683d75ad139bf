package inventory

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// The kinds that the model is made of.
var (
	podKind         = schema.GroupKind{Kind: "Pod"}
	serviceKind     = schema.GroupKind{Kind: "Service"}
	eventKind       = schema.GroupKind{Kind: "Event"}
	claimKind       = schema.GroupKind{Kind: "PersistentVolumeClaim"}
	replicaSetKind  = schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	statefulSetKind = schema.GroupKind{Group: "apps", Kind: "StatefulSet"}
	daemonSetKind   = schema.GroupKind{Group: "apps", Kind: "DaemonSet"}
	deploymentKind  = schema.GroupKind{Group: "apps", Kind: "Deployment"}
	jobKind         = schema.GroupKind{Group: "batch", Kind: "Job"}
	cronJobKind     = schema.GroupKind{Group: "batch", Kind: "CronJob"}
	scalerKind      = schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}
	sliceKind       = schema.GroupKind{Group: "discovery.k8s.io", Kind: "EndpointSlice"}
	ingressKind     = schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}
	policyKind      = schema.GroupKind{Group: "networking.k8s.io", Kind: "NetworkPolicy"}
	routeKind       = schema.GroupKind{Group: gatewayv1.GroupName, Kind: "HTTPRoute"}
	crdKind         = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
)

// typed is a kind that is held as its own type, not as metadata alone.
type typed struct {
	version string
	example func() runtime.Object
	fields  string // field selector of what is watched
}

var typedKinds = map[schema.GroupKind]typed{
	podKind:         {"v1", func() runtime.Object { return &corev1.Pod{} }, ""},
	serviceKind:     {"v1", func() runtime.Object { return &corev1.Service{} }, ""},
	eventKind:       {"v1", func() runtime.Object { return &corev1.Event{} }, "type=Warning"},
	claimKind:       {"v1", func() runtime.Object { return &corev1.PersistentVolumeClaim{} }, ""},
	replicaSetKind:  {"v1", func() runtime.Object { return &appsv1.ReplicaSet{} }, ""},
	statefulSetKind: {"v1", func() runtime.Object { return &appsv1.StatefulSet{} }, ""},
	daemonSetKind:   {"v1", func() runtime.Object { return &appsv1.DaemonSet{} }, ""},
	deploymentKind:  {"v1", func() runtime.Object { return &appsv1.Deployment{} }, ""},
	jobKind:         {"v1", func() runtime.Object { return &batchv1.Job{} }, ""},
	cronJobKind:     {"v1", func() runtime.Object { return &batchv1.CronJob{} }, ""},
	scalerKind:      {"v2", func() runtime.Object { return &autoscalingv2.HorizontalPodAutoscaler{} }, ""},
	sliceKind:       {"v1", func() runtime.Object { return &discoveryv1.EndpointSlice{} }, ""},
	ingressKind:     {"v1", func() runtime.Object { return &networkingv1.Ingress{} }, ""},
	policyKind:      {"v1", func() runtime.Object { return &networkingv1.NetworkPolicy{} }, ""},
	routeKind:       {"v1", func() runtime.Object { return &gatewayv1.HTTPRoute{} }, ""},
}

// noise is the kinds that nobody asks for and that change all the time: what
// other objects say as well, or what only machines read.
var noise = []schema.GroupKind{
	{Group: "events.k8s.io", Kind: "Event"},
	{Group: "coordination.k8s.io", Kind: "Lease"},
	{Group: "coordination.k8s.io", Kind: "LeaseCandidate"},
	{Kind: "Endpoints"},
	{Kind: "ComponentStatus"},
	{Group: "flowcontrol.apiserver.k8s.io", Kind: "FlowSchema"},
	{Group: "flowcontrol.apiserver.k8s.io", Kind: "PriorityLevelConfiguration"},
	{Group: "storage.k8s.io", Kind: "CSIStorageCapacity"},
	{Group: "storage.k8s.io", Kind: "VolumeAttachment"},
	{Group: "internal.apiserver.k8s.io", Kind: "StorageVersion"},
}

// serverGroupKinds are what Spinnaker takes for server groups.
var serverGroupKinds = []schema.GroupKind{replicaSetKind, statefulSetKind, daemonSetKind, jobKind, cronJobKind}

// resource is a kind as the cluster serves it.
type resource struct {
	gvr        schema.GroupVersionResource
	kind       schema.GroupKind
	namespaced bool
	typed      *typed // nil is metadata only
}

// choose returns what of the cluster's resources to watch: each in the version
// that the model reads, else in the one that is watched already, else in the
// preferred one.
func choose(lists []*metav1.APIResourceList, cfg Config, watched map[schema.GroupResource]string) map[schema.GroupResource]resource {
	out := map[schema.GroupResource]resource{}
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range l.APIResources {
			res := resource{gvr: gv.WithResource(r.Name), kind: schema.GroupKind{Group: gv.Group, Kind: r.Kind}, namespaced: r.Namespaced}
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") || !slices.Contains(r.Verbs, "watch") {
				continue
			}
			t, needed := typedKinds[res.kind]
			if needed && t.version == gv.Version {
				res.typed = &t
			}
			other, found := out[res.gvr.GroupResource()]
			better := res.typed != nil || other.typed == nil && gv.Version == watched[res.gvr.GroupResource()]
			if found && !better || !cfg.wants(res.kind, needed) {
				continue // versions come with the preferred one first
			}
			out[res.gvr.GroupResource()] = res
		}
	}
	return out
}

// wants returns whether a kind is to be watched. An account that has only some
// kinds needs what the model is made of all the same.
func (c Config) wants(kind schema.GroupKind, needed bool) bool {
	named := func(list []string) bool {
		return slices.ContainsFunc(list, func(name string) bool { return sameKind(name, kind) })
	}
	switch {
	case named(c.OmitKinds) || slices.Contains(noise, kind):
		return false
	case needed || kind == crdKind:
		return true
	}
	return len(c.Kinds) == 0 || named(c.Kinds)
}

// sameKind returns whether a name, "ReplicaSet", "replicaSet" or
// "gadget.example.com", means kind.
func sameKind(name string, kind schema.GroupKind) bool {
	k, group, qualified := strings.Cut(name, ".")
	return strings.EqualFold(k, kind.Kind) && (!qualified || strings.EqualFold(group, kind.Group))
}

// builtIn returns whether the API server itself answers for the resource, so
// that it is the server who is away if there is no answer.
func (r resource) builtIn() bool { return r.typed != nil && r.kind.Group != gatewayv1.GroupName }

package manifest

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// Class is what Spinnaker shows a kind as.
type Class string

// The classes.
const (
	ServerGroups        Class = "serverGroups"
	ServerGroupManagers Class = "serverGroupManagers"
	LoadBalancers       Class = "loadBalancers"
	SecurityGroups      Class = "securityGroups"
	Configs             Class = "configs"
	Instances           Class = "instances"
	Unclassified        Class = "unclassified"
)

// lowest is the priority of kinds that are not in the table: they are deployed
// last, behind what may define or serve them.
const lowest = 1000

// Kind is what is known of a kind of objects.
type Kind struct {
	Name       string   // as in objects: "ReplicaSet"
	Group      string   // of its API: "apps"; "" is the core
	Plural     string   // "replicasets"; "" of a kind that is not in the table
	Short      []string // "rs"
	Class      Class
	Priority   int    // of deployment: lower first, equal ones together
	Cluster    bool   // in no namespace; false of a kind that is not in the table
	Versioned  bool   // by default
	Scales     bool   // has replicas that scaleManifest sets
	Rolls      bool   // has rollouts that can be undone, restarted, paused
	MaxName    int    // longest name, in bytes
	Wire       string // Spinnaker's name of the kind, if it is not Name with a small letter
	pathNamed  bool   // the name may be anything that a URL's path can hold
	labelNamed bool   // the name is a DNS label
}

const (
	apps       = "apps"
	rbac       = "rbac.authorization.k8s.io"
	networking = "networking.k8s.io"
	storage    = "storage.k8s.io"
	policy     = "policy"
	admission  = "admissionregistration.k8s.io"
	gateways   = "gateway.networking.k8s.io"
)

// table holds the kinds that have a place in Spinnaker, in order of deployment,
// with those of the Gateway API beside the Ingress.
//
// Source: strategies, B2 and B3; the handlers of clouddriver-kubernetes.
var table = []Kind{
	{Name: "Namespace", Plural: "namespaces", Short: []string{"ns"}, Priority: 0, Cluster: true, MaxName: 63, labelNamed: true},
	{Name: "Role", Group: rbac, Plural: "roles", Priority: 20, pathNamed: true},
	{Name: "ClusterRole", Group: rbac, Plural: "clusterroles", Priority: 20, Cluster: true, pathNamed: true},
	{Name: "RoleBinding", Group: rbac, Plural: "rolebindings", Priority: 30, pathNamed: true},
	{Name: "ClusterRoleBinding", Group: rbac, Plural: "clusterrolebindings", Priority: 30, Cluster: true, pathNamed: true},
	{Name: "CustomResourceDefinition", Group: "apiextensions.k8s.io", Plural: "customresourcedefinitions", Short: []string{"crd", "crds"}, Priority: 30, Cluster: true},
	{Name: "ServiceAccount", Plural: "serviceaccounts", Short: []string{"sa"}, Priority: 40},
	{Name: "PersistentVolume", Plural: "persistentvolumes", Short: []string{"pv"}, Class: Configs, Priority: 40, Cluster: true},
	{Name: "StorageClass", Group: storage, Plural: "storageclasses", Short: []string{"sc"}, Priority: 40, Cluster: true},
	{Name: "MutatingWebhookConfiguration", Group: admission, Plural: "mutatingwebhookconfigurations", Priority: 40, Cluster: true},
	{Name: "ValidatingWebhookConfiguration", Group: admission, Plural: "validatingwebhookconfigurations", Priority: 40, Cluster: true},
	{Name: "ConfigMap", Plural: "configmaps", Short: []string{"cm"}, Class: Configs, Priority: 50, Versioned: true},
	{Name: "Secret", Plural: "secrets", Class: Configs, Priority: 50, Versioned: true},
	{Name: "PersistentVolumeClaim", Plural: "persistentvolumeclaims", Short: []string{"pvc"}, Class: Configs, Priority: 50},
	{Name: "Service", Plural: "services", Short: []string{"svc"}, Class: LoadBalancers, Priority: 70, MaxName: 63, labelNamed: true},
	{Name: "Ingress", Group: networking, Plural: "ingresses", Short: []string{"ing"}, Class: LoadBalancers, Priority: 70},
	{Name: "Gateway", Group: gateways, Plural: "gateways", Short: []string{"gtw"}, Class: LoadBalancers, Priority: 70},
	{Name: "HTTPRoute", Group: gateways, Plural: "httproutes", Class: LoadBalancers, Priority: 70, Wire: "httpRoute"},
	{Name: "NetworkPolicy", Group: networking, Plural: "networkpolicies", Short: []string{"netpol"}, Class: SecurityGroups, Priority: 70},
	{Name: "APIService", Group: "apiregistration.k8s.io", Plural: "apiservices", Priority: 80, Cluster: true, Wire: "apiService"},
	{Name: "LimitRange", Plural: "limitranges", Short: []string{"limits"}, Priority: 90},
	{Name: "PodPreset", Group: "settings.k8s.io", Plural: "podpresets", Priority: 90},
	{Name: "PodSecurityPolicy", Group: policy, Plural: "podsecuritypolicies", Short: []string{"psp"}, Priority: 90, Cluster: true},
	{Name: "PodDisruptionBudget", Group: policy, Plural: "poddisruptionbudgets", Short: []string{"pdb"}, Priority: 90},
	{Name: "Pod", Plural: "pods", Short: []string{"po"}, Class: Instances, Priority: 100, Versioned: true},
	{Name: "ReplicaSet", Group: apps, Plural: "replicasets", Short: []string{"rs"}, Class: ServerGroups, Priority: 100, Versioned: true, Scales: true},
	{Name: "Deployment", Group: apps, Plural: "deployments", Short: []string{"deploy"}, Class: ServerGroupManagers, Priority: 100, Scales: true, Rolls: true},
	{Name: "StatefulSet", Group: apps, Plural: "statefulsets", Short: []string{"sts"}, Class: ServerGroups, Priority: 100, Scales: true, Rolls: true},
	{Name: "DaemonSet", Group: apps, Plural: "daemonsets", Short: []string{"ds"}, Class: ServerGroups, Priority: 100, Rolls: true},
	{Name: "Job", Group: "batch", Plural: "jobs", Class: ServerGroups, Priority: 100, MaxName: 63},
	{Name: "CronJob", Group: "batch", Plural: "cronjobs", Short: []string{"cj"}, Class: ServerGroups, Priority: 100, MaxName: 52},
	{Name: "HorizontalPodAutoscaler", Group: "autoscaling", Plural: "horizontalpodautoscalers", Short: []string{"hpa"}, Priority: 110, Wire: "horizontalpodautoscaler"},
}

// Kinds returns the kinds of the table, in order of deployment.
func Kinds() []Kind {
	out := make([]Kind, len(table))
	for i, k := range table {
		out[i] = complete(k)
	}
	return out
}

func complete(k Kind) Kind {
	if k.Class == "" {
		k.Class = Unclassified
	}
	if k.MaxName == 0 {
		k.MaxName = 253
	}
	return k
}

// KindOf returns the kind of an object. One that is not in the table is
// unclassified, unversioned and deployed last.
func KindOf(m gennaker.Manifest) Kind {
	group, _, ok := strings.Cut(text(m, "apiVersion"), "/")
	if !ok {
		group = ""
	}
	return lookup(text(m, "kind"), group)
}

// Is reports whether an object is of one of these kinds of the table. A kind of
// the same name in another group is not: Volcano has a Job, Knative a Service.
func Is(m gennaker.Manifest, kinds ...string) bool {
	k := KindOf(m)
	return k.Plural != "" && slices.Contains(kinds, k.Name)
}

func lookup(name, group string) Kind {
	for _, k := range table {
		if k.Name == name && (k.Group == group || group == "extensions" && slices.Contains([]string{apps, networking, policy}, k.Group)) {
			return complete(k)
		}
	}
	return complete(Kind{Name: name, Group: group, Priority: lowest, pathNamed: true})
}

// LookupKind finds a kind by what users and Spinnaker call it, in any case: by
// name, plural or short name, and with a group behind it: "replicaSet", "rs",
// "gadget.example.com". A kind that is not in the table comes back as it was
// written, with known false: the cluster may have it.
func LookupKind(s string) (k Kind, known bool) {
	name, group, qualified := strings.Cut(strings.TrimSpace(s), ".")
	for _, k := range table {
		named := strings.EqualFold(k.Name, name) || strings.EqualFold(k.Plural, name) ||
			slices.ContainsFunc(k.Short, func(short string) bool { return strings.EqualFold(short, name) })
		if named && (!qualified || strings.EqualFold(k.Group, group)) {
			return complete(k), true
		}
	}
	return complete(Kind{Name: name, Group: group, Priority: lowest, pathNamed: true}), false
}

// String returns the kind as Spinnaker writes it: "replicaSet", and
// "Gadget.example.com" for custom ones.
func (k Kind) String() string {
	switch {
	case k.Wire != "":
		return k.Wire
	case k.Plural != "" && k.Name != "":
		return strings.ToLower(k.Name[:1]) + k.Name[1:]
	}
	return k.Qualified()
}

// Qualified returns the kind as a [gennaker.ManifestRef] has it: "ReplicaSet",
// and with its group what is neither in the table nor in a group that Spinnaker
// counts as Kubernetes' own: "Gadget.example.com".
func (k Kind) Qualified() string {
	if k.Plural != "" || native(k.Group) {
		return k.Name
	}
	return k.Name + "." + k.Group
}

// native reports whether a group is one of Kubernetes' own, whose kinds Spinnaker
// names without it.
//
// Source: clouddriver-kubernetes KubernetesApiGroup.
func native(group string) bool {
	switch group {
	case "", apps, "autoscaling", "batch", "extensions", policy, rbac, networking, storage, admission,
		"apiextensions.k8s.io", "apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io",
		"certificates.k8s.io", "scheduling.k8s.io", "settings.k8s.io":
		return true
	}
	return false
}

// Order returns manifests in groups of equal priority, ascending; within a group
// they keep their order. The members of a group do not need each other, and may
// be deployed at the same time.
func Order(list []gennaker.Manifest) [][]gennaker.Manifest {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b gennaker.Manifest) int { return KindOf(a).Priority - KindOf(b).Priority })
	var groups [][]gennaker.Manifest
	for i, m := range sorted {
		if i == 0 || KindOf(m).Priority != KindOf(sorted[i-1]).Priority {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], m)
	}
	return groups
}

package manifest_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// TestKinds: the rows of strategies B3, and of Spinnaker's kinds below it; the
// Gateway API is ours.
func TestKinds(t *testing.T) {
	t.Parallel()
	priorities := map[int][]string{
		0:    {"v1/Namespace"},
		20:   {"rbac.authorization.k8s.io/v1/Role", "rbac.authorization.k8s.io/v1/ClusterRole"},
		30:   {"rbac.authorization.k8s.io/v1/RoleBinding", "rbac.authorization.k8s.io/v1/ClusterRoleBinding", "apiextensions.k8s.io/v1/CustomResourceDefinition"},
		40:   {"v1/ServiceAccount", "v1/PersistentVolume", "storage.k8s.io/v1/StorageClass", "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration"},
		50:   {"v1/ConfigMap", "v1/Secret", "v1/PersistentVolumeClaim"},
		70:   {"v1/Service", "networking.k8s.io/v1/Ingress", "extensions/v1beta1/Ingress", "networking.k8s.io/v1/NetworkPolicy", "gateway.networking.k8s.io/v1/Gateway", "gateway.networking.k8s.io/v1/HTTPRoute"},
		80:   {"apiregistration.k8s.io/v1/APIService"},
		90:   {"v1/LimitRange", "settings.k8s.io/v1alpha1/PodPreset", "policy/v1beta1/PodSecurityPolicy", "policy/v1/PodDisruptionBudget"},
		100:  {"v1/Pod", "apps/v1/ReplicaSet", "apps/v1/Deployment", "extensions/v1beta1/Deployment", "apps/v1/StatefulSet", "apps/v1/DaemonSet", "batch/v1/Job", "batch/v1/CronJob"},
		110:  {"autoscaling/v2/HorizontalPodAutoscaler"},
		1000: {"example.com/v1/Gadget", "serving.knative.dev/v1/Service", "v1/ResourceQuota", "networking.istio.io/v1/Gateway"},
	}
	classes := map[manifest.Class][]string{
		manifest.ServerGroups:        {"ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"},
		manifest.ServerGroupManagers: {"Deployment"},
		manifest.LoadBalancers:       {"Service", "Ingress", "Gateway", "HTTPRoute"},
		manifest.SecurityGroups:      {"NetworkPolicy"},
		manifest.Configs:             {"ConfigMap", "Secret", "PersistentVolume", "PersistentVolumeClaim"},
		manifest.Instances:           {"Pod"},
	}
	for priority, objects := range priorities {
		for _, o := range objects {
			i := len(o) - 1
			for o[i] != '/' {
				i--
			}
			k := manifest.KindOf(gennaker.Manifest{"apiVersion": o[:i], "kind": o[i+1:]})
			if k.Priority != priority {
				t.Errorf("%s has priority %d, want %d", o, k.Priority, priority)
			}
			want := manifest.Unclassified
			for class, names := range classes {
				if priority < 1000 && slices.Contains(names, k.Name) {
					want = class
				}
			}
			if k.Class != want {
				t.Errorf("%s is of %s, want %s", o, k.Class, want)
			}
		}
	}
	if !slices.IsSortedFunc(manifest.Kinds(), func(a, b manifest.Kind) int { return a.Priority - b.Priority }) {
		t.Error("the table is not in order of deployment")
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	service := one(t, "{apiVersion: v1, kind: Service}")
	if !manifest.Is(service, "Service") || !manifest.Is(service, "Pod", "Service") || manifest.Is(service, "Pod") || manifest.Is(service) {
		t.Error("a Service is not taken for one, or for something else")
	}
	if manifest.Is(one(t, "{apiVersion: serving.knative.dev/v1, kind: Service}"), "Service") {
		t.Error("Knative's Service is taken for one")
	}
}

func TestLookupKind(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		name, wire, qualified string
		known                 bool
	}{
		"replicaSet":                           {"ReplicaSet", "replicaSet", "ReplicaSet", true},
		"REPLICASETS":                          {"ReplicaSet", "replicaSet", "ReplicaSet", true},
		"rs":                                   {"ReplicaSet", "replicaSet", "ReplicaSet", true},
		"deployments.apps":                     {"Deployment", "deployment", "Deployment", true},
		"deploy":                               {"Deployment", "deployment", "Deployment", true},
		"cm":                                   {"ConfigMap", "configMap", "ConfigMap", true},
		"hpa":                                  {"HorizontalPodAutoscaler", "horizontalpodautoscaler", "HorizontalPodAutoscaler", true},
		"httpRoute":                            {"HTTPRoute", "httpRoute", "HTTPRoute", true},
		"httproutes.gateway.networking.k8s.io": {"HTTPRoute", "httpRoute", "HTTPRoute", true},
		"service.serving.knative.dev":          {"service", "service.serving.knative.dev", "service.serving.knative.dev", false},
		"Gadget.example.com":                   {"Gadget", "Gadget.example.com", "Gadget.example.com", false},
		"ResourceQuota":                        {"ResourceQuota", "ResourceQuota", "ResourceQuota", false},
		"endpointSlice.discovery.k8s.io":       {"endpointSlice", "endpointSlice.discovery.k8s.io", "endpointSlice.discovery.k8s.io", false},
		"priorityClass.scheduling.k8s.io":      {"priorityClass", "priorityClass", "priorityClass", false},
		" persistentVolumeClaim ":              {"PersistentVolumeClaim", "persistentVolumeClaim", "PersistentVolumeClaim", true},
		"apiService":                           {"APIService", "apiService", "APIService", true},
		"validatingwebhookconfigurations":      {"ValidatingWebhookConfiguration", "validatingWebhookConfiguration", "ValidatingWebhookConfiguration", true},
		"CustomResourceDefinition":             {"CustomResourceDefinition", "customResourceDefinition", "CustomResourceDefinition", true},
		"crds":                                 {"CustomResourceDefinition", "customResourceDefinition", "CustomResourceDefinition", true},
		"grpcRoute.gateway.networking.k8s.io":  {"grpcRoute", "grpcRoute.gateway.networking.k8s.io", "grpcRoute.gateway.networking.k8s.io", false},
		"gateways.gateway.networking.k8s.io":   {"Gateway", "gateway", "Gateway", true},
		"gateways.networking.istio.io":         {"gateways", "gateways.networking.istio.io", "gateways.networking.istio.io", false},
		"clusterRoleBinding.rbac.authorization.k8s.io": {"ClusterRoleBinding", "clusterRoleBinding", "ClusterRoleBinding", true},
	}
	for written, want := range tests {
		k, known := manifest.LookupKind(written)
		if k.Name != want.name || k.String() != want.wire || k.Qualified() != want.qualified || known != want.known {
			t.Errorf("LookupKind(%q) = %s, %s, %s, %t; want %s, %s, %s, %t",
				written, k.Name, k, k.Qualified(), known, want.name, want.wire, want.qualified, want.known)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	var list []gennaker.Manifest
	for _, o := range []string{"example.com/v1 Gadget", "apps/v1 Deployment", "v1 Service", "v1 Secret", "apps/v1 ReplicaSet", "v1 Namespace", "v1 ConfigMap"} {
		var api, kind string
		for i := range o {
			if o[i] == ' ' {
				api, kind = o[:i], o[i+1:]
			}
		}
		list = append(list, gennaker.Manifest{"apiVersion": api, "kind": kind})
	}
	var got [][]string
	for _, group := range manifest.Order(list) {
		var kinds []string
		for _, m := range group {
			kinds = append(kinds, manifest.KindOf(m).Name)
		}
		got = append(got, kinds)
	}
	want := [][]string{{"Namespace"}, {"Secret", "ConfigMap"}, {"Service"}, {"Deployment", "ReplicaSet"}, {"Gadget"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// TestOrderIsStable: all objects come, in order of priority, and equal ones in
// the order in which they were written.
func TestOrderIsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(objects()).Draw(t, "objects")
		for i, m := range list {
			m["place"] = int64(i)
		}
		n, last, place := 0, -1, int64(-1)
		for _, group := range manifest.Order(list) {
			if len(group) == 0 {
				t.Fatal("an empty group")
			}
			for i, m := range group {
				n++
				p := manifest.KindOf(m).Priority
				if p < last || i == 0 && p == last || i > 0 && (p != last || m["place"].(int64) < place) {
					t.Fatalf("%v behind priority %d, place %d", m, last, place)
				}
				last, place = p, m["place"].(int64)
			}
		}
		if n != len(list) {
			t.Fatalf("%d of %d objects", n, len(list))
		}
	})
}

package inventory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/inventory"
)

// The kinds that tests put into the index.
var (
	podKind        = schema.GroupKind{Kind: "Pod"}
	serviceKind    = schema.GroupKind{Kind: "Service"}
	replicaSetKind = schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	sliceKind      = schema.GroupKind{Group: "discovery.k8s.io", Kind: "EndpointSlice"}
	routeKind      = schema.GroupKind{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute"}
)

// offline returns an inventory that answers of what is put into it.
func offline(t testing.TB, settle time.Duration) *inventory.Inventory {
	t.Helper()
	inv, err := inventory.New(inventory.Config{Account: "lab", REST: offlineConfig(), Settle: settle})
	if err != nil {
		t.Fatal(err)
	}
	inv.Complete(time.Now())
	return inv
}

func offlineConfig() *rest.Config { return &rest.Config{Host: "http://127.0.0.1:1"} }

func put(t testing.TB, inv *inventory.Inventory, kind schema.GroupKind, m metav1.Object) {
	t.Helper()
	if err := inv.Put(kind, m); err != nil {
		t.Fatal(err)
	}
}

// readyPod returns a pod of a ReplicaSet as a cluster has it, with what the
// inventory does not keep.
func readyPod(owner metav1.Object, n int, version int, labels map[string]string) *corev1.Pod {
	now := metav1.Now()
	name := fmt.Sprintf("%s-%05d", owner.GetName(), n)
	conditions := []corev1.PodCondition{}
	for _, c := range []corev1.PodConditionType{"PodReadyToStartContainers", corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
		conditions = append(conditions, corev1.PodCondition{Type: c, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	container := corev1.Container{
		Name: "web", Image: "registry.example/web:1.2.3", Command: []string{"/app/web", "--listen", ":8080"},
		Resources: corev1.ResourceRequirements{},
	}
	for i := range 20 {
		container.Env = append(container.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d_%s", i, name), Value: "a value of some length, as they have"})
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: owner.GetNamespace(), UID: types.UID("uid-" + name), ResourceVersion: fmt.Sprint(version), CreationTimestamp: now,
			Labels: labels, GenerateName: owner.GetName() + "-",
			Annotations: map[string]string{"moniker.spinnaker.io/application": "web", "prometheus.io/scrape": "true", "checksum/config": fmt.Sprintf("%064d", n)},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: owner.GetName(), UID: owner.GetUID(), Controller: new(true), BlockOwnerDeletion: new(true),
			}},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubelet", FieldsV1: &metav1.FieldsV1{Raw: make([]byte, 2000)}}},
		},
		Spec: corev1.PodSpec{NodeName: fmt.Sprintf("node-%d", n%50), Containers: []corev1.Container{container, container}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, Conditions: conditions, PodIP: fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255), StartTime: &now,
			ContainerStatuses: []corev1.ContainerStatus{{
				Name: "web", Image: "registry.example/web:1.2.3", ImageID: "registry.example/web@sha256:" + fmt.Sprintf("%064d", n), ContainerID: fmt.Sprintf("containerd://%064d", n),
				Ready: true, Started: new(true), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
			}},
		},
	}
}

// fleet puts server groups with pods behind a service each into the index, and
// returns their pods.
func fleet(t testing.TB, inv *inventory.Inventory, groups, pods int) []*corev1.Pod {
	t.Helper()
	var all []*corev1.Pod
	for g := range groups {
		app := fmt.Sprintf("app%d", g/5)
		rs := replicaSet(app, g%5, int32(pods), map[string]string{"lb": app}) //nolint:gosec // small
		rs.Namespace, rs.UID, rs.ResourceVersion = "default", types.UID("uid-"+rs.Name), "1"
		put(t, inv, replicaSetKind, rs)
		s := service(app, map[string]string{"lb": app})
		s.Namespace, s.ResourceVersion, s.UID = "default", fmt.Sprint(g+1), types.UID("uid-"+app)
		put(t, inv, serviceKind, s)
		var members []*corev1.Pod
		for n := range pods {
			p := readyPod(rs, n, 1, map[string]string{"lb": app, "version": rs.Name, "app.kubernetes.io/name": app, "pod-template-hash": "6f5d9c"})
			members = append(members, p.DeepCopy())
			put(t, inv, podKind, p)
		}
		put(t, inv, sliceKind, endpointSlice(rs.Name, app, 1, members...))
		all = append(all, members...)
	}
	return all
}

// endpointSlice returns a slice of a service with ready endpoints.
func endpointSlice(name, service string, version int, pods ...*corev1.Pod) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{
		Name: name, Namespace: "default", UID: types.UID("slice-" + name), ResourceVersion: fmt.Sprint(version),
		Labels: map[string]string{discoveryv1.LabelServiceName: service},
	}}
	for _, p := range pods {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{p.Status.PodIP}, Conditions: discoveryv1.EndpointConditions{Ready: new(true), Serving: new(true), Terminating: new(false)},
			TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: p.UID},
		})
	}
	return s
}

// BenchmarkMemory measures what 2,000 pods in 100 server groups take, each with
// its share of what is around it.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		inv := offline(b, time.Second)
		before := heap()
		fleet(b, inv, 100, 20)
		after := heap()
		b.ReportMetric(float64(after-before)/2000, "B/pod")
		runtime.KeepAlive(inv)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkServerGroups measures the answers about 10,000 pods in 500 server
// groups: of one application, and of all.
func BenchmarkServerGroups(b *testing.B) {
	inv := offline(b, time.Second)
	fleet(b, inv, 500, 20)
	for name, app := range map[string]string{"application": "app7", "all": ""} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := inv.ServerGroups(b.Context(), app); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLists measures what is asked for all the time, about 10,000 pods in
// 500 server groups.
func BenchmarkLists(b *testing.B) {
	inv := offline(b, time.Second)
	fleet(b, inv, 500, 20)
	for name, ask := range map[string]func() error{
		"clusters":       func() error { _, err := inv.Clusters(b.Context(), ""); return err },
		"load balancers": func() error { _, err := inv.LoadBalancers(b.Context()); return err },
		"search": func() error {
			_, err := inv.Search(b.Context(), "app7-", []string{provider.ServerGroupItem, provider.InstanceItem})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWatch measures the time from a change of one of 10,000 pods to its
// being told.
func BenchmarkWatch(b *testing.B) {
	inv := offline(b, time.Second)
	pods := fleet(b, inv, 500, 20)
	told := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	go inv.Watch(ctx, func(provider.Change) { told <- struct{}{} })
	<-told
	var took []time.Duration
	version := 1
	for b.Loop() {
		version++
		p := pods[rand.IntN(len(pods))].DeepCopy()
		p.ResourceVersion = fmt.Sprint(version)
		began := time.Now()
		put(b, inv, podKind, p)
		<-told
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}

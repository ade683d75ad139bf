package inventory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/inventory"
)

// TestDown keeps the last known state of a cluster that does not answer, says
// since when and why, and catches up with what happened meanwhile.
func TestDown(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace, proxy := l.Namespace(t), l.Proxy(t)
	inv := start(t, inventory.Config{REST: config(t, proxy.Kubeconfig)})
	makeReplicaSet(t, l, namespace, replicaSet("web", 1, 2, nil))
	counts(t, inv, namespace, "replicaSet web-v001", gennaker.InstanceCounts{Total: 2, OutOfService: 2})
	if s := inv.State(); !s.Live || !s.Synced || s.Err != nil || s.Age != 0 {
		t.Errorf("state %+v, want a live one", s)
	}

	proxy.Down()
	eventuallyDown(t, inv)
	if g := group(t, inv, namespace, "replicaSet web-v001"); g.InstanceCounts.Total != 2 || g.AsOf.IsZero() {
		t.Errorf("%+v as of %s: want the last known state, and its time", g.InstanceCounts, g.AsOf)
	}
	if err := l.Client.AppsV1().ReplicaSets(namespace).Delete(t.Context(), "web-v001", metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationForeground)}); err != nil {
		t.Fatal(err)
	}
	makeReplicaSet(t, l, namespace, replicaSet("web", 2, 1, nil))

	proxy.Up(t)
	counts(t, inv, namespace, "replicaSet web-v002", gennaker.InstanceCounts{Total: 1, OutOfService: 1})
	eventually(t, inv, func() string {
		if g := group(t, inv, namespace, "replicaSet web-v001"); g.Name != "" {
			return "web-v001 was deleted, and is still shown"
		}
		return ""
	})
	if s := inv.State(); !s.Live || s.Err != nil {
		t.Errorf("state %+v, want a live one", s)
	}
	if g := group(t, inv, namespace, "replicaSet web-v002"); !g.AsOf.IsZero() {
		t.Errorf("as of %s, want now", g.AsOf)
	}
}

// eventuallyDown waits until the state says why the account does not answer.
func eventuallyDown(t *testing.T, inv *inventory.Inventory) {
	t.Helper()
	lab.Eventually(t, "the state says that it is down", func(context.Context) (bool, error) {
		s := inv.State()
		return !s.Live && s.Err != nil && strings.Contains(s.Err.Error(), "does not answer") && !s.Since.IsZero(), nil
	})
}

// TestRestart goes through the death of the control plane, which forgets the
// recent changes that it had in memory.
func TestRestart(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t, lab.Alone())
	namespace := l.Namespace(t)
	inv := start(t, inventory.Config{REST: l.Config})
	makeReplicaSet(t, l, namespace, replicaSet("web", 1, 2, nil))
	counts(t, inv, namespace, "replicaSet web-v001", gennaker.InstanceCounts{Total: 2, OutOfService: 2})
	l.Restart(t)
	makeReplicaSet(t, l, namespace, replicaSet("web", 2, 3, nil))
	counts(t, inv, namespace, "replicaSet web-v002", gennaker.InstanceCounts{Total: 3, OutOfService: 3})
	l.Compact(t)
	l.Restart(t)
	patchReplicaSet(t, l, namespace, "web-v001", `{"spec":{"replicas":0}}`)
	counts(t, inv, namespace, "replicaSet web-v001", gennaker.InstanceCounts{})
	counts(t, inv, namespace, "replicaSet web-v002", gennaker.InstanceCounts{Total: 3, OutOfService: 3})
}

// TestExpired loses its place in every watch while things change.
func TestExpired(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace, proxy := l.Namespace(t), l.Proxy(t)
	inv := start(t, inventory.Config{REST: config(t, proxy.Kubeconfig)})
	makeReplicaSet(t, l, namespace, replicaSet("web", 1, 2, nil))
	makeReplicaSet(t, l, namespace, replicaSet("web", 2, 1, nil))
	counts(t, inv, namespace, "replicaSet web-v001", gennaker.InstanceCounts{Total: 2, OutOfService: 2})
	for _, resource := range []string{"pods", "replicasets"} {
		proxy.Inject(lab.Request{Verb: "watch", Resource: resource}, 2, lab.Expire())
	}
	proxy.Inject(lab.Request{Verb: "list", Resource: "pods"}, 2, lab.Fail(500, metav1.StatusReasonInternalError))
	proxy.Inject(lab.Request{Verb: "list", Resource: "replicasets"}, 2, lab.TooManyRequests(0))
	proxy.CutWatches()
	patchReplicaSet(t, l, namespace, "web-v001", `{"spec":{"replicas":4}}`)
	if err := l.Client.AppsV1().ReplicaSets(namespace).Delete(t.Context(), "web-v002", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	counts(t, inv, namespace, "replicaSet web-v001", gennaker.InstanceCounts{Total: 4, OutOfService: 4})
	eventually(t, inv, func() string {
		if g := group(t, inv, namespace, "replicaSet web-v002"); g.Name != "" {
			return "web-v002 was deleted, and is still shown"
		}
		return ""
	})
}

// TestCustomKinds follows a kind that comes while the inventory runs, and goes.
func TestCustomKinds(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	inv := start(t, inventory.Config{REST: l.Config})
	client, err := dynamic.NewForConfig(l.Config)
	if err != nil {
		t.Fatal(err)
	}
	group := strings.ReplaceAll(namespace, "-", "") + ".example.com"
	crds := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	_, err = crds.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "gadgets." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced", "names": map[string]any{"plural": "gadgets", "kind": "Gadget"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
			}},
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	gadgets := client.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: "gadgets"}).Namespace(namespace)
	lab.Eventually(t, "a gadget can be made", func(ctx context.Context) (bool, error) {
		_, err := gadgets.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": group + "/v1", "kind": "Gadget", "metadata": map[string]any{"name": "shop-one"},
		}}, metav1.CreateOptions{})
		return err == nil, nil
	})
	count := func() int {
		all, err := inv.Objects("gadget."+group, namespace, "shop")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	eventually(t, inv, func() string {
		if n := count(); n != 1 {
			return fmt.Sprintf("%d gadgets, want 1", n)
		}
		return ""
	})
	if err := crds.Delete(t.Context(), "gadgets."+group, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	lab.Eventually(t, "the kind and what watched it are gone", func(context.Context) (bool, error) {
		s := inv.State()
		return count() == 0 && !slices.ContainsFunc(append(s.Unread, s.LeftOut...), func(what string) bool { return strings.HasPrefix(what, "gadgets."+group) }), nil
	})
}

// TestNamespaceDeleted sees all of a namespace go.
func TestNamespaceDeleted(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	inv := start(t, inventory.Config{REST: l.Config})
	makeReplicaSet(t, l, namespace, replicaSet("web", 1, 2, nil))
	makeService(t, l, namespace, service("web", map[string]string{"lb": "web"}))
	counts(t, inv, namespace, "replicaSet web-v001", gennaker.InstanceCounts{Total: 2, OutOfService: 2})
	if err := l.Client.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, inv, func() string {
		all, err := inv.Objects("", namespace, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(all) > 0 || len(inv.Pods(namespace, "replicaSet", "web-v001")) > 0 {
			return fmt.Sprintf("%d objects are still there", len(all))
		}
		return ""
	})
}

// TestLimited shows what the credentials may see, and says what they may not.
func TestLimited(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	kubeconfig := l.ServiceAccount(t, namespace,
		rbacv1.PolicyRule{APIGroups: []string{"", "apps"}, Resources: []string{"pods", "replicasets", "services"}, Verbs: []string{"get", "list", "watch"}})
	inv := start(t, inventory.Config{REST: config(t, kubeconfig), Namespaces: []string{namespace}})
	makeReplicaSet(t, l, namespace, replicaSet("web", 1, 2, map[string]string{"lb": "web"}))
	makeService(t, l, namespace, service("web", map[string]string{"lb": "web"}))
	// Without endpoint slices, being ready is all that is known.
	counts(t, inv, namespace, "replicaSet web-v001", gennaker.InstanceCounts{Total: 2, Up: 2})
	if got := inv.Traffic(namespace, "replicaSet", "web-v001"); !slices.Equal(got.Services, []string{"web"}) {
		t.Errorf("traffic %+v, want what selects its pods", got)
	}
	s := inv.State()
	for _, what := range []string{"endpointslices.discovery.k8s.io", "deployments.apps", "secrets"} {
		if !slices.Contains(s.LeftOut, what+" in "+namespace) {
			t.Errorf("left out are %v, want %s among them", s.LeftOut, what)
		}
	}
	if !s.Synced || !s.Live {
		t.Errorf("state %+v, want a live one", s)
	}
}

// TestAwait reads what was written though the watch does not bring it.
func TestAwait(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace, proxy := l.Namespace(t), l.Proxy(t)
	inv := start(t, inventory.Config{REST: config(t, proxy.Kubeconfig)})
	kind := schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	read := func(rs *appsv1.ReplicaSet, want int) {
		t.Helper()
		if err := inv.Await(t.Context(), kind, namespace, rs.Name, rs.ResourceVersion); err != nil {
			t.Fatal(err)
		}
		if got := group(t, inv, namespace, "replicaSet "+rs.Name).Capacity.Desired; got != want {
			t.Errorf("capacity %d right after it was set to %d", got, want)
		}
	}
	read(makeReplicaSet(t, l, namespace, replicaSet("web", 1, 1, nil)), 1)
	for n := range 5 {
		read(patchReplicaSet(t, l, namespace, "web-v001", fmt.Sprintf(`{"spec":{"replicas":%d}}`, n)), n)
	}
	// The watch is lost, and does not come back.
	arrived, release := make(chan lab.Request, 100), make(chan struct{})
	defer close(release)
	proxy.Inject(lab.Request{Verb: "watch", Resource: "replicasets"}, -1, lab.Hold(arrived, release))
	proxy.CutWatches()
	<-arrived
	read(patchReplicaSet(t, l, namespace, "web-v001", `{"spec":{"replicas":7}}`), 7)
	if err := l.Client.AppsV1().ReplicaSets(namespace).Delete(t.Context(), "web-v001", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := inv.Await(t.Context(), kind, namespace, "web-v001", ""); err != nil {
		t.Fatal(err)
	}
	if g := group(t, inv, namespace, "replicaSet web-v001"); g.Name != "" && !g.Destroying {
		t.Errorf("it is deleted, and shown as %+v", g)
	}
}

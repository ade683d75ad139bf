package inventory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/inventory"
)

// makeDeployment makes one of an application whose pods write "hello".
func makeDeployment(t *testing.T, l *lab.Lab, namespace, name, app string) {
	t.Helper()
	labels := map[string]string{"app": name}
	_, err := l.Client.AppsV1().Deployments(namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"moniker.spinnaker.io/application": app}},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{"kubelab/log": "hello"}}, Spec: podSpec(),
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func makePod(t *testing.T, l *lab.Lab, namespace, name string, annotations map[string]string) *corev1.Pod {
	t.Helper()
	p, err := l.Client.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations}, Spec: podSpec(),
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestResources: what Gate's views of a cluster are made from.
func TestResources(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	inv := start(t, inventory.Config{REST: l.Config})
	makeDeployment(t, l, namespace, "web", "shop")
	_, err := l.Client.CoreV1().ConfigMaps(namespace).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "web-v003", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{
			"moniker.spinnaker.io/application": "shop", "moniker.spinnaker.io/cluster": "configMap web",
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, inv, func() string {
		all, err := inv.RawResources(t.Context(), "shop")
		if err != nil {
			return err.Error()
		}
		var kinds []string
		for _, r := range all {
			if r.Namespace == namespace {
				kinds = append(kinds, r.Kind+" "+r.APIVersion)
			}
		}
		slices.Sort(kinds)
		if want := []string{"ConfigMap v1", "Deployment apps/v1", "ReplicaSet apps/v1"}; !slices.Equal(kinds, want) {
			return fmt.Sprintf("resources %v, want %v", kinds, want)
		}
		return ""
	})
	all, _ := inv.RawResources(t.Context(), "SHOP")
	i := slices.IndexFunc(all, func(r gennaker.Resource) bool { return r.Namespace == namespace && r.Kind == "ConfigMap" })
	want := gennaker.Resource{
		Name: "configMap web-v003", DisplayName: "web-v003", Kind: "ConfigMap", APIVersion: "v1", Account: "lab", Region: namespace,
		Namespace: namespace, CloudProvider: "kubernetes", Moniker: gennaker.Moniker{App: "shop", Cluster: "configMap web", Sequence: new(3)},
		Labels: map[string]string{"a": "b"},
	}
	if diff := cmp.Diff(want, all[i], cmpopts.IgnoreFields(gennaker.Resource{}, "CreatedTime")); diff != "" || all[i].CreatedTime.IsZero() {
		t.Errorf("resource (-want +got):\n%s", diff)
	}

	for _, r := range all {
		if r.Labels == nil {
			t.Errorf("the labels of %s are null, where clients expect an object", r.Name)
		}
	}

	kinds, err := inv.Kinds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for kind, class := range map[string]string{
		"replicaSet": "serverGroups", "deployment": "serverGroupManagers", "service": "loadBalancers", "networkPolicy": "securityGroups",
		"pod": "instances", "configMap": "configs", "namespace": "unclassified", "httpRoute": "loadBalancers",
	} {
		if kinds[kind] != class {
			t.Errorf("%s is shown as %q, want %q", kind, kinds[kind], class)
		}
	}
	if names, err := inv.Namespaces(t.Context()); err != nil || !slices.Contains(names, namespace) || !slices.IsSorted(names) {
		t.Errorf("namespaces %v, %v", names, err)
	}
}

// TestInstance: pods are found by ID and name, whether something owns them or
// not, and what they wrote is read as far as they have begun.
func TestInstance(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	inv := start(t, inventory.Config{REST: l.Config, Namespaces: []string{namespace}})
	makeDeployment(t, l, namespace, "web", "shop")
	makePod(t, l, namespace, "waits", map[string]string{"kubelab/behaviour": "image-pull-backoff"})
	crashes := makePod(t, l, namespace, "crashes", map[string]string{"kubelab/behaviour": "crash-loop", "kubelab/exit-code": "7", "kubelab/log": "panic"})

	find := func(id string) (gennaker.Resource, gennaker.Instance) {
		of, in, err := inv.Instance(t.Context(), namespace, id)
		if err != nil && gennaker.KindOf(err) != gennaker.NotFound {
			t.Fatal(err)
		}
		return of, in
	}
	var name string
	eventually(t, inv, func() string {
		groups, err := inv.ServerGroups(t.Context(), "shop")
		if err != nil || len(groups) != 1 || groups[0].InstanceCounts.Up != 1 {
			return fmt.Sprintf("server groups %+v, %v", groups, err)
		}
		name = groups[0].Instances[0].Name
		_, waits := find("waits")
		_, ended := find(string(crashes.UID))
		if !strings.Contains(waits.Reason, "pull") || len(ended.Containers) != 1 || ended.Containers[0].Last == nil {
			return fmt.Sprintf("waits: %+v; crashes: %+v", waits, ended)
		}
		return ""
	})
	of, in := find(name)
	if in.HealthState != gennaker.Up || of.Moniker.App != "shop" || of.Kind != "Pod" || of.Name != name || of.APIVersion != "v1" {
		t.Errorf("%s is %+v of %+v", name, in, of)
	}
	if _, same := find(in.ID); same.ID != in.ID {
		t.Errorf("by its ID it is %+v", same)
	}
	if of, in := find("pod crashes"); in.Containers[0].Last.ExitCode != 7 || in.HealthState != gennaker.Down || of.Moniker.App != "crashes" {
		t.Errorf("the pod that crashes is %+v of %+v", in, of)
	}
	for id, want := range map[string][]gennaker.ContainerOutput{
		in.ID: {{Name: "web", Output: "hello\n"}}, "waits": {{Name: "web"}}, "pod crashes": {{Name: "web", Output: "panic\n"}},
	} {
		out, err := inv.Console(t.Context(), namespace, id, 1<<10)
		if err != nil {
			t.Errorf("console of %s: %v", id, err)
		}
		if diff := cmp.Diff(want, out); diff != "" {
			t.Errorf("console of %s (-want +got):\n%s", id, diff)
		}
	}
	if _, _, err := inv.Instance(t.Context(), namespace, "nope"); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("of none: %v", err)
	}
	if _, err := inv.Console(t.Context(), "default", "waits", 1); gennaker.KindOf(err) != gennaker.NotFound {
		t.Errorf("in another namespace: %v", err)
	}
	if names, err := inv.Namespaces(t.Context()); err != nil || !slices.Equal(names, []string{namespace}) {
		t.Errorf("namespaces %v, %v; want only %s", names, err, namespace)
	}
}

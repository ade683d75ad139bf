package inventory_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/inventory"
)

// patience is how long tests wait for what must come.
const patience = 4 * time.Minute

// start runs an inventory until the test ends, and waits until it can answer.
func start(t testing.TB, cfg inventory.Config) *inventory.Inventory {
	t.Helper()
	inv := run(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := inv.WaitSynced(ctx); err != nil {
		t.Fatal(err)
	}
	return inv
}

func run(t testing.TB, cfg inventory.Config) *inventory.Inventory {
	t.Helper()
	if cfg.Account == "" {
		cfg.Account = "lab"
	}
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	inv, err := inventory.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		inv.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return inv
}

// config reads a kubeconfig.
func config(t testing.TB, file string) *rest.Config {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	return cfg
}

// eventually waits until so returns "", which it asks again at every change
// that the inventory tells of; else so says what is missing.
func eventually(t testing.TB, inv *inventory.Inventory, so func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	missing := "never asked"
	inv.Watch(ctx, func(provider.Change) {
		if missing = so(); missing == "" {
			cancel()
		}
	})
	if missing != "" {
		t.Fatalf("after %s: %s; state %+v", patience, missing, inv.State())
	}
}

// group returns a server group, an empty one if it is not there.
func group(t testing.TB, inv *inventory.Inventory, namespace, name string) gennaker.ServerGroup {
	t.Helper()
	g, err := inv.ServerGroup(t.Context(), namespace, name)
	if err != nil && gennaker.KindOf(err) != gennaker.NotFound {
		t.Fatal(err)
	}
	return g
}

// counts waits until the instances of a server group are in these states.
func counts(t testing.TB, inv *inventory.Inventory, namespace, name string, want gennaker.InstanceCounts) {
	t.Helper()
	eventually(t, inv, func() string {
		if got := group(t, inv, namespace, name); got.InstanceCounts != want {
			return fmt.Sprintf("%s has %+v, want %+v: %+v", name, got.InstanceCounts, want, got.Instances)
		}
		return ""
	})
}

// replicaSet returns a ReplicaSet as a deployment of version n of app makes it,
// whose pods have the labels.
func replicaSet(app string, n int, replicas int32, labels map[string]string) *appsv1.ReplicaSet {
	name := fmt.Sprintf("%s-v%03d", app, n)
	own := map[string]string{"version": name}
	all := map[string]string{"version": name}
	maps.Copy(all, labels)
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: name,
			Annotations: map[string]string{
				"moniker.spinnaker.io/application":                 app,
				"moniker.spinnaker.io/cluster":                     "replicaSet " + app,
				"traffic.spinnaker.io/load-balancers":              `["service ` + app + `"]`,
				"kubectl.kubernetes.io/last-applied-configuration": "{}",
			},
			Labels: map[string]string{"moniker.spinnaker.io/sequence": fmt.Sprint(n)},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: own},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: all}, Spec: podSpec()},
		},
	}
}

func podSpec() corev1.PodSpec {
	return corev1.PodSpec{
		Containers: []corev1.Container{{
			Name: "web", Image: "registry.example/web:1.2.3",
			Env: []corev1.EnvVar{{Name: "PASSWORD", Value: "not-to-be-kept"}},
		}},
		TerminationGracePeriodSeconds: new(int64(1)),
	}
}

func service(name string, selector map[string]string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}
}

// make* create objects in the lab.
func makeReplicaSet(t testing.TB, l *lab.Lab, namespace string, rs *appsv1.ReplicaSet) *appsv1.ReplicaSet {
	t.Helper()
	out, err := l.Client.AppsV1().ReplicaSets(namespace).Create(t.Context(), rs, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func makeService(t testing.TB, l *lab.Lab, namespace string, s *corev1.Service) {
	t.Helper()
	if _, err := l.Client.CoreV1().Services(namespace).Create(t.Context(), s, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func patchReplicaSet(t testing.TB, l *lab.Lab, namespace, name, patch string) *appsv1.ReplicaSet {
	t.Helper()
	out, err := l.Client.AppsV1().ReplicaSets(namespace).Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// detach takes the label from the template of a ReplicaSet and from its pods,
// as disableManifest does.
func detach(t testing.TB, l *lab.Lab, namespace, name, label string) {
	t.Helper()
	patchReplicaSet(t, l, namespace, name, `{"spec":{"template":{"metadata":{"labels":{"`+label+`":null}}}}}`)
	pods, err := l.Client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "version=" + name})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pods.Items {
		_, err := l.Client.CoreV1().Pods(namespace).Patch(t.Context(), p.Name, types.MergePatchType,
			[]byte(`{"metadata":{"labels":{"`+label+`":null}}}`), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
}

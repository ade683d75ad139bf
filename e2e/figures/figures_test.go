package figures

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/e2e/product"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) { product.Main(m, &binary) }

type object = map[string]any

// world is a cluster, and a server which deploys to a namespace of it.
type world struct {
	testing.TB
	lab       *lab.Lab
	server    *product.Server
	namespace string
}

const application = "figures"

func newWorld(b *testing.B, opts ...lab.Option) *world {
	b.Helper()
	l := lab.Cluster(b, opts...)
	w := &world{TB: b, lab: l, namespace: l.Namespace(b)}
	w.server = product.Start(b, binary, object{
		"name": "lab", "kubeconfigFile": l.Kubeconfig, "namespaces": []string{w.namespace},
		"settleSeconds": 0, // simulated nodes have no proxies that follow
	})
	w.server.Application(application)
	return w
}

// BenchmarkBlueGreen replaces all pods of a service by new ones: the new version
// beside the old, then the traffic, then the old one's end. In turns the product
// does it, and client-go alone, in two ways. The floor is the fewest requests
// that replace them: apply, wait until ready, patch the Service's selector, wait
// for its endpoints, delete, wait until gone. The same moves are the product's:
// every pod gets a label that the Service selects by, and loses it before its
// end. The ratios are of medians.
func BenchmarkBlueGreen(b *testing.B) {
	for _, pods := range []int{10, 500} {
		b.Run(fmt.Sprint(pods), func(b *testing.B) {
			w := newWorld(b, lab.Nodes(1+pods/50)) // each of the three has two versions for a while
			w.service("web", "load-balancer")
			w.service("bare", "version")
			w.service("same", "load-balancer")
			w.server.Save(application, "deploy", w.deploy(pods))
			w.product()
			w.bare(0, pods)
			w.same(0, pods)
			var ours, floor, same []time.Duration
			for n := 1; b.Loop(); n++ {
				w.quiet(3 * pods)
				ours = append(ours, timed(w.product))
				w.quiet(3 * pods)
				floor = append(floor, timed(func() { w.bare(n, pods) }))
				w.quiet(3 * pods)
				same = append(same, timed(func() { w.same(n, pods) }))
			}
			b.ReportMetric(median(ours).Seconds(), "s/deployment")
			b.ReportMetric(median(floor).Seconds(), "s/floor")
			b.ReportMetric(median(ours).Seconds()/median(floor).Seconds(), "ratio-floor")
			b.ReportMetric(median(same).Seconds(), "s/same-moves")
			b.ReportMetric(median(ours).Seconds()/median(same).Seconds(), "ratio-same-moves")
		})
	}
}

func timed(do func()) time.Duration {
	began := time.Now()
	do()
	return time.Since(began)
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}

// service makes a service that selects pods by a label of its own name.
func (w *world) service(name, label string) {
	w.Helper()
	s := &core.Service{
		ObjectMeta: meta.ObjectMeta{Name: name},
		Spec:       core.ServiceSpec{Selector: map[string]string{label: name + "-0"}, Ports: []core.ServicePort{{Port: 80}}},
	}
	if _, err := w.lab.Client.CoreV1().Services(w.namespace).Create(w.Context(), s, meta.CreateOptions{}); err != nil {
		w.Fatal(err)
	}
}

// deploy is the stage that replaces what runs by the next version.
func (w *world) deploy(pods int) object {
	return object{
		"type": "deployManifest", "name": "deploy", "account": "lab", "cloudProvider": "kubernetes", "source": "text",
		"moniker":   object{"app": application},
		"manifests": []any{replicaSet("web", w.namespace, pods, map[string]string{"app": "web"})},
		"trafficManagement": object{"enabled": true, "options": object{
			"enableTraffic": true, "strategy": "highlander", "services": []string{"service web"},
		}},
	}
}

// product replaces the version by the next one.
func (w *world) product() {
	w.Helper()
	if x := w.server.Run(application, "deploy", nil); x.Status != gennaker.Succeeded {
		w.Fatal(product.Explain(x))
	}
}

func replicaSet(name, namespace string, pods int, of map[string]string) *apps.ReplicaSet {
	return &apps.ReplicaSet{
		TypeMeta:   meta.TypeMeta{APIVersion: "apps/v1", Kind: "ReplicaSet"},
		ObjectMeta: meta.ObjectMeta{Name: name, Namespace: namespace},
		Spec: apps.ReplicaSetSpec{
			Replicas: new(int32(pods)), Selector: &meta.LabelSelector{MatchLabels: of},
			Template: core.PodTemplateSpec{
				ObjectMeta: meta.ObjectMeta{Labels: of},
				Spec: core.PodSpec{
					TerminationGracePeriodSeconds: new(int64(0)),
					Containers:                    []core.Container{{Name: "web", Image: "hello:1", Ports: []core.ContainerPort{{ContainerPort: 80}}}},
				},
			},
		},
	}
}

// bare replaces version n-1 by version n, with the cluster's API alone.
func (w *world) bare(n, pods int) {
	w.Helper()
	w.create("bare", n, pods)
	patch := fmt.Appendf(nil, `{"spec":{"selector":{"version":%q}}}`, version("bare", n))
	if _, err := w.lab.Client.CoreV1().Services(w.namespace).Patch(w.Context(), "bare", types.MergePatchType, patch, meta.PatchOptions{}); err != nil {
		w.Fatal(err)
	}
	w.endpoints("bare", version("bare", n), pods)
	if n > 0 {
		w.remove(version("bare", n-1), meta.DeletePropagationForeground)
	}
}

// same does it with the cluster's API alone, as the product does it.
func (w *world) same(n, pods int) {
	w.Helper()
	w.create("same", n, pods)
	w.label(version("same", n), `"same-0"`)
	if n == 0 {
		w.endpoints("same", version("same", n), pods)
		return
	}
	w.endpoints("same", "same", 2*pods)
	w.label(version("same", n-1), "null")
	w.endpoints("same", version("same", n), pods)
	w.remove(version("same", n-1), meta.DeletePropagationBackground)
}

func version(name string, n int) string { return fmt.Sprintf("%s-%d", name, n) }

// create makes version n, and waits until it is ready.
func (w *world) create(name string, n, pods int) {
	w.Helper()
	sets := w.lab.Client.AppsV1().ReplicaSets(w.namespace)
	of := map[string]string{"app": name, "version": version(name, n)}
	if _, err := sets.Create(w.Context(), replicaSet(version(name, n), w.namespace, pods, of), meta.CreateOptions{}); err != nil {
		w.Fatal(err)
	}
	w.until(func(ctx context.Context) (watch.Interface, error) {
		return sets.Watch(ctx, meta.ListOptions{FieldSelector: "metadata.name=" + version(name, n)})
	}, func(e watch.Event) bool {
		s, ok := e.Object.(*apps.ReplicaSet)
		return ok && int(s.Status.AvailableReplicas) == pods
	})
}

// label sets the label that a Service selects by: of the template, and of the
// pods, 16 at a time.
func (w *world) label(version, value string) {
	w.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{"load-balancer":%s}}}`, value)
	template := fmt.Appendf(nil, `{"spec":{"template":%s}}`, patch)
	if _, err := w.lab.Client.AppsV1().ReplicaSets(w.namespace).Patch(w.Context(), version, types.MergePatchType, template, meta.PatchOptions{}); err != nil {
		w.Fatal(err)
	}
	all := w.lab.Client.CoreV1().Pods(w.namespace)
	list, err := all.List(w.Context(), meta.ListOptions{LabelSelector: "version=" + version})
	if err != nil {
		w.Fatal(err)
	}
	room := make(chan struct{}, 16)
	var working sync.WaitGroup
	for _, pod := range list.Items {
		room <- struct{}{}
		working.Go(func() {
			defer func() { <-room }()
			if _, err := all.Patch(w.Context(), pod.Name, types.MergePatchType, patch, meta.PatchOptions{}); err != nil {
				w.Error(err)
			}
		})
	}
	working.Wait()
}

// remove deletes a version; in the foreground it waits until its pods are gone.
func (w *world) remove(version string, how meta.DeletionPropagation) {
	w.Helper()
	if err := w.lab.Client.AppsV1().ReplicaSets(w.namespace).Delete(w.Context(), version, meta.DeleteOptions{PropagationPolicy: &how}); err != nil {
		w.Fatal(err)
	}
	w.gone(version)
}

// quiet waits until there are no more than these pods: the last ones of a version
// that was deleted may be on their way.
func (w *world) quiet(pods int) {
	w.Helper()
	there := map[types.UID]bool{}
	w.until(func(ctx context.Context) (watch.Interface, error) {
		list, err := w.lab.Client.CoreV1().Pods(w.namespace).List(ctx, meta.ListOptions{})
		if err != nil || len(list.Items) == pods {
			return nil, err
		}
		clear(there)
		for _, p := range list.Items {
			there[p.UID] = true
		}
		return w.lab.Client.CoreV1().Pods(w.namespace).Watch(ctx, meta.ListOptions{ResourceVersion: list.ResourceVersion})
	}, func(e watch.Event) bool {
		if p, ok := e.Object.(*core.Pod); ok && e.Type == watch.Deleted {
			delete(there, p.UID)
		}
		return len(there) == pods
	})
}

// endpoints waits until a service leads to the pods of a version, and to no others.
func (w *world) endpoints(service, version string, pods int) {
	w.Helper()
	slices := w.lab.Client.DiscoveryV1().EndpointSlices(w.namespace)
	options := meta.ListOptions{LabelSelector: labels.Set{discovery.LabelServiceName: service}.String()}
	ready := map[string]int{}
	w.until(func(ctx context.Context) (watch.Interface, error) { return slices.Watch(ctx, options) }, func(e watch.Event) bool {
		s, ok := e.Object.(*discovery.EndpointSlice)
		if !ok {
			return false
		}
		delete(ready, s.Name)
		if e.Type != watch.Deleted {
			for _, at := range s.Endpoints {
				if at.TargetRef != nil && len(at.TargetRef.Name) > len(version) && at.TargetRef.Name[:len(version)+1] == version+"-" {
					ready[s.Name]++
				} else {
					ready[s.Name] -= 1_000_000
				}
			}
		}
		sum := 0
		for _, n := range ready {
			sum += n
		}
		return sum == pods
	})
}

// gone waits until a ReplicaSet is no more, nor its pods.
func (w *world) gone(name string) {
	w.Helper()
	sets := w.lab.Client.AppsV1().ReplicaSets(w.namespace)
	w.until(func(ctx context.Context) (watch.Interface, error) {
		if list, err := sets.List(ctx, meta.ListOptions{FieldSelector: "metadata.name=" + name}); err != nil || len(list.Items) == 0 {
			return nil, err
		} else { //nolint:revive // the list says from where on to watch
			return sets.Watch(ctx, meta.ListOptions{FieldSelector: "metadata.name=" + name, ResourceVersion: list.ResourceVersion})
		}
	}, func(e watch.Event) bool { return e.Type == watch.Deleted })
}

// until watches until something is so; a nil watch is that it is so already.
func (w *world) until(begin func(context.Context) (watch.Interface, error), so func(watch.Event) bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 5*time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		events, err := begin(ctx)
		if err != nil {
			w.Fatal(err)
		}
		if events == nil {
			return
		}
		for e := range events.ResultChan() {
			if so(e) {
				events.Stop()
				return
			}
		}
	}
	w.Fatalf("it never was so: %v", context.Cause(ctx))
}

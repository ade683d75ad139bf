package inventory_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/inventory"
)

const settle = 5 * time.Second

// version returns a ReplicaSet that the index may hold, and n pods of it.
func version(app string, number, n int, labels map[string]string) (*discoveryv1.EndpointSlice, []*corev1.Pod, metav1.Object) {
	rs := replicaSet(app, number, int32(n), labels) //nolint:gosec // small
	rs.Namespace, rs.UID, rs.ResourceVersion, rs.CreationTimestamp = "default", types.UID("uid-"+rs.Name), "1", metav1.Now()
	var pods []*corev1.Pod
	for i := range n {
		all := maps.Clone(labels)
		if all == nil {
			all = map[string]string{}
		}
		all["version"] = rs.Name
		pods = append(pods, readyPod(rs, i, 1, all))
	}
	return endpointSlice(rs.Name, app, 1, pods...), pods, rs
}

func traffic(t *testing.T, inv *inventory.Inventory, want gennaker.ManifestTraffic) {
	t.Helper()
	if diff := cmp.Diff(want, inv.Traffic("default", "replicaSet", "web-v001")); diff != "" {
		t.Errorf("traffic (-want +got):\n%s", diff)
	}
}

// TestDrained tells the time: an endpoint that goes takes requests with it only
// when proxies have followed.
func TestDrained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inv := offline(t, settle)
		slice, pods, rs := version("web", 1, 2, nil)
		// What is said of a pod comes before the pod, and that before its owner.
		put(t, inv, sliceKind, slice.DeepCopy())
		traffic(t, inv, gennaker.ManifestTraffic{Services: []string{}})
		for _, p := range pods {
			put(t, inv, podKind, p.DeepCopy())
		}
		put(t, inv, replicaSetKind, rs)
		traffic(t, inv, gennaker.ManifestTraffic{Services: []string{"web"}, Pods: map[string]int{"web": 2}})

		var told atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		go inv.Watch(ctx, func(c provider.Change) {
			if c.Application == "web" && c.ServerGroup == "replicaSet web-v001" {
				told.Add(1)
			}
		})
		// One that terminates may still be sent requests.
		slice.ResourceVersion, slice.Endpoints = "2", slice.Endpoints[:1]
		slice.Endpoints[0].Conditions = discoveryv1.EndpointConditions{Ready: new(false), Serving: new(false), Terminating: new(true)}
		put(t, inv, sliceKind, slice.DeepCopy())
		traffic(t, inv, gennaker.ManifestTraffic{Services: []string{"web"}})
		// The pod is gone before its endpoint.
		inv.Remove(podKind, pods[0])
		traffic(t, inv, gennaker.ManifestTraffic{Services: []string{"web"}})

		slice.ResourceVersion, slice.Endpoints = "3", nil
		put(t, inv, sliceKind, slice.DeepCopy())
		drained := gennaker.At(time.Now().Add(settle))
		traffic(t, inv, gennaker.ManifestTraffic{Services: []string{}, DrainedAt: drained, Draining: true})
		synctest.Wait()
		before := told.Load()
		time.Sleep(settle)
		synctest.Wait()
		if told.Load() == before {
			t.Error("nobody was told that it is drained")
		}
		traffic(t, inv, gennaker.ManifestTraffic{Services: []string{}, DrainedAt: drained})
		// A later change of other endpoints is not its.
		slice.ResourceVersion = "4"
		put(t, inv, sliceKind, slice.DeepCopy())
		traffic(t, inv, gennaker.ManifestTraffic{Services: []string{}, DrainedAt: drained})
		cancel()
	})
}

// TestMoved sees endpoints go from one slice to another, which is no moment
// without.
func TestMoved(t *testing.T) {
	t.Parallel()
	inv := offline(t, settle)
	slice, pods, rs := version("web", 1, 1, nil)
	put(t, inv, replicaSetKind, rs)
	put(t, inv, podKind, pods[0])
	put(t, inv, sliceKind, slice.DeepCopy())
	other := slice.DeepCopy()
	other.Name, other.UID = "web-other", "slice-other"
	put(t, inv, sliceKind, other.DeepCopy())
	slice.ResourceVersion, slice.Endpoints = "2", nil
	put(t, inv, sliceKind, slice.DeepCopy())
	traffic(t, inv, gennaker.ManifestTraffic{Services: []string{"web"}, Pods: map[string]int{"web": 1}})
	inv.Remove(sliceKind, other)
	if got := inv.Traffic("default", "replicaSet", "web-v001"); !got.Draining {
		t.Errorf("traffic %+v, want it draining", got)
	}
}

// TestByAddress finds the pods of slices that somebody else writes, which have
// addresses and no names.
func TestByAddress(t *testing.T) {
	t.Parallel()
	for name, podFirst := range map[string]bool{"pod first": true, "slice first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv := offline(t, settle)
			slice, pods, rs := version("web", 1, 1, nil)
			slice.Endpoints[0].TargetRef = nil
			put(t, inv, replicaSetKind, rs)
			if podFirst {
				put(t, inv, podKind, pods[0].DeepCopy())
			}
			put(t, inv, sliceKind, slice.DeepCopy())
			if !podFirst {
				put(t, inv, podKind, pods[0].DeepCopy())
			}
			traffic(t, inv, gennaker.ManifestTraffic{Services: []string{"web"}, Pods: map[string]int{"web": 1}})
			inv.Remove(podKind, pods[0])
			inv.Remove(sliceKind, slice)
			inv.Remove(replicaSetKind, rs)
			if n := inv.Unknown(); n > 0 {
				t.Errorf("%d records are left", n)
			}
		})
	}
}

// TestAfterRestart knows since when a workload has been drained though nobody
// watched: not before its endpoints' slices were last written.
func TestAfterRestart(t *testing.T) {
	t.Parallel()
	began := time.Now().Truncate(time.Second)
	at := func(d time.Duration) string { return began.Add(d).Format(time.RFC3339Nano) }
	for name, tt := range map[string]struct {
		detached string        // annotation
		written  time.Duration // when the service's slice was last written, after began
		want     time.Duration // DrainedAt after began; 0 is never
	}{
		"long ago":                       {at(-time.Hour), -time.Hour + 2*time.Second, -time.Hour + 3*time.Second + settle},
		"the slices were written before": {at(-time.Minute + time.Millisecond), -time.Hour, -time.Minute + time.Millisecond + settle},
		"whole seconds are rounded up":   {at(-time.Minute), -time.Hour, -time.Minute + time.Second + settle},
		"not by us":                      {"", -time.Hour, settle},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv, err := inventory.New(inventory.Config{Account: "lab", REST: offlineConfig(), Settle: settle})
			if err != nil {
				t.Fatal(err)
			}
			slice, pods, o := version("web", 1, 1, nil)
			slice.Endpoints = nil
			slice.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kube-controller-manager", Time: new(metav1.NewTime(began.Add(tt.written)))}}
			o.SetCreationTimestamp(metav1.NewTime(began.Add(-2 * time.Hour)))
			annotations := o.GetAnnotations()
			if tt.detached != "" {
				annotations[inventory.DetachedAnnotation] = tt.detached
			}
			put(t, inv, replicaSetKind, o)
			put(t, inv, podKind, pods[0])
			put(t, inv, sliceKind, slice)
			inv.Complete(began)
			traffic(t, inv, gennaker.ManifestTraffic{
				Services: []string{}, DrainedAt: gennaker.At(began.Add(tt.want)), Draining: tt.want > 0 && time.Now().Before(began.Add(tt.want)),
			})
		})
	}
}

// TestShares counts a service that exists for a route's weights while it has
// one.
func TestShares(t *testing.T) {
	t.Parallel()
	inv := offline(t, settle)
	slice, pods, o := version("web", 1, 1, nil)
	annotations := o.GetAnnotations()
	delete(annotations, "traffic.spinnaker.io/load-balancers")
	own := service("web", map[string]string{"version": "web-v001"})
	own.Namespace, own.UID, own.ResourceVersion = "default", "own", "1"
	own.Annotations = map[string]string{inventory.WorkloadAnnotation: "replicaSet web-v001", inventory.RouteAnnotation: "shop"}
	route := &gatewayv1.HTTPRoute{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: "default", UID: "route", ResourceVersion: "1"},
		Spec: gatewayv1.HTTPRouteSpec{Rules: []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{{
			BackendRef: gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{Name: "web"}, Weight: new(int32(10))},
		}}}}},
	}
	put(t, inv, replicaSetKind, o)
	put(t, inv, podKind, pods[0])
	put(t, inv, sliceKind, slice)
	put(t, inv, serviceKind, own)
	put(t, inv, routeKind, route.DeepCopy())
	traffic(t, inv, gennaker.ManifestTraffic{Services: []string{"web"}, Pods: map[string]int{"web": 1}})
	states(t, inv, gennaker.Up)

	shifted := time.Now()
	route.ResourceVersion, route.Spec.Rules = "2", nil
	route.Annotations = map[string]string{inventory.ShiftedAnnotation: shifted.Format(time.RFC3339Nano)}
	put(t, inv, routeKind, route.DeepCopy())
	traffic(t, inv, gennaker.ManifestTraffic{Services: []string{}, DrainedAt: gennaker.At(shifted.Add(settle)), Draining: true})
	states(t, inv, gennaker.Draining)

	route.ResourceVersion = "3"
	route.Annotations = map[string]string{inventory.ShiftedAnnotation: shifted.Add(-time.Hour).Format(time.RFC3339Nano)}
	put(t, inv, routeKind, route.DeepCopy())
	states(t, inv, gennaker.OutOfService)
}

// states compares the health of the instances of web-v001.
func states(t *testing.T, inv *inventory.Inventory, want ...gennaker.HealthState) {
	t.Helper()
	var got []gennaker.HealthState
	for _, in := range group(t, inv, "default", "replicaSet web-v001").Instances {
		got = append(got, in.HealthState)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
}

// TestTrafficAgrees changes pods and slices at random: what was counted along
// the way must be what a look at all of them says, and when all are gone nothing
// may be left.
func TestTrafficAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		inv := offline(t, settle)
		_, pods, rs := version("web", 1, 4, nil)
		put(t, inv, replicaSetKind, rs)
		exists, endpoints := map[int]bool{}, map[string][]int{}
		revision := 1
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			revision++
			if n := rapid.IntRange(0, 3).Draw(rt, "pod"); rapid.Bool().Draw(rt, "change a pod") {
				if exists[n] = !exists[n]; !exists[n] {
					inv.Remove(podKind, pods[n])
					continue
				}
				p := pods[n].DeepCopy()
				p.ResourceVersion = fmt.Sprint(revision)
				put(t, inv, podKind, p)
				continue
			}
			name := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "slice")
			endpoints[name] = rapid.SliceOfNDistinct(rapid.IntRange(0, 3), 0, 4, rapid.ID[int]).Draw(rt, "endpoints")
			var members []*corev1.Pod
			for _, n := range endpoints[name] {
				members = append(members, pods[n])
			}
			put(t, inv, sliceKind, endpointSlice(name, "service-"+name, revision, members...))

			// A pod that was never seen belongs to nobody; one that is gone still does.
			want := []string{}
			for slice, list := range endpoints {
				if slices.ContainsFunc(list, func(n int) bool { return exists[n] }) {
					want = append(want, "service-"+slice)
				}
			}
			slices.Sort(want)
			got := inv.Traffic("default", "replicaSet", "web-v001").Services
			for _, service := range want {
				if !slices.Contains(got, service) {
					rt.Fatalf("services %v, want %s among them", got, service)
				}
			}
			for _, service := range got {
				if len(endpoints[service[len("service-"):]]) == 0 {
					rt.Fatalf("services %v, but the slice of %s is empty", got, service)
				}
			}
		}
		for n := range exists {
			inv.Remove(podKind, pods[n])
		}
		for name := range endpoints {
			inv.Remove(sliceKind, endpointSlice(name, "", 0))
		}
		if got := inv.Traffic("default", "replicaSet", "web-v001").Services; len(got) > 0 {
			rt.Fatalf("services %v are left", got)
		}
		inv.Remove(replicaSetKind, rs)
		if n := inv.Unknown(); n > 0 {
			rt.Fatalf("%d records are left", n)
		}
	})
}

package inventory_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/inventory"
)

// TestHealth gives each state of a pod its name.
func TestHealth(t *testing.T) {
	t.Parallel()
	behind := map[string]string{"lb": "web"}
	unready := func(p *corev1.Pod) { p.Status.Conditions[2].Status = corev1.ConditionFalse }
	for name, tt := range map[string]struct {
		change func(*corev1.Pod)
		routed *discoveryv1.EndpointConditions // nil is no endpoint
		want   gennaker.HealthState
		reason string
	}{
		"ready, and an endpoint": {nil, &discoveryv1.EndpointConditions{Ready: new(true)}, gennaker.Up, ""},
		"ready, no endpoint yet": {nil, nil, gennaker.Starting, "it is ready, and not yet among the endpoints of service web"},
		"ready, endpoint is not": {nil, &discoveryv1.EndpointConditions{Ready: new(false)}, gennaker.Starting, "it is ready, and not yet among the endpoints of service web"},
		"begins": {func(p *corev1.Pod) {
			unready(p)
			p.Status.Phase = corev1.PodPending
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}
		}, nil, gennaker.Starting, ""},
		"never was ready": {unready, nil, gennaker.Starting, ""},
		"is ready no more": {func(p *corev1.Pod) {
			unready(p)
			p.Status.Conditions[2].LastTransitionTime = metav1.NewTime(time.Now().Add(time.Minute))
		}, nil, gennaker.Down, "it is no longer ready"},
		"crashes": {func(p *corev1.Pod) {
			unready(p)
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off"}}
		}, nil, gennaker.Down, "container web: back-off"},
		"no node": {func(p *corev1.Pod) {
			unready(p)
			p.Status.Phase, p.Status.ContainerStatuses = corev1.PodPending, nil
			p.Status.Conditions[4] = corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/5 nodes are available"}
		}, nil, gennaker.Down, "0/5 nodes are available"},
		"succeeded": {func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }, nil, gennaker.Done, ""},
		"failed": {func(p *corev1.Pod) {
			p.Status.Phase = corev1.PodFailed
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error"}}
		}, nil, gennaker.Failed, "container web ended with exit code 3 (Error)"},
		"lost":                   {func(p *corev1.Pod) { p.Status.Phase = corev1.PodUnknown }, nil, gennaker.Unknown, "its node does not answer"},
		"deleted, still routed":  {func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.Now()) }, &discoveryv1.EndpointConditions{Ready: new(false), Terminating: new(true)}, gennaker.Draining, "it is being deleted, and still an endpoint of service web"},
		"deleted":                {func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.Now()) }, nil, gennaker.Down, "it is being deleted"},
		"detached, still routed": {func(p *corev1.Pod) { delete(p.Labels, "lb") }, &discoveryv1.EndpointConditions{Ready: new(true)}, gennaker.Draining, "it is still an endpoint of service web"},
		"detached":               {func(p *corev1.Pod) { delete(p.Labels, "lb") }, nil, gennaker.OutOfService, "no service selects it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv := offline(t, settle)
			slice, pods, o := version("web", 1, 1, behind)
			s := service("web", behind)
			s.Namespace, s.UID, s.ResourceVersion = "default", "s", "1"
			slice.Endpoints[0].Conditions = discoveryv1.EndpointConditions{}
			if tt.routed == nil {
				slice.Endpoints = nil
			} else {
				slice.Endpoints[0].Conditions = *tt.routed
			}
			if tt.change != nil {
				tt.change(pods[0])
			}
			put(t, inv, serviceKind, s)
			put(t, inv, replicaSetKind, o)
			put(t, inv, podKind, pods[0])
			put(t, inv, sliceKind, slice)
			in := group(t, inv, "default", "replicaSet web-v001").Instances[0]
			if in.HealthState != tt.want || in.Reason != tt.reason {
				t.Errorf("%s (%q), want %s (%q)", in.HealthState, in.Reason, tt.want, tt.reason)
			}
		})
	}
}

// TestManaged shows a Deployment as the manager of its ReplicaSets, which are of
// its cluster, within what its autoscaler allows.
func TestManaged(t *testing.T) {
	t.Parallel()
	inv := offline(t, settle)
	meta := metav1.ObjectMeta{
		Name: "web", Namespace: "default", UID: "d", ResourceVersion: "1",
		Annotations: map[string]string{"moniker.spinnaker.io/application": "shop", "moniker.spinnaker.io/cluster": "deployment web"},
	}
	put(t, inv, schema.GroupKind{Group: "apps", Kind: "Deployment"}, &appsv1.Deployment{ObjectMeta: meta})
	for n, replicas := range []int32{0, 3} {
		put(t, inv, replicaSetKind, &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprintf("web-%d", n), Namespace: "default", UID: meta.UID + "-" + "rs", ResourceVersion: "1",
				CreationTimestamp: metav1.NewTime(time.Unix(int64(n), 0)),
				Annotations:       map[string]string{"deployment.kubernetes.io/revision": fmt.Sprint(n + 1), "moniker.spinnaker.io/application": "shop"},
				OwnerReferences:   []metav1.OwnerReference{{Kind: "Deployment", Name: "web", UID: "d", Controller: new(true)}},
			},
			Spec: appsv1.ReplicaSetSpec{Replicas: new(replicas)},
		})
	}
	put(t, inv, schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}, &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", UID: "h", ResourceVersion: "1"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "web"}, MinReplicas: new(int32(2)), MaxReplicas: 9,
		},
	})
	g := group(t, inv, "default", "replicaSet web-1")
	if diff := cmp.Diff([]gennaker.ServerGroupManagerRef{{Account: "lab", Location: "default", Name: "deployment web"}}, g.Managers); diff != "" {
		t.Errorf("managers (-want +got):\n%s", diff)
	}
	if g.Cluster != "deployment web" || g.Moniker.Sequence == nil || *g.Moniker.Sequence != 2 {
		t.Errorf("moniker %+v, want the Deployment's with the revision", g.Moniker)
	}
	if want := (gennaker.Capacity{Min: 2, Desired: 3, Max: 9}); g.Capacity != want {
		t.Errorf("capacity %+v, want %+v", g.Capacity, want)
	}
	if want := (gennaker.Capacity{}); group(t, inv, "default", "replicaSet web-0").Capacity != want {
		t.Error("the autoscaler is taken for that of a ReplicaSet that is not in use")
	}
	managers, err := inv.ServerGroupManagers(t.Context(), "SHOP")
	if err != nil || len(managers) != 1 || len(managers[0].ServerGroups) != 2 || managers[0].ServerGroups[0].Name != "replicaSet web-1" {
		t.Errorf("managers %+v, %v: want one with two server groups, newest first", managers, err)
	}
}

// TestLoadBalancers shows what is behind services, and behind what leads to
// them.
func TestLoadBalancers(t *testing.T) {
	t.Parallel()
	inv := offline(t, settle)
	slice, pods, o := version("web", 1, 2, map[string]string{"lb": "web"})
	slice.Endpoints[1].Conditions.Ready = new(false)
	_, _, old := version("web", 0, 0, nil)
	s := service("web", map[string]string{"lb": "web"})
	s.Namespace, s.UID, s.ResourceVersion, s.Spec.ClusterIPs = "default", "s", "1", []string{"10.0.0.1"}
	put(t, inv, serviceKind, s)
	put(t, inv, replicaSetKind, o)
	put(t, inv, replicaSetKind, old)
	put(t, inv, podKind, pods[0])
	put(t, inv, podKind, pods[1])
	put(t, inv, sliceKind, slice)
	put(t, inv, schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}, &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", UID: "i", ResourceVersion: "1"},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{Host: "web.example", IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "web"}}}}},
		}}}},
	})
	put(t, inv, routeKind, &gatewayv1.HTTPRoute{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", UID: "r", ResourceVersion: "1"},
		Spec: gatewayv1.HTTPRouteSpec{Hostnames: []gatewayv1.Hostname{"shop.example"}, Rules: []gatewayv1.HTTPRouteRule{{BackendRefs: []gatewayv1.HTTPBackendRef{{
			BackendRef: gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{Name: "web"}, Weight: new(int32(7))},
		}}}}},
	})
	got, err := inv.LoadBalancers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	behind := func(weight int) []gennaker.LoadBalancerServerGroup {
		return []gennaker.LoadBalancerServerGroup{
			{Name: "replicaSet web-v000", Account: "lab", Region: "default", Disabled: true, Weight: weight},
			{Name: "replicaSet web-v001", Account: "lab", Region: "default", Weight: weight, InService: 1},
		}
	}
	want := []gennaker.LoadBalancer{
		{Name: "httpRoute web", Kind: "HTTPRoute", Hosts: []string{"shop.example"}, ServerGroups: behind(7)},
		{Name: "ingress web", Kind: "Ingress", Hosts: []string{"web.example"}, ServerGroups: behind(100)},
		{
			Name: "service web", Kind: "Service", Hosts: []string{"10.0.0.1"}, Listen: "10.0.0.1:80", ServerGroups: behind(100),
			Ports: []gennaker.LoadBalancerPort{{Name: "http", Port: 80, Target: "0"}},
		},
	}
	ignore := cmpopts.IgnoreFields(gennaker.LoadBalancer{}, "Account", "Region", "CloudProvider", "Moniker", "Application", "Labels")
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("load balancers (-want +got):\n%s", diff)
	}
}

// TestSecurityGroups shows a policy as a firewall.
func TestSecurityGroups(t *testing.T) {
	t.Parallel()
	inv := offline(t, settle)
	_, _, o := version("web", 1, 0, nil)
	put(t, inv, replicaSetKind, o)
	put(t, inv, schema.GroupKind{Group: "networking.k8s.io", Kind: "NetworkPolicy"}, &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", UID: "p", ResourceVersion: "1"},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"version": "web-v001"}},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{Ports: []networkingv1.NetworkPolicyPort{
				{Port: new(intstr.FromInt32(8000)), EndPort: new(int32(8080))}, {Port: new(intstr.FromString("http"))},
			}}},
		},
	})
	got, err := inv.SecurityGroups(t.Context())
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	want := []gennaker.SecurityRule{
		{Protocol: "TCP", Ports: []gennaker.PortRange{{Start: 8000, End: 8080}}},
		{Protocol: "TCP", Ports: []gennaker.PortRange{{StartName: "http", EndName: "http"}}},
	}
	if diff := cmp.Diff(want, got[0].Inbound); diff != "" {
		t.Errorf("inbound rules (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"replicaSet web-v001"}, got[0].ServerGroups); diff != "" {
		t.Errorf("server groups (-want +got):\n%s", diff)
	}
}

// TestStorm changes more than a slow listener hears of: what it has missed comes
// to it as one change of everything.
func TestStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inv := offline(t, settle)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		heard, next := make(chan string), make(chan struct{})
		go inv.Watch(ctx, func(c provider.Change) {
			heard <- c.Application + "/" + c.ServerGroup
			<-next
		})
		if got := <-heard; got != "/" {
			t.Fatalf("heard %q first, want that anything may have changed", got)
		}
		for n := range 5000 { // while the listener is busy
			_, _, o := version(fmt.Sprintf("app%d", n), 1, 0, nil)
			put(t, inv, replicaSetKind, o)
		}
		next <- struct{}{}
		if got := <-heard; got != "/" {
			t.Errorf("heard %q after 5,000 changes, want one of everything", got)
		}
		_, _, o := version("app1", 2, 0, nil)
		for n := range 100 { // of one server group
			o.SetResourceVersion(fmt.Sprint(n + 1))
			put(t, inv, replicaSetKind, o.(*appsv1.ReplicaSet).DeepCopy())
		}
		next <- struct{}{}
		if got := <-heard; got != "app1/replicaSet app1-v002" {
			t.Errorf("heard %q, want the one server group that changed", got)
		}
		next <- struct{}{}
		synctest.Wait()
		select {
		case got := <-heard:
			t.Errorf("heard %q again", got)
		default:
		}
	})
}

// TestUnread answers nothing before it knows anything.
func TestUnread(t *testing.T) {
	t.Parallel()
	inv, err := inventory.New(inventory.Config{Account: "lab", REST: offlineConfig()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inv.ServerGroups(t.Context(), ""); gennaker.KindOf(err) != gennaker.Unavailable {
		t.Errorf("server groups: %v, want Unavailable", err)
	}
	if got := inv.Traffic("default", "replicaSet", "web-v001"); !got.Draining {
		t.Errorf("traffic %+v, want no promise that there is none", got)
	}
	if s := inv.State(); s.Synced || s.Live || s.Err == nil {
		t.Errorf("state %+v, want one that is not known", s)
	}
}

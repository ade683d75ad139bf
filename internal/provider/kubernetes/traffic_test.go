package kubernetes_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/internal/provider"
)

// version deploys a ReplicaSet behind the Service web, and waits until it
// serves; its name is returned.
func (s *scene) version(replicas int) string {
	s.Helper()
	d := s.deployment(fmt.Sprintf(replicaSet, replicas))
	d.Services = []string{"service web"}
	out, err := s.Deploy(s.Context(), s.key(), d)
	s.must(err)
	name := names(out.Manifests)[0]
	s.until(name, stable)
	s.untilEndpoints(strings.TrimPrefix(name, "replicaSet "), replicas)
	return name
}

func drained(v gennaker.ManifestView) string {
	if len(v.Serving.Services) == 0 && !v.Serving.DrainedAt.IsZero() {
		return ""
	}
	return fmt.Sprintf("%+v", v.Serving)
}

// endpoints counts the endpoints of the Service web by the ReplicaSet whose pods
// they are.
func (s *scene) endpoints(workload string) int {
	s.Helper()
	list, err := s.lab.Client.DiscoveryV1().EndpointSlices(s.space).List(s.Context(), v1.ListOptions{LabelSelector: "kubernetes.io/service-name=web"})
	s.must(err)
	n := 0
	for _, slice := range list.Items {
		for _, e := range slice.Endpoints {
			if e.TargetRef != nil && len(e.TargetRef.Name) > len(workload) && e.TargetRef.Name[:len(workload)+1] == workload+"-" {
				n++
			}
		}
	}
	return n
}

func (s *scene) untilEndpoints(workload string, want int) {
	s.Helper()
	lab.Eventually(s.T, fmt.Sprintf("%s has %d endpoints", workload, want), func(context.Context) (bool, error) {
		return s.endpoints(workload) == want, nil
	})
}

// TestBlueGreen moves a Service from one version to the next, and back.
func TestBlueGreen(t *testing.T) {
	s := open(t)
	s.deploy(service)
	old, next := s.version(3), s.version(2)
	key := s.key()
	s.must(s.Attach(t.Context(), key, s.ref(old), nil, false))
	v := s.until(old, drained)
	if annotation(v, "gennaker.io/detached-at") == "" {
		t.Error("nothing says since when it is detached")
	}
	if n := s.endpoints("web-v000"); n != 0 {
		t.Errorf("it has %d endpoints", n)
	}
	if v.Status.Stable.State != true {
		t.Errorf("detached it is not stable: %+v", v.Status)
	}
	// Pods that start later are not behind it either.
	s.must(s.Rollout(t.Context(), s.key(), s.ref(old), provider.Rollout{Scale: new(5)}))
	s.until(old, stable)
	if n := s.endpoints("web-v000"); n != 0 {
		t.Errorf("scaled it has %d endpoints", n)
	}
	s.must(s.Attach(t.Context(), s.key(), s.ref(old), []string{"service web"}, true))
	s.untilEndpoints("web-v000", 5)
	// A detachment done long ago takes nothing away.
	s.must(s.Attach(t.Context(), key, s.ref(old), nil, false))
	if n := s.endpoints("web-v000"); n != 5 {
		t.Errorf("an operation done long ago leaves %d endpoints", n)
	}
	if n := s.endpoints("web-v001"); n != 2 {
		t.Errorf("%s has %d endpoints", next, n)
	}
	g, err := s.Inventory().ServerGroup(t.Context(), s.space, next)
	s.must(err)
	if g.Disabled {
		t.Errorf("%s is disabled", next)
	}
}

// TestDetachIsCompleted ends half way: the template is changed, the pods are not.
func TestDetachIsCompleted(t *testing.T) {
	s := open(t)
	s.deploy(service)
	name := s.version(3)
	s.proxy.Inject(lab.Request{Verb: "patch", Resource: "pods"}, 100, lab.Fail(403, v1.StatusReasonForbidden))
	key := s.key()
	s.refused(s.Attach(t.Context(), key, s.ref(name), nil, false), gennaker.Denied)
	if n := s.endpoints("web-v000"); n != 3 {
		t.Fatalf("%d endpoints, want all 3 still", n)
	}
	s.proxy.Heal()
	s.must(s.Attach(t.Context(), key, s.ref(name), nil, false))
	s.untilEndpoints("web-v000", 0)
}

func TestAttachInvalid(t *testing.T) {
	s := open(t)
	s.deploy(service)
	name := s.version(1)
	s.deploy(deploymentText + `---
apiVersion: v1
kind: Service
metadata: {name: same}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: none}
spec: {ports: [{port: 80}]}
`)
	lab.Eventually(t, "the Deployment has a ReplicaSet", func(ctx context.Context) (bool, error) {
		all, err := s.FindManifests(ctx, provider.ManifestQuery{Location: s.space, Kinds: []string{"replicaSet"}})
		return len(all) == 2, err
	})
	s.refused(s.Attach(t.Context(), s.key(), s.ref(name), []string{"service same"}, true), gennaker.Invalid, "app")
	s.refused(s.Attach(t.Context(), s.key(), s.ref(name), []string{"service none"}, true), gennaker.Invalid, "non-empty selector")
	s.refused(s.Attach(t.Context(), s.key(), s.ref("deployment api"), []string{"service web"}, true), gennaker.Invalid, "ReplicaSet")
	s.refused(s.Attach(t.Context(), s.key(), s.ref("replicaSet nothing"), nil, true), gennaker.NotFound)
	s.refused(s.Attach(t.Context(), s.key(), s.ref(name), []string{"service missing"}, true), gennaker.NotFound, "missing")
	all, err := s.FindManifests(t.Context(), provider.ManifestQuery{Location: s.space, Kinds: []string{"replicaSet"}})
	s.must(err)
	for _, n := range names(all) {
		if n != name { // that of the Deployment
			s.refused(s.Attach(t.Context(), s.key(), s.ref(n), []string{"service web"}, true), gennaker.Invalid, "belongs to Deployment api")
			s.refused(s.Destroy(t.Context(), s.key(), s.group(n)), gennaker.Invalid, "belongs to Deployment api")
			s.refused(s.Resize(t.Context(), s.key(), s.group(n), gennaker.Capacity{}), gennaker.Invalid, "belongs to Deployment api")
		}
	}
}

func TestDisablePercent(t *testing.T) {
	s := open(t)
	s.deploy(service)
	name := s.version(5)
	for _, step := range []struct{ percent, left int }{{0, 5}, {30, 3}, {30, 3}, {50, 2}, {20, 2}, {100, 0}} {
		s.must(s.Disable(t.Context(), s.key(), s.group(name), step.percent))
		s.untilEndpoints("web-v000", step.left)
	}
	s.refused(s.Disable(t.Context(), s.key(), s.group(name), 101), gennaker.Invalid)
	g, err := s.Inventory().ServerGroup(t.Context(), s.space, name)
	s.must(err)
	if !g.Disabled {
		t.Error("it is not disabled")
	}
	s.must(s.Enable(t.Context(), s.key(), s.group(name)))
	s.untilEndpoints("web-v000", 5)
}

// TestDestroyOutlivesUs destroys by a process that does nothing afterwards; the
// next one carries it out, and not before the pods are drained.
func TestDestroyOutlivesUs(t *testing.T) {
	s := open(t)
	s.deploy(service)
	// One that selects by what the ReplicaSet selects by cannot be left.
	s.deploy(strings.NewReplacer("name: web", "name: metrics", "front: web", "app: web").Replace(service))
	s.version(1)
	name := s.version(2)
	other := s.provider(s.lab.Kubeconfig)
	pods := s.pods("web-v001")
	// While a slice names a pod of it, it is not drained.
	stale := s.staleSlice(pods[0])
	key := s.key()
	s.must(other.Destroy(t.Context(), key, s.group(name)))
	s.must(other.Destroy(t.Context(), key, s.group(name)))
	s.untilEndpoints("web-v001", 1)
	s.run(s.provider(s.lab.Kubeconfig))
	if got := s.pods("web-v001"); len(got) != 2 {
		t.Errorf("pods %v are left before it is drained", got)
	}
	stale()
	s.untilGone(name)
	lab.Eventually(t, "pods are gone", func(context.Context) (bool, error) { return len(s.pods("web-v001")) == 0, nil })
	s.must(s.Destroy(t.Context(), s.key(), s.group(name)))
	if n := s.endpoints("web-v000"); n != 1 {
		t.Errorf("the other version has %d endpoints", n)
	}
}

// pods returns the names of the pods of a workload.
func (s *scene) pods(workload string) []string {
	s.Helper()
	list, err := s.lab.Client.CoreV1().Pods(s.space).List(s.Context(), v1.ListOptions{})
	s.must(err)
	var out []string
	for _, p := range list.Items {
		if o := v1.GetControllerOf(&p); o != nil && o.Name == workload {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	return out
}

// staleSlice makes an EndpointSlice of the Service web that the cluster's
// controller does not follow, as if it were slow; what it returns removes it.
func (s *scene) staleSlice(pod string) (remove func()) {
	s.Helper()
	p, err := s.lab.Client.CoreV1().Pods(s.space).Get(s.Context(), pod, v1.GetOptions{})
	s.must(err)
	body := fmt.Sprintf(`{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":"stale","labels":{"kubernetes.io/service-name":"web"}},"addressType":"IPv4","endpoints":[{"addresses":["10.1.2.3"],"targetRef":{"kind":"Pod","name":%q,"namespace":%q,"uid":%q}}]}`, pod, s.space, p.UID)
	client := s.lab.Client.DiscoveryV1().EndpointSlices(s.space)
	_, err = client.Patch(s.Context(), "stale", types.ApplyPatchType, []byte(body), v1.PatchOptions{FieldManager: "test"})
	s.must(err)
	return func() { s.must(client.Delete(s.Context(), "stale", v1.DeleteOptions{})) }
}

// TestResize takes pods that are too many out of service before they are
// stopped.
func TestResize(t *testing.T) {
	s := open(t)
	s.deploy(service)
	name := s.version(2)
	s.must(s.Resize(t.Context(), s.key(), s.group(name), gennaker.Capacity{Min: 4, Max: 4, Desired: 4}))
	s.until(name, stable)
	s.untilEndpoints("web-v000", 4)
	key := s.key()
	s.must(s.Resize(t.Context(), key, s.group(name), gennaker.Capacity{Min: 1, Max: 1, Desired: 1}))
	s.untilEndpoints("web-v000", 1)
	serving := s.view(name)
	lab.Eventually(t, "one pod", func(context.Context) (bool, error) {
		if s.endpoints("web-v000") != 1 {
			t.Fatalf("the pod that stays lost its traffic: %+v", serving.Serving)
		}
		return len(s.pods("web-v000")) == 1, nil
	})
	s.must(s.Resize(t.Context(), key, s.group(name), gennaker.Capacity{Min: 1, Max: 1, Desired: 1}))
	v := s.until(name, stable)
	if field(v.Manifest, "spec", "replicas") != int64(1) || annotation(v, "gennaker.io/replicas") != "" {
		t.Errorf("replicas %v, annotation %q", field(v.Manifest, "spec", "replicas"), annotation(v, "gennaker.io/replicas"))
	}
	s.refused(s.Resize(t.Context(), s.key(), s.group(name), gennaker.Capacity{Min: 2, Max: 1}), gennaker.Invalid)
	s.refused(s.Resize(t.Context(), s.key(), s.group("replicaSet none"), gennaker.Capacity{}), gennaker.NotFound)
}

// TestResizeIsTakenBack grows again before the pods have gone.
func TestResizeIsTakenBack(t *testing.T) {
	s := open(t)
	s.deploy(service)
	name := s.version(3)
	idle := s.provider(s.lab.Kubeconfig)
	stale := s.staleSlice(s.pods("web-v000")[0])
	before := s.pods("web-v000")
	s.must(idle.Resize(t.Context(), s.key(), s.group(name), gennaker.Capacity{}))
	s.untilEndpoints("web-v000", 1)
	s.must(s.Resize(t.Context(), s.key(), s.group(name), gennaker.Capacity{Min: 3, Max: 3, Desired: 3}))
	s.untilEndpoints("web-v000", 4)
	s.must(idle.Resize(t.Context(), s.key(), s.group(name), gennaker.Capacity{}))
	s.must(s.Rollout(t.Context(), s.key(), s.ref(name), provider.Rollout{Scale: new(3)}))
	s.untilEndpoints("web-v000", 4)
	stale()
	s.untilEndpoints("web-v000", 3)
	if diff := cmp.Diff(before, s.pods("web-v000")); diff != "" {
		t.Errorf("pods (-before +after):\n%s", diff)
	}
}

func TestTerminate(t *testing.T) {
	s := open(t)
	s.deploy(service)
	name := s.version(3)
	before := s.pods("web-v000")
	key := s.key()
	s.must(s.Terminate(t.Context(), key, s.group(name), []string{before[0], "nobody"}))
	var after []string
	lab.Eventually(t, "another pod", func(context.Context) (bool, error) {
		after = s.pods("web-v000")
		return len(after) == 3 && !slices.Contains(after, before[0]), nil
	})
	s.untilEndpoints("web-v000", 3)
	s.must(s.Terminate(t.Context(), key, s.group(name), after))
	if diff := cmp.Diff(after, s.pods("web-v000")); diff != "" {
		t.Errorf("done again under its key it changed pods (-want +got):\n%s", diff)
	}
}

func TestLoadBalancersAndCreate(t *testing.T) {
	s := open(t)
	_, err := s.Create(t.Context(), s.key(), gennaker.ServerGroupSpec{})
	s.refused(err, gennaker.Invalid, "deployManifest")
	s.refused(s.UpsertLoadBalancer(t.Context(), gennaker.LoadBalancer{}), gennaker.Invalid, "deployManifest")
	s.refused(s.DeleteLoadBalancer(t.Context(), s.space, "web"), gennaker.Invalid, "deleteManifest")
}

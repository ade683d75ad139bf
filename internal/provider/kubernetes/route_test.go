package kubernetes_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/gateway"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/internal/provider"
)

const routeText = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: way}
spec:
  parentRefs: [{name: edge}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /a}}]
    backendRefs: [{name: web, port: 80}]
  - filters: [{type: RequestRedirect, requestRedirect: {hostname: example.com}}]
    matches: [{path: {type: PathPrefix, value: /b}}]
`

// routed deploys a route and two versions, neither of which is behind the
// Service itself.
func routed(t *testing.T) (s *scene, old, next string) {
	t.Helper()
	s = open(t)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	if _, err := gateway.Start(ctx, gateway.Config{REST: s.lab.Config, Namespace: s.space, Name: "edge"}); err != nil {
		t.Fatal(err)
	}
	s.deploy(service + "---" + routeText)
	version := func() string {
		d := s.deployment(fmt.Sprintf(replicaSet, 1))
		d.Services, d.Dark = []string{"service web"}, true
		out, err := s.Deploy(t.Context(), s.key(), d)
		s.must(err)
		name := names(out.Manifests)[0]
		s.until(name, stable)
		return name
	}
	return s, version(), version()
}

func (s *scene) shares() []provider.Share {
	s.Helper()
	state, err := s.Route(s.Context(), s.ref("httpRoute way"))
	s.must(err)
	return state.Shares
}

// TestShiftOnce loses the answer to the change of a route, and looks at the
// cluster at the moment when the change arrives.
func TestShiftOnce(t *testing.T) {
	s, old, next := routed(t)
	all := []provider.Share{{Workload: old, Weight: 90}, {Workload: next, Weight: 10}}
	arrived, release := make(chan lab.Request), make(chan struct{})
	change := lab.Request{Verb: "patch", Resource: "httproutes", Namespace: s.space}
	s.proxy.Inject(change, 1, lab.Hold(arrived, release))
	s.proxy.Inject(change, 1, lab.Lose())
	key, ended := s.key(), make(chan error)
	go func() { ended <- s.Shift(t.Context(), key, s.ref("httpRoute way"), "service web", all) }()
	<-arrived
	for _, v := range []string{"web-v000", "web-v001"} {
		slices, err := s.lab.Client.DiscoveryV1().EndpointSlices(s.space).List(t.Context(), v1.ListOptions{LabelSelector: discovery.LabelServiceName + "=" + v})
		s.must(err)
		if len(slices.Items) != 1 || len(slices.Items[0].Endpoints) != 1 || !strings.HasPrefix(slices.Items[0].Endpoints[0].TargetRef.Name, v+"-") {
			t.Errorf("before the route changes the endpoints of %s are %+v", v, slices.Items)
		}
	}
	if got := s.shares(); len(got) != 0 {
		t.Errorf("shares before: %v", got)
	}
	s.refused(s.Shift(t.Context(), s.key(), s.ref("httpRoute way"), "service web", all), gennaker.Conflict, "another operation")
	close(release)
	s.must(<-ended)
	if diff := cmp.Diff(all, s.shares()); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
	other := []provider.Share{{Workload: next, Weight: 100}}
	second := s.key()
	lab.Eventually(t, "shifted", func(ctx context.Context) (bool, error) {
		return s.Shift(ctx, second, s.ref("httpRoute way"), "service web", other) == nil, nil
	})
	s.must(s.Shift(t.Context(), key, s.ref("httpRoute way"), "service web", all))
	if diff := cmp.Diff(other, s.shares()); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
	v := s.view("httpRoute way")
	rules, _ := field(v.Manifest, "spec", "rules").([]any)
	if second, _ := rules[1].(map[string]any); second["backendRefs"] != nil || len(rules) != 2 {
		t.Errorf("a rule without backends became %v", rules)
	}
}

// TestDestroyWithShare destroys a version that a route sends requests to: it
// stays until the share is gone.
func TestDestroyWithShare(t *testing.T) {
	s, old, next := routed(t)
	s.must(s.Shift(t.Context(), s.key(), s.ref("httpRoute way"), "service web", []provider.Share{{Workload: old, Weight: 1}, {Workload: next, Weight: 1}}))
	s.refused(s.Attach(t.Context(), s.key(), s.ref(old), nil, false), gennaker.Conflict, "still sends a share")
	if annotation(s.view(old), "gennaker.io/detached-at") != "" {
		t.Error("refused, it was detached all the same")
	}
	s.must(s.Destroy(t.Context(), s.key(), s.group(old)))
	s.must(s.Shift(t.Context(), s.key(), s.ref("httpRoute way"), "service web", []provider.Share{{Workload: next, Weight: 1}}))
	s.untilGone(old)
	s.untilGone("service web-v000")
	s.view("service web-v001")
	s.view(next)
}

func TestShiftRefuses(t *testing.T) {
	s, old, _ := routed(t)
	all := []provider.Share{{Workload: old, Weight: 1}}
	s.deploy(strings.Replace(service, "{name: web}", "{name: web-v000}", 1)) // somebody's own
	s.refused(s.Shift(t.Context(), s.key(), s.ref("httpRoute way"), "service web", all), gennaker.Conflict, "belongs to somebody else")
	s.refused(s.Shift(t.Context(), s.key(), s.ref("service web"), "service web", all), gennaker.Invalid, "HTTPRoute")
	s.refused(s.Shift(t.Context(), s.key(), s.ref("httpRoute way"), "service none", all), gennaker.NotFound)
	const same = `
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: %s, annotations: {strategy.spinnaker.io/versioned: "false"}}
spec:
  replicas: 1
  selector: {matchLabels: {app: same}}
  template: {metadata: {labels: {app: same}}, spec: {containers: [{name: main, image: "example.com/web:1"}]}}
`
	s.deploy(fmt.Sprintf(same, "one") + "---" + fmt.Sprintf(same, "two"))
	s.until("replicaSet one", stable)
	s.refused(s.Shift(t.Context(), s.key(), s.ref("httpRoute way"), "service web", []provider.Share{{Workload: "replicaSet one", Weight: 1}}), gennaker.Invalid, "no labels tell")
}

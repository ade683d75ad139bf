package inventory_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/inventory"
)

// TestServerGroup follows a version from its first pod to the last request
// that can reach it.
func TestServerGroup(t *testing.T) {
	t.Parallel()
	l := lab.Cluster(t)
	namespace := l.Namespace(t)
	inv := start(t, inventory.Config{REST: l.Config, Settle: 300 * time.Millisecond})
	makeService(t, l, namespace, service("web", map[string]string{"lb": "web"}))
	makeReplicaSet(t, l, namespace, replicaSet("web", 1, 3, map[string]string{"lb": "web"}))
	counts(t, inv, namespace, "replicaSet web-v001", gennaker.InstanceCounts{Total: 3, Up: 3})

	got := group(t, inv, namespace, "replicaSet web-v001")
	want := gennaker.ServerGroup{
		Name: "replicaSet web-v001", Kind: "ReplicaSet", Account: "lab", Region: namespace, CloudProvider: "kubernetes",
		Moniker: gennaker.Moniker{App: "web", Cluster: "replicaSet web", Sequence: new(1)}, Cluster: "replicaSet web",
		Capacity: gennaker.Capacity{Min: 3, Max: 3, Desired: 3}, Weight: 100,
		LoadBalancers: []string{"service web"}, Image: "registry.example/web:1.2.3",
		BuildInfo:      gennaker.BuildInfo{Images: []string{"registry.example/web:1.2.3"}},
		Labels:         map[string]string{"moniker.spinnaker.io/sequence": "1"},
		InstanceCounts: gennaker.InstanceCounts{Total: 3, Up: 3},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(gennaker.ServerGroup{}, "Instances", "CreatedTime")); diff != "" {
		t.Errorf("server group (-want +got):\n%s", diff)
	}
	in := got.Instances[0]
	if !strings.HasPrefix(in.Name, "pod web-v001-") || in.ID == "" || in.Zone != namespace || in.Node == "" || len(in.Containers) != 1 {
		t.Errorf("instance %+v", in)
	}
	if diff := cmp.Diff([]gennaker.Health{{Type: "KubernetesPod", Class: "platform", State: gennaker.Up}}, in.Health); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
	if got := inv.Traffic(namespace, "replicaSet", "web-v001"); cmp.Diff(gennaker.ManifestTraffic{Services: []string{"web"}, Pods: map[string]int{"web": 3}}, got) != "" {
		t.Errorf("traffic %+v, want service web", got)
	}

	kept, err := json.Marshal(inv.Pods(namespace, "replicaSet", "web-v001"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"not-to-be-kept", "managedFields", "last-applied"} {
		if bytes.Contains(kept, []byte(secret)) {
			t.Errorf("%s is kept: %s", secret, kept)
		}
	}

	began := time.Now()
	detach(t, l, namespace, "web-v001", "lb")
	counts(t, inv, namespace, "replicaSet web-v001", gennaker.InstanceCounts{Total: 3, OutOfService: 3})
	var traffic gennaker.ManifestTraffic
	eventually(t, inv, func() string {
		for _, in := range group(t, inv, namespace, "replicaSet web-v001").Instances {
			if in.HealthState != gennaker.OutOfService {
				return "not drained: " + in.Reason
			}
		}
		return ""
	})
	traffic = inv.Traffic(namespace, "ReplicaSet", "web-v001")
	if len(traffic.Services) != 0 || traffic.Draining || traffic.DrainedAt.Before(began.Add(300*time.Millisecond)) || traffic.DrainedAt.After(time.Now()) {
		t.Errorf("traffic %+v: want drained 300 ms after %s or later, and by now", traffic, began)
	}
	if !group(t, inv, namespace, "replicaSet web-v001").Disabled {
		t.Error("no service selects it, and it is not disabled")
	}
}

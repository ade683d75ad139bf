package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

func kindNamed(t *testing.T, name string) manifest.Kind {
	t.Helper()
	k, _ := manifest.LookupKind(name)
	return k
}

func TestCheckScale(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"deployment", "replicaSet", "statefulSet", "Gadget.example.com"} {
		if err := manifest.CheckScale(kindNamed(t, name), 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"daemonSet", "job", "service"} {
		refused(t, manifest.CheckScale(kindNamed(t, name), 1), gennaker.Invalid, "a "+name+" has no replicas to scale")
	}
	refused(t, manifest.CheckScale(kindNamed(t, "deployment"), -1), gennaker.Invalid, "-1 replicas are not possible")
	refused(t, manifest.CheckScale(kindNamed(t, "deployment"), manifest.MaxReplicas+1), gennaker.Invalid, "100001 replicas are not possible")
}

// TestPickRevision: strategies B7, the revision of an undo.
func TestPickRevision(t *testing.T) {
	t.Parallel()
	sets := []gennaker.Manifest{
		one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: c, annotations: {deployment.kubernetes.io/revision: '7'}}}"),
		one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: a, annotations: {deployment.kubernetes.io/revision: '2'}}}"),
		one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: none}}"),
		one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: b, annotations: {deployment.kubernetes.io/revision: '5'}}}"),
	}
	revisions := []gennaker.Manifest{
		one(t, "{apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: b}, revision: 2}"),
		one(t, "{apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: a}, revision: 1}"),
	}
	tests := map[string]struct {
		history  []gennaker.Manifest
		back, to int
		want     string
		err      string
	}{
		"one back":           {sets, 1, 0, "b", ""},
		"one back by itself": {sets, 0, 0, "b", ""},
		"two back":           {sets, 2, 0, "a", ""},
		"three back":         {sets, 3, 0, "", "There are 3 revision(s) in total, cannot rollback 3"},
		"to one":             {sets, 1, 2, "a", ""},
		"to the present one": {sets, 1, 7, "c", ""},
		"to none":            {sets, 1, 3, "", "there is no revision 3"},
		"forward":            {sets, -1, 0, "", "There are 3 revision(s) in total, cannot rollback -1"},
		"of a daemon set":    {revisions, 1, 0, "a", ""},
		"of nothing":         {nil, 1, 0, "", "There are 0 revision(s) in total, cannot rollback 1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := manifest.PickRevision(tt.history, tt.back, tt.to)
			if tt.err != "" {
				refused(t, err, gennaker.Invalid, tt.err)
				return
			}
			if err != nil || manifest.Name(got) != tt.want {
				t.Errorf("revision %q, %v; want %q", manifest.Name(got), err, tt.want)
			}
		})
	}
}

func TestUndoPatch(t *testing.T) {
	t.Parallel()
	deployment := one(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{image: b}]}}}}")
	set := one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web-1}, spec: {template: {metadata: {labels: {app: web, pod-template-hash: x}}, spec: {containers: [{image: a}]}}}}")
	revision := one(t, "{apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: web-1}, revision: 1, data: {spec: {template: {$patch: replace, metadata: {labels: {app: web}}, spec: {containers: [{image: a}]}}}}}")
	want := manifest.Patch{Strategy: "json", Body: []byte(`[{"op":"replace","path":"/spec/template","value":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"image":"a"}]}}}]`)}
	for _, from := range []gennaker.Manifest{set, revision} {
		got, err := manifest.UndoPatch(deployment, from)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("from a %s: %v (-want +got):\n%s", manifest.KindOf(from), err, diff)
		}
	}
	done := one(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{image: a}]}}}}")
	if got, err := manifest.UndoPatch(done, set); err != nil || string(got.Body) != "[]" {
		t.Errorf("what is so already: %s, %v", got.Body, err)
	}
	relabelled := one(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {metadata: {labels: {app: web, x: y}}, spec: {containers: [{image: a}]}}}}")
	if got, err := manifest.UndoPatch(relabelled, set); err != nil || string(got.Body) == "[]" {
		t.Errorf("what differs in labels: %s, %v", got.Body, err)
	}
	paused := one(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {paused: true, template: {}}}")
	_, err := manifest.UndoPatch(paused, set)
	refused(t, err, gennaker.Invalid, "deployment web is paused, and would not roll back")
	_, err = manifest.UndoPatch(one(t, "{apiVersion: v1, kind: Service, metadata: {name: web}}"), set)
	refused(t, err, gennaker.Invalid, "a service has no rollouts")
	_, err = manifest.UndoPatch(deployment, one(t, "{apiVersion: apps/v1, kind: ControllerRevision, metadata: {name: x}, revision: 1}"))
	if gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("a revision without a template: %v", err)
	}
}

func TestRestartPatch(t *testing.T) {
	t.Parallel()
	set := one(t, "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}}")
	got, err := manifest.RestartPatch(set, "2026-01-01T00:00:00Z")
	want := manifest.Patch{Strategy: "merge", Body: []byte(`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-01-01T00:00:00Z"}}}}}`)}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	_, err = manifest.RestartPatch(one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web}}"), "x")
	refused(t, err, gennaker.Invalid, "a replicaSet has no rollouts")
	_, err = manifest.RestartPatch(one(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {paused: true}}"), "x")
	refused(t, err, gennaker.Invalid, "deployment web is paused, and would not restart")
}

package kubernetes_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/e2e/lab"
	"github.com/gennaker/gennaker/internal/provider"
)

func image(v gennaker.ManifestView) string {
	containers, _ := field(v.Manifest, "spec", "template", "spec", "containers").([]any)
	first, _ := containers[0].(map[string]any)
	s, _ := first["image"].(string)
	return s
}

// TestRolloutOnce loses the answer to each change of a rollout; it happens once.
func TestRolloutOnce(t *testing.T) {
	s := open(t)
	for _, image := range []string{"api:1", "api:2", "api:3"} {
		s.deploy(strings.Replace(deploymentText, "api:1", image, 1))
		s.until("deployment api", stable)
	}
	for _, tt := range []struct {
		change provider.Rollout
		want   string
	}{{provider.Rollout{Undo: 1}, "example.com/api:2"}, {provider.Rollout{To: 1}, "example.com/api:1"}, {provider.Rollout{Restart: true}, "example.com/api:1"}} {
		key, ref := s.key(), s.ref("deployment api")
		s.proxy.Inject(lab.Request{Verb: "patch", Resource: "deployments", Namespace: s.space}, 1, lab.Lose())
		lab.Eventually(t, "changed", func(ctx context.Context) (bool, error) {
			return s.Rollout(ctx, key, ref, tt.change) == nil, nil
		})
		once := s.until("deployment api", stable)
		s.must(s.Rollout(t.Context(), key, ref, tt.change))
		twice := s.until("deployment api", stable)
		if image(once) != tt.want || image(twice) != tt.want {
			t.Errorf("%+v: image %s, done again %s, want %s", tt.change, image(once), image(twice), tt.want)
		}
		if a, b := annotation(once, "deployment.kubernetes.io/revision"), annotation(twice, "deployment.kubernetes.io/revision"); a != b {
			t.Errorf("%+v: done again it made revision %s of %s", tt.change, b, a)
		}
	}
	s.must(s.Rollout(t.Context(), s.key(), s.ref("deployment api"), provider.Rollout{Pause: true}))
	s.refused(s.Rollout(t.Context(), s.key(), s.ref("deployment api"), provider.Rollout{Undo: 1}), gennaker.Invalid, "paused")
	s.refused(s.Rollout(t.Context(), s.key(), s.ref("deployment api"), provider.Rollout{Restart: true}), gennaker.Invalid, "paused")
}

func TestUndoOthers(t *testing.T) {
	s := open(t)
	for _, kind := range []string{"StatefulSet", "DaemonSet"} {
		text := strings.Replace(deploymentText, "kind: Deployment", "kind: "+kind, 1)
		if kind == "DaemonSet" {
			text = strings.Replace(text, "  replicas: 2\n", "", 1)
		}
		s.deploy(text)
		name := kind + " api"
		s.until(name, stable)
		s.deploy(strings.Replace(text, "api:1", "api:2", 1))
		s.until(name, stable)
		s.must(s.Rollout(t.Context(), s.key(), s.ref(name), provider.Rollout{Undo: 1}))
		if got := image(s.view(name)); got != "example.com/api:1" {
			t.Errorf("%s: image %s", kind, got)
		}
		s.must(s.Rollout(t.Context(), s.key(), s.ref(name), provider.Rollout{Restart: true}))
		s.refused(s.Rollout(t.Context(), s.key(), s.ref(name), provider.Rollout{Pause: true}), gennaker.Invalid, "Deployment")
	}
}

func TestPatchMisfits(t *testing.T) {
	s := open(t)
	s.deploy(deploymentText)
	for body, words := range map[string][]string{
		`[{"op":"remove","path":"/metadata/labels/none"}]`: {"operation 0", "remove /metadata/labels/none"},
		`[{"op":"add","path":"/metadata/labels/a","value":"b"},{"op":"replace","path":"/spec/template/spec/containers/7/image","value":"x"}]`: {"operation 1", "containers/7"},
		`[{"op":"test","path":"/spec/replicas","value":9}]`:         {"test of it does not hold"},
		`[{"op":"replace","path":"/spec/replicas","value":"many"}]`: {"deployment"},
	} {
		_, err := s.PatchManifest(t.Context(), s.key(), s.ref("deployment api"), provider.ManifestPatch{Strategy: "json", Body: []byte(body)})
		s.refused(err, gennaker.Invalid, words...)
	}
	m, err := s.PatchManifest(t.Context(), s.key(), s.ref("deployment api"), provider.ManifestPatch{
		Strategy: "json", Body: []byte(`[{"op":"add","path":"/metadata/labels/new","value":"x"},{"op":"remove","path":"/metadata/labels/new"},{"op":"replace","path":"/spec/replicas","value":1}]`),
	})
	s.must(err)
	if field(m, "spec", "replicas") != int64(1) {
		t.Errorf("patched it is %v", m["spec"])
	}
}

func TestDelete(t *testing.T) {
	s := open(t)
	s.deploy(deploymentText)
	s.until("deployment api", stable)
	key := s.key()
	s.must(s.DeleteManifest(t.Context(), key, s.ref("deployment api"), provider.ManifestDelete{Orphan: true}))
	s.untilGone("deployment api")
	left, err := s.FindManifests(t.Context(), provider.ManifestQuery{Location: s.space, Kinds: []string{"replicaSet"}})
	s.must(err)
	if len(left) != 1 {
		t.Fatalf("orphaned are %v", names(left))
	}
	s.deploy(deploymentText)
	s.must(s.DeleteManifest(t.Context(), key, s.ref("deployment api"), provider.ManifestDelete{}))
	s.view("deployment api") // it is another one
	s.proxy.Inject(lab.Request{Verb: "delete", Namespace: s.space}, 1, lab.Lose())
	key = s.key()
	s.refused(s.DeleteManifest(t.Context(), key, s.ref("deployment api"), provider.ManifestDelete{Grace: new(int64(0))}), gennaker.Unavailable)
	s.must(s.DeleteManifest(t.Context(), key, s.ref("deployment api"), provider.ManifestDelete{Grace: new(int64(0))}))
	s.untilGone("deployment api")
	lab.Eventually(t, "what it owned is gone", func(ctx context.Context) (bool, error) {
		left, err := s.FindManifests(ctx, provider.ManifestQuery{Location: s.space, Kinds: []string{"pod", "replicaSet"}})
		return len(left) == 0, err
	})
	s.refused(s.DeleteManifest(t.Context(), s.key(), s.ref("deployment api"), provider.ManifestDelete{Grace: new(int64(-1))}), gennaker.Invalid)
}

func TestOutput(t *testing.T) {
	s := open(t)
	s.deploy(`
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {kubelab/log: "first\nSPINNAKER_PROPERTY_COLOR=blue"}}
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "example.com/m:1"}, {name: side, image: "example.com/s:1"}]
`)
	s.until("job migrate", stable)
	for _, container := range []string{"", "main", "side"} {
		text, err := s.Output(t.Context(), s.ref("job migrate"), container, 1000)
		s.must(err)
		if !strings.Contains(text, "first\nSPINNAKER_PROPERTY_COLOR=blue") {
			t.Errorf("%q wrote %q", container, text)
		}
	}
	short, err := s.Output(t.Context(), s.ref("job migrate"), "main", 31)
	s.must(err)
	if strings.Contains(short, "first") || !strings.Contains(short, "COLOR=blue") || len(short) > 31 {
		t.Errorf("the last bytes are %q", short)
	}
	_, err = s.Output(t.Context(), s.ref("job migrate"), "none", 10)
	s.refused(err, gennaker.NotFound, "main, side")
	s.deploy("apiVersion: v1\nkind: Pod\nmetadata: {name: stuck, annotations: {strategy.spinnaker.io/versioned: \"false\", kubelab/behaviour: image-pull-backoff}}\nspec: {containers: [{name: main, image: \"example.com/none:1\"}]}")
	_, err = s.Output(t.Context(), s.ref("pod stuck"), "", 10)
	s.refused(err, gennaker.Unavailable, "not begun")
}

// TestReason has a view say the cause.
func TestReason(t *testing.T) {
	s := open(t)
	s.deploy(strings.Replace(deploymentText, "metadata: {labels: {app: api}}", "metadata: {labels: {app: api}, annotations: {kubelab/behaviour: image-pull-backoff}}", 1))
	v := s.until("deployment api", func(v gennaker.ManifestView) string {
		if strings.Contains(v.Reason, "example.com/api:1") && v.Hint != "" {
			return ""
		}
		return "reason: " + v.Reason
	})
	if v.Status.Stable.State {
		t.Error("it is stable")
	}
}

// TestOtherPlaces asks for what is not the account's; the cluster is not asked.
func TestOtherPlaces(t *testing.T) {
	s := open(t)
	other := s.ref("deployment api")
	other.Account = "prod"
	_, err := s.Manifest(t.Context(), other)
	s.refused(err, gennaker.NotFound, "another account")
	other = s.ref("deployment api")
	other.Location = "kube-system"
	_, err = s.Manifest(t.Context(), other)
	s.refused(err, gennaker.Denied, s.space)
	_, err = s.FindManifests(t.Context(), provider.ManifestQuery{Location: "kube-system", Kinds: []string{"pod"}})
	s.refused(err, gennaker.Denied)
	if n := s.proxy.Count(lab.Request{Namespace: "kube-system"}); n != 0 {
		t.Errorf("%d requests went there", n)
	}
}

package manifest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

func TestMask(t *testing.T) {
	t.Parallel()
	secret := one(t, `
apiVersion: v1
kind: Secret
metadata:
  name: pass
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"data":{"password":"aHVudGVyMg=="}}', a: b}
data: {password: aHVudGVyMg==, key: ""}
stringData: {user: hunter2}
type: Opaque
`)
	want := one(t, `
apiVersion: v1
kind: Secret
metadata:
  name: pass
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '****', a: b}
data: {password: '****', key: '****'}
stringData: {user: '****'}
type: Opaque
`)
	if diff := cmp.Diff(want, manifest.Mask(secret)); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
	if manifest.Mask(secret)["data"].(map[string]any)["password"] == secret["data"].(map[string]any)["password"] {
		t.Error("what was given has changed")
	}
	odd := one(t, "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: hunter2}")
	if b, _ := json.Marshal(manifest.Mask(odd)); strings.Contains(string(b), "hunter2") {
		t.Errorf("data that is no mapping: %s", b)
	}
	config := one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: b}}")
	if diff := cmp.Diff(config, manifest.Mask(config)); diff != "" {
		t.Errorf("what is no Secret is masked:\n%s", diff)
	}
	for _, meant := range []string{"{apiVersion: core/v1, kind: Secret, data: {a: hunter2}}", "{kind: secret, stringData: {a: hunter2}}"} {
		if b, _ := json.Marshal(manifest.Mask(one(t, meant))); strings.Contains(string(b), "hunter2") {
			t.Errorf("what was meant to be a Secret: %s", b)
		}
	}
}

func TestMaskLeavesOutManagers(t *testing.T) {
	t.Parallel()
	given := one(t, "{kind: ConfigMap, metadata: {name: a, managedFields: [{manager: kubectl}]}, data: {a: b}}")
	if diff := cmp.Diff(one(t, "{kind: ConfigMap, metadata: {name: a}, data: {a: b}}"), manifest.Mask(given)); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
	if given["metadata"].(map[string]any)["managedFields"] == nil {
		t.Error("what was given has changed")
	}
}

func TestMaskText(t *testing.T) {
	t.Parallel()
	secret := one(t, "{apiVersion: v1, kind: Secret, metadata: {name: pass}, data: {password: aHVudGVyMg==, short: YWI=}, stringData: {longer: hunter2-and-more}}")
	config := one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: webhook}}")
	got := manifest.MaskText("webhook denied hunter2 and aHVudGVyMg== and hunter2-and-more and aHVudGVyMi1hbmQtbW9yZQ== by ab", secret, config)
	if want := "webhook denied **** and **** and **** and **** by ab"; got != want {
		t.Errorf("masked %q, want %q", got, want)
	}
	key := one(t, "{apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {key: \"line one\\nline two\"}}")
	if got := manifest.MaskText("refused: {\"key\":\"line one\\nline two\"}", key); got != `refused: {"key":"****"}` {
		t.Errorf("quoted: %q", got)
	}
}

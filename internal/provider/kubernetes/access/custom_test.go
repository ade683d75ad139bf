package access_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/access"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

func account(t *testing.T, customResources string) access.Account {
	t.Helper()
	a := access.Account{Name: "prod"}
	if err := json.Unmarshal([]byte(customResources), &a.CustomResources); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestCustom(t *testing.T) {
	t.Parallel()
	a := account(t, `[
		{"kubernetesKind": "Gadget.example.com"},
		{"kubernetesKind": "Gizmo.a.example.com", "spinnakerKind": "servergroups", "deployPriority": 30, "versioned": true, "namespaced": false},
		{"kubernetesKind": "Lease", "spinnakerKind": "configs", "deployPriority": "-1"},
		{"kubernetesKind": "Route.example.com", "deployPriority": "NETWORK_RESOURCE_PRIORITY"}
	]`)
	if err := a.Check(); err != nil {
		t.Fatal(err)
	}
	want := manifest.Custom{
		{Name: "Gadget", Group: "example.com", Class: manifest.Unclassified, Priority: 100},
		{Name: "Gizmo", Group: "a.example.com", Class: manifest.ServerGroups, Priority: 30, Versioned: true},
		{Name: "Lease", Class: manifest.Configs, Priority: -1},
		{Name: "Route", Group: "example.com", Class: manifest.Unclassified, Priority: 70},
	}
	if diff := cmp.Diff(want, a.Custom(), cmpopts.IgnoreUnexported(manifest.Kind{})); diff != "" {
		t.Errorf("custom kinds (-want +got):\n%s", diff)
	}
	text, err := json.Marshal(a.CustomResources)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, account(t, string(text))); diff != "" {
		t.Errorf("written and read (-want +got):\n%s", diff)
	}
}

func TestCustomRefused(t *testing.T) {
	t.Parallel()
	a := account(t, `[
		{"spinnakerKind": "configs"},
		{"kubernetesKind": "Gadget.example.com", "spinnakerKind": "instance", "deployPriority": "soon"},
		{"kubernetesKind": "gadget.Example.com", "deployPriority": 1.5}
	]`)
	own, ok := errors.AsType[*gennaker.Error](a.Check())
	if !ok || own.Kind != gennaker.Invalid {
		t.Fatalf("got %v", own)
	}
	var got []string
	for _, p := range own.Problems {
		got = append(got, p.Path)
	}
	want := []string{
		"customResources[0].kubernetesKind", "customResources[1].deployPriority", "customResources[1].spinnakerKind",
		"customResources[2].deployPriority", "customResources[2].kubernetesKind",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	for _, bad := range []string{`{"deployPriority": true}`, `{"deployPriority": {}}`} {
		if err := json.Unmarshal([]byte(bad), &access.CustomResource{}); err == nil || !strings.Contains(err.Error(), "priority") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := account(t, "["+strings.TrimSuffix(strings.Repeat(`{"kubernetesKind": "A"},`, 1001), ",")+"]").Check(); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("too many: %v", err)
	}
}

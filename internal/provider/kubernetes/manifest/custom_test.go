package manifest_test

import (
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// custom is what the account of the tests says.
var custom = manifest.Custom{
	{Name: "gadget", Group: "Example.com", Class: manifest.ServerGroups, Priority: 45, Versioned: true},
	{Name: "Gadget", Group: "other.example.com", Class: manifest.Configs, Priority: 100},
	{Name: "configMap", Class: manifest.Instances, Priority: 10},
	{Name: "Lease", Class: manifest.Configs, Priority: 7},
	{Name: "HTTPRoute", Group: "gateway.networking.k8s.io", Class: manifest.Unclassified, Priority: 120, Versioned: true},
}

func TestCustom(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		object    string
		class     manifest.Class
		priority  int
		versioned bool
	}{
		"a kind, in whatever case":      {"{apiVersion: example.com/v2, kind: Gadget}", manifest.ServerGroups, 45, true},
		"the same of another group":     {"{apiVersion: other.example.com/v1, kind: Gadget}", manifest.Configs, 100, false},
		"of a group that is not said":   {"{apiVersion: third.example.com/v1, kind: Gadget}", manifest.Unclassified, 1000, false},
		"not one of Kubernetes' own":    {"{apiVersion: example.com/v1, kind: Lease}", manifest.Unclassified, 1000, false},
		"one of Kubernetes' own":        {"{apiVersion: v1, kind: Lease}", manifest.Configs, 7, false},
		"one that is known":             {"{apiVersion: v1, kind: ConfigMap}", manifest.Configs, 10, false},
		"one that is known, by a group": {"{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute}", manifest.LoadBalancers, 120, true},
		"one of which nothing is said":  {"{apiVersion: v1, kind: Secret}", manifest.Configs, 50, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := one(t, strings.Replace(tt.object, "}", ", metadata: {name: a}}", 1))
			k := custom.KindOf(m)
			if k.Class != tt.class || k.Priority != tt.priority || k.Versioned != tt.versioned {
				t.Errorf("it is %+v", k)
			}
			if got, err := manifest.IsVersioned(m, nil, custom); got != tt.versioned || err != nil {
				t.Errorf("versioned: %t, %v", got, err)
			}
			if got, err := manifest.IsVersioned(m, new(!tt.versioned), custom); got == tt.versioned || err != nil {
				t.Errorf("against the stage: %t, %v", got, err)
			}
		})
	}
}

// A name has room for its version if the account gives it one.
func TestCheckCustom(t *testing.T) {
	t.Parallel()
	m := gennaker.Manifest{"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": map[string]any{"name": strings.Repeat("a", 250)}}
	if got := manifest.Check([]gennaker.Manifest{m}, nil, nil); len(got) != 0 {
		t.Errorf("without versions: %v", got)
	}
	if got := manifest.Check([]gennaker.Manifest{m}, nil, custom); len(got) != 1 || !strings.Contains(got[0].Message, "with its version -v000") {
		t.Errorf("with versions: %v", got)
	}
}

func TestParsePriority(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 100, "0": 0, "-5": -5, "250": 250, "WORKLOAD_CONTROLLER_PRIORITY": 100, "mountable_data_priority": 50, "LOWEST_PRIORITY": 1000} {
		if got, ok := manifest.ParsePriority(text); got != want || !ok {
			t.Errorf("%q is %d, %t; want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"soon", "1.5", "99999999999999999999", " 1"} {
		if got, ok := manifest.ParsePriority(text); ok {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func TestParseClass(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]manifest.Class{"": manifest.Unclassified, "SERVERGROUPS": manifest.ServerGroups, "configs": manifest.Configs} {
		if got, ok := manifest.ParseClass(text); got != want || !ok {
			t.Errorf("%q is %q, %t; want %q", text, got, ok, want)
		}
	}
	if got, ok := manifest.ParseClass("instance"); ok {
		t.Errorf("there is a class %q", got)
	}
}

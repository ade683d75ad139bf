package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// patched is m with a JSON patch, as an API server would make it: what is to be
// removed or replaced must be there.
func patched(t interface{ Fatalf(string, ...any) }, m gennaker.Manifest, patch []manifest.PatchOperation) gennaker.Manifest {
	out := manifest.Clone(m)
	for _, op := range patch {
		path := strings.Split(strings.TrimPrefix(op.Path, "/"), "/")
		in := map[string]any(out)
		for i, step := range path {
			key := strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
			value, there := in[key]
			if i < len(path)-1 {
				in, _ = value.(map[string]any)
				continue
			}
			if in == nil || there == (op.Op == "add") {
				t.Fatalf("%s %s of %v", op.Op, op.Path, m)
			}
			if in[key] = op.Value; op.Op == "remove" {
				delete(in, key)
			}
		}
	}
	return out
}

// TestSetLoadBalancers: strategies B1 and B5, the annotation and its conflict.
func TestSetLoadBalancers(t *testing.T) {
	t.Parallel()
	set := one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web}}")
	got, err := manifest.SetLoadBalancers(set, []string{"service web", "service admin"})
	if err != nil {
		t.Fatal(err)
	}
	if v := manifest.Annotations(got)["traffic.spinnaker.io/load-balancers"]; v != `["service web","service admin"]` {
		t.Errorf("the annotation is %s", v)
	}
	if list, err := manifest.LoadBalancersOf(got); err != nil || !cmp.Equal(list, []string{"service web", "service admin"}) {
		t.Errorf("read again: %v, %v", list, err)
	}
	if _, err := manifest.SetLoadBalancers(got, []string{"service web", "service admin"}); err != nil {
		t.Errorf("the same once more: %v", err)
	}
	_, err = manifest.SetLoadBalancers(got, []string{"service web"})
	refused(t, err, gennaker.Invalid, "replicaSet web is behind service web, service admin by its annotation traffic.spinnaker.io/load-balancers, and the stage puts it behind service web")
	if same, err := manifest.SetLoadBalancers(set, nil); err != nil || !cmp.Equal(same, set) {
		t.Errorf("of none: %v, %v", same, err)
	}
	odd := manifest.SetAnnotations(set, map[string]string{"traffic.spinnaker.io/load-balancers": "service web"})
	_, err = manifest.SetLoadBalancers(odd, []string{"service web"})
	refused(t, err, gennaker.Invalid, `traffic.spinnaker.io/load-balancers of replicaSet web is no list of names: "service web"`)
}

func TestServiceName(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"service web", "Service web", "svc web", "services web"} {
		if name, err := manifest.ServiceName(s); name != "web" || err != nil {
			t.Errorf("ServiceName(%q) = %q, %v", s, name, err)
		}
	}
	_, err := manifest.ServiceName("web")
	refused(t, err, gennaker.Invalid, `"web" does not name a Service`)
	_, err = manifest.ServiceName("ingress web")
	refused(t, err, gennaker.Invalid, `traffic cannot be moved by a ingress ("ingress web")`)
}

// TestJoin: strategies B5, enableTraffic.
func TestJoin(t *testing.T) {
	t.Parallel()
	service := one(t, "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {lb: web, tier: front}}}")
	tests := map[string]struct {
		object, service, want, err string
	}{
		"template":            {"{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: web}, spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}}}}", "", "{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: web}, spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web, lb: web, tier: front}}}}}", ""},
		"template, no labels": {"{kind: Job, apiVersion: batch/v1, metadata: {name: web}, spec: {template: {spec: {}}}}", "", "{kind: Job, apiVersion: batch/v1, metadata: {name: web}, spec: {template: {metadata: {labels: {lb: web, tier: front}}, spec: {}}}}", ""},
		"pod":                 {"{kind: Pod, apiVersion: v1, metadata: {name: web}}", "", "{kind: Pod, apiVersion: v1, metadata: {name: web, labels: {lb: web, tier: front}}}", ""},
		"common key":          {"{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: web}, spec: {template: {metadata: {labels: {tier: front}}}}}", "", "", "Service selector must have no label keys in common with target workload: service web and replicaSet web have tier"},
		"key of the selector": {"{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: web}, spec: {selector: {matchLabels: {lb: x}}, template: {metadata: {labels: {}}}}}", "", "", "replicaSet web selects its pods by the label lb, and so does service web"},
		"empty selector":      {"{kind: Pod, apiVersion: v1, metadata: {name: web}}", "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {}}}", "", "Service must have a non-empty selector in order to be attached to a workload: service web has none"},
		"no selector":         {"{kind: Pod, apiVersion: v1, metadata: {name: web}}", "{apiVersion: v1, kind: Service, metadata: {name: web}}", "", "Service must have a non-empty selector in order to be attached to a workload: service web has none"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := service
			if tt.service != "" {
				s = one(t, tt.service)
			}
			got, err := manifest.Join(one(t, tt.object), s)
			if tt.err != "" {
				refused(t, err, gennaker.Invalid, tt.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(one(t, tt.want), got); diff != "" {
				t.Errorf("object (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTrafficPatches: strategies B5, enableManifest and disableManifest.
func TestTrafficPatches(t *testing.T) {
	t.Parallel()
	service := one(t, "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {lb: web, example.com/tier~1: front}}}")
	tests := map[string]struct {
		object         string
		attach, detach []manifest.PatchOperation
	}{
		"workload without them": {
			"{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: web}, spec: {template: {metadata: {labels: {app: web}}}}}",
			[]manifest.PatchOperation{
				{Op: "add", Path: "/spec/template/metadata/labels/example.com~1tier~01", Value: "front"},
				{Op: "add", Path: "/spec/template/metadata/labels/lb", Value: "web"},
			},
			[]manifest.PatchOperation{},
		},
		"pod that has them, one with another value": {
			"{kind: Pod, apiVersion: v1, metadata: {name: web, labels: {lb: old, example.com/tier~1: front}}}",
			[]manifest.PatchOperation{{Op: "replace", Path: "/metadata/labels/lb", Value: "web"}},
			[]manifest.PatchOperation{
				{Op: "remove", Path: "/metadata/labels/example.com~1tier~01"},
				{Op: "remove", Path: "/metadata/labels/lb"},
			},
		},
		"pod without labels": {
			"{kind: Pod, apiVersion: v1, metadata: {name: web}}",
			[]manifest.PatchOperation{
				{Op: "add", Path: "/metadata/labels", Value: map[string]any{}},
				{Op: "add", Path: "/metadata/labels/example.com~1tier~01", Value: "front"},
				{Op: "add", Path: "/metadata/labels/lb", Value: "web"},
			},
			[]manifest.PatchOperation{},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := one(t, tt.object)
			attach, err := manifest.AttachPatch(m, service)
			if diff := cmp.Diff(tt.attach, attach); diff != "" || err != nil {
				t.Errorf("attach: %v (-want +got):\n%s", err, diff)
			}
			detach, err := manifest.DetachPatch(m, service)
			if diff := cmp.Diff(tt.detach, detach); diff != "" || err != nil {
				t.Errorf("detach: %v (-want +got):\n%s", err, diff)
			}
			if on := patched(t, m, attach); !manifest.Selects(service, manifest.PodLabels(on)) {
				t.Errorf("attached, the Service does not select %v", manifest.PodLabels(on))
			}
			if off := patched(t, m, detach); manifest.Selects(service, manifest.PodLabels(off)) {
				t.Errorf("detached, the Service selects %v", manifest.PodLabels(off))
			}
		})
	}
	own := one(t, "{kind: ReplicaSet, apiVersion: apps/v1, metadata: {name: web}, spec: {selector: {matchLabels: {lb: web}}, template: {metadata: {labels: {lb: web}}}}}")
	_, err := manifest.DetachPatch(own, service)
	refused(t, err, gennaker.Invalid, "replicaSet web selects its pods by the label lb, and so does service web")
	_, err = manifest.AttachPatch(own, service)
	refused(t, err, gennaker.Invalid, "replicaSet web selects its pods by the label lb, and so does service web")
}

// TestAttachDetach: what is attached and detached is as it was.
func TestAttachDetach(t *testing.T) {
	t.Parallel()
	labels := rapid.MapOfN(rapid.StringMatching(`[a-c](/[a-c~]{0,2})?`), rapid.StringMatching(`[x-z]{1,2}`), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		anyOf := func(m map[string]string) map[string]any {
			out := map[string]any{}
			for k, v := range m {
				out[k] = v
			}
			return out
		}
		selector := rapid.MapOfN(rapid.StringMatching(`[d-f](/[a-c~]{0,2})?`), rapid.StringMatching(`[x-z]{1,2}`), 1, 3).Draw(t, "selector")
		service := gennaker.Manifest{"apiVersion": "v1", "kind": "Service", "spec": map[string]any{"selector": anyOf(selector)}}
		was := gennaker.Manifest{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "p", "labels": anyOf(labels.Draw(t, "labels"))}}
		if rapid.Bool().Draw(t, "workload") {
			was = gennaker.Manifest{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": map[string]any{"name": "r"}, "spec": map[string]any{"template": map[string]any{"metadata": was["metadata"]}}}
		}
		attach, err := manifest.AttachPatch(was, service)
		if err != nil {
			t.Fatal(err)
		}
		on := patched(t, was, attach)
		if !manifest.Selects(service, manifest.PodLabels(on)) {
			t.Fatalf("attached, the Service does not select %v", manifest.PodLabels(on))
		}
		if again, err := manifest.AttachPatch(on, service); err != nil || len(again) > 0 {
			t.Fatalf("attached twice: %v, %v", again, err)
		}
		if joined, err := manifest.Join(was, service); err != nil || !cmp.Equal(joined, on) {
			t.Fatalf("joined differs from attached: %v\n%s", err, cmp.Diff(joined, on))
		}
		detach, err := manifest.DetachPatch(on, service)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(was, patched(t, on, detach)); diff != "" {
			t.Fatalf("detached, it is not as it was:\n%s", diff)
		}
	})
}

// TestDisabled: strategies B5, last sentence.
func TestDisabled(t *testing.T) {
	t.Parallel()
	service := one(t, "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {selector: {lb: web}}}")
	elsewhere := manifest.SetNamespace(service, "other")
	object := func(annotation, labels string) gennaker.Manifest {
		return one(t, "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web, namespace: shop, annotations: {"+annotation+"}}, spec: {template: {metadata: {labels: {"+labels+"}}}}}")
	}
	meant := `traffic.spinnaker.io/load-balancers: '["service web"]'`
	tests := map[string]struct {
		object   gennaker.Manifest
		services []gennaker.Manifest
		want     bool
	}{
		"behind it":                  {object(meant, "lb: web"), []gennaker.Manifest{service}, false},
		"detached":                   {object(meant, "app: web"), []gennaker.Manifest{service}, true},
		"its service is gone":        {object(meant, "lb: web"), nil, true},
		"service of elsewhere":       {object(meant, "lb: web"), []gennaker.Manifest{elsewhere}, true},
		"never meant to be":          {object("", "app: web"), []gennaker.Manifest{service}, false},
		"annotation that is no list": {object("traffic.spinnaker.io/load-balancers: x", "app: web"), nil, false},
	}
	for name, tt := range tests {
		if got := manifest.Disabled(tt.object, tt.services); got != tt.want {
			t.Errorf("%s: disabled %t, want %t", name, got, tt.want)
		}
	}
}

package manifest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
)

func check(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// replicaSet is one of the image shop/web with a tag.
func replicaSet(tag string) object {
	return object{
		"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": object{"name": "web", "namespace": "prod"},
		"spec": object{
			"replicas": 2, "selector": object{"matchLabels": object{"app": "web"}},
			"template": object{
				"metadata": object{"labels": object{"app": "web"}},
				"spec":     object{"containers": []any{object{"name": "web", "image": "shop/web:" + tag}}},
			},
		},
	}
}

func deployment(tag string) object {
	m := replicaSet(tag)
	m["kind"] = "Deployment"
	return m
}

// image is the image of a workload's first container.
func image(m gennaker.Manifest) string {
	var v any = map[string]any(m)
	for _, k := range []string{"spec", "template", "spec", "containers"} {
		o, _ := v.(map[string]any)
		v = o[k]
	}
	list, _ := v.([]any)
	if len(list) == 0 {
		return ""
	}
	c, _ := list[0].(map[string]any)
	return fmt.Sprint(c["image"])
}

func service(name string) object {
	return object{
		"apiVersion": "v1", "kind": "Service", "metadata": object{"name": name, "namespace": "prod"},
		"spec": object{"selector": object{"traffic": name}, "ports": []any{object{"port": 80}}},
	}
}

func route(name, service string) object {
	return object{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": object{"name": name, "namespace": "prod"},
		"spec": object{"rules": []any{object{"backendRefs": []any{object{"name": service, "port": 80}}}}},
	}
}

func ref(name string) gennaker.ManifestRef {
	kind, name, err := gennaker.ParseManifestName(name)
	if err != nil {
		panic(err)
	}
	return gennaker.ManifestRef{Account: "k8s", Location: "prod", Kind: kind, Name: name}
}

// there makes objects without a stage.
func (r *runner) there(objects ...object) {
	r.t.Helper()
	d := provider.ManifestDeploy{Application: "shop"}
	for _, o := range objects {
		d.Manifests = append(d.Manifests, gennaker.Manifest(o))
	}
	if _, err := r.fake.Deploy(r.t.Context(), fmt.Sprintf("there-%d", len(r.fake.Effects())), d); err != nil {
		r.t.Fatal(err)
	}
}

// view is an object as it is now.
func (r *runner) view(name string) gennaker.ManifestView {
	r.t.Helper()
	v, err := r.fake.Manifest(r.t.Context(), ref(name))
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

// traffic is a deployManifest stage that moves traffic.
func traffic(tag string, options object) object {
	all := object{"enableTraffic": true, "namespace": "prod", "services": []any{"service web"}}
	maps.Copy(all, options)
	return object{
		"account": "k8s", "cloudProvider": "kubernetes", "moniker": object{"app": "shop"}, "source": "text",
		"manifests": []any{replicaSet(tag)}, "trafficManagement": object{"enabled": true, "options": all},
	}
}

// state is the ReplicaSets, each with its pods and what sends requests to it.
func (r *runner) state() []string {
	r.t.Helper()
	out := []string{}
	for _, name := range r.fake.Objects("prod", "replicaSet") {
		v, err := r.fake.Manifest(r.t.Context(), ref("replicaSet "+name))
		if err != nil {
			continue // it went when it was looked at
		}
		line := fmt.Sprintf("%s %v", name, v.Manifest["spec"].(map[string]any)["replicas"])
		if len(v.Serving.Services) > 0 {
			line += " behind " + strings.Join(v.Serving.Services, ", ")
		}
		out = append(out, line)
	}
	return out
}

// moves are the effects since n of them were; one that makes sure of another is
// left out.
func (r *runner) moves(n int) []string {
	out := []string{}
	for _, e := range r.fake.Effects()[n:] {
		out = append(out, string(e.Op)+" "+e.Target)
	}
	return slices.Compact(out)
}

// names of the stages that were planned, in order.
func (r *runner) names(n *node) []string {
	out := []string{}
	for _, k := range n.kids {
		out = append(out, k.Name)
	}
	return out
}

// slow takes its time for everything.
func slow(gennaker.Manifest) fake.ManifestScript {
	return fake.ManifestScript{Ready: fake.AfterLooks(3), Drain: fake.AfterLooks(2), Gone: fake.AfterLooks(2)}
}

// badImage never lets the pods of an image with the tag bad be ready.
func badImage(m gennaker.Manifest) fake.ManifestScript {
	if strings.HasSuffix(image(m), ":bad") {
		return fake.ManifestScript{Ready: fake.Never(), Reason: "the image shop/web:bad cannot be pulled", Hint: "push it"}
	}
	return fake.ManifestScript{}
}

func keys(effects []fake.Effect) int {
	seen := map[string]bool{}
	for _, e := range effects {
		seen[string(e.Op)+e.Key] = true
	}
	return len(seen)
}

func has(list []string, s string) bool { return slices.Contains(list, s) }

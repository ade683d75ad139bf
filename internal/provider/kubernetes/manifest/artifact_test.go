package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

func TestBind(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name, Source string
		Exact        bool
		Object, Want gennaker.Manifest
		Artifacts    []gennaker.Artifact
		Bound        []string
	}
	for _, v := range vectors[vector](t, "binding.yaml") {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			if v.Source == "" {
				t.Error("the case names no source")
			}
			before := normal(t, v.Object)
			b := manifest.Binding{Account: "prod", MatchNameOnly: v.Exact}
			got, bound := b.Bind(before, v.Artifacts)
			if diff := cmp.Diff(normal(t, v.Want), got); diff != "" {
				t.Errorf("object (-want +got):\n%s", diff)
			}
			var names []string
			for _, a := range bound {
				names = append(names, a.Name)
			}
			if diff := cmp.Diff(v.Bound, names); diff != "" {
				t.Errorf("bound (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(normal(t, v.Object), before); diff != "" {
				t.Errorf("what was given has changed:\n%s", diff)
			}
		})
	}
}

func TestParseImage(t *testing.T) {
	t.Parallel()
	tests := map[string]manifest.Image{
		"web":                             {Name: "web"},
		"web:1.2":                         {Name: "web", Tag: "1.2"},
		"shop/web@sha256:0":               {Name: "shop/web", Digest: "sha256:0"},
		"shop/web:1@sha256:0":             {Name: "shop/web", Tag: "1", Digest: "sha256:0"},
		"localhost:5000/web":              {Name: "localhost:5000/web"},
		"r.example.com:5000/a/web:latest": {Name: "r.example.com:5000/a/web", Tag: "latest"},
		"":                                {},
	}
	for reference, want := range tests {
		if got := manifest.ParseImage(reference); got != want {
			t.Errorf("ParseImage(%q) = %+v, want %+v", reference, got, want)
		}
	}
}

// TestCandidates: required before optional, created before both.
func TestCandidates(t *testing.T) {
	t.Parallel()
	a := func(kind, name, reference string) gennaker.Artifact {
		return gennaker.Artifact{Type: kind, Name: name, Reference: reference}
	}
	got := manifest.Candidates(
		[]gennaker.Artifact{a("docker/image", "web", "web:1"), a("docker/image", "web", "web:2"), a("kubernetes/configMap", "c", "c-v000")},
		[]gennaker.Artifact{a("docker/image", "web", "web:3"), a("docker/image", "db", "db:1")},
		[]gennaker.Artifact{a("kubernetes/configMap", "c", "c-v001"), a("kubernetes/configMap", "c", "c-v002")},
	)
	want := []gennaker.Artifact{a("kubernetes/configMap", "c", "c-v002"), a("docker/image", "web", "web:1"), a("docker/image", "db", "db:1")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
}

func TestCheckBound(t *testing.T) {
	t.Parallel()
	web := gennaker.Artifact{Type: "docker/image", Name: "web", Reference: "web:1"}
	db := gennaker.Artifact{Type: "docker/image", Name: "db", Reference: "db:1"}
	if err := manifest.CheckBound([]gennaker.Artifact{web}, []gennaker.Artifact{db, web}); err != nil {
		t.Error(err)
	}
	err := manifest.CheckBound([]gennaker.Artifact{web, db}, []gennaker.Artifact{web})
	refused(t, err, gennaker.Invalid, "no manifest uses the required artifact docker/image db")
	other := web
	other.Reference = "web:2"
	if manifest.CheckBound([]gennaker.Artifact{web, other}, []gennaker.Artifact{web}) == nil {
		t.Error("a required artifact of the same name, but another reference, counts as bound")
	}
}

func TestFound(t *testing.T) {
	t.Parallel()
	m := one(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      volumes: [{configMap: {name: settings-v001}}, {secret: {secretName: pass-v000}}, {emptyDir: {}}]
      containers:
      - {image: "shop/web:1", envFrom: [{configMapRef: {name: settings-v001}}]}
      - {name: without-image}
      initContainers: [{image: "localhost:5000/init@sha256:0"}]
`)
	want := []gennaker.Artifact{
		{Type: "docker/image", Name: "shop/web", Reference: "shop/web:1"},
		{Type: "docker/image", Name: "localhost:5000/init", Reference: "localhost:5000/init@sha256:0"},
		{Type: "kubernetes/configMap", Name: "settings-v001", Reference: "settings-v001"},
		{Type: "kubernetes/secret", Name: "pass-v000", Reference: "pass-v000"},
	}
	if diff := cmp.Diff(want, manifest.Found(m)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"shop/web:1", "localhost:5000/init@sha256:0"}, manifest.Images(m)); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]gennaker.Artifact{}, manifest.Found(one(t, "{apiVersion: v1, kind: Service, metadata: {name: web}}"))); diff != "" {
		t.Errorf("found in a Service:\n%s", diff)
	}
}

// TestArtifactOf: strategies B4, created artifacts.
func TestArtifactOf(t *testing.T) {
	t.Parallel()
	config := one(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {a: b}}")
	annotated, err := manifest.Annotate(config, manifest.Identity{Moniker: gennaker.Moniker{App: "shop"}, Version: new(7)})
	if err != nil {
		t.Fatal(err)
	}
	want := gennaker.Artifact{
		Type: "kubernetes/configMap", Name: "settings", Location: "shop", Version: "v007", Reference: "settings-v007",
		Metadata: map[string]any{"account": "prod"},
	}
	if diff := cmp.Diff(want, manifest.ArtifactOf("prod", annotated)); diff != "" {
		t.Errorf("versioned (-want +got):\n%s", diff)
	}
	service := one(t, "{apiVersion: v1, kind: Service, metadata: {name: web-v001, namespace: shop}}")
	if annotated, err = manifest.Annotate(service, manifest.Identity{Moniker: gennaker.Moniker{App: "shop"}}); err != nil {
		t.Fatal(err)
	}
	want = gennaker.Artifact{
		Type: "kubernetes/service", Name: "web-v001", Location: "shop", Reference: "web-v001", Metadata: map[string]any{"account": "prod"},
	}
	if diff := cmp.Diff(want, manifest.ArtifactOf("prod", annotated), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("unversioned (-want +got):\n%s", diff)
	}
}

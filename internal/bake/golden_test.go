package bake_test

import (
	"strings"
	"testing"

	"github.com/gennaker/gennaker/internal/bake"
)

// TestGolden holds charts and kustomizations to what they give, rendered in a
// child as a server does.
func TestGolden(t *testing.T) {
	t.Parallel()
	kustomization := func(dir, file string) bake.Request {
		return bake.Request{Renderer: bake.Kustomize, Inputs: []bake.Input{pack(t, files(t, "kustomizations/"+dir))}, Path: file}
	}
	gateway := []string{"gateway.networking.k8s.io/v1/HTTPRoute"}
	for name, req := range map[string]bake.Request{
		"web": helm(chart(t, "web"), func(r *bake.Request) { r.Chart.Namespace = "shop" }),
		"web-values": helm(chart(t, "web"), values("replicas: 3\nimage: {tag: a}\n", "image: {tag: b}\ningress: {host: old.example.com}\n"),
			overrides(false, "ingress.host=example.com", "replicas=5"), func(r *bake.Request) { r.Chart.APIVersions = gateway }),
		"web-directory": helm(pack(t, below("deploy/web", files(t, "charts/web"))), func(r *bake.Request) { r.Path = "deploy/web" }),
		"operator":      helm(chart(t, "operator"), func(r *bake.Request) { r.Chart.IncludeCRDs = true }, overrides(true, "watch={a,b}")),
		"operator-bare": helm(chart(t, "operator")),
		"shop":          helm(shop(t)),
		"shop-all":      helm(shop(t), overrides(true, "mails.enabled=true", "tags.observe=true", "global.region=south", "orders.depth=99")),
		"strict":        helm(chart(t, "strict"), values("image: {tag: v7}")),
		"overlay":       kustomization("overlay", "prod/kustomization.yaml"),
		"parts":         kustomization("parts", "enterprise"),
		"generated":     kustomization("generated", ""),
		"wired":         kustomization("wired", "kustomization.yaml"),
		"tenant":        kustomization("tenant", "/kustomization.yaml"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := process(t).Render(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, got.Manifests)
		})
	}
}

// TestBulk: large ConfigMaps pass as they are, up to the bound.
func TestBulk(t *testing.T) {
	t.Parallel()
	got, err := process(t).Render(t.Context(), helm(chart(t, "bulk")))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("0123456789abcdef", 64*900)
	if n := strings.Count(string(got.Manifests), "text: "+text+"\n"); n != 4 {
		t.Errorf("%d of 4 texts are as they should be, in %d bytes", n, len(got.Manifests))
	}
	_, err = process(t).Render(t.Context(), helm(chart(t, "bulk"), overrides(true, "maps=6")))
	refused(t, err, "too_large", "5530")
}

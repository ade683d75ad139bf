package scenario

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
	"testing"
)

// TestBake renders a chart and deploys what comes of it.
func TestBake(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.server.Configure(fetching)
	w.parallel(map[string]func(*world){"chart": chart})
}

func chart(w *world) {
	bake := w.bake(map[string]string{
		"web/Chart.yaml":         "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"web/values.yaml":        "replicas: 1\n",
		"web/templates/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\nspec:\n  replicas: {{ .Values.replicas }}\n  selector: {matchLabels: {app: web}}\n  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: \"hello:{{ .Chart.Version }}\"}]}}\n",
	}, "overrides: {replicas: 2}")
	w.run(bake, w.stage("deployManifest", `{source: artifact, manifestArtifactId: baked, moniker: {app: $A}, namespaceOverride: $N}`))
	d := w.deployment("shop")
	equal(w, "ready pods", d.Status.ReadyReplicas, 2)
	equal(w, "image", d.Spec.Template.Spec.Containers[0].Image, "hello:1.0.0")
}

// bake is a stage that renders a chart of these files, as artifact baked.
func (w *world) bake(files map[string]string, more string) object {
	w.Helper()
	source, _ := w.served(w.archive(files))["manifestArtifact"].(object)
	return w.stage("bakeManifest", `
templateRenderer: HELM3
outputName: shop
namespace: $N
rawOverrides: true
expectedArtifacts: [{id: baked, defaultArtifact: {}, matchArtifact: {type: embedded/base64, name: baked}}]
`+more, object{"inputArtifacts": []any{object{"account": "files", "artifact": source}}})
}

// archive packs files as charts are packed.
func (w *world) archive(files map[string]string) string {
	w.Helper()
	var b bytes.Buffer
	packed := gzip.NewWriter(&b)
	out := tar.NewWriter(packed)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(files[name]))})
		if err == nil {
			_, err = out.Write([]byte(files[name]))
		}
		if err != nil {
			w.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		w.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		w.Fatal(err)
	}
	return b.String()
}

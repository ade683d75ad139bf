package app_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/bake"
)

// TestMain is a child that bakes when it is run as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "bake" {
		if err := bake.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// A chart is baked with parameters of the pipeline, and the stages behind see
// the result as an artifact; what the chart misses is said in the stage.
func TestBake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	archive := tar.NewWriter(z)
	for _, f := range [][2]string{
		{"cart/Chart.yaml", "apiVersion: v2\nname: cart\nversion: 1.0.0\n"},
		{"cart/templates/a.yaml", "image: {{ .Values.image.tag }}\nliteral: ${ not.an.expression }\n"},
	} {
		err := archive.WriteHeader(&tar.Header{Name: f[0], Mode: 0o644, Size: int64(len(f[1]))})
		if _, werr := archive.Write([]byte(f[1])); errors.Join(err, werr) != nil {
			t.Fatal(err, werr)
		}
	}
	if err := errors.Join(archive.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	config := object{
		"templateRenderer": "HELM3", "outputName": "r",
		"inputArtifacts":    []object{{"artifact": object{"type": "embedded/base64", "name": "cart", "reference": base64.StdEncoding.EncodeToString(packed.Bytes())}}},
		"expectedArtifacts": []object{{"id": "baked", "matchArtifact": object{"type": "embedded/base64", "name": "cart-manifest"}}},
	}
	w.save("broken", nil, stage(1, "bakeManifest", config))
	x := w.ended(w.begin("broken", nil), gennaker.Terminal)
	exception, _ := x.Stages[0].Context["exception"].(map[string]any)
	details, _ := exception["details"].(map[string]any)
	if got, want := fmt.Sprint(details["errors"]), "[templates/a.yaml:1: nil pointer evaluating .Values.image.tag]"; got != want {
		t.Errorf("the stage says %s, want %s; its details are %v", got, want, details)
	}
	config["overrides"] = object{"image.tag": "${ parameters.tag }"}
	w.save("bake", nil, stage(1, "bakeManifest", config), stage(2, "noop", nil))
	x = w.ended(w.begin("bake", object{"tag": "v7"}), gennaker.Succeeded)
	resolved, _ := x.Stages[0].Outputs["resolvedExpectedArtifacts"].([]any)
	if len(resolved) != 1 {
		t.Fatalf("bound is %v", resolved)
	}
	e, err := gennaker.ExpectedArtifactOf(resolved[0])
	if err != nil || e.ID != "baked" || e.Bound == nil {
		t.Fatal(resolved, err)
	}
	text, err := base64.StdEncoding.DecodeString(e.Bound.Reference)
	const want = "---\n# Source: cart/templates/a.yaml\nimage: v7\nliteral: ${ not.an.expression }\n"
	if string(text) != want || err != nil {
		t.Errorf("%q, %v; want %q", text, err, want)
	}
}

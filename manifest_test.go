package gennaker_test

import (
	"testing"

	"github.com/gennaker/gennaker"
)

func TestManifestName(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"ReplicaSet": "replicaSet web", "replicaSet": "replicaSet web", "HTTPRoute": "httpRoute web", "Pod": "pod web",
		"HorizontalPodAutoscaler": "horizontalPodAutoscaler web", "Gadget.example.com": "gadget.example.com web", "VPA": "vpa web", "": "web",
	} {
		ref := gennaker.ManifestRef{Kind: kind, Name: "web"}
		if got := ref.ManifestName(); got != want {
			t.Errorf("%s: got %q, want %q", kind, got, want)
		}
		if kind == "" {
			continue
		}
		if k, name, err := gennaker.ParseManifestName(want); err != nil || k+" "+name != want {
			t.Errorf("parse %q: %q, %q, %v", want, k, name, err)
		}
	}
}

func TestParseManifestNameRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "web", " web", "deployment ", "deployment a b"} {
		if _, _, err := gennaker.ParseManifestName(s); gennaker.KindOf(err) != gennaker.Invalid || err == nil {
			t.Errorf("%q: got %v", s, err)
		}
	}
}

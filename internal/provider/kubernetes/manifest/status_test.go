package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name, Source                                  string
		Object                                        gennaker.Manifest
		Stable, Unstable, Unavailable, Paused, Failed string
	}
	for _, v := range vectors[vector](t, "status.yaml") {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			if v.Source == "" {
				t.Error("the case names no source")
			}
			want := gennaker.ManifestStatus{
				Stable:    gennaker.ManifestCondition{State: v.Unstable == "", Message: v.Stable + v.Unstable},
				Available: gennaker.ManifestCondition{State: v.Unavailable == "", Message: v.Unavailable},
				Paused:    gennaker.ManifestCondition{State: v.Paused != "", Message: v.Paused},
				Failed:    gennaker.ManifestCondition{State: v.Failed != "", Message: v.Failed},
			}
			if diff := cmp.Diff(want, manifest.StatusOf(normal(t, v.Object))); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		})
	}
}

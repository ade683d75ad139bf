package kubernetes

import (
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

type ownerReference = v1.OwnerReference

// fromUnstructured reads an object of the cluster as a type.
func fromUnstructured(object map[string]any, into any) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, into); err != nil {
		return fmt.Errorf("read an object: %w", err)
	}
	return nil
}

// partial returns metadata as an object of a kind.
func partial(k cluster.Kind, m v1.PartialObjectMetadata) gennaker.Manifest {
	out, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&m)
	if err != nil {
		return gennaker.Manifest{}
	}
	out["apiVersion"], out["kind"] = k.GroupVersion().String(), k.Kind
	return out
}

// kindOf returns what is known of a reference's kind without the cluster.
func kindOf(r cluster.Ref) manifest.Kind {
	return manifest.KindOf(gennaker.Manifest{"apiVersion": r.Kind.GroupVersion().String(), "kind": r.Kind.Kind})
}

func selection(selectors []provider.LabelSelector) (manifest.Selection, error) {
	var all []manifest.Selector
	for _, s := range selectors {
		all = append(all, manifest.Selector{Key: s.Key, Kind: s.Kind, Values: s.Values})
	}
	return manifest.Select(all)
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

func itoa(n int) string { return strconv.Itoa(n) }

package app

import (
	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// parseManifests reads the objects in a text.
func parseManifests(text []byte) ([]gennaker.Manifest, error) {
	d, err := manifest.Parse(text)
	if err != nil {
		return nil, err
	}
	return d.Manifests, nil
}

package fetch

import (
	"strings"

	"cuelabs.dev/go/oci/ociregistry/ociref"

	"github.com/gennaker/gennaker"
)

const imageForm = "REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST"

// parseImage finds out which repository, tag and digest of the registry on host
// an artifact means. Source: clouddriver takes name and version; the reference
// is for those who leave these out.
func parseImage(a gennaker.Artifact, host string) (ociref.Reference, error) {
	text := a.Name
	if text == "" {
		text = a.Reference
	} else if a.Version != "" {
		sep := ":"
		if strings.HasPrefix(a.Version, "sha256:") {
			sep = "@"
		}
		text += sep + strings.ReplaceAll(a.Version, "+", "_") // as Helm writes versions into tags
	} else if strings.HasPrefix(a.Reference, a.Name+":") || strings.HasPrefix(a.Reference, a.Name+"@") {
		text = a.Reference
	}
	text = strings.TrimPrefix(text, "oci://")
	if text == "" || len(text) > maxReference {
		return ociref.Reference{}, malformed(a.Type, "and its name are empty or too long", imageForm)
	}
	ref, err := ociref.ParseRelative(text)
	if err != nil {
		return ociref.Reference{}, malformed(a.Type, "is no reference of an image", imageForm)
	}
	first, rest, _ := strings.Cut(ref.Repository, "/")
	if ref.Host == "" && rest != "" && first == host { // a host that has neither dot nor port
		ref.Repository = rest
	}
	if ref.Host != "" && !sameRegistry(ref.Host, host) {
		return ociref.Reference{}, gennaker.Errorf(gennaker.Invalid, "the image is of the registry %s, but the account's is %s", ref.Host, host).
			WithHint("name an account of that registry")
	}
	if sameRegistry(host, "docker.io") && !strings.Contains(ref.Repository, "/") {
		ref.Repository = "library/" + ref.Repository
	}
	ref.Host = host
	if ref.Tag == "" && ref.Digest == "" {
		ref.Tag = "latest"
	}
	return ref, nil
}

// sameRegistry knows the names of Docker Hub.
func sameRegistry(a, b string) bool {
	hub := func(h string) string {
		switch h {
		case "docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com":
			return "docker.io"
		}
		return h
	}
	return hub(a) == hub(b)
}

// Package image writes container images of one program, for which it needs
// neither a registry nor a daemon.
package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// Image is a program, statically linked, that is started without arguments.
type Image struct {
	Reference string   // as "lab.local/hello:v1"
	Program   string   // file
	Env       []string // as "VERSION=v1"
}

// blob is content that others name by its digest.
type blob struct {
	mediaType string
	content   []byte
}

func (b blob) digest() string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b.content)) }

func (b blob) descriptor() map[string]any {
	return map[string]any{"mediaType": b.mediaType, "digest": b.digest(), "size": len(b.content)}
}

// Write writes the image as an OCI layout in a tar, which `ctr images import`
// takes.
func Write(w io.Writer, i Image) error {
	layer, diff, err := layer(i.Program)
	if err != nil {
		return err
	}
	config, err := encode("application/vnd.oci.image.config.v1+json", map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config": map[string]any{
			"Env":        append([]string{"PATH=/"}, i.Env...),
			"Entrypoint": []string{"/" + filepath.Base(i.Program)},
			"User":       "65532:65532",
			"WorkingDir": "/",
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{diff}},
	})
	if err != nil {
		return err
	}
	manifest, err := encode("application/vnd.oci.image.manifest.v1+json", map[string]any{
		"schemaVersion": 2,
		"mediaType":     "application/vnd.oci.image.manifest.v1+json",
		"config":        config.descriptor(),
		"layers":        []any{layer.descriptor()},
	})
	if err != nil {
		return err
	}
	entry := manifest.descriptor()
	entry["annotations"] = map[string]string{"io.containerd.image.name": i.Reference, "org.opencontainers.image.ref.name": i.Reference}
	index, err := encode("", map[string]any{"schemaVersion": 2, "manifests": []any{entry}})
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	put(t, "oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`))
	for _, b := range []blob{config, layer, manifest} {
		put(t, "blobs/sha256/"+b.digest()[len("sha256:"):], 0o644, b.content)
	}
	put(t, "index.json", 0o644, index.content)
	return t.Close()
}

// layer packs the program, and returns the digest of what is packed as well.
func layer(program string) (packed blob, diff string, err error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return blob{}, "", err
	}
	var plain, zipped bytes.Buffer
	t := tar.NewWriter(&plain)
	put(t, filepath.Base(program), 0o755, content)
	if err := t.Close(); err != nil {
		return blob{}, "", err
	}
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestSpeed)
	if err != nil {
		return blob{}, "", err
	}
	if _, err := z.Write(plain.Bytes()); err != nil {
		return blob{}, "", err
	}
	if err := z.Close(); err != nil {
		return blob{}, "", err
	}
	return blob{"application/vnd.oci.image.layer.v1.tar+gzip", zipped.Bytes()}, blob{content: plain.Bytes()}.digest(), nil
}

func encode(mediaType string, v any) (blob, error) {
	b, err := json.Marshal(v)
	return blob{mediaType, b}, err
}

// put adds a file. The writer keeps its first error, and Close returns it.
func put(t *tar.Writer, name string, mode int64, content []byte) {
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content)), Format: tar.FormatUSTAR}); err == nil {
		_, _ = t.Write(content)
	}
}

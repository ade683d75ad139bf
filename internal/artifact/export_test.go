package artifact

import (
	"context"

	"github.com/gennaker/gennaker"
)

// Limits are the bounds of one artifact.
type Limits struct {
	Bytes, Free, Expand int64
	Files, Path         int
}

// UnpackWithin is Unpack with other bounds.
func UnpackWithin(ctx context.Context, ref gennaker.RunArtifact, store string, l Limits) (Unpacked, error) {
	return unpack(ctx, ref, store, limits{bytes: l.Bytes, files: l.Files, path: l.Path, free: l.Free, expand: l.Expand})
}

// WriteError is what an error of writing becomes.
func WriteError(err error) error { return writeError(err) }

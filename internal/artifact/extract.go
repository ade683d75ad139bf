package artifact

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/gennaker/gennaker"
)

// trailer bounds what is read after the end of the archive, for the checksum.
const trailer = 1 << 20

// extract unpacks a .tar.gz.
func (w *writer) extract(r *reader) error {
	gz, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return damaged(err)
	}
	content := &expansion{from: gz, compressed: &r.n, limits: w.limits}
	archive := tar.NewReader(content)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return damaged(err)
		}
		if err := w.entry(h, archive); err != nil {
			return damaged(err)
		}
	}
	if _, err := io.CopyN(io.Discard, content, trailer); err != nil && !errors.Is(err, io.EOF) {
		return damaged(err)
	}
	return nil
}

// damaged explains an error of reading an archive; one that is explained already
// it leaves alone.
func damaged(err error) error {
	if _, ok := errors.AsType[*gennaker.Error](err); ok {
		return err
	}
	return gennaker.Errorf(gennaker.Invalid, "the artifact is not a .tar.gz archive, or a damaged one: %w", err).
		WithHint("pack it with tar -czf, and check that it was copied completely")
}

// entry unpacks one entry.
func (w *writer) entry(h *tar.Header, content io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	if strings.HasPrefix(h.Name, "/") || h.Name == "" {
		return refused("contains the path %q", h.Name)
	}
	for part := range strings.SplitSeq(h.Name, "/") {
		if part == ".." {
			return refused("contains the path %q", h.Name)
		}
	}
	name := path.Clean(h.Name)
	if name == "." && h.Typeflag == tar.TypeDir {
		return nil
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return w.dir(name)
	case tar.TypeReg, tar.TypeGNUSparse:
		return w.file(name, h.FileInfo().Mode(), content)
	case tar.TypeSymlink:
		return w.symlink(name, h.Linkname)
	case tar.TypeLink:
		return w.hardlink(name, path.Clean(h.Linkname))
	}
	return refused("contains %q, which is neither a file nor a directory nor a link", h.Name)
}

// expansion refuses what expands without end.
type expansion struct {
	limits
	from       io.Reader
	compressed *int64
	n          int64
}

func (e *expansion) Read(p []byte) (int, error) {
	n, err := e.from.Read(p)
	e.n += int64(n)
	if e.n > e.limits.free && e.n/e.limits.expand > *e.compressed {
		return n, tooLarge("expands to more than %d times its size", e.limits.expand)
	}
	return n, err
}

package artifact

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/gennaker/gennaker"
)

// form is what an artifact is given as.
type form string

const (
	directory  form = "directory"
	archive    form = "archive"
	executable form = "executable"
)

// limits bound one artifact.
type limits struct {
	bytes  int64 // unpacked, and of the file itself
	files  int   // entries of any type
	path   int   // bytes of a path in it
	free   int64 // unpacked bytes that may have any ratio
	expand int64 // unpacked bytes per compressed byte beyond free
}

func defaults() limits {
	return limits{bytes: 4 << 30, files: 100_000, path: 1024, free: 64 << 20, expand: 1000}
}

// source is an artifact where it comes from.
type source struct {
	path    string
	form    form
	missing bool // nothing is there; it may still be in the store
}

// resolve finds out what ref refers to.
func resolve(ref gennaker.RunArtifact) (source, error) {
	path, err := pathOf(ref.Reference)
	if err != nil {
		return source{}, err
	}
	s := source{path: path}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && ref.Digest != "":
		s.missing = true
		s.form = executable
		if strings.HasPrefix(ref.Digest, "h1:") {
			s.form = directory
		}
	case err != nil:
		return source{}, readError(path, err)
	case info.IsDir():
		s.form = directory
		return s, nil
	case !info.Mode().IsRegular():
		return source{}, gennaker.Errorf(gennaker.Invalid, "artifact %s is neither a file nor a directory", path).
			WithHint("give a directory, a .tar.gz or an executable file")
	default:
		s.form = executable
	}
	if s.form == executable && isArchive(path) {
		s.form = archive
	}
	if s.form == executable && !s.missing && info.Mode()&0o111 == 0 {
		return source{}, gennaker.Errorf(gennaker.Invalid, "artifact %s is neither an archive nor executable", path).
			WithHint("give a directory, a .tar.gz or an executable file (chmod +x %s)", path)
	}
	return s, nil
}

func isArchive(path string) bool {
	lower := strings.ToLower(path)
	return strings.HasSuffix(lower, ".tar.gz") || strings.HasSuffix(lower, ".tgz")
}

// pathOf returns the absolute path that a reference means.
func pathOf(reference string) (string, error) {
	path := reference
	if strings.HasPrefix(reference, "file:") {
		u, err := url.Parse(reference)
		if err != nil || u.Opaque != "" || (u.Host != "" && u.Host != "localhost") || u.RawQuery != "" || u.Fragment != "" {
			return "", badReference(reference)
		}
		path = u.Path
	}
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return "", badReference(reference)
	}
	return filepath.Clean(path), nil
}

func badReference(reference string) error {
	return gennaker.Errorf(gennaker.Invalid, "artifact reference %q is not an absolute path or file:// URL", reference).
		WithHint("write the absolute path of a directory, a .tar.gz or an executable file on this machine, e.g. /srv/builds/shop-1.2.tar.gz")
}

// parseDigest returns d in its canonical spelling. An empty one stays empty.
func parseDigest(d string) (string, error) {
	algorithm, value, _ := strings.Cut(d, ":")
	switch algorithm {
	case "":
		if d == "" {
			return "", nil
		}
	case "sha256":
		if raw, err := hex.DecodeString(value); err == nil && len(raw) == 32 {
			return "sha256:" + hex.EncodeToString(raw), nil
		}
	case "h1":
		if raw, err := base64.StdEncoding.DecodeString(value); err == nil && len(raw) == 32 {
			return "h1:" + base64.StdEncoding.EncodeToString(raw), nil
		}
	}
	return "", gennaker.Errorf(gennaker.Invalid, "artifact digest %q is malformed", d).
		WithHint("write sha256:<64 hex digits> for a file or h1:<base64> for a directory, or leave the digest out")
}

// checkDigest reports whether got is the digest that was asked for, if any was.
func checkDigest(path, want, got string) error {
	if want == "" || want == got {
		return nil
	}
	return gennaker.Errorf(gennaker.Invalid, "artifact %s has digest %s, not %s", path, got, want).
		WithHint("the content changed since the digest was written down: build or copy it again, or give the new digest")
}

// readError explains why something of the artifact at path could not be read.
func readError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return gennaker.Errorf(gennaker.NotFound, "artifact %s does not exist", path).
			WithHint("check the path; it is looked up on the machine of the node")
	case errors.Is(err, fs.ErrPermission):
		return gennaker.Errorf(gennaker.Denied, "artifact %s cannot be read: %w", path, err).
			WithHint("give the user of the node the right to read it")
	}
	return fmt.Errorf("read artifact %s: %w", path, err)
}

// writeError explains why something could not be written to the store.
func writeError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return gennaker.Errorf(gennaker.Unavailable, "no space is left for the unpacked artifact: %w", err).
			WithHint("free some space, e.g. by destroying server groups that are not needed, and try again")
	}
	return gennaker.Errorf(gennaker.Internal, "write to artifact store: %w", err).
		WithHint("check that the node may write to its data directory")
}

func tooLarge(format string, args ...any) error {
	return gennaker.Errorf(gennaker.TooLarge, "the artifact "+format, args...).
		WithHint("leave out what is not needed to run it")
}

func refused(format string, args ...any) error {
	return gennaker.Errorf(gennaker.Invalid, "the artifact "+format, args...).
		WithHint("pack only files, directories and links between them, with relative paths")
}

// reader ends with the context, and remembers the error of its source: one that
// is passed through an archive reader cannot be told from a damaged archive.
type reader struct {
	ctx  context.Context
	from io.Reader
	n    int64
	err  error
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		r.err = err
		return 0, err
	}
	n, err := r.from.Read(p)
	r.n += int64(n)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/durable"
)

// Unpacked is an artifact in the store.
type Unpacked struct {
	Dir        string // absolute, read-only
	Digest     string // "sha256:<hex>" of a file, "h1:<base64>" of a directory
	Executable string // name of the only executable file at the top of Dir; "" if there is none or several
}

const (
	temporary = ".unpacking-" // begins the names of what is not complete
	abandoned = 24 * time.Hour
)

// Unpack makes what ref refers to available in a directory under store, which is
// created if needed, and returns where. What is there already is not unpacked
// again; if ref has the digest of a file or archive it is not even read.
//
// Errors: Invalid if the reference is not an absolute path or file:// URL, is no
// directory, archive or executable, has another digest than ref says (the
// message shows both), or contains what is refused; NotFound if it does not
// exist; Denied if it cannot be read; TooLarge over a bound; Unavailable if no
// space is left; the context's if it ends. Nothing is left behind then.
func Unpack(ctx context.Context, ref gennaker.RunArtifact, store string) (Unpacked, error) {
	u, err := unpack(ctx, ref, store, defaults())
	if err != nil {
		return Unpacked{}, fmt.Errorf("unpack artifact: %w", err)
	}
	return u, nil
}

func unpack(ctx context.Context, ref gennaker.RunArtifact, store string, lim limits) (Unpacked, error) {
	store, err := filepath.Abs(store)
	if err != nil {
		return Unpacked{}, err
	}
	want, err := parseDigest(ref.Digest)
	if err != nil {
		return Unpacked{}, err
	}
	src, err := resolve(ref)
	if err != nil {
		return Unpacked{}, err
	}
	if err := os.MkdirAll(store, 0o700); err != nil {
		return Unpacked{}, writeError(err)
	}
	if u, ok := src.find(ctx, store, want, lim); ok {
		return u, nil
	}
	if src.missing {
		return Unpacked{}, readError(src.path, fs.ErrNotExist)
	}
	return src.fetch(ctx, store, want, lim)
}

// find looks the artifact up in the store.
func (s source) find(ctx context.Context, store, want string, lim limits) (Unpacked, bool) {
	digest, variant := want, s.variant()
	switch {
	case s.missing && s.form == directory:
		variant = "*"
	case s.form == directory:
		t, err := readTree(ctx, s.path, lim)
		if err != nil || (want != "" && want != t.digest) {
			return Unpacked{}, false // fetching will tell why
		}
		digest, variant = t.digest, t.modes
	case want == "":
		d, err := digestFile(ctx, s.path, lim)
		if err != nil {
			return Unpacked{}, false
		}
		digest = d
	}
	dirs, err := filepath.Glob(filepath.Join(escapeGlob(store), name(digest, variant)))
	if err != nil || len(dirs) == 0 {
		return Unpacked{}, false
	}
	u, err := opened(dirs[0], digest)
	return u, err == nil
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// name returns the name in the store. The variant keeps apart what differs though
// its digest is the same: a file by its name, a directory by which of its files
// are executable.
func name(digest, variant string) string {
	algorithm, value, _ := strings.Cut(digest, ":")
	if raw, err := base64.StdEncoding.DecodeString(value); err == nil && algorithm == "h1" {
		value = hex.EncodeToString(raw)
	}
	return algorithm + "-" + value + "." + variant
}

func (s source) variant() string {
	if s.form == archive {
		return "tar"
	}
	return short(filepath.Base(s.path))
}

func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// fetch copies or unpacks the artifact into the store.
func (s source) fetch(ctx context.Context, store, want string, lim limits) (_ Unpacked, err error) {
	if rel, err := filepath.Rel(s.path, store); err == nil && s.form == directory && filepath.IsLocal(rel) {
		return Unpacked{}, gennaker.Errorf(gennaker.Invalid, "artifact %s contains the artifact store %s", s.path, store).
			WithHint("give the directory that holds only what is to run")
	}
	dir, err := os.MkdirTemp(store, temporary)
	if err != nil {
		return Unpacked{}, writeError(err)
	}
	defer func() {
		if err != nil {
			_ = remove(dir)
		}
	}()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Unpacked{}, writeError(err)
	}
	defer root.Close()
	digest, variant := "", s.variant()
	w := &writer{ctx: ctx, root: root, limits: lim}
	switch s.form {
	case directory:
		if err = w.copyTree(s.path); err == nil {
			var t tree
			t, err = readTree(ctx, dir, lim)
			digest, variant = t.digest, t.modes
		}
	case archive:
		digest, err = s.hashed(ctx, lim, w.extract)
	case executable:
		digest, err = s.hashed(ctx, lim, func(r *reader) error {
			return w.file(filepath.Base(s.path), 0o755, r)
		})
	}
	if err == nil {
		err = checkDigest(s.path, want, digest)
	}
	if err == nil {
		err = w.seal()
	}
	if err != nil {
		return Unpacked{}, err
	}
	return publish(dir, filepath.Join(store, name(digest, variant)), digest)
}

// hashed runs consume on the content of the file and returns the file's digest.
func (s source) hashed(ctx context.Context, lim limits, consume func(*reader) error) (string, error) {
	f, err := openRegular(os.OpenFile, s.path)
	if err != nil {
		return "", readError(s.path, err)
	}
	defer f.Close()
	sum := sha256.New()
	r := &reader{ctx: ctx, from: io.TeeReader(io.LimitReader(f, lim.bytes+1), sum)}
	err = consume(r)
	if err == nil {
		_, err = io.Copy(io.Discard, r) // what comes after the archive's end is part of the digest
	}
	switch {
	case r.err != nil && ctx.Err() != nil:
		return "", fmt.Errorf("read artifact %s: %w", s.path, ctx.Err())
	case r.err != nil:
		return "", readError(s.path, r.err)
	case err != nil:
		return "", err
	case r.n > lim.bytes:
		return "", tooLarge("%s is larger than %d MiB", s.path, lim.bytes>>20)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// publish gives a complete directory its name. If another call was faster, its
// result, which has the same content, is used.
func publish(dir, final, digest string) (Unpacked, error) {
	err := os.Rename(dir, final)
	if errors.Is(err, fs.ErrExist) { // ENOTEMPTY is one as well
		_ = remove(dir)
		return opened(final, digest)
	}
	if err != nil {
		return Unpacked{}, writeError(err)
	}
	if err := durable.SyncDir(filepath.Dir(final)); err != nil {
		return Unpacked{}, writeError(err)
	}
	return opened(final, digest)
}

// opened describes a directory of the store.
func opened(dir, digest string) (Unpacked, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Unpacked{}, fmt.Errorf("read artifact store: %w", err)
	}
	var executables []string
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			executables = append(executables, e.Name())
		}
	}
	u := Unpacked{Dir: dir, Digest: digest}
	if len(executables) == 1 {
		u.Executable = executables[0]
	}
	return u, nil
}

// Digest returns the digest of a file or directory: "sha256:<hex>" of a file,
// "h1:<base64>" of a directory.
//
// Errors: NotFound, Denied, TooLarge, and Invalid for what cannot be an artifact.
// Source: h1 is dirhash.Hash1 of golang.org/x/mod/sumdb/dirhash over the regular
// files, with paths relative to the directory; a symbolic link counts as a file
// whose content is its target. File modes are not part of it.
func Digest(path string) (string, error) {
	digest, err := digestOf(context.Background(), path)
	if err != nil {
		return "", fmt.Errorf("digest of artifact: %w", err)
	}
	return digest, nil
}

func digestOf(ctx context.Context, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", readError(path, err)
	}
	if info.IsDir() {
		t, err := readTree(ctx, path, defaults())
		return t.digest, err
	}
	return digestFile(ctx, path, defaults())
}

func digestFile(ctx context.Context, path string, lim limits) (string, error) {
	return source{path: path}.hashed(ctx, lim, func(*reader) error { return nil })
}

// Prune removes what is in the store and not in keep, a list of digests, and
// what interrupted calls left behind a day ago or earlier. A store that does not
// exist is empty.
func Prune(store string, keep []string) error {
	entries, err := os.ReadDir(store)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("prune artifact store: %w", err)
	}
	var kept []string
	for _, digest := range keep {
		kept = append(kept, name(digest, ""))
	}
	var errs []error
	for _, e := range entries {
		path := filepath.Join(store, e.Name())
		if strings.HasPrefix(e.Name(), temporary) {
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > abandoned {
				errs = append(errs, remove(path))
			}
			continue
		}
		digest, _, ok := strings.Cut(e.Name(), ".")
		if !ok || slices.Contains(kept, digest+".") {
			continue
		}
		// Out of the way first: half an artifact must not be found.
		away := filepath.Join(store, temporary+short(e.Name()))
		_ = remove(away) // of an interrupted call; if it stays the rename fails
		if err := os.Rename(path, away); err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, remove(away))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("prune artifact store: %w", err)
	}
	return nil
}

// remove removes a directory although what is in it is read-only.
func remove(dir string) error {
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			_ = os.Chmod(path, 0o700) // if it fails removing fails too, and says so
		}
		return nil
	})
	return os.RemoveAll(dir)
}

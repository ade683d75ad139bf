package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/durable"
)

// tree is what identifies a directory.
type tree struct {
	digest string
	modes  string // identifies which files are executable
}

// readTree reads all of a directory.
func readTree(ctx context.Context, dir string, lim limits) (tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return tree{}, readError(dir, err)
	}
	defer root.Close()
	var names []string
	var modes strings.Builder
	links := map[string]string{}
	var size int64
	err = walk(ctx, root, lim, func(name string, info fs.FileInfo) error {
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			links[name], err = root.Readlink(name)
			if err != nil {
				return readError(dir, err)
			}
		case info.IsDir():
			return nil
		case !info.Mode().IsRegular():
			return refused("contains %q, which is neither a file nor a directory nor a link", name)
		default:
			size += info.Size()
			if size > lim.bytes {
				return tooLarge("has more than %d MiB", lim.bytes>>20)
			}
			if info.Mode()&0o111 != 0 {
				fmt.Fprintf(&modes, "%q\n", name)
			}
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		return tree{}, err
	}
	digest, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		if target, ok := links[name]; ok {
			return io.NopCloser(strings.NewReader(target)), nil
		}
		f, err := openRegular(root.OpenFile, name)
		if err != nil {
			return nil, readError(path.Join(dir, name), err)
		}
		return struct {
			io.Reader
			io.Closer
		}{&reader{ctx: ctx, from: f}, f}, nil
	})
	if err != nil {
		return tree{}, fmt.Errorf("digest %s: %w", dir, err)
	}
	return tree{digest, short(modes.String())}, nil
}

// walk calls visit for everything below root, in the order of the paths.
func walk(ctx context.Context, root *os.Root, lim limits, visit func(name string, info fs.FileInfo) error) error {
	n := 0
	return fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return readError(filepath.Join(root.Name(), name), err)
		}
		if name == "." {
			return nil
		}
		if n++; n > lim.files {
			return tooLarge("has more than %d files", lim.files)
		}
		if strings.ContainsRune(name, '\n') {
			return refused("contains a file name with a line break, %q", name)
		}
		info, err := e.Info()
		if err != nil {
			return readError(filepath.Join(root.Name(), name), err)
		}
		return visit(name, info)
	})
}

// openRegular opens a regular file for reading and nothing else: opening a fifo
// would block.
func openRegular(open func(string, int, fs.FileMode) (*os.File, error), name string) (*os.File, error) {
	f, err := open(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = gennaker.Errorf(gennaker.Invalid, "%s is not a file", name).WithHint("give a directory, a .tar.gz or an executable file")
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// writer fills a directory of the store, within limits.
type writer struct {
	limits
	ctx     context.Context
	root    *os.Root
	written int64
	entries int
	links   []string
}

// add checks the name of one more entry and makes the directories above it.
func (w *writer) add(name string) error {
	if w.entries++; w.entries > w.limits.files {
		return tooLarge("has more than %d files", w.limits.files)
	}
	switch {
	case len(name) > w.limits.path:
		return tooLarge("has a path that is longer than %d bytes: %.40q…", w.limits.path, name)
	case !filepath.IsLocal(name) || strings.ContainsAny(name, "\x00\n"):
		return refused("contains the path %q", name)
	}
	if dir := path.Dir(name); dir != "." {
		return w.place(name, w.root.MkdirAll(dir, 0o700))
	}
	return nil
}

// place explains an error of putting name where it belongs.
func (w *writer) place(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTDIR):
		return refused("contains %q twice, or below something that is not a directory", name)
	case errors.Is(err, syscall.ENAMETOOLONG):
		return tooLarge("has a file name that is too long: %.40q…", name)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EIO), errors.Is(err, fs.ErrPermission):
		return writeError(err)
	}
	return refused("contains %q, which cannot be placed: %w", name, err) // os.Root refuses what leads out
}

func (w *writer) dir(name string) error {
	if err := w.add(name); err != nil {
		return err
	}
	return w.place(name, w.root.MkdirAll(name, 0o700))
}

// file writes one file, which must not exist yet. It keeps the read and execute
// bits of mode.
func (w *writer) file(name string, mode fs.FileMode, content io.Reader) (err error) {
	if err := w.add(name); err != nil {
		return err
	}
	f, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return w.place(name, err)
	}
	defer func() {
		if closing := f.Close(); err == nil && closing != nil {
			err = writeError(closing)
		}
	}()
	left := w.limits.bytes - w.written
	n, err := io.Copy(fileWriter{f}, io.LimitReader(content, left+1))
	w.written += n
	if err != nil {
		return err
	}
	if n > left {
		return tooLarge("has more than %d MiB", w.limits.bytes>>20)
	}
	if err := f.Chmod(mode.Perm()&0o555 | 0o400); err != nil {
		return writeError(err)
	}
	if err := f.Sync(); err != nil {
		return writeError(err)
	}
	return nil
}

// fileWriter marks errors of writing, to tell them from those of reading.
type fileWriter struct{ f *os.File }

func (w fileWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		return n, writeError(err)
	}
	return n, nil
}

// symlink makes a link whose target must be within the artifact.
func (w *writer) symlink(name, target string) error {
	if err := w.add(name); err != nil {
		return err
	}
	if len(target) > w.limits.path || path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(name), target)) {
		return refused("contains the link %q to %.100q, which leads out of it", name, target)
	}
	w.links = append(w.links, name)
	return w.place(name, w.root.Symlink(target, name))
}

// hardlink makes another name of a file.
func (w *writer) hardlink(name, target string) error {
	if err := w.add(name); err != nil {
		return err
	}
	if !filepath.IsLocal(target) {
		return refused("contains the link %q to %.100q, which leads out of it", name, target)
	}
	info, err := w.root.Lstat(target)
	if err != nil || !info.Mode().IsRegular() {
		return refused("contains the link %q to %.100q, which is not a file before it", name, target)
	}
	return w.place(name, w.root.Link(target, name))
}

// copyTree copies a directory.
func (w *writer) copyTree(dir string) error {
	from, err := os.OpenRoot(dir)
	if err != nil {
		return readError(dir, err)
	}
	defer from.Close()
	return walk(w.ctx, from, w.limits, func(name string, info fs.FileInfo) error {
		switch {
		case info.IsDir():
			return w.dir(name)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := from.Readlink(name)
			if err != nil {
				return readError(dir, err)
			}
			return w.symlink(name, target)
		case !info.Mode().IsRegular():
			return refused("contains %q, which is neither a file nor a directory nor a link", name)
		}
		f, err := openRegular(from.OpenFile, name)
		if err != nil {
			return readError(filepath.Join(dir, name), err)
		}
		defer f.Close()
		r := &reader{ctx: w.ctx, from: f}
		err = w.file(name, info.Mode(), r)
		if r.err != nil {
			return readError(filepath.Join(dir, name), r.err)
		}
		return err
	})
}

// seal checks what could be checked only with everything in place, makes the
// directories read-only and puts them on disk.
func (w *writer) seal() error {
	if w.entries == 0 {
		return refused("is empty")
	}
	for _, name := range w.links {
		// A chain of links can lead out although each looks harmless. A link to
		// nothing stays one, because nothing is added later.
		if _, err := w.root.Stat(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return refused("contains the link %q, which leads out of it or in a circle: %w", name, err)
		}
	}
	var dirs []string
	err := fs.WalkDir(w.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			dirs = append(dirs, name)
		}
		return err
	})
	for i := len(dirs) - 1; i >= 0 && err == nil; i-- {
		if err = durable.SyncDir(filepath.Join(w.root.Name(), dirs[i])); err == nil {
			err = w.root.Chmod(dirs[i], 0o555)
		}
	}
	if err != nil {
		return writeError(err)
	}
	return nil
}

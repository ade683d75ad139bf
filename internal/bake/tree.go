package bake

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// tree is an archive in memory.
type tree struct {
	name  string            // of the archive, for messages
	files map[string][]byte // by path, clean and relative
	lost  []string          // symbolic links that lead nowhere
}

// readTree expands a .tar or .tar.gz.
//
// Errors: Invalid for what is no such archive, or has entries that are neither
// files nor directories nor links, or that lie outside of it; TooLarge.
func readTree(in Input) (*tree, error) {
	r, err := unpacked(in)
	if err != nil {
		return nil, err
	}
	t := &tree{name: in.Name, files: map[string][]byte{}}
	links := map[string]string{}
	left := int64(maxExpanded)
	archive := tar.NewReader(r)
	for entries := 0; ; entries++ {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, t.broken(err)
		}
		if err := t.add(h, archive, links, &left); err != nil {
			return nil, err
		}
		if len(t.files)+len(links) > maxFiles || entries > maxEntries {
			return nil, t.many()
		}
	}
	return t, t.follow(links)
}

// unpacked returns the tar archive within an input.
func unpacked(in Input) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(in.Content, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(bytes.NewReader(in.Content))
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "%s is broken: %w", in.Name, err).WithHint("publish it again")
		}
		return z, nil
	case len(in.Content) > 262 && string(in.Content[257:262]) == "ustar":
		return bytes.NewReader(in.Content), nil
	}
	return nil, gennaker.Errorf(gennaker.Invalid, "%s is no .tar.gz archive", in.Name).
		WithHint("the first input artifact is a packaged chart (helm/chart, helm/image, or a .tgz in http/file, an object or embedded/base64) or a git/repo; values files come after it")
}

func (t *tree) broken(err error) error {
	return gennaker.Errorf(gennaker.Invalid, "%s cannot be unpacked: %w", t.name, err).WithHint("publish it again as .tar.gz")
}

func (t *tree) many() error {
	return gennaker.Errorf(gennaker.TooLarge, "%s has more than %d files", t.name, maxFiles).
		WithHint("fetch a part of it: metadata.subPath of a git/repo artifact")
}

// add takes one entry.
func (t *tree) add(h *tar.Header, content io.Reader, links map[string]string, left *int64) error {
	if h.Typeflag == tar.TypeXGlobalHeader || h.Typeflag == tar.TypeDir {
		return nil
	}
	name, ok := clean(h.Name)
	if !ok {
		return gennaker.Errorf(gennaker.Invalid, "%s has an entry outside of it: %.200q", t.name, h.Name).
			WithHint("pack it anew, with relative paths")
	}
	switch h.Typeflag {
	case tar.TypeReg:
		if *left -= h.Size; *left < 0 {
			return gennaker.Errorf(gennaker.TooLarge, "%s has more than %d bytes when it is unpacked", t.name, maxExpanded).
				WithHint("fetch a part of it: metadata.subPath of a git/repo artifact")
		}
		b := make([]byte, h.Size)
		if _, err := io.ReadFull(content, b); err != nil {
			return t.broken(err)
		}
		t.files[name] = b
		delete(links, name)
	case tar.TypeLink:
		target, _ := clean(h.Linkname)
		b, ok := t.files[target]
		if !ok {
			return gennaker.Errorf(gennaker.Invalid, "%s has a link to what is not in it: %.200q", t.name, h.Linkname).WithHint("pack it anew")
		}
		t.files[name] = b
	case tar.TypeSymlink:
		links[name] = h.Linkname
		delete(t.files, name)
	default:
		return gennaker.Errorf(gennaker.Invalid, "%s has %.200q, which is no file, directory or link", t.name, h.Name).
			WithHint("pack it without devices, pipes and sockets")
	}
	return nil
}

// clean returns a path of an archive as the keys of a tree are written, and
// whether it is one.
func clean(name string) (string, bool) {
	name = strings.ReplaceAll(name, `\`, "/") // as Windows packs
	drive := len(name) > 1 && name[1] == ':'
	if name == "" || len(name) > maxName || name[0] == '/' || drive || strings.ContainsRune(name, 0) {
		return "", false
	}
	if slices.Contains(strings.Split(name, "/"), "..") {
		return "", false
	}
	name = path.Clean(name)
	return name, name != "."
}

// follow puts what symbolic links lead to where the links are. A directory that
// a link leads to has the files in it, and links to files, but no links to
// directories.
func (t *tree) follow(links map[string]string) error {
	directories := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(links)) {
		target, ok := resolve(links, name)
		if b, found := t.files[target]; ok && found {
			t.files[name] = b
			continue
		}
		if !ok || !t.has(target) {
			t.lost = append(t.lost, name)
			continue
		}
		directories[name] = target
	}
	real := slices.Sorted(maps.Keys(t.files))
	for _, name := range slices.Sorted(maps.Keys(directories)) {
		for _, file := range real {
			rest, ok := within(directories[name], file)
			if !ok {
				continue
			}
			if t.files[name+"/"+rest] = t.files[file]; len(t.files) > maxFiles {
				return t.many()
			}
		}
	}
	return nil
}

// resolve returns the path that name has when all symbolic links in it are
// followed, and whether there is one within the archive.
func resolve(links map[string]string, name string) (string, bool) {
	const hops = 40
	done, rest := ".", strings.Split(name, "/")
	for n := 0; len(rest) > 0; {
		next := path.Join(done, rest[0])
		rest = rest[1:]
		if next == ".." || strings.HasPrefix(next, "../") {
			return "", false
		}
		target, link := links[next]
		if !link {
			done = next
			continue
		}
		if n++; n > hops || path.IsAbs(target) || len(target) > maxName {
			return "", false
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return done, true
}

// within returns the path of a file relative to a directory, and whether it is
// there.
func within(dir, file string) (string, bool) {
	if dir == "." || dir == "" {
		return file, true
	}
	return strings.CutPrefix(file, dir+"/")
}

// has reports whether there is a file below a directory.
func (t *tree) has(dir string) bool {
	for file := range t.files {
		if _, ok := within(dir, file); ok {
			return true
		}
	}
	return false
}

// below returns the directories that have one of some files, sorted.
func (t *tree) below(names ...string) []string {
	var out []string
	for file := range t.files {
		if slices.Contains(names, path.Base(file)) {
			out = append(out, path.Dir(file))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// directory returns the directory that has one of some files: the one at where,
// which may also be such a file; or else the top of the archive, or the only
// directory there.
func (t *tree) directory(where, what, field string, names ...string) (dir string, err error) {
	where = path.Clean(strings.TrimPrefix(where, "/"))
	here := func(dir string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return t.files[path.Join(dir, n)] != nil })
	}
	if where != "." {
		if slices.Contains(names, path.Base(where)) && t.files[where] != nil {
			return path.Dir(where), nil
		}
		if here(where) {
			return where, nil
		}
		return "", t.missing(fmt.Sprintf("%s %q", field, where), what, field, names)
	}
	if here(".") {
		return ".", nil
	}
	tops := map[string]bool{}
	for file := range t.files {
		top, _, below := strings.Cut(file, "/")
		tops[top] = below
	}
	for top, below := range tops {
		if len(tops) == 1 && below && here(top) {
			return top, nil
		}
	}
	return "", t.missing("its top", what, field, names)
}

// missing says that there is no chart or kustomization, and where there are.
func (t *tree) missing(where, what, field string, names []string) error {
	err := gennaker.Errorf(gennaker.Invalid, "%s has no %s at %s", t.name, what, where)
	if there := t.below(names...); len(there) > 0 {
		return err.WithHint("set %s; there is a %s in %s", field, what, list(there))
	}
	return err.WithHint("nowhere in it is a %s", names[0])
}

// warnings says which symbolic links were left out.
func (t *tree) warnings() []string {
	if len(t.lost) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("of %s, symbolic links that lead nowhere or out of it were left out: %s", t.name, list(t.lost))}
}

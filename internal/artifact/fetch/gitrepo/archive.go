package gitrepo

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/gennaker/gennaker"
)

// maxFiles and maxDepth bound what is packed.
const (
	maxFiles = 100_000
	maxDepth = 100
)

// pack writes the files of a commit below sub, "" for all, as .tar.gz.
func pack(ctx context.Context, store storer.EncodedObjectStorer, hash plumbing.Hash, sub string, remote Remote, w io.Writer) error {
	commit, err := object.GetCommit(store, hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return gennaker.Errorf(gennaker.NotFound, "%s has no commit %s", remote.URL, hash).
			WithHint("check that it was pushed, and that a branch or tag leads to it")
	}
	if err != nil {
		return fmt.Errorf("read commit %s: %w", hash, err)
	}
	tree, err := commit.Tree()
	if err != nil {
		return fmt.Errorf("read tree of %s: %w", hash, err)
	}
	gz := gzip.NewWriter(w)
	p := &packer{ctx: ctx, store: store, tar: tar.NewWriter(gz), at: commit.Committer.When.UTC().Truncate(time.Second), left: remote.MaxBytes, url: remote.URL}
	if sub == "" {
		err = p.tree("", tree, 0)
	} else {
		err = p.below(tree, sub)
	}
	if err != nil {
		return err
	}
	return errors.Join(p.tar.Close(), gz.Close())
}

// packer writes one archive.
type packer struct {
	ctx     context.Context
	store   storer.EncodedObjectStorer
	tar     *tar.Writer
	at      time.Time
	left    int64
	entries int
	url     URL
}

// below packs one path, with the directories that lead to it.
func (p *packer) below(tree *object.Tree, sub string) error {
	entry, err := tree.FindEntry(sub)
	if err != nil {
		return gennaker.Errorf(gennaker.NotFound, "%s has no path %q in this version", p.url, sub).
			WithHint("correct metadata.subPath, or take another version")
	}
	parts := strings.Split(sub, "/")
	for i := range parts[:len(parts)-1] {
		if err := p.header(tar.Header{Typeflag: tar.TypeDir, Name: strings.Join(parts[:i+1], "/") + "/", Mode: 0o755}); err != nil {
			return err
		}
	}
	return p.entry(sub, *entry, len(parts))
}

func (p *packer) tree(prefix string, tree *object.Tree, depth int) error {
	if depth > maxDepth {
		return p.tooLarge("directories that are nested more than %d deep", maxDepth)
	}
	for _, e := range tree.Entries {
		if err := p.entry(path.Join(prefix, e.Name), e, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (p *packer) entry(name string, e object.TreeEntry, depth int) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	if p.entries++; p.entries > maxFiles {
		return p.tooLarge("more than %d files", maxFiles)
	}
	if !filepath.IsLocal(name) || strings.ContainsAny(e.Name, "/\x00\n") || e.Name == "." {
		return gennaker.Errorf(gennaker.Invalid, "%s contains the path %q", p.url, name).
			WithHint("remove the file from the repository")
	}
	switch e.Mode {
	case filemode.Dir:
		if err := p.header(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}); err != nil {
			return err
		}
		sub, err := object.GetTree(p.store, e.Hash)
		if err != nil {
			return fmt.Errorf("read directory %s: %w", name, err)
		}
		return p.tree(name, sub, depth)
	case filemode.Submodule: // its place, as git archive has it
		return p.header(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755})
	default:
		return p.file(name, e)
	}
}

func (p *packer) file(name string, e object.TreeEntry) (err error) {
	size, err := p.store.EncodedObjectSize(e.Hash)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if p.left -= size; p.left < 0 {
		return p.tooLarge("more bytes than are taken")
	}
	blob, err := object.GetBlob(p.store, e.Hash)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	r, err := blob.Reader()
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	defer r.Close()
	h := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: blob.Size}
	switch e.Mode {
	case filemode.Executable:
		h.Mode = 0o755
	case filemode.Symlink:
		target, err := io.ReadAll(io.LimitReader(r, 4096))
		if err != nil {
			return fmt.Errorf("read link %s: %w", name, err)
		}
		return p.header(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: string(target), Mode: 0o777})
	default:
	}
	if err := p.header(h); err != nil {
		return err
	}
	if _, err := io.Copy(p.tar, r); err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	return nil
}

func (p *packer) header(h tar.Header) error {
	h.ModTime = p.at
	if err := p.tar.WriteHeader(&h); err != nil {
		return fmt.Errorf("pack %s: %w", h.Name, err)
	}
	return nil
}

func (p *packer) tooLarge(format string, args ...any) error {
	return gennaker.Errorf(gennaker.TooLarge, "%s has "+format, append([]any{p.url}, args...)...).
		WithHint("name the part that is needed in metadata.subPath, or raise the bound")
}

package bake_test

import (
	"archive/tar"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/bake"
)

// FuzzArchive holds that every archive is read, within its bounds, to files
// within it, or refused with a kind.
func FuzzArchive(f *testing.F) {
	f.Add(chart(f, "web").Content)
	f.Add(chart(f, "bulk").Content[:100])
	f.Add([]byte("\x1f\x8b"))
	f.Add(packEntries(f, []tar.Header{
		{Name: "a/b", Linkname: "../c", Typeflag: tar.TypeSymlink}, {Name: "c/d", Typeflag: tar.TypeReg}, {Name: "c/e", Linkname: "../a/b", Typeflag: tar.TypeSymlink},
		{Name: "f", Linkname: "c/d", Typeflag: tar.TypeLink},
	}, []string{"", "text", "", ""}).Content)
	f.Fuzz(func(t *testing.T, content []byte) {
		files, err := bake.ReadTree(bake.Input{Name: "x", Content: content})
		if err != nil {
			if e := (*gennaker.Error)(nil); !errors.As(err, &e) || e.Hint == "" {
				t.Errorf("%v has no kind or no hint", err)
			}
			return
		}
		if len(files) > 20_000 {
			t.Errorf("%d files", len(files))
		}
		for name := range files {
			if path.Clean(name) != name || path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
				t.Errorf("a file called %q", name)
			}
		}
	})
}

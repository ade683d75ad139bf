package artifact_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact"
)

// pack returns a .tar.gz; an entry without a type is a file with its name as
// content.
func pack(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	w := tar.NewWriter(gz)
	for _, h := range entries {
		content := ""
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
			content = h.Name
		}
		h.Size = int64(len(content))
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func write(t testing.TB, path string, content []byte, mode fs.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func sha(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// list returns what is below dir: mode, name and content or target.
func list(t testing.TB, dir string) []string {
	t.Helper()
	var got []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		line := info.Mode().String() + " " + rel
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " = " + string(content)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			line += " -> " + target
		}
		got = append(got, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func unpack(t testing.TB, store, reference, digest string) artifact.Unpacked {
	t.Helper()
	u, err := artifact.Unpack(t.Context(), gennaker.RunArtifact{Reference: reference, Digest: digest}, store)
	if err != nil {
		t.Fatal(err)
	}
	cleanup(t, store)
	return u
}

// cleanup lets t.TempDir remove a store whose directories are read-only.
func cleanup(t testing.TB, store string) {
	t.Cleanup(func() { _ = artifact.Prune(store, nil) })
}

func TestUnpackArchive(t *testing.T) {
	t.Parallel()
	content := pack(t,
		tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		tar.Header{Name: "./hello", Mode: 0o6755},
		tar.Header{Name: "lib/deep/a.txt", Mode: 0o666},
		tar.Header{Name: "lib/run.sh", Mode: 0o700},
		tar.Header{Name: "current", Typeflag: tar.TypeSymlink, Linkname: "lib/deep"},
		tar.Header{Name: "lib/up", Typeflag: tar.TypeSymlink, Linkname: "../hello"},
		tar.Header{Name: "lib/nothing", Typeflag: tar.TypeSymlink, Linkname: "absent"},
		tar.Header{Name: "again", Typeflag: tar.TypeLink, Linkname: "lib/deep/a.txt"},
	)
	path := write(t, filepath.Join(t.TempDir(), "hello-1.tar.gz"), content, 0o600)
	store := filepath.Join(t.TempDir(), "store")
	u := unpack(t, store, path, sha(content))
	if u.Digest != sha(content) || u.Executable != "hello" || filepath.Dir(u.Dir) != store {
		t.Errorf("got %+v, want digest %s, executable hello, in %s", u, sha(content), store)
	}
	want := []string{
		"-r--r--r-- again = lib/deep/a.txt",
		"Lrwxrwxrwx current -> lib/deep",
		"-r-xr-xr-x hello = ./hello",
		"dr-xr-xr-x lib",
		"dr-xr-xr-x lib/deep",
		"-r--r--r-- lib/deep/a.txt = lib/deep/a.txt",
		"Lrwxrwxrwx lib/nothing -> absent",
		"-r-x------ lib/run.sh = lib/run.sh",
		"Lrwxrwxrwx lib/up -> ../hello",
	}
	if diff := cmp.Diff(want, list(t, u.Dir)); diff != "" {
		t.Errorf("unpacked (-want +got):\n%s", diff)
	}
}

func TestUnpackExecutable(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	dir := t.TempDir()
	a := write(t, filepath.Join(dir, "my server"), []byte("#!/bin/sh\n"), 0o755)
	b := write(t, filepath.Join(dir, "other"), []byte("#!/bin/sh\n"), 0o755)
	u := unpack(t, store, "file://"+strings.ReplaceAll(a, " ", "%20"), "")
	if diff := cmp.Diff([]string{"-r-xr-xr-x my server = #!/bin/sh\n"}, list(t, u.Dir)); diff != "" || u.Executable != "my server" {
		t.Errorf("executable %q, unpacked (-want +got):\n%s", u.Executable, diff)
	}
	if v := unpack(t, store, b, ""); v.Executable != "other" || v.Digest != u.Digest {
		t.Errorf("same content under another name: got %+v", v)
	}
}

func TestUnpackDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := t.TempDir()
	write(t, filepath.Join(dir, "app/hello"), []byte("1"), 0o755)
	write(t, filepath.Join(dir, "app/b/c"), []byte("2"), 0o640)
	src := filepath.Join(dir, "app")
	want, err := dirhash.HashDir(src, "", dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	u := unpack(t, store, src, want)
	if u.Digest != want || u.Executable != "hello" {
		t.Errorf("got %+v, want digest %s", u, want)
	}
	if diff := cmp.Diff([]string{"dr-xr-xr-x b", "-r--r----- b/c = 2", "-r-xr-xr-x hello = 1"}, list(t, u.Dir)); diff != "" {
		t.Errorf("unpacked (-want +got):\n%s", diff)
	}
	if got, err := artifact.Digest(src); got != want || err != nil {
		t.Errorf("Digest: got %s, %v, want %s", got, err, want)
	}

	// Another set of executables is another artifact with the same digest.
	if err := os.Chmod(filepath.Join(src, "hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	v := unpack(t, store, src, want)
	if v.Executable != "" || v.Dir == u.Dir || v.Digest != want {
		t.Errorf("after chmod: got %+v, want one without executable", v)
	}

	// A link is content.
	if err := os.Symlink("b/c", filepath.Join(src, "link")); err != nil {
		t.Fatal(err)
	}
	if w := unpack(t, store, src, ""); w.Digest == want {
		t.Error("a new link did not change the digest")
	}
}

func TestUnpackAgainDoesNotReadTheSource(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	dir := t.TempDir()
	tgz := write(t, filepath.Join(dir, "a.tgz"), pack(t, tar.Header{Name: "x"}), 0o600)
	file := write(t, filepath.Join(dir, "exe"), []byte("x"), 0o700)
	write(t, filepath.Join(dir, "tree/f"), []byte("x"), 0o600)
	tree := filepath.Join(dir, "tree")
	for _, path := range []string{tgz, file, tree} {
		first := unpack(t, store, path, "")
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, unpack(t, store, path, first.Digest)); diff != "" {
			t.Errorf("%s again (-first +second):\n%s", path, diff)
		}
	}
}

func TestUnpackConcurrently(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "store")
	path := write(t, filepath.Join(t.TempDir(), "a.tar.gz"), pack(t, tar.Header{Name: "a"}, tar.Header{Name: "b/c", Mode: 0o755}), 0o600)
	got := make([]artifact.Unpacked, 8)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			var err error
			if got[i], err = artifact.Unpack(t.Context(), gennaker.RunArtifact{Reference: path}, store); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	cleanup(t, store)
	for _, u := range got {
		if diff := cmp.Diff(got[0], u); diff != "" {
			t.Error(diff)
		}
	}
	if entries, err := os.ReadDir(store); err != nil || len(entries) != 1 {
		t.Errorf("store has %v, %v; want one entry", entries, err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	other := sha([]byte("other"))
	cases := map[string]struct {
		reference string // relative to a temporary directory; "=" before it: as it is
		content   []byte
		mode      fs.FileMode
		digest    string
		kind      gennaker.Kind
		message   string
	}{
		"relative":        {reference: "=a.tar.gz", kind: gennaker.Invalid, message: "not an absolute path"},
		"empty":           {reference: "=", kind: gennaker.Invalid, message: "not an absolute path"},
		"url":             {reference: "=https://example.com/a.tgz", kind: gennaker.Invalid, message: "not an absolute path"},
		"other host":      {reference: "=file://example.com/a.tgz", kind: gennaker.Invalid, message: "not an absolute path"},
		"nul":             {reference: "=/a\x00b", kind: gennaker.Invalid, message: "not an absolute path"},
		"missing":         {reference: "absent.tar.gz", kind: gennaker.NotFound, message: "does not exist"},
		"missing, digest": {reference: "absent.tar.gz", digest: other, kind: gennaker.NotFound, message: "does not exist"},
		"below a file":    {reference: "=/dev/null/x", kind: gennaker.NotFound, message: "does not exist"},
		"device":          {reference: "=/dev/null", kind: gennaker.Invalid, message: "neither a file nor a directory"},
		"not executable":  {reference: "a", content: []byte("x"), mode: 0o644, kind: gennaker.Invalid, message: "neither an archive nor executable"},
		"bad digest":      {reference: "a", content: []byte("x"), mode: 0o755, digest: "md5:abc", kind: gennaker.Invalid, message: "malformed"},
		"short digest":    {reference: "a", content: []byte("x"), mode: 0o755, digest: "sha256:abc", kind: gennaker.Invalid, message: "malformed"},
		"wrong digest":    {reference: "a", content: []byte("x"), mode: 0o755, digest: other, kind: gennaker.Invalid, message: sha([]byte("x")) + ", not " + other},
		"no gzip":         {reference: "a.tgz", content: []byte("x"), kind: gennaker.Invalid, message: "not a .tar.gz"},
		"truncated":       {reference: "a.tgz", content: pack(t, tar.Header{Name: "a"})[:60], kind: gennaker.Invalid, message: "damaged"},
		"bad checksum":    {reference: "a.tgz", content: corrupt(pack(t, tar.Header{Name: "a"})), kind: gennaker.Invalid, message: "damaged"},
		"no entry":        {reference: "a.tgz", content: pack(t), kind: gennaker.Invalid, message: "is empty"},
		"absolute path":   {reference: "a.tgz", content: pack(t, tar.Header{Name: "/a"}), kind: gennaker.Invalid, message: `the path "/a"`},
		"dot dot":         {reference: "a.tgz", content: pack(t, tar.Header{Name: "a/../../b"}), kind: gennaker.Invalid, message: "the path"},
		"twice":           {reference: "a.tgz", content: pack(t, tar.Header{Name: "a"}, tar.Header{Name: "./a"}), kind: gennaker.Invalid, message: "twice"},
		"below file":      {reference: "a.tgz", content: pack(t, tar.Header{Name: "a"}, tar.Header{Name: "a/b"}), kind: gennaker.Invalid, message: "not a directory"},
		"device in it":    {reference: "a.tgz", content: pack(t, tar.Header{Name: "a", Typeflag: tar.TypeChar}), kind: gennaker.Invalid, message: "neither a file"},
		"fifo in it":      {reference: "a.tgz", content: pack(t, tar.Header{Name: "a", Typeflag: tar.TypeFifo}), kind: gennaker.Invalid, message: "neither a file"},
		"absolute link":   {reference: "a.tgz", content: pack(t, tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "/etc"}), kind: gennaker.Invalid, message: "leads out"},
		"link out":        {reference: "a.tgz", content: pack(t, tar.Header{Name: "d/a", Typeflag: tar.TypeSymlink, Linkname: "../../etc"}), kind: gennaker.Invalid, message: "leads out"},
		"chain out": {reference: "a.tgz", kind: gennaker.Invalid, message: "leads out", content: pack(t,
			tar.Header{Name: "x", Typeflag: tar.TypeDir, Mode: 0o755},
			tar.Header{Name: "x/y", Typeflag: tar.TypeSymlink, Linkname: ".."},
			tar.Header{Name: "out", Typeflag: tar.TypeSymlink, Linkname: "x/y/../etc"})},
		"write through": {reference: "a.tgz", kind: gennaker.Invalid, message: "leads out", content: pack(t,
			tar.Header{Name: "x", Typeflag: tar.TypeSymlink, Linkname: "../other"}, tar.Header{Name: "x/evil"})},
		"circle":        {reference: "a.tgz", content: pack(t, tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "a"}), kind: gennaker.Invalid, message: "circle"},
		"hard link out": {reference: "a.tgz", content: pack(t, tar.Header{Name: "a", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"}), kind: gennaker.Invalid, message: "leads out"},
		"hard link to a link": {reference: "a.tgz", kind: gennaker.Invalid, message: "not a file before it", content: pack(t,
			tar.Header{Name: "s", Typeflag: tar.TypeSymlink, Linkname: "b"}, tar.Header{Name: "a", Typeflag: tar.TypeLink, Linkname: "s"})},
		"long path": {reference: "a.tgz", content: pack(t, tar.Header{Name: strings.Repeat("a/", 600) + "b"}), kind: gennaker.TooLarge, message: "longer than"},
		"long name": {reference: "a.tgz", content: pack(t, tar.Header{Name: strings.Repeat("a", 300)}), kind: gennaker.TooLarge, message: "too long"},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reference, asIs := strings.CutPrefix(tt.reference, "=")
			if !asIs {
				reference = filepath.Join(t.TempDir(), reference)
			}
			if tt.content != nil {
				write(t, reference, tt.content, max(tt.mode, 0o600))
			}
			refuses(t, gennaker.RunArtifact{Reference: reference, Digest: tt.digest}, tt.kind, tt.message)
		})
	}
}

// corrupt changes the checksum of a gzip stream.
func corrupt(gz []byte) []byte {
	gz[len(gz)-8]++
	return gz
}

// refuses checks the error of Unpack and that it leaves nothing behind.
func refuses(t *testing.T, ref gennaker.RunArtifact, kind gennaker.Kind, message string) {
	t.Helper()
	parent := t.TempDir()
	store := filepath.Join(parent, "store")
	_, err := artifact.Unpack(t.Context(), ref, store)
	if err == nil {
		cleanup(t, store)
		t.Fatal("no error")
	}
	if gennaker.KindOf(err) != kind || !strings.Contains(err.Error(), message) || gennaker.HintOf(err) == "" {
		t.Errorf("got %s %q, hint %q; want %s with %q and a hint", gennaker.KindOf(err), err, gennaker.HintOf(err), kind, message)
	}
	if left := list(t, parent); len(left) > 1 {
		t.Errorf("left behind: %q", left)
	}
}

func TestUnpackRefusesDirectories(t *testing.T) {
	t.Parallel()
	cases := map[string]func(t *testing.T, dir string){
		"leads out": func(t *testing.T, dir string) {
			if err := os.Symlink("/etc/passwd", filepath.Join(dir, "a")); err != nil {
				t.Fatal(err)
			}
		},
		"neither a file": func(t *testing.T, dir string) {
			if err := syscall.Mkfifo(filepath.Join(dir, "a"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"is empty": func(*testing.T, string) {},
	}
	for message, prepare := range cases {
		t.Run(message, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			prepare(t, dir)
			refuses(t, gennaker.RunArtifact{Reference: dir}, gennaker.Invalid, message)
		})
	}
	t.Run("store in it", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		_, err := artifact.Unpack(t.Context(), gennaker.RunArtifact{Reference: dir}, filepath.Join(dir, "store"))
		if gennaker.KindOf(err) != gennaker.Invalid || !strings.Contains(err.Error(), "contains the artifact store") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("wrong digest", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a"), nil, 0o600)
		refuses(t, gennaker.RunArtifact{Reference: dir, Digest: sha(nil)}, gennaker.Invalid, "has digest h1:")
	})
}

func TestUnpackBounds(t *testing.T) {
	t.Parallel()
	zeros := func(n int) []byte {
		var buf bytes.Buffer
		gz := gzip.NewWriter(&buf)
		w := tar.NewWriter(gz)
		if err := w.WriteHeader(&tar.Header{Name: "zeros", Mode: 0o600, Size: int64(n)}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Close(), gz.Close()); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	fine := artifact.Limits{Bytes: 1 << 20, Files: 100, Path: 100, Free: 1 << 20, Expand: 1000}
	with := func(change func(*artifact.Limits)) artifact.Limits {
		l := fine
		change(&l)
		return l
	}
	cases := map[string]struct {
		content []byte
		limits  artifact.Limits
		message string
	}{
		"within":    {zeros(1 << 19), fine, ""},
		"exactly":   {zeros(1 << 20), with(func(l *artifact.Limits) { l.Free = 1 << 30 }), ""},
		"bytes":     {zeros(1<<20 + 1), with(func(l *artifact.Limits) { l.Free = 1 << 30 }), "has more than 1 MiB"},
		"expansion": {zeros(1 << 19), with(func(l *artifact.Limits) { l.Free, l.Expand = 1000, 100 }), "expands"},
		"files":     {pack(t, tar.Header{Name: "a"}, tar.Header{Name: "b"}), with(func(l *artifact.Limits) { l.Files = 1 }), "more than 1 files"},
		"path":      {pack(t, tar.Header{Name: "abc"}), with(func(l *artifact.Limits) { l.Path = 2 }), "longer than 2"},
		"itself":    {bytes.Repeat([]byte("no archive"), 1<<17), fine, ""},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := t.TempDir()
			file, message := "a.tgz", tt.message
			if name == "itself" {
				file, message = "exe", "more than 1 MiB"
			}
			path := write(t, filepath.Join(t.TempDir(), file), tt.content, 0o700)
			_, err := artifact.UnpackWithin(t.Context(), gennaker.RunArtifact{Reference: path}, store, tt.limits)
			cleanup(t, store)
			if message == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if gennaker.KindOf(err) != gennaker.TooLarge || !strings.Contains(err.Error(), message) {
				t.Errorf("got %v, want TooLarge with %q", err, message)
			}
		})
	}
}

func TestUnpackEndsWithContext(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	path := write(t, filepath.Join(t.TempDir(), "a.tgz"), pack(t, tar.Header{Name: "a"}), 0o600)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := artifact.Unpack(ctx, gennaker.RunArtifact{Reference: path}, store)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	if left := list(t, store); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestNoSpace(t *testing.T) {
	t.Parallel()
	err := artifact.WriteError(&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
	if gennaker.KindOf(err) != gennaker.Unavailable || gennaker.HintOf(err) == "" {
		t.Errorf("got %v, hint %q", err, gennaker.HintOf(err))
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	dir := t.TempDir()
	keep := unpack(t, store, write(t, filepath.Join(dir, "a.tgz"), pack(t, tar.Header{Name: "a"}), 0o600), "")
	tree := filepath.Join(dir, "tree")
	write(t, filepath.Join(tree, "sub/f"), []byte("x"), 0o600)
	keepTree := unpack(t, store, tree, "")
	drop := unpack(t, store, write(t, filepath.Join(dir, "exe"), []byte("x"), 0o700), "")
	fresh, stale := filepath.Join(store, ".unpacking-1"), filepath.Join(store, ".unpacking-2")
	for _, d := range []string{fresh, stale} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(stale, old, old); err != nil {
		t.Fatal(err)
	}
	if err := artifact.Prune(store, []string{keep.Digest, keepTree.Digest}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{keep.Dir: true, keepTree.Dir: true, drop.Dir: false, fresh: true, stale: false} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s exists: %v, want %v", path, err == nil, want)
		}
	}
	if err := artifact.Prune(filepath.Join(store, "absent"), nil); err != nil {
		t.Error(err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack(f, tar.Header{Name: "a/b", Mode: 0o4755}, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "a"}))
	f.Add(pack(f, tar.Header{Name: "../x"}, tar.Header{Name: "h", Typeflag: tar.TypeLink, Linkname: "a"}))
	f.Add(pack(f, tar.Header{Name: "x", Typeflag: tar.TypeSymlink, Linkname: ".."}, tar.Header{Name: "x/y"}))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, content []byte) {
		fuzzed(t, content)
		// What is inside the compression is reached faster without it.
		var buf bytes.Buffer
		gz := gzip.NewWriter(&buf)
		_, _ = gz.Write(content)
		_ = gz.Close()
		fuzzed(t, buf.Bytes())
	})
}

// fuzzed unpacks content and checks that nothing got out, nothing is left of what
// was refused, and the rest is within bounds and read-only.
func fuzzed(t *testing.T, content []byte) {
	parent := t.TempDir()
	store := filepath.Join(parent, "store")
	path := write(t, filepath.Join(t.TempDir(), "a.tgz"), content, 0o600)
	l := artifact.Limits{Bytes: 1 << 16, Files: 20, Path: 100, Free: 1 << 12, Expand: 1000}
	u, err := artifact.UnpackWithin(t.Context(), gennaker.RunArtifact{Reference: path}, store, l)
	cleanup(t, store)
	entries, readErr := os.ReadDir(parent)
	if readErr != nil || len(entries) != 1 {
		t.Fatalf("beside the store: %v, %v", entries, readErr)
	}
	if err != nil {
		if left := list(t, store); len(left) > 0 {
			t.Fatalf("left behind: %q", left)
		}
		return
	}
	var size int64
	err = filepath.WalkDir(u.Dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			if to, err := filepath.EvalSymlinks(path); err == nil && to != u.Dir && !strings.HasPrefix(to, u.Dir+"/") {
				t.Errorf("%s leads to %s", path, to)
			}
		case info.Mode()&(0o222|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0:
			t.Errorf("%s has mode %v", path, info.Mode())
		case info.Mode().IsRegular():
			size += info.Size()
		}
		return nil
	})
	if err != nil || size > l.Bytes {
		t.Fatalf("%d bytes, %v", size, err)
	}
}

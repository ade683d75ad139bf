package cache_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch/cache"
)

func open(t *testing.T, dir string, capacity int64) *cache.Cache {
	t.Helper()
	c, err := cache.Open(dir, capacity)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func put(t *testing.T, c *cache.Cache, key, content string) cache.Entry {
	t.Helper()
	e, err := c.Put(func(w io.Writer) error { _, err := io.WriteString(w, content); return err })
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Record(key, e); err != nil {
		t.Fatal(err)
	}
	return e
}

// content returns what is under a key, or "-" if nothing is.
func content(t *testing.T, c *cache.Cache, key string) string {
	t.Helper()
	e, ok := c.Lookup(key)
	if !ok {
		return "-"
	}
	b, err := c.Open(e.Digest)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	got, err := io.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	if b.Size != int64(len(got)) || b.Digest != e.Digest {
		t.Errorf("%s: blob says %d bytes and %s, read %d, entry %s", key, b.Size, b.Digest, len(got), e.Digest)
	}
	return string(got)
}

func TestSurvivesRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := put(t, open(t, dir, 100), "a", "alpha")
	if e.Digest != "sha256:8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8" || e.Size != 5 {
		t.Errorf("entry is %+v", e)
	}
	c := open(t, dir, 100)
	if got := content(t, c, "a"); got != "alpha" {
		t.Errorf("after a restart a is %q", got)
	}
	if _, ok := c.Find(e.Digest); !ok {
		t.Error("the blob is not found by its digest")
	}
}

func TestValidatorIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir, 100)
	e := put(t, c, "a", "alpha")
	e.Validator = `"v1"`
	if err := c.Record("a", e); err != nil {
		t.Fatal(err)
	}
	if got, _ := open(t, dir, 100).Lookup("a"); got != e {
		t.Errorf("after a restart the entry is %+v, want %+v", got, e)
	}
	e.Validator = strings.Repeat("v", 5000)
	if err := c.Record("a", e); err != nil {
		t.Fatal(err)
	}
	if got, _ := c.Lookup("a"); got.Validator != "" {
		t.Errorf("a validator of %d bytes is kept", len(got.Validator))
	}
}

func TestLeastRecentlyUsedGoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir, 12)
	put(t, c, "a", "aaaa")
	put(t, c, "b", "bbbb")
	put(t, c, "c", "cccc")
	if content(t, c, "a") != "aaaa" { // now b is the oldest
		t.Fatal("a is missing before there is a reason")
	}
	put(t, c, "d", "dddd")
	got := map[string]string{}
	for _, key := range []string{"a", "b", "c", "d"} {
		got[key] = content(t, c, key)
	}
	if diff := cmp.Diff(map[string]string{"a": "aaaa", "b": "-", "c": "cccc", "d": "dddd"}, got); diff != "" {
		t.Errorf("after pushing one out (-want +got):\n%s", diff)
	}
	for _, sub := range []string{"blobs", "keys"} {
		if files, _ := os.ReadDir(filepath.Join(dir, sub)); len(files) != 3 {
			t.Errorf("%s has %d files, want 3", sub, len(files))
		}
	}
	if open(t, dir, 4); len(list(t, dir, "blobs")) != 1 {
		t.Errorf("opened with less room, it keeps %v", list(t, dir, "blobs"))
	}
}

func list(t *testing.T, dir, sub string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, sub))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestDamage(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(blob, key string) error{
		"changed byte":   func(blob, _ string) error { return os.WriteFile(blob, []byte("alphb"), 0o600) },
		"truncated":      func(blob, _ string) error { return os.Truncate(blob, 2) },
		"blob gone":      func(blob, _ string) error { return os.Remove(blob) },
		"record cut off": func(_, key string) error { return os.Truncate(key, 7) },
		"record gone":    func(_, key string) error { return os.Remove(key) },
		"record of nothing": func(_, key string) error {
			return os.WriteFile(key, []byte(`{"digest":"sha256:../../../etc/passwd","size":3}`), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			put(t, open(t, dir, 100), "a", "alpha")
			if err := damage(filepath.Join(dir, "blobs", list(t, dir, "blobs")[0]), filepath.Join(dir, "keys", list(t, dir, "keys")[0])); err != nil {
				t.Fatal(err)
			}
			c := open(t, dir, 100)
			if got := content(t, c, "a"); got != "-" {
				t.Errorf("a is %q, want nothing", got)
			}
			put(t, c, "a", "alpha")
			if got := content(t, c, "a"); got != "alpha" {
				t.Errorf("stored again, a is %q", got)
			}
		})
	}
}

func TestDamageWhileOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir, 100)
	put(t, c, "a", "alpha")
	if err := os.Remove(filepath.Join(dir, "blobs", list(t, dir, "blobs")[0])); err != nil {
		t.Fatal(err)
	}
	if got := content(t, c, "a"); got != "-" {
		t.Errorf("a is %q, want nothing", got)
	}
	if _, ok := c.Lookup("a"); ok {
		t.Error("the key of a blob that is gone is still known")
	}
}

func TestInterruptedWriteLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir, 100)
	stop := errors.New("stop")
	if _, err := c.Put(func(w io.Writer) error {
		if _, err := io.WriteString(w, "half"); err != nil {
			t.Error(err)
		}
		return stop
	}); !errors.Is(err, stop) {
		t.Errorf("error is %v, want that of the writer", err)
	}
	// What kill -9 leaves behind.
	if err := os.WriteFile(filepath.Join(dir, "partial", "blob-1"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir, 100)
	if left := append(list(t, dir, "partial"), list(t, dir, "blobs")...); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestReadableAfterEviction(t *testing.T) {
	t.Parallel()
	c := open(t, t.TempDir(), 5)
	e := put(t, c, "a", "alpha")
	b, err := c.Open(e.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	put(t, c, "b", "bravo")
	if got := content(t, c, "a"); got != "-" {
		t.Errorf("a is %q, want nothing", got)
	}
	if got, err := io.ReadAll(b); string(got) != "alpha" || err != nil {
		t.Errorf("the open blob reads %q, %v", got, err)
	}
}

func TestUnusableDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Open(file, 1); gennaker.KindOf(err) != gennaker.Internal || gennaker.HintOf(err) == "" {
		t.Errorf("error is %v, want one of kind internal with a hint", err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	c := open(t, t.TempDir(), 40)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			key := string(rune('a' + i%4))
			for range 50 {
				put(t, c, key, strings.Repeat(key, 15))
				if got := content(t, c, key); got != "-" && got != strings.Repeat(key, 15) {
					t.Errorf("%s is %q", key, got)
				}
			}
		})
	}
	wg.Wait()
}

package logfile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker/internal/node/logfile"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	f, err := logfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func used(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no stat")
	}
	return s.Blocks * 512
}

func copied(t *testing.T, path string, tail int64) string {
	t.Helper()
	var b bytes.Buffer
	if err := logfile.Copy(t.Context(), &b, path, tail, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCopyTail(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, "one\ntwo\nthree")
	for tail, want := range map[int64]string{-1: "one\ntwo\nthree", 0: "", 5: "three", 6: "\nthree", 13: "one\ntwo\nthree", 99: "one\ntwo\nthree"} {
		if got := copied(t, path, tail); got != want {
			t.Errorf("last %d: %q, want %q", tail, got, want)
		}
	}
	err := logfile.Copy(t.Context(), &bytes.Buffer{}, path+"x", -1, false)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// TestTrim: the newest part stays, the disk gets the rest back, and the writer
// goes on where it was.
func TestTrim(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	var all strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&all, "line %05d\n", i)
	}
	write(t, path, all.String())
	const limit = 20_000
	for range 2 {
		if err := logfile.Trim(path, limit); err != nil {
			t.Fatal(err)
		}
	}
	if n := used(t, path); n > limit+limit/4+8192 {
		t.Errorf("it takes %d bytes", n)
	}
	write(t, path, "more\n")
	want := all.String() + "more\n"
	got := copied(t, path, -1)
	if !strings.HasSuffix(want, got) || len(got) < limit || len(got) > limit+8192 {
		t.Errorf("got %d bytes: %q ...", len(got), got[:min(len(got), 40)])
	}
	if got := copied(t, path, 11); got != "19999\nmore\n" {
		t.Errorf("the last 11 bytes are %q", got)
	}
	small := filepath.Join(t.TempDir(), "small")
	write(t, small, "text")
	if err := logfile.Trim(small, limit); err != nil || copied(t, small, -1) != "text" {
		t.Errorf("a small file was changed: %v", err)
	}
}

// grower appends to the file that is copied, with every write.
type grower struct {
	t    *testing.T
	path string
	n    int
}

func (g *grower) Write(p []byte) (int, error) {
	if g.n += len(p); g.n > 1<<20 {
		return 0, errors.New("there is no end")
	}
	write(g.t, g.path, "more and more\n")
	return len(p), nil
}

// TestCopyEnds: without follow, a file that grows does not keep the reader.
func TestCopyEnds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, "one\n")
	if err := logfile.Copy(t.Context(), &grower{t: t, path: path}, path, -1, false); err != nil {
		t.Error(err)
	}
	sources := func() ([]logfile.Source, error) { return []logfile.Source{{Name: "a", Path: path}}, nil }
	if err := logfile.CopyAll(t.Context(), &grower{t: t, path: path}, sources, -1, false); err != nil {
		t.Error(err)
	}
}

// sink tells of every write.
type sink struct {
	text    strings.Builder
	written chan string
}

func (s *sink) Write(p []byte) (int, error) {
	s.text.Write(p)
	s.written <- s.text.String()
	return len(p), nil
}

func (s *sink) until(t *testing.T, want string) {
	t.Helper()
	over := time.After(time.Minute)
	for {
		select {
		case got := <-s.written:
			if got == want {
				return
			}
			if !strings.HasPrefix(want, got) {
				t.Fatalf("got %q, want %q", got, want)
			}
		case <-over:
			t.Fatalf("waited too long for %q", want)
		}
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, "old\n")
	ctx, cancel := context.WithCancel(t.Context())
	s := &sink{written: make(chan string, 100)}
	done := make(chan error, 1)
	go func() { done <- logfile.Copy(ctx, s, path, 2, true) }()
	s.until(t, "d\n")
	write(t, path, "new")
	s.until(t, "d\nnew")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	write(t, path, "x")
	s.until(t, "d\nnewx")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestCopyAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := func(name string) logfile.Source { return logfile.Source{Name: name, Path: filepath.Join(dir, name)} }
	write(t, source("a").Path, "one\ntwo")
	write(t, source("b").Path, strings.Repeat("x", logfile.MaxLine)+"y\n")
	sources := func() ([]logfile.Source, error) {
		return []logfile.Source{source("a"), source("b"), source("missing")}, nil
	}
	var got bytes.Buffer
	if err := logfile.CopyAll(t.Context(), &got, sources, -1, false); err != nil {
		t.Fatal(err)
	}
	want := "a one\na two\nb " + strings.Repeat("x", logfile.MaxLine) + "\nb y\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFollowAll: lines are not torn, and a file that is new is shown whole.
func TestFollowAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "one\ntw")
	ctx, cancel := context.WithCancel(t.Context())
	s := &sink{written: make(chan string, 100)}
	done := make(chan error, 1)
	go func() {
		done <- logfile.CopyAll(ctx, s, func() ([]logfile.Source, error) {
			entries, err := os.ReadDir(dir)
			var all []logfile.Source
			for _, e := range entries {
				all = append(all, logfile.Source{Name: e.Name(), Path: filepath.Join(dir, e.Name())})
			}
			return all, err
		}, 1<<20, true)
	}()
	s.until(t, "a one\n")
	write(t, filepath.Join(dir, "b"), "first\n")
	s.until(t, "a one\nb first\n")
	write(t, filepath.Join(dir, "a"), "o\n")
	s.until(t, "a one\nb first\na two\n")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestLongLineInBoundedMemory: what a line of 64 MiB allocates does not depend
// on its length.
func TestLongLineInBoundedMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for range 64 {
		write(t, path, strings.Repeat("x", 1<<20))
	}
	var before, after runtime.MemStats
	n := counter(0)
	runtime.ReadMemStats(&before)
	if err := logfile.Copy(t.Context(), &n, path, -1, false); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n != 64<<20 {
		t.Errorf("got %d bytes", n)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
		t.Errorf("allocated %d bytes", took)
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func TestPrune(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now()
	for i, name := range []string{"live", "young", "middle", "third", "old"} {
		path := filepath.Join(dir, name)
		write(t, path, "x")
		at := now.Add(-time.Duration(i) * time.Hour)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	left := func() []string {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		slices.Sort(names)
		return names
	}
	live := func(f string) bool { return f == "live" }
	if err := logfile.Prune(dir, live, 10, now.Add(-210*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"live", "middle", "third", "young"}, left()); diff != "" {
		t.Errorf("by age (-want +got):\n%s", diff)
	}
	if err := logfile.Prune(dir, live, 1, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"live", "young"}, left()); diff != "" {
		t.Errorf("by number (-want +got):\n%s", diff)
	}
}

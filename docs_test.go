package gennaker_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mdLink is [text](target) or ![text](target), outside of code.
var mdLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// fence is a block of code, or a span of it.
var fence = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")

// TestLinks holds that every relative link in a document leads to a file, and
// that its anchor is a heading there.
func TestLinks(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "bin", "dist", "node_modules", "testdata"}, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		for _, problem := range brokenLinks(t, path) {
			t.Errorf("%s: %s", path, problem)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func brokenLinks(t *testing.T, path string) []string {
	t.Helper()
	var out []string
	for _, m := range mdLink.FindAllStringSubmatch(fence.ReplaceAllString(read(t, path), ""), -1) {
		target, anchor, _ := strings.Cut(m[1], "#")
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		file := path
		if target != "" {
			file = filepath.Join(filepath.Dir(path), filepath.FromSlash(target))
		}
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			out = append(out, "there is no "+m[1])
		} else if anchor != "" && !slices.Contains(anchors(read(t, file)), anchor) {
			out = append(out, "there is no heading for "+m[1])
		}
	}
	return out
}

// anchors returns the names that headings get: lower case, without marks, with
// dashes for spaces.
func anchors(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			marks := regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
			out = append(out, strings.ReplaceAll(marks.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), ""), " ", "-"))
		}
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestBrokenLinksAreSeen holds that TestLinks can fail.
func TestBrokenLinksAreSeen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	page := filepath.Join(dir, "page.md")
	text := "# A `b` c\n\n[ok](#a-b-c) [out](https://example.com/x) `[code](no.md)` [bad](no.md) ![bad](page.md#none)\n"
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := brokenLinks(t, page)
	if want := []string{"there is no no.md", "there is no heading for page.md#none"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

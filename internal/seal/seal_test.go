package seal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/seal"
)

func open(t *testing.T, path string) *seal.Key {
	t.Helper()
	k, err := seal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSeal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seal.key")
	content := []byte("password: hunter2")
	text := open(t, path).Seal(content)
	if !seal.Is(text) || strings.Contains(text, "hunter2") || text == open(t, path).Seal(content) {
		t.Errorf("sealed is %q", text)
	}
	if got, err := open(t, path).Open(text); err != nil || !bytes.Equal(got, content) {
		t.Errorf("opened later: %q, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
	for what, bad := range map[string]string{"changed": text[:len(text)-8] + "AAAAAAA=", "cut": text[:20], "no base64": "sealed:1:%", "nothing": ""} {
		if got, err := open(t, path).Open(bad); gennaker.KindOf(err) != gennaker.Invalid {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	if got, err := open(t, filepath.Join(t.TempDir(), "other")).Open(text); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("another key: %q, %v", got, err)
	}
}

func TestBrokenKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seal.key")
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Open(path); gennaker.KindOf(err) != gennaker.Internal || !strings.Contains(gennaker.HintOf(err), "backup") {
		t.Errorf("got %v", err)
	}
	if _, err := seal.Open(filepath.Join(path, "below")); err == nil {
		t.Error("a key in a file was opened")
	}
}

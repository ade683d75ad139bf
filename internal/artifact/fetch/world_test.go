package fetch_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch"
)

// accounts makes accounts with a cache of their own, unless change says
// otherwise.
func accounts(t testing.TB, cfg fetch.Config, change ...func(*fetch.Options)) *fetch.Accounts {
	t.Helper()
	var dialer net.Dialer
	opts := fetch.Options{Client: &http.Client{Transport: &http.Transport{}}, Dial: dialer.DialContext, Dir: t.TempDir()}
	for _, c := range change {
		c(&opts)
	}
	a, err := fetch.New(cfg, opts)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func one[A any](a A) fetch.Section[A] { return fetch.Section[A]{Accounts: []A{a}} }

// get returns the content of an artifact.
func get(t testing.TB, a *fetch.Accounts, art gennaker.Artifact) string {
	t.Helper()
	blob, err := a.Fetch(t.Context(), art, nil)
	if err != nil {
		t.Fatalf("%v (%s)", err, gennaker.HintOf(err))
	}
	defer blob.Close()
	content, err := io.ReadAll(blob)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(content)) != blob.Size || !strings.HasPrefix(blob.Digest, "sha256:") {
		t.Errorf("the blob says %d bytes and digest %q, and has %d", blob.Size, blob.Digest, len(content))
	}
	return string(content)
}

// refuses checks the error of fetching: its kind, that its text or hint says
// something, and that neither says a secret.
func refuses(t testing.TB, a *fetch.Accounts, art gennaker.Artifact, kind gennaker.Kind, says string) {
	t.Helper()
	blob, err := a.Fetch(t.Context(), art, nil)
	if err == nil {
		_ = blob.Close()
	}
	check(t, err, kind, says)
}

func check(t testing.TB, err error, kind gennaker.Kind, says string) {
	t.Helper()
	text := fmt.Sprint(err, " ", gennaker.HintOf(err))
	if err == nil || gennaker.KindOf(err) != kind || !strings.Contains(text, says) {
		t.Errorf("error is %s: %s\nwant %s that says %q", gennaker.KindOf(err), text, kind, says)
	}
	for _, secret := range []string{"hunter2", "s3cret"} {
		if strings.Contains(text, secret) {
			t.Errorf("error says a secret: %s", text)
		}
	}
}

// recorder is a server that remembers what it was asked for.
type recorder struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // path and query
}

func serve(t testing.TB, handle http.HandlerFunc) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.asked = append(r.asked, req.URL.RequestURI())
		r.mu.Unlock()
		handle(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

// requests returns what was asked for since the last call.
func (r *recorder) requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.asked
	r.asked = nil
	return asked
}

func (r *recorder) host() string { return strings.TrimPrefix(r.URL, "http://") }

// file writes a file and returns its path.
func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func say(w http.ResponseWriter, text string) { _, _ = io.WriteString(w, text) }

func startTLS(t testing.TB, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewTLSServer(handle)
	t.Cleanup(server.Close)
	return server
}

func sha(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

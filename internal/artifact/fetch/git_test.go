package fetch_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch"
)

// run runs the real git, apart from anyone's configuration.
func run(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Env = dir, gitEnvironment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func gitEnvironment() []string {
	return append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com")
}

// files returns the names of the files in a .tar.gz.
func files(t testing.TB, packed string) []string {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader([]byte(packed)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			names = append(names, h.Name)
		}
	}
}

func TestGitRepo(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir := filepath.Join(top, "shop.git")
	if err := os.MkdirAll(filepath.Join(dir, "deploy"), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "init", "-q", "-b", "master")
	for _, name := range []string{"README.md", "deploy/app.yml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "add", ".")
	run(t, dir, "commit", "-q", "-m", "one")
	commit := run(t, dir, "rev-parse", "HEAD")
	backend := &cgi.Handler{
		Path: filepath.Join(run(t, dir, "--exec-path"), "git-http-backend"),
		Env:  append(gitEnvironment(), "GIT_PROJECT_ROOT="+top, "GIT_HTTP_EXPORT_ALL=1"),
	}
	server := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if _, password, _ := req.BasicAuth(); password != "s3cret" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, req)
	})
	account := fetch.GitRepoAccount{Name: "a", Login: fetch.Login{Token: "s3cret", Hosts: []string{"127.0.0.1"}}}
	a := accounts(t, fetch.Config{GitRepo: one(account)})
	art := func(version, sub string) gennaker.Artifact {
		return gennaker.Artifact{Type: "git/repo", Reference: server.URL + "/shop.git", Version: version, Metadata: map[string]any{"subPath": sub}}
	}
	if got := files(t, get(t, a, art("", ""))); !slices.Equal(got, []string{"README.md", "deploy/app.yml"}) {
		t.Errorf("files are %v", got)
	}
	if got := files(t, get(t, a, art("master", "deploy/"))); !slices.Equal(got, []string{"deploy/app.yml"}) {
		t.Errorf("files are %v", got)
	}
	server.requests()
	get(t, a, art("master", ""))
	if n := len(server.requests()); n != 1 {
		t.Errorf("%d requests for a branch that did not move, want the one for its commit", n)
	}
	get(t, a, art(commit, ""))
	if n := len(server.requests()); n != 0 {
		t.Errorf("%d requests for a commit that is here", n)
	}
	refuses(t, a, art("main", ""), gennaker.NotFound, "master")
	run(t, dir, "branch", "-m", "trunk")
	refuses(t, a, art("", ""), gennaker.NotFound, "branch master")
	refuses(t, a, art("trunk", "none"), gennaker.NotFound, "subPath")
	refuses(t, a, art("trunk", "a\nb"), gennaker.Invalid, "subPath")
	refuses(t, a, gennaker.Artifact{Type: "git/repo", Reference: "nowhere"}, gennaker.Invalid, "git@host:path.git")
	refuses(t, a, gennaker.Artifact{Type: "git/repo", Reference: "https://example.com/r.git"}, gennaker.Denied, "add the host to hosts")
	refuses(t, a, gennaker.Artifact{Type: "git/repo", Reference: "file://" + dir}, gennaker.Denied, "directories")
	refuses(t, a, gennaker.Artifact{Type: "git/repo", Reference: "git@127.0.0.1:r.git"}, gennaker.Invalid, "sshKnownHostsFilePath")
	account.Token = "hunter2"
	refuses(t, accounts(t, fetch.Config{GitRepo: one(account)}), art("trunk", ""), gennaker.Denied, "account a")
	small := accounts(t, fetch.Config{GitRepo: one(fetch.GitRepoAccount{Name: "a", Directories: []string{top}})}, func(o *fetch.Options) { o.MaxBytes = 10 })
	refuses(t, small, gennaker.Artifact{Type: "git/repo", Reference: "file://" + dir, Version: "trunk"}, gennaker.TooLarge, "subPath")
	account = fetch.GitRepoAccount{Name: "a", SSHPrivateKeyFilePath: "/does/not/exist"}
	refuses(t, accounts(t, fetch.Config{GitRepo: one(account)}), gennaker.Artifact{Type: "git/repo", Reference: "git@127.0.0.1:r.git"}, gennaker.Invalid, "/does/not/exist")
}

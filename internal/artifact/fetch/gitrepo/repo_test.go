package gitrepo_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch/gitrepo"
)

// git runs the real git in a directory, apart from anyone's configuration.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func environment() []string {
	return append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
}

// repository makes a repository with two commits on master, an annotated tag on
// the first, and a branch; it returns the directory and the commits.
func repository(t testing.TB) (dir, first, second string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "shop.git")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "init", "-q", "-b", "master")
	write := func(name, content string, mode os.FileMode) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("README.md", "one\n", 0o600)
	write("deploy/base/app.yaml", "kind: Deployment\n", 0o600)
	write("deploy/run.sh", "#!/bin/sh\n", 0o700)
	if err := os.Symlink("base/app.yaml", filepath.Join(dir, "deploy/current")); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "one")
	first = git(t, dir, "rev-parse", "HEAD")
	git(t, dir, "tag", "-a", "-m", "one", "v1")
	write("README.md", "two\n", 0o600)
	git(t, dir, "commit", "-q", "-a", "-m", "two")
	git(t, dir, "branch", "feature/x", first)
	return dir, first, git(t, dir, "rev-parse", "HEAD")
}

// serveHTTP serves the directory above a repository with the real
// git http-backend; a password, if given, is asked for.
func serveHTTP(t testing.TB, dir, password string) *httptest.Server {
	t.Helper()
	backend := &cgi.Handler{
		Path: filepath.Join(git(t, dir, "--exec-path"), "git-http-backend"),
		Env:  append(environment(), "GIT_PROJECT_ROOT="+filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1"),
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, got, _ := req.BasicAuth(); password != "" && got != password {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	return server
}

func parse(t testing.TB, ref string) gitrepo.URL {
	t.Helper()
	u, err := gitrepo.ParseURL(ref)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// archive fetches a version and returns the commit, the archive and its entries.
func archive(t testing.TB, remote gitrepo.Remote, version, sub string) (commit string, packed []byte, entries []string) {
	t.Helper()
	if remote.MaxBytes == 0 {
		remote.MaxBytes = 1 << 20
	}
	remote.Temp = t.TempDir()
	repo, err := gitrepo.Open(t.Context(), remote)
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	commit, err = repo.Resolve(version)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := repo.Archive(t.Context(), commit, sub, &buf); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(remote.Temp); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	return commit, buf.Bytes(), list(t, buf.Bytes())
}

func list(t testing.TB, packed []byte) []string {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, fmt.Sprintf("%o %s %s%s", h.Mode, h.Name, h.Linkname, content))
	}
}

var all = []string{
	"644 README.md one\n", "755 deploy/ ", "755 deploy/base/ ", "644 deploy/base/app.yaml kind: Deployment\n",
	"777 deploy/current base/app.yaml", "755 deploy/run.sh #!/bin/sh\n",
}

func TestArchiveOverHTTP(t *testing.T) {
	t.Parallel()
	dir, first, second := repository(t)
	server := serveHTTP(t, dir, "")
	remote := gitrepo.Remote{URL: parse(t, server.URL+"/shop.git"), Client: server.Client()}
	latest := append([]string{"644 README.md two\n"}, all[1:]...)
	for name, c := range map[string]struct {
		version, sub, commit string
		want                 []string
	}{
		"branch":              {"master", "", second, latest},
		"branch with a slash": {"feature/x", "", first, all},
		"annotated tag":       {"v1", "", first, all},
		"full reference":      {"refs/heads/master", "", second, latest},
		"head":                {"HEAD", "", second, latest},
		"commit at a branch":  {second, "", second, latest},
		"short commit":        {second[:8], "", second, latest},
		"directory":           {"v1", "deploy/base", first, []string{"755 deploy/ ", "755 deploy/base/ ", "644 deploy/base/app.yaml kind: Deployment\n"}},
		"file":                {"v1", "README.md", first, all[:1]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			commit, _, got := archive(t, remote, c.version, c.sub)
			if diff := cmp.Diff(c.want, got); diff != "" || commit != c.commit {
				t.Errorf("commit %s, want %s; entries (-want +got):\n%s", commit, c.commit, diff)
			}
		})
	}
}

// A commit that no branch or tag is at needs the history, where the server does
// not give single commits.
func TestArchiveOfCommitInHistory(t *testing.T) {
	t.Parallel()
	for _, allow := range []string{"true", "false"} {
		dir, first, _ := repository(t)
		git(t, dir, "branch", "-D", "feature/x")
		git(t, dir, "tag", "-d", "v1")
		git(t, dir, "config", "uploadpack.allowReachableSHA1InWant", allow)
		server := serveHTTP(t, dir, "")
		_, _, got := archive(t, gitrepo.Remote{URL: parse(t, server.URL+"/shop.git"), Client: server.Client()}, first, "")
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("allowReachableSHA1InWant=%s: entries (-want +got):\n%s", allow, diff)
		}
	}
}

func TestArchiveIsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	dir, first, _ := repository(t)
	server := serveHTTP(t, dir, "")
	_, a, _ := archive(t, gitrepo.Remote{URL: parse(t, server.URL+"/shop.git"), Client: server.Client()}, first, "")
	_, b, _ := archive(t, gitrepo.Remote{URL: parse(t, "file://"+dir), Directories: []string{filepath.Dir(dir)}}, first, "")
	if !bytes.Equal(a, b) {
		t.Error("over HTTP and from the directory, the archives of one commit differ")
	}
	// And it is what git itself packs, as far as files go.
	cmd := exec.CommandContext(t.Context(), "git", "archive", "--format=tar.gz", first)
	cmd.Dir, cmd.Env = dir, environment()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	names := func(packed []byte) []string {
		var names []string
		for _, e := range list(t, packed) {
			if _, name, _ := strings.Cut(e, " "); name != "pax_global_header " {
				names = append(names, name)
			}
		}
		return names
	}
	if diff := cmp.Diff(names(out), names(a)); diff != "" {
		t.Errorf("other than git archive (-git +got):\n%s", diff)
	}
}

func TestCredentialsOverHTTP(t *testing.T) {
	t.Parallel()
	dir, first, _ := repository(t)
	server := serveHTTP(t, dir, "s3cret")
	remote := gitrepo.Remote{URL: parse(t, server.URL+"/shop.git"), Client: server.Client(), Account: "shop-reader", Username: "u", Password: "s3cret"}
	if commit, _, _ := archive(t, remote, "v1", ""); commit != first {
		t.Errorf("commit %s, want %s", commit, first)
	}
	remote.Password = "wr0ng"
	_, err := gitrepo.Open(t.Context(), remote)
	if gennaker.KindOf(err) != gennaker.Denied || !strings.Contains(err.Error(), "shop-reader") || strings.Contains(fmt.Sprint(err, gennaker.HintOf(err)), "wr0ng") {
		t.Errorf("with a wrong password the error is %v", err)
	}
}

func TestLocalRepositories(t *testing.T) {
	t.Parallel()
	dir, first, _ := repository(t)
	remote := gitrepo.Remote{URL: parse(t, "file://"+dir), Directories: []string{filepath.Dir(dir)}}
	if commit, _, got := archive(t, remote, "v1", ""); commit != first || len(got) != len(all) {
		t.Errorf("got %s with %d entries", commit, len(got))
	}
	outside := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, outside); err != nil {
		t.Fatal(err)
	}
	for name, remote := range map[string]gitrepo.Remote{
		"no directory is listed": {URL: parse(t, "file://"+dir)},
		"other directory":        {URL: parse(t, "file://"+dir), Directories: []string{t.TempDir()}},
		"link that leads out":    {URL: parse(t, "file://"+outside), Directories: []string{filepath.Dir(outside)}},
		"dots that lead out":     {URL: parse(t, "file://"+filepath.Dir(outside)+"/../../"+strings.TrimPrefix(dir, "/")), Directories: []string{filepath.Dir(outside)}},
	} {
		if _, err := gitrepo.Open(t.Context(), remote); gennaker.KindOf(err) != gennaker.Denied {
			t.Errorf("%s: error is %v, want denied", name, err)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	dir, first, _ := repository(t)
	empty := filepath.Join(filepath.Dir(dir), "empty.git")
	git(t, filepath.Dir(dir), "init", "-q", "--bare", empty)
	server := serveHTTP(t, dir, "")
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	t.Cleanup(broken.Close)
	nonsense := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	t.Cleanup(nonsense.Close)
	for name, c := range map[string]struct {
		url, version, sub string
		max               int64
		want              gennaker.Kind
		says              string
	}{
		"no repository":      {server.URL + "/none.git", "master", "", 1 << 20, gennaker.NotFound, "none.git"},
		"empty repository":   {server.URL + "/empty.git", "master", "", 1 << 20, gennaker.NotFound, "empty"},
		"no branch":          {server.URL + "/shop.git", "main", "", 1 << 20, gennaker.NotFound, "feature/x, master"},
		"unknown short hash": {server.URL + "/shop.git", "0123456", "", 1 << 20, gennaker.NotFound, "40 digits"},
		"no commit":          {server.URL + "/shop.git", strings.Repeat("12", 20), "", 1 << 20, gennaker.NotFound, "no commit"},
		"no path":            {server.URL + "/shop.git", first, "deploy/none", 1 << 20, gennaker.NotFound, "deploy/none"},
		"too large":          {server.URL + "/shop.git", first, "", 64, gennaker.TooLarge, "shop.git"},
		"server broken":      {broken.URL + "/shop.git", first, "", 1 << 20, gennaker.Unavailable, "502"},
		"server elsewhere":   {nonsense.URL + "/shop.git", first, "", 1 << 20, gennaker.Unavailable, "shop.git"},
		"nobody there":       {"http://127.0.0.1:1/user.git", first, "", 1 << 20, gennaker.Unavailable, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := func() error {
				repo, err := gitrepo.Open(t.Context(), gitrepo.Remote{URL: parse(t, strings.Replace(c.url, "://", "://user:hunter2@", 1)), Client: server.Client(), Temp: t.TempDir(), MaxBytes: c.max})
				if err != nil {
					return err
				}
				defer repo.Close()
				commit, err := repo.Resolve(c.version)
				if err != nil {
					return err
				}
				return repo.Archive(t.Context(), commit, c.sub, io.Discard)
			}()
			text := fmt.Sprint(err, " ", gennaker.HintOf(err))
			if gennaker.KindOf(err) != c.want || !strings.Contains(text, c.says) || strings.Contains(text, "hunter2") {
				t.Errorf("error is %s: %s; want %s that says %q", gennaker.KindOf(err), text, c.want, c.says)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		close(reached)
		<-req.Context().Done()
	}))
	t.Cleanup(slow.Close)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	if _, err := gitrepo.Open(ctx, gitrepo.Remote{URL: parse(t, slow.URL+"/shop.git"), Client: slow.Client()}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
}

// serveSSH is an SSH server that runs the real git-upload-pack for who has the
// key.
func serveSSH(t testing.TB, allowed ssh.PublicKey) (address string, host ssh.PublicKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if !bytes.Equal(key.Marshal(), allowed.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return nil, nil
	}}
	config.AddHostKey(signer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go converse(conn, config)
		}
	}()
	return listener.Addr().String(), signer.PublicKey()
}

func converse(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			defer channel.Close()
			for req := range requests {
				var payload struct{ Command string }
				if req.Type != "exec" || ssh.Unmarshal(req.Payload, &payload) != nil || !strings.HasPrefix(payload.Command, "git-upload-pack '") {
					_ = req.Reply(false, nil)
					continue
				}
				_ = req.Reply(true, nil)
				cmd := exec.Command("sh", "-c", payload.Command)
				cmd.Env = environment()
				cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
				code := byte(0)
				if in, err := cmd.StdinPipe(); err == nil {
					go func() { _, _ = io.Copy(in, channel); _ = in.Close() }() // Run does not wait for it
				}
				if cmd.Run() != nil {
					code = 1
				}
				_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, code})
				return
			}
		}()
	}
}

func TestArchiveOverSSH(t *testing.T) {
	t.Parallel()
	dir, first, _ := repository(t)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	allowed, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	address, host := serveSSH(t, allowed)
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte(knownhosts.Line([]string{knownhosts.Normalize(address)}, host)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(other, []byte(knownhosts.Line([]string{knownhosts.Normalize(address)}, allowed)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var dialer net.Dialer
	remote := gitrepo.Remote{
		URL: parse(t, "ssh://git@"+address+dir), Account: "shop-reader", Dial: dialer.DialContext,
		PrivateKey: pem.EncodeToMemory(locked), Passphrase: "open sesame", KnownHosts: known,
	}
	commit, _, got := archive(t, remote, "v1", "")
	if diff := cmp.Diff(all, got); diff != "" || commit != first {
		t.Errorf("commit %s, want %s; entries (-want +got):\n%s", commit, first, diff)
	}
	remote.PrivateKey, remote.Passphrase = pem.EncodeToMemory(plain), "" // deriving a key takes its time
	unknown := remote
	unknown.KnownHosts, unknown.TrustUnknownHosts = "", true
	if commit, _, _ := archive(t, unknown, "master", "deploy"); commit == "" {
		t.Error("a host that is not known is not trusted though the account says so")
	}
	for name, c := range map[string]struct {
		change func(*gitrepo.Remote)
		want   gennaker.Kind
	}{
		"no known hosts":    {func(r *gitrepo.Remote) { r.KnownHosts = "" }, gennaker.Invalid},
		"other host key":    {func(r *gitrepo.Remote) { r.KnownHosts = other }, gennaker.Denied},
		"no key":            {func(r *gitrepo.Remote) { r.PrivateKey = nil }, gennaker.Invalid},
		"wrong passphrase":  {func(r *gitrepo.Remote) { r.PrivateKey, r.Passphrase = pem.EncodeToMemory(locked), "x" }, gennaker.Invalid},
		"password, refused": {func(r *gitrepo.Remote) { r.PrivateKey, r.Password = nil, "hunter2" }, gennaker.Denied},
		"no repository":     {func(r *gitrepo.Remote) { r.URL = parse(t, "ssh://git@"+address+"/it's/none") }, gennaker.NotFound},
		"nobody there":      {func(r *gitrepo.Remote) { r.URL = parse(t, "ssh://git@127.0.0.1:1/x") }, gennaker.Unavailable},
	} {
		r := remote
		c.change(&r)
		if repo, err := gitrepo.Open(t.Context(), r); gennaker.KindOf(err) != c.want || strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("%s: error is %v (%s), repository %v; want %s", name, err, gennaker.KindOf(err), repo, c.want)
		}
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]string{
		"https://github.com/org/repo.git":         "https://github.com/org/repo.git",
		"https://u:p@example.com:8443/r?x=secret": "https://example.com:8443/r",
		"git@github.com:org/repo.git":             "ssh://github.com/org/repo.git",
		"ssh://git@example.com:2222/org/repo":     "ssh://example.com:2222/org/repo",
		"file:///srv/git/a/../b":                  "file:///srv/git/b",
	} {
		u, err := gitrepo.ParseURL(ref)
		if err != nil || u.String() != want {
			t.Errorf("%s is %v, %v; want %s", ref, u, err, want)
		}
	}
	for _, ref := range []string{"", "x", "/etc", "./x", "file://host", "git://example.com/r", "ext::sh -c id", "https://", "https:///r", "https://example.com", "ssh://-oProxyCommand=id/x", "ftp://example.com/x", "https://a b/c"} {
		if u, err := gitrepo.ParseURL(ref); gennaker.KindOf(err) != gennaker.Invalid || gennaker.HintOf(err) == "" {
			t.Errorf("%q is %v, %v; want an error of kind invalid with a hint", ref, u, err)
		}
	}
}

func TestCleanSubPath(t *testing.T) {
	t.Parallel()
	for sub, want := range map[string]string{"": "", "/": "", ".": "", "deploy/": "deploy", "/a//b": "a/b", "../x": "x"} {
		if got, err := gitrepo.CleanSubPath(sub); got != want || err != nil {
			t.Errorf("%q is %q, %v; want %q", sub, got, err, want)
		}
	}
	if _, err := gitrepo.CleanSubPath("a\nb"); gennaker.KindOf(err) != gennaker.Invalid {
		t.Errorf("error is %v", err)
	}
}

func FuzzParseURL(f *testing.F) {
	for _, ref := range []string{"https://github.com/org/repo.git", "git@github.com:org/repo.git", "ssh://git@h:22/x", "file:///a/b", "https://u:p@h/r?q#f", "[::1]:x", "http://[::1]:80/x"} {
		f.Add(ref)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		u, err := gitrepo.ParseURL(ref)
		if err != nil {
			if gennaker.KindOf(err) != gennaker.Invalid {
				t.Fatalf("error is %v", err)
			}
			return
		}
		if shown := u.String(); !strings.HasPrefix(shown, u.Scheme()+"://") || strings.ContainsAny(shown, " \n") {
			t.Fatalf("%q is shown as %q", ref, shown)
		}
	})
}

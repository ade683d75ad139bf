package fetch_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch"
	"github.com/gennaker/gennaker/internal/seal"
)

// TestSealed: what this installation sealed is opened, and nothing else.
func TestSealed(t *testing.T) {
	t.Parallel()
	key := func() *seal.Key {
		k, err := seal.Open(filepath.Join(t.TempDir(), "seal.key"))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	own := key()
	a := accounts(t, fetch.Config{}, func(o *fetch.Options) { o.Key, o.MaxBytes = own, 100 })
	art := gennaker.Artifact{Type: "embedded/base64", Reference: own.Seal([]byte("kind: Secret"))}
	if got := get(t, a, art); got != "kind: Secret" {
		t.Errorf("got %q", got)
	}
	refuses(t, a, gennaker.Artifact{Type: "embedded/base64", Reference: key().Seal([]byte("kind: Secret"))}, gennaker.Invalid, "another installation")
	refuses(t, a, gennaker.Artifact{Type: "embedded/base64", Reference: own.Seal(make([]byte, 1000))}, gennaker.TooLarge, "100")
	refuses(t, accounts(t, fetch.Config{}), art, gennaker.Invalid, "sealed")
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	a := accounts(t, fetch.Config{}, func(o *fetch.Options) { o.MaxBytes = 100 })
	for name, c := range map[string]struct{ typ, ref, want string }{
		"with padding":    {"embedded/base64", base64.StdEncoding.EncodeToString([]byte("kind: Pod")), "kind: Pod"},
		"without padding": {"embedded/base64", base64.RawStdEncoding.EncodeToString([]byte("kind: Po")), "kind: Po"},
		"empty":           {"embedded/base64", "", ""},
		"remote alias":    {"remote/base64", base64.StdEncoding.EncodeToString([]byte("x")), "x"},
	} {
		if got := get(t, a, gennaker.Artifact{Type: c.typ, Reference: c.ref, ArtifactAccount: fetch.EmbeddedAccount}); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	refuses(t, a, gennaker.Artifact{Type: "embedded/base64", Reference: "%%%"}, gennaker.Invalid, "base64 of the content")
	refuses(t, a, gennaker.Artifact{Type: "embedded/base64", Reference: strings.Repeat("AAAA", 40)}, gennaker.TooLarge, "100")
	refuses(t, a, gennaker.Artifact{Type: "remote/base64", Reference: "ref://shop/abc"}, gennaker.Invalid, "stored")
}

func TestNames(t *testing.T) {
	t.Parallel()
	off := false
	cfg := fetch.Config{
		HTTP: one(fetch.HTTPAccount{Name: "web"}), GitHub: one(fetch.GitHubAccount{Name: "web"}),
		Helm:  one(fetch.HelmAccount{Name: "charts", Repository: "https://charts.example.com"}),
		Maven: fetch.Section[fetch.MavenAccount]{Enabled: &off, Accounts: []fetch.MavenAccount{{Name: "off"}}},
	}
	want := []fetch.Account{
		{Name: "charts", Types: []string{"helm/chart", "helm/index"}},
		{Name: "custom-artifact", Types: []string{"custom/object"}},
		{Name: "docker", Types: []string{"docker/image"}},
		{Name: "embedded-artifact", Types: []string{"embedded/base64", "remote/base64"}},
		{Name: "front50ArtifactCredentials", Types: []string{"front50/pipelineTemplate"}},
		{Name: "kubernetes", Types: []string{"kubernetes/configMap", "kubernetes/deployment", "kubernetes/replicaSet", "kubernetes/secret"}},
		{Name: "no-auth-http-account", Types: []string{"http/file"}},
		{Name: "web", Types: []string{"github/file"}},
		{Name: "web", Types: []string{"http/file"}},
	}
	if diff := cmp.Diff(want, accounts(t, cfg).Names()); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  fetch.Config
		says string
	}{
		"no name":          {fetch.Config{HTTP: one(fetch.HTTPAccount{})}, "http/file"},
		"name twice":       {fetch.Config{HTTP: fetch.Section[fetch.HTTPAccount]{Accounts: []fetch.HTTPAccount{{Name: "a"}, {Name: "a"}}}}, `"a"`},
		"no repository":    {fetch.Config{Helm: one(fetch.HelmAccount{Name: "a"})}, "repository"},
		"password in URL":  {fetch.Config{Maven: one(fetch.MavenAccount{Name: "a", RepositoryURL: "https://u:hunter2@example.com"})}, "repositoryUrl"},
		"half a key":       {fetch.Config{S3: one(fetch.S3Account{Name: "a", AWSAccessKeyID: "x"})}, "awsSecretAccessKey"},
		"no S3 endpoint":   {fetch.Config{S3: one(fetch.S3Account{Name: "a", APIEndpoint: "ftp://x"})}, "apiEndpoint"},
		"no registry":      {fetch.Config{DockerRegistry: one(fetch.RegistryAccount{Name: "a"})}, "address"},
		"GCS at a file":    {fetch.Config{GCS: one(fetch.GCSAccount{Name: "a", APIEndpoint: "file:///x"})}, "apiEndpoint"},
		"registry is path": {fetch.Config{DockerRegistry: one(fetch.RegistryAccount{Name: "a", Address: "https://"})}, "address"},
	} {
		_, err := fetch.New(c.cfg, fetch.Options{Client: &http.Client{}, Dir: t.TempDir()})
		t.Log(name)
		check(t, err, gennaker.Invalid, c.says)
	}
	_, err := fetch.New(fetch.Config{}, fetch.Options{Dir: t.TempDir()})
	check(t, err, gennaker.Internal, "client")
	_, err = fetch.New(fetch.Config{}, fetch.Options{Client: &http.Client{}, Dir: file(t, "")})
	check(t, err, gennaker.Internal, "cache")
}

func TestChoosesAccount(t *testing.T) {
	t.Parallel()
	a := accounts(t, fetch.Config{
		S3:             fetch.Section[fetch.S3Account]{Accounts: []fetch.S3Account{{Name: "east"}, {Name: "west"}}},
		DockerRegistry: one(fetch.RegistryAccount{Name: "hub", Address: "https://index.docker.io"}),
	})
	for name, c := range map[string]struct {
		art  gennaker.Artifact
		says string
	}{
		"ambiguous":           {gennaker.Artifact{Type: "s3/object", Reference: "s3://b/k"}, "east, west"},
		"no such account":     {gennaker.Artifact{Type: "s3/object", ArtifactAccount: "north"}, "east, west"},
		"account of another":  {gennaker.Artifact{Type: "s3/object", ArtifactAccount: "hub"}, `"hub"`},
		"none for the type":   {gennaker.Artifact{Type: "helm/chart"}, "add one"},
		"image":               {gennaker.Artifact{Type: "docker/image", Reference: "nginx:1"}, "reference to an image"},
		"image with account":  {gennaker.Artifact{Type: "docker/image", Reference: "nginx:1", ArtifactAccount: "hub"}, "reference to an image"},
		"custom":              {gennaker.Artifact{Type: "custom/object", Reference: "x"}, "only the pipeline knows"},
		"template":            {gennaker.Artifact{Type: "front50/pipelineTemplate", Reference: "spinnaker://x"}, "template"},
		"Kubernetes":          {gennaker.Artifact{Type: "kubernetes/configMap", Reference: "x"}, "cluster"},
		"unknown type":        {gennaker.Artifact{Type: "ivy/file", Reference: "x"}, "s3/object"},
		"no type":             {gennaker.Artifact{Reference: "x"}, "http/file"},
		"reference too large": {gennaker.Artifact{Type: "http/file", Reference: strings.Repeat("x", 40000)}, "8192"},
	} {
		t.Log(name)
		refuses(t, a, c.art, gennaker.Invalid, c.says)
	}
}

func TestConfigOfSpinnaker(t *testing.T) {
	t.Parallel()
	var cfg fetch.Config
	if err := json.Unmarshal([]byte(`{
		"http": {"enabled": true, "accounts": [{"name": "h", "username": "u", "password": "hunter2"}]},
		"git-repo": {"accounts": [{"name": "g", "sshPrivateKeyFilePath": "/k", "sshTrustUnknownHosts": true, "token": "env:T"}]},
		"s3": {"enabled": false, "accounts": [{"name": "s", "awsAccessKeyId": "A", "awsSecretAccessKey": "file:/s"}]},
		"oracle": {"accounts": [{"name": "o"}]}
	}`), &cfg); err != nil {
		t.Fatal(err)
	}
	off, on := false, true
	want := fetch.Config{
		HTTP:    fetch.Section[fetch.HTTPAccount]{Enabled: &on, Accounts: []fetch.HTTPAccount{{Name: "h", Login: fetch.Login{Username: "u", Password: "hunter2"}}}},
		GitRepo: one(fetch.GitRepoAccount{Name: "g", SSHPrivateKeyFilePath: "/k", SSHTrustUnknownHosts: true, Login: fetch.Login{Token: "env:T"}}),
		S3:      fetch.Section[fetch.S3Account]{Enabled: &off, Accounts: []fetch.S3Account{{Name: "s", AWSAccessKeyID: "A", AWSSecretAccessKey: "file:/s"}}},
	}
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if err := json.Unmarshal([]byte(`[]`), &cfg); err == nil {
		t.Error("a list is taken for the section")
	}
	// However the configuration is printed, its secrets are not.
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("read", "cfg", cfg, "password", cfg.HTTP.Accounts[0].Password)
	slog.New(slog.NewTextHandler(&log, nil)).Info("read", "cfg", cfg, "password", cfg.HTTP.Accounts[0].Password)
	for _, text := range []string{log.String(), asJSON(t, cfg), fmt.Sprint(cfg), fmt.Sprintf("%+v %#v", cfg, cfg)} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("the password is in %s", text)
		}
	}
}

func TestSecret(t *testing.T) {
	path := file(t, "s3cret\r\n")
	t.Setenv("GENNAKER_TEST_SECRET", "from env")
	for in, want := range map[fetch.Secret]string{
		"env:GENNAKER_TEST_SECRET":     "from env",
		fetch.Secret("file:" + path):   "s3cret",
		fetch.Secret("file://" + path): "s3cret",
		"as it is":                     "as it is",
		"":                             "",
		"pa:ss":                        "pa:ss",
	} {
		if got, err := in.Resolve(); got != want || err != nil {
			t.Errorf("%#v is %q, %v; want %q", string(in), got, err, want)
		}
	}
	for in, says := range map[fetch.Secret]string{
		"env:GENNAKER_TEST_NONE":                                    "GENNAKER_TEST_NONE",
		"file:/does/not/exist":                                      "/does/not/exist",
		fetch.Secret("file:" + file(t, "\n")):                       "empty",
		fetch.Secret("file:" + file(t, strings.Repeat("x", 1<<20))): "large",
		"encrypted:s3!r:us!b:x!f:y!k:z":                             "env:NAME",
	} {
		_, err := in.Resolve()
		check(t, err, gennaker.Invalid, says)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	accounts(t, fetch.Config{
		HTTP: fetch.Section[fetch.HTTPAccount]{Accounts: []fetch.HTTPAccount{
			{Name: "open", Login: fetch.Login{Token: "env:T"}},
			{Name: "good", Login: fetch.Login{Token: "env:T", Hosts: []string{"example.com"}}},
			{Name: "literal", Login: fetch.Login{Token: "hunter2", Hosts: []string{"example.com"}}},
		}},
	}, func(o *fetch.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "account=open") || !strings.Contains(lines[1], "account=literal") || strings.Contains(log.String(), "hunter2") {
		t.Errorf("warnings are\n%s", log.String())
	}
}

// Ten callers, one download; each is told how far it is.
func TestOneDownloadForAll(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	arrived, release := make(chan struct{}), make(chan struct{})
	var first sync.Once
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		first.Do(func() { close(arrived) })
		<-release
		w.Header().Set("Content-Length", fmt.Sprint(size))
		say(w, strings.Repeat("x", size))
	})
	a := accounts(t, fetch.Config{})
	art := gennaker.Artifact{Type: "http/file", Reference: server.URL + "/f"}
	var wg sync.WaitGroup
	fetchOne := func() {
		var last, total int64
		blob, err := a.Fetch(t.Context(), art, func(done, of int64) {
			if done < last {
				t.Errorf("progress goes back from %d to %d", last, done)
			}
			last, total = done, of
		})
		if err != nil {
			t.Error(err)
			return
		}
		defer blob.Close()
		if blob.Size != size || last != size || total != size {
			t.Errorf("size %d, last progress %d of %d", blob.Size, last, total)
		}
	}
	wg.Go(fetchOne)
	<-arrived
	leaving, leave := context.WithCancel(t.Context())
	for range 8 {
		wg.Go(fetchOne)
	}
	left := make(chan error)
	go func() {
		_, err := a.Fetch(leaving, art, nil)
		left <- err
	}()
	leave() // who leaves does not take it from the others
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left has the error %v", err)
	}
	close(release)
	wg.Wait()
	// The callers that came late may have found a finished download: then they
	// asked for what is new.
	if n := len(server.requests()); n < 1 || n > 9 {
		t.Errorf("%d requests", n)
	}
}

func TestLastWhoLeavesEndsTheDownload(t *testing.T) {
	t.Parallel()
	arrived, ended := make(chan struct{}), make(chan struct{})
	server := serve(t, func(_ http.ResponseWriter, req *http.Request) {
		close(arrived)
		<-req.Context().Done()
		close(ended)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := accounts(t, fetch.Config{}).Fetch(ctx, gennaker.Artifact{Type: "http/file", Reference: server.URL}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	<-ended
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, req *http.Request) {
		say(w, "half")
		w.(http.Flusher).Flush()
		<-req.Context().Done()
	})
	a := accounts(t, fetch.Config{}, func(o *fetch.Options) { o.Timeout = 50 * time.Millisecond })
	refuses(t, a, gennaker.Artifact{Type: "http/file", Reference: server.URL}, gennaker.Unavailable, "longer than 50ms")
}

func TestCacheSurvivesRestart(t *testing.T) {
	t.Parallel()
	up := true
	server := serve(t, func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if req.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if !up {
			t.Error("downloaded again")
		}
		say(w, "content")
	})
	dir := t.TempDir()
	art := gennaker.Artifact{Type: "http/file", Reference: server.URL + "/f"}
	for range 2 {
		a := accounts(t, fetch.Config{}, func(o *fetch.Options) { o.Dir = dir })
		for range 2 {
			if got := get(t, a, art); got != "content" {
				t.Errorf("got %q", got)
			}
			up = false
		}
	}
	if n := len(server.requests()); n != 4 {
		t.Errorf("%d requests, want one for each fetch", n)
	}
}

func TestTheClientDecidesWhatIsReached(t *testing.T) {
	t.Parallel()
	refused := gennaker.Errorf(gennaker.Denied, "that address may not be reached")
	a := accounts(t, fetch.Config{
		Helm:           one(fetch.HelmAccount{Name: "c", Repository: "http://169.254.169.254"}),
		S3:             one(fetch.S3Account{Name: "s", APIEndpoint: "http://169.254.169.254"}),
		GCS:            one(fetch.GCSAccount{Name: "g", APIEndpoint: "http://169.254.169.254"}),
		GitRepo:        one(fetch.GitRepoAccount{Name: "r"}),
		DockerRegistry: one(fetch.RegistryAccount{Name: "d", Address: "http://169.254.169.254"}),
	}, func(o *fetch.Options) {
		o.Client = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, refused })}
	})
	for _, art := range []gennaker.Artifact{
		{Type: "http/file", Reference: "http://169.254.169.254/latest"},
		{Type: "helm/chart", Name: "x"},
		{Type: "s3/object", Reference: "s3://bucket/k"},
		{Type: "gcs/object", Reference: "gs://bucket/k"},
		{Type: "git/repo", Reference: "http://169.254.169.254/r"},
		{Type: "helm/image", Name: "r/c", Version: "1"},
	} {
		t.Log(art.Type)
		refuses(t, a, art, gennaker.Denied, "may not be reached")
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestList(t *testing.T) {
	t.Parallel()
	_, err := accounts(t, fetch.Config{}).List(t.Context(), fetch.PublicHTTP, "http/file", "")
	check(t, err, gennaker.Invalid, "cannot list")
	_, err = accounts(t, fetch.Config{}).List(t.Context(), "x", "helm/chart", "")
	check(t, err, gennaker.Invalid, "helm/chart")
}

func TestSeekable(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { say(w, "abc") })
	blob, err := accounts(t, fetch.Config{}).Fetch(t.Context(), gennaker.Artifact{Type: "http/file", Reference: server.URL}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	for range 2 {
		if got, err := io.ReadAll(blob); string(got) != "abc" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		if _, err := blob.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
	}
}

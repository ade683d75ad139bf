package fetch_test

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch"
)

// echo answers with the credentials that it was given.
func echo(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	say(w, fmt.Sprintf("auth=%q key=%q gitlab=%q", req.Header.Get("Authorization"), req.Header.Get("X-Api-Key"), req.Header.Get("Private-Token")))
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestCredentials(t *testing.T) {
	t.Setenv("GENNAKER_TEST_TOKEN", "from-env")
	server := serve(t, echo)
	hosts := []string{server.host()}
	both, token := file(t, "ann:pw:x\n"), file(t, "tok\n")
	auth := func(s string) string { return fmt.Sprintf(`auth=%q key="" gitlab=""`, s) }
	for name, c := range map[string]struct {
		cfg  fetch.Config
		typ  string
		want string
	}{
		"nobody":                 {fetch.Config{}, "http/file", auth("")},
		"user and password":      {fetch.Config{HTTP: one(fetch.HTTPAccount{Name: "a", Login: fetch.Login{Username: "u", Password: "p", Hosts: hosts}})}, "http/file", auth(basic("u", "p"))},
		"file of both":           {fetch.Config{HTTP: one(fetch.HTTPAccount{Name: "a", Login: fetch.Login{UsernamePasswordFile: both}})}, "http/file", auth(basic("ann", "pw:x"))},
		"bearer":                 {fetch.Config{HTTP: one(fetch.HTTPAccount{Name: "a", Login: fetch.Login{Token: "env:GENNAKER_TEST_TOKEN", Hosts: hosts}})}, "http/file", auth("Bearer from-env")},
		"header":                 {fetch.Config{HTTP: one(fetch.HTTPAccount{Name: "a", Header: "x-api-key", Login: fetch.Login{TokenFile: token, Hosts: hosts}})}, "http/file", `auth="" key="tok" gitlab=""`},
		"GitHub token":           {fetch.Config{GitHub: one(fetch.GitHubAccount{Name: "a", Login: fetch.Login{TokenFile: token, Hosts: hosts}})}, "github/file", auth("token tok")},
		"GitHub password":        {fetch.Config{GitHub: one(fetch.GitHubAccount{Name: "a", Login: fetch.Login{Username: "u", Password: "p", Hosts: hosts}})}, "github/file", auth(basic("u", "p"))},
		"GitLab token":           {fetch.Config{GitLab: one(fetch.GitLabAccount{Name: "a", Login: fetch.Login{TokenFile: token, Hosts: hosts}})}, "gitlab/file", `auth="" key="" gitlab="tok"`},
		"Bitbucket token":        {fetch.Config{Bitbucket: one(fetch.BitbucketAccount{Name: "a", Login: fetch.Login{TokenFile: token, Hosts: hosts}})}, "bitbucket/file", auth("Bearer tok")},
		"Bitbucket password":     {fetch.Config{Bitbucket: one(fetch.BitbucketAccount{Name: "a", Login: fetch.Login{Username: "u", Password: "p", Hosts: hosts}})}, "bitbucket/file", auth(basic("u", "p"))},
		"host without its port":  {fetch.Config{HTTP: one(fetch.HTTPAccount{Name: "a", Login: fetch.Login{Token: "t", Hosts: []string{"127.0.0.1"}}})}, "http/file", auth("Bearer t")},
		"user in the reference":  {fetch.Config{}, "http/file as u:p", auth(basic("u", "p"))},
		"GitHub without account": {fetch.Config{GitHub: one(fetch.GitHubAccount{Name: "a"})}, "github/file", auth("")},
	} {
		t.Run(name, func(t *testing.T) {
			ref := server.URL + "/f"
			typ, user, ok := strings.Cut(c.typ, " as ")
			account := "a"
			if ok {
				ref = strings.Replace(ref, "://", "://"+user+"@", 1)
			}
			if typ == "http/file" && len(c.cfg.HTTP.Accounts) == 0 {
				account = ""
			}
			if got := get(t, accounts(t, c.cfg), gennaker.Artifact{Type: typ, Reference: ref, ArtifactAccount: account}); got != c.want {
				t.Errorf("the server was given %s, want %s", got, c.want)
			}
		})
	}
}

func TestCredentialsStayAtHome(t *testing.T) {
	t.Parallel()
	other := serve(t, echo)
	server := serve(t, func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/away":
			http.Redirect(w, req, other.URL+"/f", http.StatusFound)
		case "/home":
			http.Redirect(w, req, "/f", http.StatusFound)
		case "/round":
			http.Redirect(w, req, "/round", http.StatusFound)
		default:
			echo(w, req)
		}
	})
	login := fetch.Login{Token: "s3cret", Hosts: []string{server.host()}}
	a := accounts(t, fetch.Config{
		HTTP:   one(fetch.HTTPAccount{Name: "a", Header: "X-Api-Key", Login: login}),
		GitHub: one(fetch.GitHubAccount{Name: "a", Login: fetch.Login{Token: "s3cret"}}),
		GitLab: one(fetch.GitLabAccount{Name: "a", Login: login}),
	})
	for path, want := range map[string]string{"/away": `auth="" key="" gitlab=""`, "/home": `auth="" key="s3cret" gitlab=""`} {
		if got := get(t, a, gennaker.Artifact{Type: "http/file", Reference: server.URL + path, ArtifactAccount: "a"}); got != want {
			t.Errorf("%s: the server was given %s, want %s", path, got, want)
		}
	}
	if got := get(t, a, gennaker.Artifact{Type: "gitlab/file", Reference: server.URL + "/away"}); got != `auth="" key="" gitlab=""` {
		t.Errorf("the server was given %s", got)
	}
	refuses(t, a, gennaker.Artifact{Type: "http/file", Reference: server.URL + "/round", ArtifactAccount: "a"}, gennaker.Unavailable, "too often")
	refuses(t, a, gennaker.Artifact{Type: "http/file", Reference: other.URL, ArtifactAccount: "a"}, gennaker.Denied, "add the host to hosts")
	refuses(t, a, gennaker.Artifact{Type: "github/file", Reference: other.URL + "/api/v3/repos/o/r/contents/f"}, gennaker.Denied, "add the host to hosts")
}

func TestNoWayFromHTTPSToHTTP(t *testing.T) {
	t.Parallel()
	plain := serve(t, echo)
	tls := startTLS(t, func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, plain.URL, http.StatusFound) })
	a := accounts(t, fetch.Config{}, func(o *fetch.Options) { o.Client = tls.Client() })
	refuses(t, a, gennaker.Artifact{Type: "http/file", Reference: tls.URL}, gennaker.Unavailable, "from https to http")
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, req *http.Request) {
		switch path := strings.Trim(req.URL.Path, "/"); path {
		case "cut":
			w.Header().Set("Content-Length", "100")
			say(w, "half")
		case "long":
			say(w, strings.Repeat("x", 2000))
		case "announced":
			w.Header().Set("Content-Length", "2000")
			say(w, strings.Repeat("x", 2000))
		case "exact":
			say(w, strings.Repeat("x", 1000))
		case "packed":
			w.Header().Set("Content-Encoding", "gzip")
			say(w, "as it is")
		case "unasked":
			w.WriteHeader(http.StatusNotModified)
		default:
			var code int
			_, _ = fmt.Sscan(path, &code)
			http.Error(w, "s3cret details", code)
		}
	})
	a := accounts(t, fetch.Config{}, func(o *fetch.Options) { o.MaxBytes = 1000 })
	art := func(path string) gennaker.Artifact {
		return gennaker.Artifact{Type: "http/file", Reference: strings.Replace(server.URL, "://", "://user:hunter2@", 1) + "/" + path + "?token=hunter2"}
	}
	for path, c := range map[string]struct {
		kind gennaker.Kind
		says string
	}{
		"401": {gennaker.Denied, fetch.PublicHTTP}, "403": {gennaker.Denied, fetch.PublicHTTP},
		"404": {gennaker.NotFound, "check the reference"}, "410": {gennaker.NotFound, ""},
		"500": {gennaker.Unavailable, "500"}, "503": {gennaker.Unavailable, "try again"}, "429": {gennaker.Unavailable, "429"},
		"400": {gennaker.Invalid, "400"}, "204": {gennaker.Invalid, "204"},
		"cut": {gennaker.Unavailable, "unexpected EOF"}, "long": {gennaker.TooLarge, "1000"}, "announced": {gennaker.TooLarge, "1000"},
		"unasked": {gennaker.Invalid, "304"},
	} {
		t.Log(path)
		refuses(t, a, art(path), c.kind, c.says)
	}
	if got := get(t, a, art("exact")); len(got) != 1000 {
		t.Errorf("of 1000 bytes, %d arrived", len(got))
	}
	if got := get(t, a, art("packed")); got != "as it is" {
		t.Errorf("got %q", got)
	}
	// A client of its own: the other may have a connection left that it never
	// used, and is told of the server's end by a reset.
	server.Close()
	refuses(t, accounts(t, fetch.Config{}), art("gone"), gennaker.Unavailable, "refused")
}

const commit = "0123456789abcdef0123456789abcdef01234567"

func TestGitHub(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, req *http.Request) {
		ref := req.URL.Query().Get("ref")
		switch {
		case ref == "none" || ref == "master":
			http.NotFound(w, req)
		case strings.HasSuffix(req.URL.Path, "/dir"):
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			say(w, `[{"name":"f"}]`)
		case req.Header.Get("Accept") != "application/vnd.github.v3.raw":
			http.Error(w, "no", http.StatusNotAcceptable)
		default:
			w.Header().Set("Content-Type", "application/vnd.github.v3.raw; charset=utf-8")
			say(w, "file at "+ref)
		}
	})
	a := accounts(t, fetch.Config{GitHub: one(fetch.GitHubAccount{Name: "a", Login: fetch.Login{Token: "t", Hosts: []string{server.host()}}})})
	art := func(path, version string) gennaker.Artifact {
		return gennaker.Artifact{Type: "github/file", Reference: server.URL + path, Version: version}
	}
	for version, n := range map[string]int{"v1": 2, commit: 1} { // a commit is asked for once
		for range 2 {
			if got := get(t, a, art("/api/v3/repos/o/r/contents/a%20b/f.yml", version)); got != "file at "+version {
				t.Errorf("got %q", got)
			}
		}
		want := strings.Split(strings.Repeat("/api/v3/repos/o/r/contents/a%20b/f.yml?ref="+version+" ", n), " ")[:n]
		if diff := cmp.Diff(want, server.requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	}
	if got := get(t, a, art("/o/r/v1/f.yml", "v2")); got != "file at " {
		t.Errorf("a raw address gives %q", got)
	}
	refuses(t, a, art("/repos/o/r/contents/f", ""), gennaker.NotFound, "branch master")
	refuses(t, a, art("/repos/o/r/contents/f", "none"), gennaker.NotFound, "check the reference")
	refuses(t, a, art("/repos/o/r/contents/dir", "v1"), gennaker.Invalid, "git/repo")
	refuses(t, a, art("/repos/o/r/contents/", "v1"), gennaker.Invalid, "contents/PATH")
	refuses(t, a, gennaker.Artifact{Type: "github/file", Reference: "https://github.com/o/r/blob/main/f"}, gennaker.Invalid, "contents/PATH")
	refuses(t, a, gennaker.Artifact{Type: "github/file", Reference: "o/r/f"}, gennaker.Invalid, "contents/PATH")
}

func TestGitLab(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Query().Get("ref") == "master" {
			http.NotFound(w, req)
			return
		}
		say(w, req.URL.RequestURI())
	})
	a := accounts(t, fetch.Config{GitLab: one(fetch.GitLabAccount{Name: "a", Login: fetch.Login{Token: "t", Hosts: []string{server.host()}}})})
	const path = "/api/v4/projects/7/repository/files/deploy%2Fapp.yml/raw"
	for version, n := range map[string]int{"main": 2, commit: 1} {
		for range 2 {
			got := get(t, a, gennaker.Artifact{Type: "gitlab/file", Reference: server.URL + path, Version: version})
			if got != path+"?ref="+version {
				t.Errorf("asked for %s", got)
			}
		}
		if got := len(server.requests()); got != n {
			t.Errorf("%s: %d requests, want %d", version, got, n)
		}
	}
	refuses(t, a, gennaker.Artifact{Type: "gitlab/file", Reference: server.URL + path}, gennaker.NotFound, "branch master")
	refuses(t, a, gennaker.Artifact{Type: "gitlab/file", Reference: "https://gitlab.com/o/r/-/blob/main/f"}, gennaker.Invalid, "/raw")
}

func TestBitbucket(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, req *http.Request) { say(w, req.URL.RequestURI()) })
	a := accounts(t, fetch.Config{Bitbucket: one(fetch.BitbucketAccount{Name: "a"})})
	for _, path := range []string{
		"/2.0/repositories/org/repo/src/main/deploy/app.yml",
		"/rest/api/1.0/projects/KEY/repos/repo/raw/deploy/app.yml?at=refs/heads/main",
	} {
		if got := get(t, a, gennaker.Artifact{Type: "bitbucket/file", Reference: server.URL + path}); got != path {
			t.Errorf("asked for %s, want %s", got, path)
		}
	}
	refuses(t, a, gennaker.Artifact{Type: "bitbucket/file", Reference: "ssh://x"}, gennaker.Invalid, "?at=VERSION")
}

func TestMaven(t *testing.T) {
	t.Parallel()
	const base = "/repo/com/example/shop/cart"
	files := map[string]string{
		base + "/maven-metadata.xml": `<metadata><versioning><latest>1.1-SNAPSHOT</latest><release>1.0</release>
			<versions><version>1.0</version><version>1.1-SNAPSHOT</version></versions></versioning></metadata>`,
		base + "/1.1-SNAPSHOT/maven-metadata.xml": `<metadata><versioning><snapshotVersions>
			<snapshotVersion><extension>pom</extension><value>1.1-20260102.030405-1</value></snapshotVersion>
			<snapshotVersion><extension>jar</extension><value>1.1-20260102.030405-2</value></snapshotVersion>
			<snapshotVersion><classifier>all</classifier><extension>jar</extension><value>1.1-20260102.030405-3</value></snapshotVersion>
			</snapshotVersions></versioning></metadata>`,
		base + "/1.0/cart-1.0.jar":                                "release",
		base + "/1.0/cart-1.0.war":                                "war",
		base + "/1.0/cart-1.0-sources.jar":                        "sources",
		base + "/1.1-SNAPSHOT/cart-1.1-20260102.030405-2.jar":     "snapshot",
		base + "/1.1-SNAPSHOT/cart-1.1-20260102.030405-3-all.jar": "all",
		base + "/0.9-SNAPSHOT/cart-0.9-SNAPSHOT.jar":              "old snapshot",
		"/repo/com/example/broken/maven-metadata.xml":             "<html>",
		"/repo/com/example/empty/maven-metadata.xml":              "<metadata/>",
		"/repo/com/example/evil/maven-metadata.xml":               "<metadata><versioning><release>../../x</release></versioning></metadata>",
	}
	server := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if _, password, _ := req.BasicAuth(); password != "s3cret" {
			http.Error(w, "no", http.StatusUnauthorized)
		} else if text, ok := files[req.URL.Path]; ok {
			say(w, text)
		} else {
			http.NotFound(w, req)
		}
	})
	a := accounts(t, fetch.Config{Maven: one(fetch.MavenAccount{Name: "a", RepositoryURL: server.URL + "/repo/", Login: fetch.Login{Username: "u", Password: "s3cret"}})})
	for ref, want := range map[string]string{
		"com.example.shop:cart:1.0": "release", "com.example.shop:cart:war:1.0": "war", "com.example.shop:cart:jar:sources:1.0": "sources",
		"com.example.shop:cart:RELEASE": "release", "com.example.shop:cart:latest.release": "release",
		"com.example.shop:cart:LATEST": "snapshot", "com.example.shop:cart:jar:all:latest.integration": "all",
		"com.example.shop:cart:1.1-SNAPSHOT": "snapshot", "com.example.shop:cart:0.9-SNAPSHOT": "old snapshot",
	} {
		if got := get(t, a, gennaker.Artifact{Type: "maven/file", Reference: ref}); got != want {
			t.Errorf("%s is %q, want %q", ref, got, want)
		}
	}
	server.requests()
	if get(t, a, gennaker.Artifact{Type: "maven/file", Reference: "com.example.shop:cart:1.0"}); len(server.requests()) != 0 {
		t.Error("a release is asked for again")
	}
	for ref, c := range map[string]struct {
		kind gennaker.Kind
		says string
	}{
		"com.example.shop:cart:2.0":                       {gennaker.NotFound, "cart-2.0.jar"},
		"com.example:broken:RELEASE":                      {gennaker.Unavailable, "no Maven metadata"},
		"com.example:empty:LATEST":                        {gennaker.NotFound, "name the version"},
		"com.example:evil:RELEASE":                        {gennaker.NotFound, "name the version"},
		"com.example:cart":                                {gennaker.Invalid, "GROUP:ARTIFACT"},
		"com.example:cart:[1.0,2.0)":                      {gennaker.Invalid, "range"},
		"com.example:../../etc/passwd:1":                  {gennaker.Invalid, "impossible"},
		"com.example:cart:jar:a/b:1":                      {gennaker.Invalid, "classifier"},
		"com.example:cart:..":                             {gennaker.Invalid, "impossible"},
		"a:b:c:d:e:f":                                     {gennaker.Invalid, "6 parts"},
		"com.example:" + strings.Repeat("x", 9000) + ":1": {gennaker.Invalid, "too long"},
	} {
		refuses(t, a, gennaker.Artifact{Type: "maven/file", Reference: ref}, c.kind, c.says)
	}
}

func TestHelm(t *testing.T) {
	t.Parallel()
	var index string
	cdn := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "" {
			t.Error("credentials are sent to another host")
		}
		say(w, "from the other host")
	})
	server := serve(t, func(w http.ResponseWriter, req *http.Request) {
		if _, password, _ := req.BasicAuth(); password != "s3cret" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		switch req.URL.Path {
		case "/charts/index.yaml":
			say(w, index)
		case "/charts/cart-1.2.0.tgz", "/charts/cart-1.1.0.tgz", "/charts/cart-2.0.0-rc.1.tgz", "/abs/cart-wrong.tgz":
			say(w, "chart "+req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:])
		default:
			http.NotFound(w, req)
		}
	})
	index = `apiVersion: v1
entries:
  cart:
  - {version: 2.0.0-rc.1, urls: [cart-2.0.0-rc.1.tgz]}
  - {version: 1.1.0, urls: [cart-1.1.0.tgz]}
  - {version: 1.2.0, urls: ["` + server.URL + `/charts/missing.tgz", "` + server.URL + `/charts/cart-1.2.0.tgz"], digest: 21f2f39e6c3ab8f8fc7ad6d7a03b3ea1f2f39e6c3ab8f8fc7ad6d7a03b3ea1aa}
  - {version: 0.9.0, urls: ["` + cdn.URL + `/x.tgz"]}
  - {version: 0.8.0, urls: ["ftp://example.com/x.tgz", "::"]}
  - {version: latest, urls: [cart-1.1.0.tgz]}
  checkout: []
`
	a := accounts(t, fetch.Config{Helm: one(fetch.HelmAccount{Name: "a", Repository: server.URL + "/charts/", Login: fetch.Login{Username: "u", Password: "s3cret"}})})
	art := func(name, version string) gennaker.Artifact {
		return gennaker.Artifact{Type: "helm/chart", Name: name, Version: version}
	}
	refuses(t, a, art("cart", "1.2.0"), gennaker.Unavailable, "is said to have") // a wrong digest
	index = strings.Replace(index, "21f2f39e6c3ab8f8fc7ad6d7a03b3ea1f2f39e6c3ab8f8fc7ad6d7a03b3ea1aa", sha("chart cart-1.2.0.tgz"), 1)
	for version, want := range map[string]string{
		"1.2.0": "chart cart-1.2.0.tgz", "": "chart cart-1.2.0.tgz", "~1.1": "chart cart-1.1.0.tgz", ">=1.0.0 <2": "chart cart-1.2.0.tgz",
		"v1.1.0": "chart cart-1.1.0.tgz", "2.0.0-rc.1": "chart cart-2.0.0-rc.1.tgz", ">1-0": "chart cart-2.0.0-rc.1.tgz",
		"0.9.0": "from the other host", "latest": "chart cart-1.1.0.tgz",
	} {
		if got := get(t, a, art("cart", version)); got != want {
			t.Errorf("version %q is %q, want %q", version, got, want)
		}
	}
	server.requests()
	get(t, a, art("cart", "1.2.0"))
	if diff := cmp.Diff([]string{"/charts/index.yaml"}, server.requests()); diff != "" {
		t.Errorf("what the index has a digest of is asked for again (-want +got):\n%s", diff)
	}
	if got := get(t, a, gennaker.Artifact{Type: "helm/index"}); got != index {
		t.Errorf("index is %q", got)
	}
	for kind, says := range map[[3]string]string{
		{"cart", "3.0.0", "not_found"}: "2.0.0-rc.1, 1.2.0", {"cart", "^3", "not_found"}: "pre-releases", {"cart", "?!", "not_found"}: "1.2.0",
		{"cort", "", "not_found"}: "2 charts", {"", "", "invalid"}: "set name", {"cart", "0.8.0", "not_found"}: "no usable URL",
		{"checkout", "", "not_found"}: "none",
	} {
		refuses(t, a, art(kind[0], kind[1]), gennaker.Kind(kind[2]), says)
	}
	names, err := a.List(t.Context(), "a", "helm/chart", "")
	if diff := cmp.Diff([]string{"cart", "checkout"}, names); diff != "" || err != nil {
		t.Errorf("names: %v (-want +got):\n%s", err, diff)
	}
	versions, err := a.List(t.Context(), "a", "helm/chart", "cart")
	if diff := cmp.Diff([]string{"2.0.0-rc.1", "1.2.0", "1.1.0", "0.9.0", "0.8.0", "latest"}, versions); diff != "" || err != nil {
		t.Errorf("versions: %v (-want +got):\n%s", err, diff)
	}
	index = "{"
	refuses(t, a, art("cart", "1.2.0"), gennaker.Unavailable, "no index")
}

func TestUsualHosts(t *testing.T) {
	t.Parallel()
	var asked []string
	a := accounts(t, fetch.Config{
		GitHub: one(fetch.GitHubAccount{Name: "a", Login: fetch.Login{Token: "t"}}), GitLab: one(fetch.GitLabAccount{Name: "a", Login: fetch.Login{Token: "t"}}),
		Bitbucket: one(fetch.BitbucketAccount{Name: "a", Login: fetch.Login{Token: "t"}}), GCS: one(fetch.GCSAccount{Name: "a"}), S3: one(fetch.S3Account{Name: "a", Region: "eu-west-1", AWSAccessKeyID: "k", AWSSecretAccessKey: "s"}),
	}, func(o *fetch.Options) {
		o.Client = &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			asked = append(asked, req.URL.String())
			return nil, gennaker.Errorf(gennaker.Unavailable, "offline")
		})}
	})
	for _, art := range []gennaker.Artifact{
		{Type: "github/file", Reference: "https://api.github.com/repos/o/r/contents/f"}, {Type: "gitlab/file", Reference: "https://gitlab.com/api/v4/projects/1/repository/files/f/raw", Version: "main"},
		{Type: "bitbucket/file", Reference: "https://api.bitbucket.org/2.0/repositories/o/r/src/main/f"},
		{Type: "s3/object", Reference: "s3://bucket/a b/ü+c"}, {Type: "s3/object", Reference: "s3://with.dot/k"}, {Type: "gcs/object", Reference: "gs://bucket/a/b c#12"},
	} {
		refuses(t, a, art, gennaker.Unavailable, "offline")
	}
	want := []string{
		"https://api.github.com/repos/o/r/contents/f?ref=master", "https://gitlab.com/api/v4/projects/1/repository/files/f/raw?ref=main",
		"https://api.bitbucket.org/2.0/repositories/o/r/src/main/f",
		"https://bucket.s3.eu-west-1.amazonaws.com/a%20b/%C3%BC%2Bc", "https://s3.eu-west-1.amazonaws.com/with.dot/k",
		"https://storage.googleapis.com/storage/v1/b/bucket/o/a%2Fb%20c?" + url.Values{"alt": {"media"}, "generation": {"12"}}.Encode(),
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

// TestReadLeavesNothing: what is read, and not kept, is nowhere on disk, and is
// asked for each time.
func TestReadLeavesNothing(t *testing.T) {
	t.Parallel()
	asked := 0
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("ETag", `"same"`)
		say(w, "kind: Secret")
	})
	dir := t.TempDir()
	a := accounts(t, fetch.Config{}, func(o *fetch.Options) { o.Dir = dir })
	art := gennaker.Artifact{Type: "http/file", Reference: server.URL + "/f"}
	for range 2 {
		text, err := a.Read(t.Context(), art, 100)
		if err != nil || string(text) != "kind: Secret" {
			t.Errorf("read %q, %v", text, err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	_, err := a.Read(t.Context(), art, 5)
	check(t, err, gennaker.TooLarge, "more than 5 bytes")
	_, err = a.Read(t.Context(), gennaker.Artifact{Type: "embedded/base64", Reference: "a2luZDogU2VjcmV0"}, 5)
	check(t, err, gennaker.TooLarge, "more than 5 bytes")
	text, err := a.Read(t.Context(), gennaker.Artifact{Type: "embedded/base64", Reference: "a2luZDogU2VjcmV0"}, 100)
	if err != nil || string(text) != "kind: Secret" {
		t.Errorf("read %q of an embedded artifact, %v", text, err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("%s was left", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

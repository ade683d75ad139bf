package fetch_test

import (
	"net/http"
	"strings"
	"testing"

	"cuelabs.dev/go/oci/ociregistry"
	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"
	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/fetch"
)

// push puts a chart or something else into a registry and returns the digest of
// its manifest.
func push(t testing.TB, r *ocimem.Registry, repo, tag, mediaType, content string) string {
	t.Helper()
	blob := func(mediaType, content string) ociregistry.Descriptor {
		d := ociregistry.Descriptor{MediaType: mediaType, Digest: ociregistry.Digest("sha256:" + sha(content)), Size: int64(len(content))}
		if _, err := r.PushBlob(t.Context(), repo, d, strings.NewReader(content)); err != nil {
			t.Fatal(err)
		}
		return d
	}
	const manifestType = "application/vnd.oci.image.manifest.v1+json"
	manifest := asJSON(t, map[string]any{
		"schemaVersion": 2, "mediaType": manifestType,
		"config": blob("application/vnd.cncf.helm.config.v1+json", "{}"),
		"layers": []ociregistry.Descriptor{blob("application/vnd.cncf.helm.chart.provenance.v1.prov", "signed"), blob(mediaType, content)},
	})
	d, err := r.PushManifest(t.Context(), repo, tag, []byte(manifest), manifestType)
	if err != nil {
		t.Fatal(err)
	}
	return string(d.Digest)
}

// serveRegistry is a registry that wants a bearer token, and gives one to who
// knows the password.
func serveRegistry(t testing.TB, r *ocimem.Registry) *recorder {
	t.Helper()
	handler := ociserver.New(r, nil)
	var server *recorder
	server = serve(t, func(w http.ResponseWriter, req *http.Request) {
		user, password, _ := req.BasicAuth()
		switch {
		case req.URL.Path == "/token" && user == "u" && password == "s3cret":
			w.Header().Set("Content-Type", "application/json")
			say(w, `{"token":"tok"}`)
		case req.URL.Path == "/token" || req.Header.Get("Authorization") != "Bearer tok":
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+server.URL+`/token",service="shop",scope="repository:x:pull"`)
			http.Error(w, "no", http.StatusUnauthorized)
		default:
			handler.ServeHTTP(w, req)
		}
	})
	return server
}

const chartType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

func TestChartFromRegistry(t *testing.T) {
	t.Parallel()
	r := ocimem.New()
	digest := push(t, r, "charts/cart", "1.2.0", chartType, "cart 1.2.0")
	push(t, r, "charts/cart", "1.3.0-rc.1", chartType, "cart 1.3.0-rc.1")
	push(t, r, "charts/cart", "1.1.0_build.7", chartType, "cart 1.1.0+build.7")
	push(t, r, "charts/cart", "latest", chartType, "moved")
	push(t, r, "images/cart", "1", "application/vnd.oci.image.layer.v1.tar+gzip", "a layer")
	push(t, r, "charts/large", "1.0.0", chartType, strings.Repeat("x", 2000))
	server := serveRegistry(t, r)
	account := fetch.RegistryAccount{Name: "a", Address: server.URL, Username: "u", Password: "s3cret", HelmOCIRepositories: []string{"charts/large", "charts/cart"}}
	a := accounts(t, fetch.Config{DockerRegistry: one(account)}, func(o *fetch.Options) { o.MaxBytes = 1000 })
	for _, c := range []struct{ name, version, ref, want string }{
		{"charts/cart", "1.2.0", "", "cart 1.2.0"},
		{"charts/cart", "1.1.0+build.7", "", "cart 1.1.0+build.7"},
		{"charts/cart", "~1.1", "", "cart 1.1.0+build.7"},
		{"charts/cart", ">=1.0.0", "", "cart 1.2.0"},
		{"charts/cart", "", "", "cart 1.2.0"},
		{"charts/cart", digest, "", "cart 1.2.0"},
		{"charts/cart", "latest", "", "moved"},
		{server.host() + "/charts/cart", "1.2.0", "", "cart 1.2.0"},
		{"", "", "oci://" + server.host() + "/charts/cart:1.3.0-rc.1", "cart 1.3.0-rc.1"},
		{"charts/cart", "", "charts/cart@" + digest, "cart 1.2.0"},
	} {
		if got := get(t, a, gennaker.Artifact{Type: "helm/image", Name: c.name, Version: c.version, Reference: c.ref}); got != c.want {
			t.Errorf("%q %q %q is %q, want %q", c.name, c.version, c.ref, got, c.want)
		}
	}
	server.requests()
	get(t, a, gennaker.Artifact{Type: "helm/image", Name: "charts/cart", Version: "1.2.0"})
	if diff := cmp.Diff([]string{"/v2/charts/cart/manifests/1.2.0"}, server.requests()); diff != "" {
		t.Errorf("what has not changed is asked for again (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		name, version string
		kind          gennaker.Kind
		says          string
	}{
		{"charts/cart", "9.9.9", gennaker.NotFound, "9.9.9"},
		{"charts/cart", "^9", gennaker.NotFound, "1.2.0"},
		{"charts/none", "1", gennaker.NotFound, "charts/none"},
		{"charts/cart", "sha256:" + strings.Repeat("0", 64), gennaker.NotFound, "account a"},
		{"images/cart", "1", gennaker.Invalid, "holds no chart"},
		{"charts/large", "1.0.0", gennaker.TooLarge, "1000"},
		{"ghcr.io/o/cart", "1", gennaker.Invalid, "an account of that registry"},
		{"Charts/Cart", "1", gennaker.Invalid, "REGISTRY/REPOSITORY:TAG"},
		{"", "", gennaker.Invalid, "REGISTRY/REPOSITORY:TAG"},
	} {
		refuses(t, a, gennaker.Artifact{Type: "helm/image", Name: c.name, Version: c.version}, c.kind, c.says)
	}
	names, err := a.List(t.Context(), "a", "helm/image", "")
	if diff := cmp.Diff([]string{"charts/cart", "charts/large"}, names); diff != "" || err != nil {
		t.Errorf("names: %v (-want +got):\n%s", err, diff)
	}
	versions, err := a.List(t.Context(), "a", "helm/image", "charts/cart")
	if diff := cmp.Diff([]string{"1.3.0-rc.1", "1.2.0", "1.1.0+build.7", "latest"}, versions); diff != "" || err != nil {
		t.Errorf("versions: %v (-want +got):\n%s", err, diff)
	}
	account.Password = "hunter2"
	refuses(t, accounts(t, fetch.Config{DockerRegistry: one(account)}), gennaker.Artifact{Type: "helm/image", Name: "charts/cart", Version: "1.2.0"}, gennaker.Denied, "account a")
	server.Close()
	refuses(t, accounts(t, fetch.Config{DockerRegistry: one(account)}), gennaker.Artifact{Type: "helm/image", Name: "charts/cart", Version: "1.2.0"}, gennaker.Unavailable, "refused")
}

func TestResolveImage(t *testing.T) {
	t.Parallel()
	r := ocimem.New()
	digest := push(t, r, "shop/cart", "v1", "application/vnd.oci.image.layer.v1.tar+gzip", "a layer")
	server := serveRegistry(t, r)
	a := accounts(t, fetch.Config{DockerRegistry: fetch.Section[fetch.RegistryAccount]{Accounts: []fetch.RegistryAccount{
		{Name: "a", Address: server.host(), InsecureRegistry: true, Username: "u", PasswordFile: file(t, "s3cret\n")},
		{Name: "hub", Address: "https://index.docker.io"},
	}}})
	for _, art := range []gennaker.Artifact{
		{Type: "docker/image", Name: server.host() + "/shop/cart", Version: "v1"},
		{Type: "docker/image", Reference: server.host() + "/shop/cart:v1"},
		{Type: "docker/image", Name: "shop/cart", Version: "v1", ArtifactAccount: "a"},
		{Type: "docker/image", Reference: server.host() + "/shop/cart:v1@" + digest},
	} {
		if got, err := a.ResolveImage(t.Context(), art); got != digest || err != nil {
			t.Errorf("%+v is %s, %v; want %s", art, got, err, digest)
		}
	}
	_, err := a.ResolveImage(t.Context(), gennaker.Artifact{Type: "docker/image", Reference: "ghcr.io/o/r:1"})
	check(t, err, gennaker.Invalid, "dockerRegistry")
	_, err = a.ResolveImage(t.Context(), gennaker.Artifact{Type: "docker/image", Reference: server.host() + "/shop/cart:v2"})
	check(t, err, gennaker.NotFound, "v2")
}

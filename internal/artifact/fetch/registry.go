package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cuelabs.dev/go/oci/ociregistry"
	"cuelabs.dev/go/oci/ociregistry/ociauth"
	"cuelabs.dev/go/oci/ociregistry/ociclient"
	"cuelabs.dev/go/oci/ociregistry/ociref"
	"github.com/Masterminds/semver/v3"

	"github.com/gennaker/gennaker"
)

const (
	maxManifest = 4 << 20 // bytes
	maxTags     = 100_000

	chartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// registry fetches helm/image from an OCI registry and finds digests of images.
type registry struct {
	account string
	host    string
	charts  []string
	client  ociregistry.Interface
}

func newRegistry(a RegistryAccount, client *http.Client, most int64) (registry, error) {
	text := a.Address
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := parseBase(a.Name, "address", text)
	if err != nil {
		return registry{}, err
	}
	host := u.Host
	if sameRegistry(host, "docker.io") {
		host = "registry-1.docker.io"
	}
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	c, err := ociclient.New(host, &ociclient.Options{
		Insecure: a.InsecureRegistry || u.Scheme == "http",
		Transport: ociauth.NewStdTransport(ociauth.StdTransportParams{
			Config:    registryLogin{a, host},
			Transport: boundedTransport{next, most + maxManifest},
		}),
	})
	if err != nil {
		return registry{}, gennaker.Errorf(gennaker.Invalid, "address of the artifact account %q is no registry", a.Name).
			WithHint("write it as https://host or host:port")
	}
	return registry{account: a.Name, host: host, charts: a.HelmOCIRepositories, client: c}, nil
}

// registryLogin gives the account's credentials to its registry and to nobody
// else.
type registryLogin struct {
	account RegistryAccount
	host    string
}

// EntryForRegistry implements ociauth.Config.
func (l registryLogin) EntryForRegistry(host string) (ociauth.ConfigEntry, error) {
	if host != l.host || l.account.Username == "" {
		return ociauth.ConfigEntry{}, nil
	}
	var password string
	var err error
	if l.account.PasswordFile != "" {
		password, err = secretFile(l.account.PasswordFile)
	} else {
		password, err = l.account.Password.Resolve()
	}
	return ociauth.ConfigEntry{Username: l.account.Username, Password: password}, err
}

// serves reports whether an image names this registry.
func (r registry) serves(a gennaker.Artifact) bool {
	name := a.Name
	if name == "" {
		name = a.Reference
	}
	ref, err := ociref.ParseRelative(strings.TrimPrefix(name, "oci://"))
	if err != nil {
		return false
	}
	if ref.Host == "" {
		ref.Host = "docker.io"
	}
	return sameRegistry(ref.Host, r.host)
}

func (r registry) fetch(ctx context.Context, a gennaker.Artifact, d *delivery) error {
	if a.Type == "docker/image" {
		return gennaker.Errorf(gennaker.Invalid, "a docker/image is a reference to an image; it has no content to fetch").
			WithHint("use its reference as it is, or resolve its digest")
	}
	repository, digest, err := r.find(ctx, a)
	if err != nil {
		return err
	}
	identity := "chart " + repository + "@" + digest
	if d.known(identity) {
		return nil
	}
	layer, err := r.layer(ctx, repository, digest)
	if err != nil {
		return err
	}
	what := "chart " + r.host + "/" + repository
	if layer.Size > d.max {
		return tooLarge(what, d.max)
	}
	blob, err := r.client.GetBlob(ctx, repository, layer.Digest)
	if err != nil {
		return r.explain(ctx, what, err)
	}
	defer blob.Close()
	return d.receive(content{what: what, identity: identity, digest: string(layer.Digest), total: layer.Size}, blob)
}

// find returns the repository and the digest of the manifest that an artifact
// means. The version may be a range.
func (r registry) find(ctx context.Context, a gennaker.Artifact) (repository, digest string, err error) {
	wish := ""
	if strings.ContainsAny(a.Version, "^~<>=*|, ") && a.Name != "" {
		wish, a.Version = a.Version, ""
	}
	ref, err := parseImage(a, r.host)
	if err != nil {
		return "", "", err
	}
	if ref.Digest != "" {
		return ref.Repository, string(ref.Digest), nil
	}
	if wish != "" || a.Type == "helm/image" && a.Version == "" && ref.Tag == "latest" {
		if ref.Tag, err = r.choose(ctx, ref.Repository, wish); err != nil {
			return "", "", err
		}
	}
	found, err := r.client.ResolveTag(ctx, ref.Repository, ref.Tag)
	if err != nil {
		return "", "", r.explain(ctx, r.host+"/"+ref.Repository+":"+ref.Tag, err)
	}
	return ref.Repository, string(found.Digest), nil
}

// choose returns the tag of the newest version within a range.
func (r registry) choose(ctx context.Context, repository, wish string) (string, error) {
	tags, err := r.tags(ctx, repository)
	if err != nil {
		return "", err
	}
	version, err := newest(repository, wish, asVersions(tags))
	return strings.ReplaceAll(version, "+", "_"), err
}

// layer returns the descriptor of the chart in a manifest.
func (r registry) layer(ctx context.Context, repository, digest string) (ociregistry.Descriptor, error) {
	what := "manifest of " + r.host + "/" + repository
	manifest, err := r.client.GetManifest(ctx, repository, ociregistry.Digest(digest))
	if err != nil {
		return ociregistry.Descriptor{}, r.explain(ctx, what, err)
	}
	defer manifest.Close()
	text, err := io.ReadAll(io.LimitReader(manifest, maxManifest+1))
	if err != nil {
		return ociregistry.Descriptor{}, r.explain(ctx, what, err)
	}
	var m struct {
		Layers []ociregistry.Descriptor `json:"layers"`
	}
	if len(text) > maxManifest || digestOf(text) != digest || json.Unmarshal(text, &m) != nil {
		return ociregistry.Descriptor{}, gennaker.Errorf(gennaker.Unavailable, "the %s is not what its digest says", what).
			WithHint("try again; if it stays, look at the registry")
	}
	i := slices.IndexFunc(m.Layers, func(l ociregistry.Descriptor) bool { return l.MediaType == chartLayer })
	if i < 0 {
		return ociregistry.Descriptor{}, gennaker.Errorf(gennaker.Invalid, "%s/%s holds no chart", r.host, repository).
			WithHint("push it with helm push; an image is a docker/image")
	}
	return m.Layers[i], nil
}

func (r registry) resolve(ctx context.Context, a gennaker.Artifact) (string, error) {
	_, digest, err := r.find(ctx, a)
	return digest, err
}

func (r registry) names(context.Context) ([]string, error) { //nolint:unparam // it implements lister
	return slices.Sorted(slices.Values(r.charts)), nil
}

func (r registry) versions(ctx context.Context, name string) ([]string, error) {
	ref, err := parseImage(gennaker.Artifact{Type: "helm/image", Name: name}, r.host)
	if err != nil {
		return nil, err
	}
	tags, err := r.tags(ctx, ref.Repository)
	return newestFirst(asVersions(tags)), err
}

// asVersions undoes how Helm writes versions into tags, which have no plus.
func asVersions(tags []string) []string {
	list := slices.Clone(tags)
	for i, tag := range list {
		version := strings.ReplaceAll(tag, "_", "+")
		if _, err := semver.NewVersion(version); err == nil {
			list[i] = version
		}
	}
	return list
}

func (r registry) tags(ctx context.Context, repository string) ([]string, error) {
	what := "tags of " + r.host + "/" + repository
	var tags []string
	for tag, err := range r.client.Tags(ctx, repository, "") {
		if err != nil {
			return nil, r.explain(ctx, what, err)
		}
		if tags = append(tags, tag); len(tags) > maxTags {
			return nil, gennaker.Errorf(gennaker.TooLarge, "there are more than %d %s", maxTags, what).WithHint("name the version")
		}
	}
	return tags, nil
}

// explain gives an error of the registry its kind.
func (r registry) explain(ctx context.Context, what string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if own, ok := errors.AsType[*gennaker.Error](err); ok {
		return own
	}
	var answer ociregistry.HTTPError
	if errors.As(err, &answer) {
		u := &url.URL{Scheme: "https", Host: r.host, Path: "/v2/"}
		if resp := answer.Response(); resp != nil && resp.Request != nil { //nolint:bodyclose // it was read and closed to make the error
			u = resp.Request.URL
		}
		return site{account: r.account}.status(u, answer.StatusCode())
	}
	return unreachable(what, err)
}

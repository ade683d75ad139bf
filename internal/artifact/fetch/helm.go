package fetch

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"

	"github.com/gennaker/gennaker"
)

// maxIndex bounds the index of a chart repository, in bytes. The largest public
// ones have about 20 MiB.
const maxIndex = 48 << 20

// helm fetches helm/chart and helm/index from a chart repository.
type helm struct {
	site
	repository *url.URL
	elsewhere  site // without credentials, for charts that are kept on other hosts
}

func newHelm(a HelmAccount, client *http.Client) (helm, error) {
	u, err := parseBase(a.Name, "repository", a.Repository)
	if err != nil {
		return helm{}, err
	}
	return helm{
		site:       newSite(a.Name, client, hostOf(u), bearer(a.Login, "Bearer")),
		repository: u,
		elsewhere:  newSite(a.Name, client, nil, nil),
	}, nil
}

// chartIndex is what is needed of an index.yaml.
type chartIndex struct {
	Entries map[string][]chartVersion `yaml:"entries"`
}

type chartVersion struct {
	Version string   `yaml:"version"`
	URLs    []string `yaml:"urls"`
	Digest  string   `yaml:"digest"` // SHA-256 in hex, of the archive
}

func (h helm) indexURL() *url.URL { return h.repository.JoinPath("index.yaml") }

func (h helm) index(ctx context.Context) (chartIndex, error) {
	text, err := h.read(ctx, h.indexURL(), maxIndex)
	if err != nil {
		return chartIndex{}, err
	}
	var index chartIndex
	if err := yaml.Unmarshal(text, &index); err != nil {
		return chartIndex{}, gennaker.Errorf(gennaker.Unavailable, "%s is no index of charts", shown(h.indexURL())).
			WithHint("check the repository of account %s, and the server", h.account)
	}
	return index, nil
}

func (h helm) fetch(ctx context.Context, a gennaker.Artifact, d *delivery) error {
	if a.Type == "helm/index" {
		return h.download(ctx, d, h.indexURL(), content{identity: "index " + h.indexURL().String()})
	}
	if a.Name == "" {
		return gennaker.Errorf(gennaker.Invalid, "the helm/chart artifact has no name").
			WithHint("set name to that of the chart, and version to a version or a range as ~1.2")
	}
	index, err := h.index(ctx)
	if err != nil {
		return err
	}
	versions, ok := index.Entries[a.Name]
	if !ok {
		return gennaker.Errorf(gennaker.NotFound, "%s has no chart %q", shown(h.repository), a.Name).
			WithHint("check the name and the account; the repository has %d charts", len(index.Entries))
	}
	names := make([]string, len(versions))
	for i, v := range versions {
		names[i] = v.Version
	}
	chosen, err := newest(a.Name, a.Version, names)
	if err != nil {
		return err
	}
	return h.chart(ctx, d, a.Name, versions[slices.Index(names, chosen)])
}

// chart delivers one version, from the first of its URLs that has it.
func (h helm) chart(ctx context.Context, d *delivery, name string, v chartVersion) error {
	c := content{}
	if digest := strings.ToLower(strings.TrimPrefix(v.Digest, "sha256:")); len(digest) == 64 {
		c.digest = "sha256:" + digest
		if d.has(c.digest) {
			return nil
		}
	}
	err := error(gennaker.Errorf(gennaker.NotFound, "the index of %s has no usable URL of %s %s", shown(h.repository), name, v.Version).
		WithHint("publish the chart again"))
	for _, text := range v.URLs {
		u, bad := url.Parse(text)
		if bad != nil {
			continue
		}
		u = (&url.URL{Scheme: h.repository.Scheme, Host: h.repository.Host, Path: h.repository.Path + "/"}).ResolveReference(u)
		if u.Scheme != "http" && u.Scheme != "https" {
			continue
		}
		from := h.elsewhere
		if origin(u) == origin(h.repository) {
			from = h.site
		}
		c.identity = "chart " + u.String()
		if err = from.download(ctx, d, u, c); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (h helm) names(ctx context.Context) ([]string, error) {
	index, err := h.index(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(index.Entries)), nil
}

func (h helm) versions(ctx context.Context, name string) ([]string, error) {
	index, err := h.index(ctx)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, v := range index.Entries[name] {
		list = append(list, v.Version)
	}
	return newestFirst(list), nil
}

// newest returns the version that is asked for: that one, or the newest within a
// range, or without wish the newest that is no pre-release.
//
// Source: Helm's rules, with its library for versions.
func newest(name, wish string, versions []string) (string, error) {
	if slices.Contains(versions, wish) {
		return wish, nil
	}
	within, err := semver.NewConstraint(cmp.Or(wish, "*"))
	if err != nil {
		return "", gennaker.Errorf(gennaker.NotFound, "%s has no version %q", name, wish).
			WithHint("its newest are %s", few(versions))
	}
	for _, text := range newestFirst(versions) {
		if v, err := semver.NewVersion(text); err == nil && within.Check(v) {
			return text, nil
		}
	}
	return "", gennaker.Errorf(gennaker.NotFound, "%s has no version within %q", name, cmp.Or(wish, "*")).
		WithHint("its newest are %s; pre-releases are in a range only if it names one", few(versions))
}

// newestFirst sorts versions; those that are no semantic versions come last.
func newestFirst(versions []string) []string {
	list := slices.Clone(versions)
	parsed := make(map[string]*semver.Version, len(list))
	for _, text := range list {
		if v, err := semver.NewVersion(text); err == nil {
			parsed[text] = v
		}
	}
	slices.SortStableFunc(list, func(a, b string) int {
		x, y := parsed[a], parsed[b]
		switch {
		case x != nil && y != nil:
			return y.Compare(x)
		case x != nil:
			return -1
		case y != nil:
			return 1
		}
		return strings.Compare(b, a)
	})
	return list
}

// few names the newest versions, for a hint.
func few(versions []string) string {
	list := newestFirst(versions)
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list[:min(len(list), 5)], ", ")
}

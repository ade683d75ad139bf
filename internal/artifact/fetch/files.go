package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/gennaker/gennaker"
)

// defaultBranch is what an artifact without version is of. Source: clouddriver.
const defaultBranch = "master"

// version returns the version of an artifact of a git server.
func version(a gennaker.Artifact) string {
	if a.Version == "" {
		return defaultBranch
	}
	return a.Version
}

// commitHash matches versions that always mean the same.
var commitHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

// web fetches http/file and bitbucket/file: the reference is the whole address.
type web struct {
	site
	form string
}

func (w web) fetch(ctx context.Context, a gennaker.Artifact, d *delivery) error {
	u, err := parseWeb(a.Type, a.Reference, w.form)
	if err != nil {
		return err
	}
	return w.download(ctx, d, u, content{identity: u.String()})
}

// github fetches github/file, by the contents API or from raw addresses.
type github struct{ site }

func (g github) fetch(ctx context.Context, a gennaker.Artifact, d *delivery) error {
	u, contents, err := parseGitHub(a.Reference, version(a))
	if err != nil {
		return err
	}
	identity := u.String()
	if contents && commitHash.MatchString(a.Version) && d.known(identity) {
		return nil
	}
	header := http.Header{"Accept": {"application/vnd.github.v3.raw"}}
	err = g.checked(ctx, d, u, content{identity: identity}, header, func(resp *http.Response) error {
		if contents && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
			return gennaker.Errorf(gennaker.Invalid, "%s is a directory", shown(u)).
				WithHint("name one file in the reference, or fetch the directory as git/repo with metadata.subPath")
		}
		return nil
	})
	return aboutVersion(err, a)
}

// gitlab fetches gitlab/file.
type gitlab struct{ site }

func (g gitlab) fetch(ctx context.Context, a gennaker.Artifact, d *delivery) error {
	u, err := parseGitLab(a.Reference, version(a))
	if err != nil {
		return err
	}
	identity := u.String()
	if commitHash.MatchString(a.Version) && d.known(identity) {
		return nil
	}
	return aboutVersion(g.download(ctx, d, u, content{identity: identity}), a)
}

// aboutVersion tells who left the version out which one was looked for.
func aboutVersion(err error, a gennaker.Artifact) error {
	if e, ok := errors.AsType[*gennaker.Error](err); ok && e.Kind == gennaker.NotFound && a.Version == "" {
		return e.WithHint("the artifact has no version, so the branch %s was asked for: set its version", defaultBranch)
	}
	return err
}

// parseBase reads the URL of a repository in the configuration.
func parseBase(account, field, value string) (*url.URL, error) {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.User != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "%s of the artifact account %q is no http or https URL with a host and without user and query", field, account).
			WithHint("write it as https://host/path, and give user and password in their own fields")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = strings.TrimRight(u.RawPath, "/")
	return u, nil
}

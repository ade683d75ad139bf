package gitrepo

import (
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/gennaker/gennaker"
)

const forms = "https://host/path.git, ssh://git@host/path.git, git@host:path.git or file:///path"

// URL is the address of a repository.
type URL struct {
	endpoint *transport.Endpoint
}

// ParseURL reads the reference of a git/repo artifact.
//
// Errors: Invalid, with the forms that are right as hint.
func ParseURL(ref string) (URL, error) {
	refused := func(why string) (URL, error) {
		return URL{}, gennaker.Errorf(gennaker.Invalid, "the reference of the git repository %s", why).
			WithHint("use %s", forms)
	}
	if ref == "" || len(ref) > 2048 || strings.ContainsFunc(ref, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return refused("is empty, too long or has blanks")
	}
	e, err := transport.NewEndpoint(ref)
	if err != nil {
		return refused("is no URL")
	}
	switch e.Protocol {
	case "http", "https", "ssh":
		if e.Host == "" || strings.HasPrefix(e.Host, "-") || strings.ContainsAny(e.Host, "/@") || e.Port < 0 || e.Port > 65535 {
			return refused("has no usable host")
		}
		if strings.Trim(e.Path, "/") == "" || strings.HasPrefix(e.Path, "-") {
			return refused("has no path")
		}
	case "file":
		if !strings.HasPrefix(ref, "file:///") || !path.IsAbs(e.Path) {
			return refused("is neither a URL nor host:path")
		}
		e.Path = filepath.Clean(e.Path)
	default:
		return refused("has a scheme other than https, http, ssh and file")
	}
	return URL{e}, nil
}

// Scheme returns "https", "http", "ssh" or "file".
func (u URL) Scheme() string { return u.endpoint.Protocol }

// Host returns the name or address of the host without its port.
func (u URL) Host() string { return u.endpoint.Host }

// String returns the URL without user and password.
func (u URL) String() string {
	e := u.endpoint
	host := e.Host
	if e.Port != 0 && e.Port != map[string]int{"https": 443, "http": 80, "ssh": 22}[e.Protocol] {
		host += ":" + strconv.Itoa(e.Port)
	}
	return e.Protocol + "://" + host + "/" + strings.TrimPrefix(strings.SplitN(e.Path, "?", 2)[0], "/")
}

// CleanSubPath returns a path below the root of a repository, "" for all of it.
//
// Errors: Invalid if it leads out.
func CleanSubPath(sub string) (string, error) {
	sub = path.Clean("/" + sub)[1:]
	if sub != "" && (!filepath.IsLocal(sub) || strings.ContainsAny(sub, "\x00\n\\") || len(sub) > 4096) {
		return "", gennaker.Errorf(gennaker.Invalid, "metadata.subPath %.100q is no path within the repository", sub).
			WithHint("give a path relative to the top of the repository, as deploy/overlays")
	}
	return sub, nil
}

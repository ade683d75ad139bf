package fetch

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gennaker/gennaker"
)

// maxRedirects bounds how often a server sends on.
const maxRedirects = 10

// site asks HTTP servers in the name of an account.
type site struct {
	account   string
	client    *http.Client
	hosts     []string                  // that the credentials may be sent to; empty: all
	authorize func(*http.Request) error // adds the credentials; nil if there are none
}

// newSite returns a site whose requests follow redirects by the rules below.
func newSite(account string, client *http.Client, hosts []string, authorize func(*http.Request) error) site {
	c := *client
	c.Jar = nil
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		return followed(client, req, via)
	}
	return site{account: account, client: &c, hosts: hosts, authorize: authorize}
}

// followed decides on a redirect: not too often, not from https to http, and
// without credentials to another origin. net/http itself would keep a token in a
// header that it does not know, and send Authorization to subdomains.
func followed(client *http.Client, req *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return errRedirects
	case first.Scheme == "https" && req.URL.Scheme != "https":
		return errDowngrade
	case origin(first) != origin(req.URL):
		for name := range req.Header {
			if !slices.Contains([]string{"Accept", "Accept-Encoding", "If-None-Match", "User-Agent"}, name) {
				req.Header.Del(name)
			}
		}
	}
	if client.CheckRedirect != nil {
		return client.CheckRedirect(req, via)
	}
	return nil
}

var (
	errRedirects = errors.New("it sends on too often")
	errDowngrade = errors.New("it sends on from https to http")
)

// get asks for a URL. The caller closes the body of the answer, whose status is
// 200, or 304 if the header has If-None-Match.
//
// Errors: Denied, NotFound, Unavailable, Invalid.
func (s site) get(ctx context.Context, u *url.URL, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "%s cannot be asked for", shown(u))
	}
	maps.Copy(req.Header, header)
	req.Header.Set("User-Agent", "gennaker")
	req.Header.Set("Accept-Encoding", "identity") // what is fetched is what is stored, byte for byte
	if s.authorize != nil {
		if len(s.hosts) > 0 && !slices.Contains(s.hosts, u.Hostname()) && !slices.Contains(s.hosts, u.Host) {
			return nil, gennaker.Errorf(gennaker.Denied, "account %s does not send its credentials to %s", s.account, u.Host).
				WithHint("add the host to hosts of the account, or use another account")
		}
		if err := s.authorize(req); err != nil {
			return nil, err
		}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, s.failed(ctx, u, err)
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNotModified && header.Get("If-None-Match") != "" {
		return resp, nil
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	_ = resp.Body.Close()
	return nil, s.status(u, resp.StatusCode)
}

// failed classes an error of asking.
func (s site) failed(ctx context.Context, u *url.URL, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if own, ok := errors.AsType[*gennaker.Error](err); ok { // of the client's rules
		return own
	}
	return unreachable(shown(u), err)
}

// status classes an answer that is not the content.
func (s site) status(u *url.URL, code int) error {
	text := strconv.Itoa(code) + " " + http.StatusText(code)
	switch {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return gennaker.Errorf(gennaker.Denied, "account %s may not read %s: %s", s.account, shown(u), text).
			WithHint("check the account's credentials, and what they may read")
	case code == http.StatusNotFound || code == http.StatusGone:
		return gennaker.Errorf(gennaker.NotFound, "%s does not exist, or account %s cannot see it", shown(u), s.account).
			WithHint("check the reference and the version, and what the account may read")
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		return gennaker.Errorf(gennaker.Unavailable, "%s answers %s", shown(u), text).WithHint("try again later")
	}
	return gennaker.Errorf(gennaker.Invalid, "%s answers %s", shown(u), text).WithHint("check the reference")
}

// download delivers what is at a URL, and only asks whether it changed if the
// cache has it under the identity.
func (s site) download(ctx context.Context, d *delivery, u *url.URL, c content) error {
	return s.checked(ctx, d, u, c, nil, nil)
}

// checked is download, if the answer passes a check.
func (s site) checked(ctx context.Context, d *delivery, u *url.URL, c content, header http.Header, check func(*http.Response) error) error {
	if header == nil {
		header = http.Header{}
	}
	if known := d.validator(c.identity); known != "" {
		header.Set("If-None-Match", known)
	}
	resp, err := s.get(ctx, u, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified {
		if d.known(c.identity) {
			return nil
		}
		return gennaker.Errorf(gennaker.Unavailable, "the artifact cache lost what it had of %s", shown(u)).WithHint("try again")
	}
	if check != nil {
		if err := check(resp); err != nil {
			return err
		}
	}
	c.what, c.total, c.validator = shown(u), resp.ContentLength, resp.Header.Get("ETag")
	return d.receive(c, resp.Body)
}

// read returns what is at a URL, which has at most so many bytes.
func (s site) read(ctx context.Context, u *url.URL, most int64) ([]byte, error) {
	resp, err := s.get(ctx, u, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return nil, s.failed(ctx, u, err)
	case int64(len(text)) > most:
		return nil, tooLarge(shown(u), most)
	}
	return text, nil
}

// bearer authorizes with a token in the Authorization header, or with user and
// password; nil if there is nothing to send.
func bearer(l Login, scheme string) func(*http.Request) error {
	return inHeader(l, "Authorization", scheme+" ")
}

// inHeader authorizes with a token in some header, after a prefix, or with user
// and password; nil if there is nothing to send.
func inHeader(l Login, name, prefix string) func(*http.Request) error {
	if l.anonymous() {
		return nil
	}
	return func(req *http.Request) error {
		id, err := l.resolve()
		switch {
		case err != nil:
			return err
		case id.token != "":
			req.Header.Set(name, prefix+id.token)
		default:
			req.SetBasicAuth(id.user, id.password)
		}
		return nil
	}
}

// boundedTransport bounds each answer, for clients that read some of them whole.
type boundedTransport struct {
	next  http.RoundTripper
	bytes int64
}

// RoundTrip implements http.RoundTripper.
func (b boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, b.bytes), resp.Body}
	return resp, nil
}

// hostOf returns the host of a configured URL.
func hostOf(u *url.URL) []string {
	if u.Port() != "" {
		return []string{net.JoinHostPort(u.Hostname(), u.Port())}
	}
	return []string{u.Host}
}

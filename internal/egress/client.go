package egress

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gennaker/gennaker"
)

// Options of a Client. The zero value is ready to use.
type Options struct {
	ConnectTimeout time.Duration // zero is 15 s; for the connection and, again, for its handshake
	ReadTimeout    time.Duration // zero is 20 s; the longest time in which no byte comes or goes
	TotalTimeout   time.Duration // of Do and Fetch, with redirects; zero is 2 minutes
	FetchBytes     int64         // of what Fetch returns; zero is 1 MiB

	CAFile             string // PEM; certificate authorities beside those of the system
	CertFile, KeyFile  string // PEM; shown to servers that ask for a certificate
	InsecureSkipVerify bool   // accept any certificate

	NoRedirects bool // an answer 3xx is returned as it is
	// Proxy returns the proxy for a request, or nil; nil is what HTTP_PROXY,
	// HTTPS_PROXY and NO_PROXY say. Who resolves names is then the proxy, so its
	// own rules hold for their addresses.
	Proxy func(*http.Request) (*url.URL, error)
	// Resolver resolves names; nil is the system's.
	Resolver *net.Resolver
}

// Defaults, and bounds that nobody needs to set.
const (
	connectTimeout = 15 * time.Second // Spinnaker's webhook.connectTimeoutMs
	readTimeout    = 20 * time.Second // Spinnaker's webhook.readTimeoutMs
	totalTimeout   = 2 * time.Minute
	fetchBytes     = 1 << 20
	maxRedirects   = 10
	maxHeaderBytes = 256 << 10
	connsPerHost   = 32
	idleConns      = 64
	idlePerHost    = 4
)

// Client asks URLs of users under Rules.
type Client struct {
	rules   Rules
	options Options
	http    *http.Client
}

// New returns a client.
//
// Errors: Invalid for rules and files that cannot be read.
func New(rules Rules, options Options) (*Client, error) {
	if err := rules.validate(); err != nil {
		return nil, err
	}
	options.ConnectTimeout = cmp.Or(options.ConnectTimeout, connectTimeout)
	options.ReadTimeout = cmp.Or(options.ReadTimeout, readTimeout)
	options.TotalTimeout = cmp.Or(options.TotalTimeout, totalTimeout)
	options.FetchBytes = cmp.Or(options.FetchBytes, fetchBytes)
	if options.Proxy == nil {
		options.Proxy = http.ProxyFromEnvironment
	}
	secure, err := options.tls()
	if err != nil {
		return nil, err
	}
	c := &Client{rules: rules, options: options}
	direct := c.transport(secure)
	direct.DialContext = c.dial(c.control)
	proxied := c.transport(secure)
	proxied.DialContext = c.dial(nil)
	proxied.Proxy = func(r *http.Request) (*url.URL, error) {
		p, _ := r.Context().Value(proxyKey{}).(*url.URL)
		return p, nil
	}
	c.http = &http.Client{Transport: &guard{client: c, direct: direct, proxied: proxied}, CheckRedirect: c.redirect}
	return c, nil
}

// Dial connects to an address, for what is not HTTP: the rules for addresses
// hold.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return c.dial(c.control)(ctx, network, address)
}

// HTTP returns the client for libraries: the rules hold, and ReadTimeout;
// TotalTimeout and the bound on bodies are the caller's. Its errors are those of
// net/http, of which ClassOf tells the class; unlike Do's, they show the URL.
func (c *Client) HTTP() *http.Client { return c.http }

// Close closes the connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (o Options) tls() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.InsecureSkipVerify} //nolint:gosec // asked for in the configuration
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "read the certificate authorities: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, gennaker.Errorf(gennaker.Invalid, "there is no certificate in %s", o.CAFile).WithHint("it must be PEM")
		}
		out.RootCAs = pool
	}
	if o.CertFile != "" || o.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "read the client certificate: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

func (c *Client) transport(secure *tls.Config) *http.Transport {
	return &http.Transport{
		TLSClientConfig:        secure.Clone(),
		TLSHandshakeTimeout:    c.options.ConnectTimeout,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        c.options.ReadTimeout / 2, // before its deadline
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxConnsPerHost:        connsPerHost,
		MaxIdleConns:           idleConns,
		MaxIdleConnsPerHost:    idlePerHost,
		ForceAttemptHTTP2:      true,
	}
}

func (c *Client) dial(control func(context.Context, string, string, syscall.RawConn) error) func(context.Context, string, string) (net.Conn, error) {
	d := &net.Dialer{Timeout: c.options.ConnectTimeout, Resolver: c.options.Resolver, ControlContext: control}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return patient{Conn: conn, limit: c.options.ReadTimeout}, nil
	}
}

// control checks the address that is dialed. A name that resolved to another
// address when it was checked can thus not slip through.
func (c *Client) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the address to dial: %w", err)
	}
	return c.rules.address(a.Addr())
}

// patient is a connection that breaks when no byte came or went for limit.
type patient struct {
	net.Conn
	limit time.Duration
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(p.limit)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

func (p patient) Write(b []byte) (int, error) {
	// The deadline of a Read that waits for the answer moves as well.
	if err := p.SetDeadline(time.Now().Add(p.limit)); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}

type proxyKey struct{}

// guard checks each request, so each redirect too, and takes the transport
// without the check of addresses only for what goes to a proxy.
type guard struct {
	client          *Client
	direct, proxied *http.Transport
}

// RoundTrip does one request.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	err := g.client.rules.Check(r.URL)
	var proxy *url.URL
	if err == nil {
		if proxy, err = g.client.options.Proxy(r); err != nil { // its text can hold a password
			err = gennaker.Errorf(gennaker.Invalid, "the proxy of the environment is no URL").
				WithHint("look at HTTP_PROXY and HTTPS_PROXY of the server")
		}
	}
	switch {
	case err != nil:
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	case proxy != nil:
		return g.proxied.RoundTrip(r.WithContext(context.WithValue(r.Context(), proxyKey{}, proxy)))
	}
	return g.direct.RoundTrip(r)
}

// CloseIdleConnections closes the connections of both transports.
func (g *guard) CloseIdleConnections() {
	g.direct.CloseIdleConnections()
	g.proxied.CloseIdleConnections()
}

// harmless are the headers that follow a redirect to another origin. Any other
// may hold a secret that was meant for the first.
var harmless = []string{"Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "User-Agent"}

func (c *Client) redirect(r *http.Request, via []*http.Request) error {
	if c.options.NoRedirects {
		return http.ErrUseLastResponse
	}
	if len(via) > maxRedirects {
		return forbidden("%s redirects more than %d times", Origin(via[0].URL), maxRedirects).withHint("use the URL that it leads to")
	}
	first := Origin(via[0].URL)
	if Origin(r.URL) == first && !slices.ContainsFunc(via, func(v *http.Request) bool { return Origin(v.URL) != first }) {
		return nil
	}
	for name := range r.Header {
		if !slices.Contains(harmless, name) {
			r.Header.Del(name)
		}
	}
	return nil
}

// Response is an answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends r and reads the answer, whatever its status.
//
// Errors: *Error. With TooLarge, if the body has more than maxBytes, status and
// header are there, and no body. If the context of r ended, it is Canceled.
func (c *Client) Do(r *http.Request, maxBytes int64) (Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), c.options.TotalTimeout)
	defer cancel()
	origin := Origin(r.URL)
	r = r.Clone(ctx)
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "gennaker")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return Response{}, c.explain(origin, err)
	}
	defer answer.Body.Close()
	out := Response{Status: answer.StatusCode, Header: answer.Header}
	var body bytes.Buffer
	n, err := body.ReadFrom(io.LimitReader(answer.Body, maxBytes+1))
	if err != nil {
		return Response{}, c.explain(origin, err)
	}
	if n > maxBytes {
		return out, &Error{Class: TooLarge, err: gennaker.Errorf(gennaker.TooLarge, "the answer of %s has more than %d bytes", origin, maxBytes)}
	}
	out.Body = body.Bytes()
	return out, nil
}

// Text returns the text at a URL, as #fromUrl of expressions needs it.
//
// Errors: *Error, also for a status that is not 2xx.
func (c *Client) Text(ctx context.Context, address string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSpace(address), http.NoBody)
	if err != nil {
		return "", unreadable()
	}
	answer, err := c.Do(r, c.options.FetchBytes)
	if err != nil {
		return "", err
	}
	if answer.Status < 200 || answer.Status > 299 {
		return "", &Error{Class: Failed, err: gennaker.Errorf(gennaker.Unavailable, "%s answered with status %d %s",
			Origin(r.URL), answer.Status, http.StatusText(answer.Status))}
	}
	return strings.ToValidUTF8(string(answer.Body), "\uFFFD"), nil
}

// Parse reads a URL. Errors: *Error, Invalid, which does not show it.
func Parse(address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil, unreadable()
	}
	return u, nil
}

func unreadable() *Error {
	return &Error{Class: Failed, err: gennaker.Errorf(gennaker.Invalid, "the text is no URL").WithHint("write it like https://example.com/path")}
}

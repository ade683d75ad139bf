package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/tools/clientcmd/api"
)

// A Proxy stands in front of the API server, counts what is asked, and does
// harm on demand. Who asks is who they are: certificates and tokens mean the
// same through it.
type Proxy struct {
	Kubeconfig string // file; of an administrator

	lab     *Lab
	forward http.Handler
	tls     *tls.Config
	address string

	mu      sync.Mutex
	server  *http.Server // nil while down
	counts  map[Request]int
	faults  []*fault
	watches map[*http.Request]context.CancelFunc
}

const anywhere = "127.0.0.1:0"

// Proxy starts a proxy that ends with the test.
func (l *Lab) Proxy(t testing.TB) *Proxy {
	t.Helper()
	p := &Proxy{lab: l, address: anywhere, counts: map[Request]int{}, watches: map[*http.Request]context.CancelFunc{}}
	if err := p.prepare(); err != nil {
		t.Fatalf("prepare the proxy: %v", err)
	}
	p.Up(t)
	t.Cleanup(p.Down)
	p.Kubeconfig = p.Through(t, l.Kubeconfig)
	return p
}

// Through returns a copy of a kubeconfig of the lab that goes through the proxy.
func (p *Proxy) Through(t testing.TB, kubeconfig string) string {
	t.Helper()
	return p.lab.rewrite(t, kubeconfig, func(c *api.Config) {
		for _, cluster := range c.Clusters {
			cluster.Server = "https://" + p.address
		}
	})
}

// Down refuses connections from now on, and breaks those that there are.
func (p *Proxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		p.server.Close() //nolint:errcheck // whatever it says, it no longer serves
		p.server = nil
	}
}

// Up serves again, at the same address.
func (p *Proxy) Up(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		return
	}
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		t.Fatalf("the proxy listens: %v", err)
	}
	if p.address == anywhere {
		p.address = l.Addr().String()
	}
	p.server = &http.Server{Handler: p, TLSConfig: p.tls.Clone(), ErrorLog: log.New(io.Discard, "", 0)}
	go p.server.ServeTLS(l, "", "") //nolint:errcheck // it ends with ErrServerClosed
}

// CutWatches breaks the connections of all watches that there are.
func (p *Proxy) CutWatches() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cut := range p.watches {
		cut()
	}
}

// Count returns how many requests there were that match.
func (p *Proxy) Count(match Request) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for r, count := range p.counts {
		if match.covers(r) {
			n += count
		}
	}
	return n
}

// Reset forgets what was counted.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.counts)
}

// prepare takes the API server's own certificate, so that clients trust the
// proxy, and that of its trusted front proxy, so that it may say who asks.
func (p *Proxy) prepare() error {
	dir := p.lab.process.path("pki") + "/"
	own, err := tls.LoadX509KeyPair(dir+"apiserver.crt", dir+"apiserver.key")
	if err != nil {
		return err
	}
	front, err := tls.LoadX509KeyPair(dir+"front-proxy-client.crt", dir+"front-proxy-client.key")
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(dir + "ca.crt")
	if err != nil {
		return err
	}
	ca := x509.NewCertPool()
	ca.AppendCertsFromPEM(pem)
	p.tls = &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: ca, ClientAuth: tls.VerifyClientCertIfGiven}
	target, err := url.Parse(p.lab.Config.Host)
	if err != nil {
		return err
	}
	p.forward = &httputil.ReverseProxy{
		Transport: &upstream{
			named: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca, Certificates: []tls.Certificate{front}}, ForceAttemptHTTP2: true},
			plain: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca}, ForceAttemptHTTP2: true},
		},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			identify(r)
		},
		FlushInterval: -1, // events of watches go out at once
		ErrorLog:      log.New(io.Discard, "", 0),
		// An API server that isn't there looks as it does without a proxy.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	return nil
}

// upstream presents the front proxy's certificate for who has one themselves.
type upstream struct{ named, plain http.RoundTripper }

func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("X-Remote-User") != "" {
		return u.named.RoundTrip(r)
	}
	return u.plain.RoundTrip(r)
}

// identify passes on the name in a client's certificate.
func identify(r *httputil.ProxyRequest) {
	for name := range r.Out.Header {
		if strings.HasPrefix(name, "X-Remote-") {
			r.Out.Header.Del(name)
		}
	}
	if r.In.TLS == nil || len(r.In.TLS.PeerCertificates) == 0 {
		return
	}
	who := r.In.TLS.PeerCertificates[0].Subject
	r.Out.Header.Set("X-Remote-User", who.CommonName)
	for _, group := range who.Organization {
		r.Out.Header.Add("X-Remote-Group", group)
	}
}

// ServeHTTP counts a request, and forwards it or does it the harm that is due.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := parse(r)
	effect := p.due(asked)
	if asked.Verb == "watch" {
		var done func()
		r, done = p.watch(r)
		defer done()
	}
	if effect == nil {
		p.forward.ServeHTTP(w, r)
		return
	}
	effect(w, r, p.forward)
}

func (p *Proxy) watch(r *http.Request) (_ *http.Request, done func()) {
	ctx, cancel := context.WithCancel(r.Context())
	r = r.WithContext(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watches[r] = cancel
	return r, func() {
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watches, r)
	}
}

package balancer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	replayableBytes = 64 << 10 // bodies up to this are read first, so that they can be sent again
	maxAttempts     = 16
	dialTimeout     = 3 * time.Second
	// Servers close connections that were idle for 5 s (Node.js, uvicorn, Apache)
	// or longer; who reuses one at that moment loses the request.
	backendIdle = 4 * time.Second
)

// exchange is one request of a client and what became of it.
type exchange struct {
	b       *Balancer
	pool    *pool
	started time.Time
	cancel  context.CancelFunc // ends the request; set for upgrades only

	group    *group // where it is counted at the moment; the balancer's lock guards both
	endpoint endpoint
	avoid    []*target // tried in vain

	firstByte time.Duration
	status    int // the backend's, or ours
	broken    bool
}

// errNoTarget is why a request could not be sent anywhere.
type errNoTarget struct{ reason string }

func (e errNoTarget) Error() string { return e.reason }

// errDial is an error before anything was sent.
type errDial struct{ error }

func (e errDial) Unwrap() error { return e.error }

func newTransport(http2 bool) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, errDial{err}
			}
			return conn, nil
		},
		DisableCompression:     true, // the body is the client's, not ours
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        backendIdle,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(!http2)
	t.Protocols.SetUnencryptedHTTP2(http2)
	return t
}

// buffers lends ReverseProxy its copy buffers.
type buffers struct{ pool *sync.Pool }

func newBuffers() buffers {
	return buffers{&sync.Pool{New: func() any { return new([32 << 10]byte) }}}
}

func (b buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[32 << 10]byte); ok {
		return p[:]
	}
	return make([]byte, 32<<10)
}

func (b buffers) Put(p []byte) {
	if len(p) == 32<<10 {
		b.pool.Put((*[32 << 10]byte)(p))
	}
}

// serve answers r, which came in on a listener of p.
func (b *Balancer) serve(p *pool, w http.ResponseWriter, r *http.Request) {
	x := &exchange{b: b, pool: p, started: time.Now()}
	b.mu.Lock()
	p.figures.inFlight++
	b.mu.Unlock()
	defer func() { // also if the proxy panics to break the response off
		x.finish(r.Context().Err() != nil && !errors.Is(context.Cause(r.Context()), errCut))
	}()
	req := r
	if r.Header.Get("Upgrade") != "" {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		x.cancel = cancel
		req = r.WithContext(ctx)
	}
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		// Without it the server reads the whole body before it lets a response out.
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	proxy := httputil.ReverseProxy{
		Rewrite:       rewrite,
		Transport:     x,
		ErrorHandler:  x.refuse,
		BufferPool:    b.buffers,
		FlushInterval: -1,
		ErrorLog:      b.quiet,
	}
	proxy.ServeHTTP(w, req)
}

// rewrite prepares the request for a backend: everything as the client sent it,
// and who sent it. The address is set for each attempt.
func rewrite(p *httputil.ProxyRequest) {
	p.Out.URL.Scheme = "http"
	p.Out.URL.Host = "backend"
	p.Out.URL.RawQuery = p.In.URL.RawQuery
	p.Out.Host = p.In.Host
	p.SetXForwarded()
}

// RoundTrip sends the request to a target, and again where that is safe.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	replay, err := replayable(req)
	if err != nil {
		return nil, err
	}
	idempotent := isIdempotent(req.Method)
	var last error
	for range maxAttempts {
		address, err := x.pick(last)
		if err != nil {
			return nil, err
		}
		a := attempt{body: req.Body, replay: replay}
		res, err := a.do(x.transport(req), req, address)
		if err == nil {
			x.answered(res)
			return res, nil
		}
		last = err
		switch {
		case req.Context().Err() != nil || !a.repeatable():
			return nil, err
		case isDial(err):
			x.giveUp(true)
		case !a.sent.Load(): // an idle connection that the backend had closed
		case idempotent:
			idempotent = false // once
			x.giveUp(false)
		default:
			return nil, err
		}
	}
	return nil, last
}

// transport returns how req reaches a backend: gRPC needs HTTP/2, and everything
// that serves HTTP speaks HTTP/1.1.
func (x *exchange) transport(req *http.Request) http.RoundTripper {
	if req.ProtoMajor == 2 && strings.HasPrefix(req.Header.Get("Content-Type"), "application/grpc") {
		return x.b.http2
	}
	return x.b.http1
}

// pick counts the exchange at a target, instead of where it was, and returns the
// address. last is why an earlier attempt failed.
func (x *exchange) pick(last error) (string, error) {
	x.b.mu.Lock()
	defer x.b.mu.Unlock()
	g, e, ok := x.pool.choose(time.Now(), x.avoid)
	switch {
	case !ok && last != nil:
		return "", last
	case !ok:
		return "", errNoTarget{x.pool.why()}
	}
	if x.group != nil {
		x.group.figures.inFlight--
		x.leave()
	}
	x.group, x.endpoint = g, e
	g.figures.inFlight++
	e.inFlight++
	return e.address, nil
}

// leave takes the exchange off its target. The caller holds the balancer's lock.
func (x *exchange) leave() {
	t := x.endpoint.target
	t.inFlight--
	delete(t.upgraded, x)
	x.b.settle(t)
}

// giveUp keeps further attempts from the target, and other requests for a while
// if it cannot be reached.
func (x *exchange) giveUp(unreachable bool) {
	x.avoid = append(x.avoid, x.endpoint.target)
	if unreachable {
		x.b.mu.Lock()
		x.endpoint.suspended = time.Now().Add(suspension)
		x.b.mu.Unlock()
	}
}

// answered notes the response, and watches its body for a break.
func (x *exchange) answered(res *http.Response) {
	x.firstByte = max(time.Since(x.started), 1)
	x.status = res.StatusCode
	if res.StatusCode != http.StatusSwitchingProtocols {
		res.Body = &watchedBody{ReadCloser: res.Body, broken: &x.broken}
		return
	}
	if x.cancel == nil {
		return // the proxy refuses an upgrade that was not asked for
	}
	x.b.mu.Lock()
	defer x.b.mu.Unlock()
	t := x.endpoint.target
	if t.upgraded == nil {
		t.upgraded = map[*exchange]struct{}{}
	}
	t.upgraded[x] = struct{}{}
}

// finish counts the exchange where it ended; gone says that the client left.
func (x *exchange) finish(gone bool) {
	failed := (x.status == 0 || x.status >= 500 || x.broken) && !(gone && x.status < 500)
	x.b.mu.Lock()
	defer x.b.mu.Unlock()
	x.pool.figures.finish(failed, x.firstByte)
	if x.group != nil {
		x.group.figures.finish(failed, x.firstByte)
		x.leave()
	}
}

// refuse answers a request that no target answered.
func (x *exchange) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		x.status = 0
		return // nobody listens
	}
	x.firstByte = 0
	x.status = http.StatusBadGateway
	text := fmt.Sprintf("an instance behind load balancer %s broke the connection before it answered", x.pool.name)
	var none errNoTarget
	switch {
	case errors.As(err, &none):
		x.status, text = http.StatusServiceUnavailable, none.reason
	case isDial(err):
		x.status, text = http.StatusServiceUnavailable, fmt.Sprintf("no instance behind load balancer %s accepts connections", x.pool.name)
	case errors.Is(err, errClientBody):
		x.status, text = http.StatusBadRequest, "the request body could not be read"
	}
	x.b.log.DebugContext(r.Context(), "request not answered", "load_balancer", x.pool.name, "error", err)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if x.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(x.status)
	_, _ = io.WriteString(w, "gennaker: "+text+"\n")
}

// attempt is one try to send a request to one address.
type attempt struct {
	body   io.ReadCloser
	replay []byte      // the body, if it is at hand
	sent   atomic.Bool // a backend may have got a request to act on
	read   atomic.Bool // the body was touched
}

// repeatable reports whether the request can be sent again as it was.
func (a *attempt) repeatable() bool {
	return a.body == nil || a.replay != nil || !a.read.Load()
}

func (a *attempt) do(t http.RoundTripper, req *http.Request, address string) (*http.Response, error) {
	trace := &httptrace.ClientTrace{WroteHeaders: func() { a.sent.Store(true) }}
	out := req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	to := *req.URL
	to.Host = address
	out.URL = &to
	switch {
	case a.replay != nil:
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(a.replay)), nil }
		out.Body, _ = out.GetBody()
	case a.body != nil:
		out.Body = &onceBody{a}
	}
	res, err := t.RoundTrip(out)
	if err != nil {
		return nil, fmt.Errorf("send request to %s: %w", address, err)
	}
	return res, nil
}

// onceBody is a body that is streamed. It outlives an attempt that did not touch
// it: the proxy closes the body in the end, not the transport.
type onceBody struct{ a *attempt }

func (o *onceBody) Read(p []byte) (int, error) {
	o.a.read.Store(true)
	return o.a.body.Read(p)
}

func (*onceBody) Close() error { return nil }

// watchedBody notes that a response broke off.
type watchedBody struct {
	io.ReadCloser
	broken *bool
}

func (w *watchedBody) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		*w.broken = true
	}
	return n, err
}

var errClientBody = errors.New("read request body")

// replayable returns the body of a request if it is small, which it then has read.
func replayable(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.ContentLength <= 0 || req.ContentLength > replayableBytes {
		return nil, nil
	}
	body := make([]byte, req.ContentLength)
	if _, err := io.ReadFull(req.Body, body); err != nil {
		return nil, fmt.Errorf("%w: %w", errClientBody, err)
	}
	return body, nil
}

func isIdempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

func isDial(err error) bool {
	_, ok := errors.AsType[errDial](err)
	return ok
}

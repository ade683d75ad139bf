package balancer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gennaker/gennaker"
)

const (
	maxHeaderBytes    = 128 << 10
	readHeaderTimeout = 20 * time.Second
	clientIdle        = 2 * time.Minute
	// How long a client may use a connection that it keeps open after its listener
	// was removed, so that it learns from a response that the connection ends.
	lameDuck = time.Second
)

// discard takes what net/http would print: it is either the client's doing or
// counted already.
func discard() *log.Logger { return log.New(io.Discard, "", 0) }

// listener is a socket and the HTTP server on it.
type listener struct {
	name   string
	asked  string // address as given
	server *http.Server
	cut    context.CancelCauseFunc // ends all requests

	closing atomic.Bool

	mu       sync.Mutex
	socket   net.Listener
	requests int           // in flight, upgraded ones too
	open     int           // connections of the server
	changed  chan struct{} // closed and replaced when, while closing, one of the two becomes zero
}

// Listen makes load balancer name accept requests on addr, host:port with an IP
// address, "localhost" or nothing (all interfaces) as host. Called again with
// another addr it moves: the new socket accepts before the old one stops, and
// requests on the old one are finished. Port 0 means any free one; see Addr.
//
// Errors: Invalid if addr cannot be listened on whatever happens, Conflict if
// something else listens there, Denied if this process may not, Unavailable
// after Close. After an error the old address, if any, still serves.
func (b *Balancer) Listen(ctx context.Context, name, addr string) error {
	if err := checkAddress(addr); err != nil {
		return err
	}
	b.listening.Lock()
	defer b.listening.Unlock()
	b.mu.Lock()
	old, closed := b.listeners[name], b.closed
	b.mu.Unlock()
	switch {
	case closed:
		return gennaker.Errorf(gennaker.Unavailable, "listen on %s: %w", addr, errDone)
	case old != nil && (old.asked == addr || old.address() == addr):
		return nil
	}
	l, err := b.bind(ctx, name, addr, old)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		l.stopAccepting()
		l.cut(errDone)
		return gennaker.Errorf(gennaker.Unavailable, "listen on %s: %w", addr, errDone)
	}
	b.listeners[name] = l
	pool := b.pool(name)
	l.server.Handler = l.count(func(w http.ResponseWriter, r *http.Request) { b.serve(pool, w, r) })
	go l.accept(l.socket, b.log)
	b.log.InfoContext(ctx, "load balancer listens", "load_balancer", name, "address", l.address())
	if old == nil {
		return nil
	}
	b.moved[old] = struct{}{}
	b.retiring.Go(func() {
		// Who was told the old address just now may still use it.
		ctx := context.WithoutCancel(ctx)
		old.linger(b.closing)
		_ = old.retire(ctx) // Close cuts it if it takes too long
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.moved, old)
	})
	return nil
}

// Remove makes load balancer name stop accepting and returns when its requests
// have finished, or when ctx ends: then those that are left are cut off. A load
// balancer that does not listen is no error.
//
// Errors: Unavailable, which wraps the context's error, if requests were cut.
func (b *Balancer) Remove(ctx context.Context, name string) error {
	b.mu.Lock()
	l := b.listeners[name]
	delete(b.listeners, name)
	if p := b.pools[name]; p != nil && !p.inTable {
		delete(b.pools, name)
	}
	b.mu.Unlock()
	if l == nil {
		return nil
	}
	err := l.retire(ctx)
	b.log.InfoContext(ctx, "load balancer stopped listening", "load_balancer", name)
	return err
}

// Addr returns the address, host:port, on which load balancer name accepts
// requests; "" if it does not.
func (b *Balancer) Addr(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l := b.listeners[name]; l != nil {
		return l.address()
	}
	return ""
}

// Close removes all listeners, as Remove does, for good.
func (b *Balancer) Close(ctx context.Context) error {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		close(b.closing)
	}
	ls := make([]*listener, 0, len(b.listeners)+len(b.moved))
	for _, l := range b.listeners {
		ls = append(ls, l)
	}
	clear(b.listeners)
	moved := len(b.moved)
	for l := range b.moved {
		ls = append(ls, l)
	}
	b.mu.Unlock()
	b.log.DebugContext(ctx, "load balancers close", "listeners", len(ls), "moved", moved)
	errs := make([]error, len(ls))
	var wg sync.WaitGroup
	for i, l := range ls {
		wg.Go(func() { errs[i] = l.retire(ctx) })
	}
	wg.Wait()
	b.retiring.Wait()
	b.http1.CloseIdleConnections()
	b.http2.CloseIdleConnections()
	return errors.Join(errs...)
}

func checkAddress(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err == nil && host != "" && host != "localhost" {
		_, err = netip.ParseAddr(host)
	}
	if err != nil {
		return gennaker.Errorf(gennaker.Invalid, "%q is not an address to listen on", addr).
			WithHint("write host:port with an IP address as host, e.g. 127.0.0.1:8080, or :8080 for all interfaces")
	}
	return nil
}

// bind opens a socket on addr and makes a listener of it.
func (b *Balancer) bind(ctx context.Context, name, addr string, old *listener) (*listener, error) {
	b.yield(addr)
	var lc net.ListenConfig
	socket, err := lc.Listen(ctx, "tcp", addr)
	if err != nil && old != nil && errors.Is(err, syscall.EADDRINUSE) && samePort(old.address(), addr) {
		// From 127.0.0.1:80 to :80, say: the two cannot be bound at a time.
		socket, err = b.swap(ctx, old, addr)
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, gennaker.Errorf(gennaker.Conflict, "address %s of load balancer %s is in use: %w", addr, name, err).
			WithHint("choose another port, or stop what listens there")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, gennaker.Errorf(gennaker.Invalid, "address %s of load balancer %s is not one of this machine: %w", addr, name, err).
			WithHint("use 127.0.0.1, an address of a network interface, or no host for all of them")
	case errors.Is(err, syscall.EACCES):
		return nil, gennaker.Errorf(gennaker.Denied, "this process may not listen on %s: %w", addr, err).
			WithHint("use a port above 1023, or give the node the capability CAP_NET_BIND_SERVICE")
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	ctx, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	l := &listener{name: name, asked: addr, socket: socket, cut: cut, changed: make(chan struct{})}
	l.server = &http.Server{
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ConnState:                    l.connState,
		ReadHeaderTimeout:            readHeaderTimeout,
		IdleTimeout:                  clientIdle,
		MaxHeaderBytes:               maxHeaderBytes,
		ErrorLog:                     discard(),
		Protocols:                    new(http.Protocols),
		DisableGeneralOptionsHandler: true,
	}
	l.server.Protocols.SetHTTP1(true)
	l.server.Protocols.SetUnencryptedHTTP2(true)
	return l, nil
}

// yield closes the socket of a listener that has moved away from addr already.
func (b *Balancer) yield(addr string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for l := range b.moved {
		if samePort(l.address(), addr) {
			l.stopAccepting()
		}
	}
}

// swap closes the socket of old and opens one on addr; if that fails old gets
// its address back.
func (b *Balancer) swap(ctx context.Context, old *listener, addr string) (net.Listener, error) {
	was := old.address()
	old.stopAccepting()
	var lc net.ListenConfig
	socket, err := lc.Listen(ctx, "tcp", addr)
	if err == nil {
		return socket, nil
	}
	again, lost := lc.Listen(ctx, "tcp", was)
	if lost != nil {
		return nil, errors.Join(err, lost)
	}
	old.mu.Lock()
	old.socket = again
	old.mu.Unlock()
	go old.accept(again, b.log)
	return nil, err
}

func samePort(a, b string) bool {
	_, p, err := net.SplitHostPort(a)
	_, q, err2 := net.SplitHostPort(b)
	return cmp.Or(err, err2) == nil && p == q
}

// address returns where l accepts, or last did.
func (l *listener) address() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.socket.Addr().String()
}

// stopAccepting closes the socket. It may be closed already.
func (l *listener) stopAccepting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.socket.Close()
}

// linger keeps l accepting for a while, or until hurry is closed; its clients are
// told with each response to open a new connection.
func (l *listener) linger(hurry <-chan struct{}) {
	l.closing.Store(true)
	timer := time.NewTimer(lameDuck)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-hurry:
	}
}

// count wraps next: it counts the requests, and tells clients of a listener that
// closes to open a new connection.
func (l *listener) count(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		l.requests++
		l.mu.Unlock()
		defer func() {
			l.mu.Lock()
			l.requests--
			l.tell(l.requests)
			l.mu.Unlock()
		}()
		if r.Method == http.MethodConnect {
			http.Error(w, "gennaker: this is not a forward proxy", http.StatusMethodNotAllowed)
			return
		}
		if l.closing.Load() && r.Header.Get("Upgrade") == "" {
			w.Header().Set("Connection", "close")
		}
		next(w, r)
	}
}

// connState counts the connections of the server.
func (l *listener) connState(_ net.Conn, s http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch s {
	case http.StateNew:
		l.open++
	case http.StateClosed, http.StateHijacked:
		l.open--
		l.tell(l.open)
	case http.StateActive, http.StateIdle:
	}
}

// tell wakes who waits for n to be zero. The caller holds l.mu.
func (l *listener) tell(n int) {
	if n == 0 && l.closing.Load() {
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// wait returns true when *n is zero, false when ctx ends before.
func (l *listener) wait(ctx context.Context, n *int) bool {
	for {
		l.mu.Lock()
		zero, changed := *n == 0, l.changed
		l.mu.Unlock()
		if zero {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// accept serves what comes in on socket until it is closed.
func (l *listener) accept(socket net.Listener, log *slog.Logger) {
	err := l.server.Serve(socket)
	if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		log.Error("load balancer stopped accepting", "load_balancer", l.name, "error", err)
	}
}

// retire stops accepting, lets requests finish until ctx ends and cuts those
// that are left. It may be called more than once.
func (l *listener) retire(ctx context.Context) error {
	defer l.cut(errCut)
	l.closing.Store(true)
	l.stopAccepting()
	// A client that is about to reuse an idle connection would lose its request
	// if the server closed it right away.
	lame, cancel := context.WithTimeout(ctx, lameDuck)
	l.wait(lame, &l.open)
	cancel()
	err := l.server.Shutdown(ctx)
	if l.wait(ctx, &l.requests) && err == nil {
		return nil
	}
	l.mu.Lock()
	left := l.requests
	l.mu.Unlock()
	_ = l.server.Close()
	if left == 0 {
		return nil // only connections without a request
	}
	return gennaker.Errorf(gennaker.Unavailable, "load balancer %s stopped with %d requests in flight: %w", l.name, left, ctx.Err())
}

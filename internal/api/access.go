package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// Permission is what a caller needs for a route.
type Permission string

// The permissions. They do not include one another.
const (
	Public  Permission = "public"  // everyone, even a caller who is not known
	Read    Permission = "read"    // look at an application
	Write   Permission = "write"   // change its documents and server groups
	Execute Permission = "execute" // run its pipelines and act on executions
	Admin   Permission = "admin"   // change what belongs to no application
)

// Caller is who sent a request.
type Caller struct {
	User string // gennaker.Anonymous if not known
}

// Access decides who callers are and what they may do. Whatever it returns an
// error for does not happen.
type Access interface {
	// Caller tells who sent r. Errors: Denied.
	Caller(r *http.Request) (Caller, error)
	// Allow reports whether c has permission p in an application; in all for
	// "", which is asked where the path names none. Errors: Denied.
	Allow(c Caller, p Permission, application string) error
}

// Loopback lets everyone on this machine do everything, and nobody else
// anything.
type Loopback struct{}

// Caller returns the anonymous user for a connection from this machine.
func (Loopback) Caller(r *http.Request) (Caller, error) {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !addr.Addr().Unmap().IsLoopback() {
		return Caller{}, errDenied()
	}
	return Caller{User: gennaker.Anonymous}, nil
}

// Allow allows everything.
func (Loopback) Allow(Caller, Permission, string) error { return nil }

// errDenied says nothing of what it protects. Source: Gate's message.
func errDenied() *gennaker.Error {
	return gennaker.Errorf(gennaker.Denied, "Access is denied")
}

// checkHost refuses a request on a loopback address that was made for another
// name: a page in a browser whose name someone pointed at this machine.
func (s *Server) checkHost(r *http.Request) error {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok && !local.IP.IsLoopback() {
		return nil
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if addr, err := netip.ParseAddr(host); err == nil && addr.Unmap().IsLoopback() {
		return nil
	}
	if host == "localhost" || slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(h, host) }) {
		return nil
	}
	return errDenied().WithHint("this server is not known under that name; ask for localhost, or allow the name where the server is started")
}

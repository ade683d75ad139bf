package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/gennaker/gennaker"
)

// Class says why there is no answer.
type Class string

// The classes.
const (
	Forbidden      Class = "forbidden"       // the rules refuse the URL, a redirect of it, or its address
	UnknownHost    Class = "unknown host"    // the name does not resolve
	ConnectTimeout Class = "connect timeout" // nothing was sent
	ReadTimeout    Class = "read timeout"    // it was perhaps carried out
	Refused        Class = "refused"         // nobody listens there; nothing was sent
	TLS            Class = "tls"             // the certificate, or the handshake
	TooLarge       Class = "too large"       // the body is over the bound
	Canceled       Class = "canceled"        // the caller's context ended
	Failed         Class = "failed"          // anything else: the connection broke, a header is malformed
)

// Error is why there is no answer. Its message shows nothing of a URL but its
// origin, and nothing of headers.
//
// Its kind is Denied for Forbidden, TooLarge for TooLarge, Invalid for a URL
// that cannot be read, and else Unavailable.
type Error struct {
	Class Class
	err   *gennaker.Error
}

func (e *Error) Error() string { return e.err.Message }

// Unwrap returns the kind, the hint and the cause.
func (e *Error) Unwrap() error { return e.err }

func (e *Error) withHint(format string, args ...any) *Error {
	return &Error{Class: e.Class, err: e.err.WithHint(format, args...)}
}

func forbidden(format string, args ...any) *Error {
	return &Error{Class: Forbidden, err: gennaker.Errorf(gennaker.Denied, format, args...)}
}

// ClassOf returns the class of an error of this package, or of one of HTTP's;
// "" for nil.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return classify(err)
}

// classify tells the class of an error of net/http.
func classify(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	if errors.Is(err, context.Canceled) {
		return Canceled
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return UnknownHost // also if the name servers do not answer, as in Java
	}
	if isTLS(err) {
		return TLS
	}
	var timeout interface{ Timeout() bool }
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		e, ok := errors.AsType[*net.OpError](err)
		if ok && (e.Op == "dial" || e.Op == "proxyconnect") || strings.Contains(err.Error(), "TLS handshake timeout") {
			return ConnectTimeout
		}
		return ReadTimeout
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return Refused
	}
	return Failed
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && (e.Op == "remote error" || e.Op == "local error") {
		return true // an alert, received or sent
	}
	return strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "HTTP response to HTTPS client")
}

// explain makes an *Error of an error of net/http. The text of the error is
// taken from below its *url.Error, which shows the URL.
func (c *Client) explain(origin string, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	class := classify(err)
	say := func(format string, args ...any) *gennaker.Error {
		return &gennaker.Error{Kind: gennaker.Unavailable, Message: origin + " " + fmt.Sprintf(format, args...), Err: err}
	}
	var e *gennaker.Error
	switch class {
	case UnknownHost:
		e = say("cannot be reached: its host name does not resolve").WithHint("check the host in the URL, and the name servers of this machine")
	case ConnectTimeout:
		e = say("could not be connected to within %v", c.options.ConnectTimeout).WithHint("check that this machine may reach it")
	case ReadTimeout:
		e = say("did not answer in time").WithHint("the server waits %v for the next byte, and %v in all", c.options.ReadTimeout, c.options.TotalTimeout)
	case Refused:
		e = say("refuses connections").WithHint("check the port, and that the service runs")
	case TLS:
		e = say("could not be connected to securely: %s", cause(err)).WithHint("add its certificate authority to the configuration")
	case Canceled:
		e = say("was not asked to the end: the work was canceled")
	case Forbidden, TooLarge, Failed:
		e = say("could not be asked: %s", cause(err))
	}
	return &Error{Class: class, err: e}
}

// cause returns the text of the error below those that show the URL.
func cause(err error) string {
	for {
		u, ok := errors.AsType[*url.Error](err)
		if !ok {
			break
		}
		err = u.Unwrap()
	}
	text := strings.ToValidUTF8(err.Error(), "")
	if strings.Contains(text, "Location header") {
		return "it redirects to what is no URL"
	}
	const longest = 300
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

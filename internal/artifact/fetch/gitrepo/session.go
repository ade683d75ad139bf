package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"

	"github.com/gennaker/gennaker"
)

// maxReferences bounds what a server may say about its references, in bytes.
const maxReferences = 32 << 20

// httpSession is a conversation over smart HTTP.
type httpSession struct {
	transport.UploadPackSession
}

func dialHTTP(remote Remote) (session, error) {
	client := *remote.Client
	client.Transport = boundedTransport{client.Transport, remote.MaxBytes + maxReferences}
	var auth transport.AuthMethod
	if remote.Password != "" || remote.Username != "" {
		auth = &githttp.BasicAuth{Username: remote.Username, Password: remote.Password}
	}
	s, err := githttp.NewClient(&client).NewUploadPackSession(remote.URL.endpoint, auth)
	if err != nil {
		return nil, err
	}
	return httpSession{s}, nil
}

func (s httpSession) advertised(ctx context.Context) (*packp.AdvRefs, error) {
	return s.AdvertisedReferencesContext(ctx)
}

func (s httpSession) pack(ctx context.Context, req *packp.UploadPackRequest) (io.ReadCloser, error) {
	return s.UploadPack(ctx, req)
}

// boundedTransport bounds each answer, because go-git reads some of them whole.
type boundedTransport struct {
	next  http.RoundTripper
	bytes int64
}

// RoundTrip implements http.RoundTripper.
func (b boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{&boundedReader{from: resp.Body, left: b.bytes}, resp.Body}
	return resp, nil
}

// sshSession is a conversation with git-upload-pack on another host.
type sshSession struct {
	client *ssh.Client
	in     io.WriteCloser
	out    io.Reader
	stderr *bytes.Buffer
	stop   func() bool
}

func dialSSH(ctx context.Context, remote Remote) (_ session, err error) {
	config, address, err := sshConfig(remote)
	if err != nil {
		return nil, err
	}
	conn, err := remote.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	// What reads and writes below does not know the context: closing ends it.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		if err != nil {
			stop()
			_ = conn.Close()
		}
	}()
	c, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHandshake, err)
	}
	client := ssh.NewClient(c, channels, requests)
	channel, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	in, err := channel.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := channel.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s := &sshSession{client: client, in: in, out: out, stop: stop, stderr: &bytes.Buffer{}}
	channel.Stderr = &limitedWriter{to: s.stderr, left: 4096}
	return s, channel.Start("git-upload-pack '" + strings.ReplaceAll(remote.URL.endpoint.Path, "'", `'\''`) + "'")
}

// errHandshake says that host and account do not trust each other.
var errHandshake = errors.New("ssh handshake")

func sshConfig(remote Remote) (*ssh.ClientConfig, string, error) {
	e := remote.URL.endpoint
	port := e.Port
	if port == 0 {
		port = 22
	}
	address := net.JoinHostPort(e.Host, strconv.Itoa(port))
	user := e.User
	if user == "" {
		user = "git"
	}
	bad := func(format string, args ...any) *gennaker.Error {
		return gennaker.Errorf(gennaker.Invalid, "account %s "+format, append([]any{remote.Account}, args...)...)
	}
	config := &ssh.ClientConfig{User: user}
	switch {
	case len(remote.PrivateKey) > 0:
		keys, err := gitssh.NewPublicKeys(user, remote.PrivateKey, remote.Passphrase)
		if err != nil {
			return nil, "", bad("has a private key that cannot be read").WithHint("give a PEM or OpenSSH key, and its passphrase if it has one")
		}
		config.Auth = []ssh.AuthMethod{ssh.PublicKeys(keys.Signer)}
	case remote.Password != "":
		config.Auth = []ssh.AuthMethod{ssh.Password(remote.Password)}
	default:
		return nil, "", bad("has no key for ssh").WithHint("set sshPrivateKeyFilePath, or use the https address of the repository")
	}
	switch {
	case remote.TrustUnknownHosts:
		config.HostKeyCallback = ssh.InsecureIgnoreHostKey()
	case remote.KnownHosts == "":
		return nil, "", bad("does not say which hosts it knows").WithHint("set sshKnownHostsFilePath; ssh-keyscan %s shows what belongs there", e.Host)
	default:
		known, err := gitssh.NewKnownHostsDb(remote.KnownHosts)
		if err != nil {
			return nil, "", bad("has a file of known hosts that cannot be read, %s", remote.KnownHosts).WithHint("see ssh-keyscan")
		}
		config.HostKeyCallback = known.HostKeyCallback()
		config.HostKeyAlgorithms = known.HostKeyAlgorithms(address)
	}
	return config, address, nil
}

func (s *sshSession) advertised(context.Context) (*packp.AdvRefs, error) {
	adv := packp.NewAdvRefs()
	if err := adv.Decode(&boundedReader{from: s.out, left: maxReferences}); err != nil {
		if errors.Is(err, packp.ErrEmptyInput) { // it said why on the other channel
			return nil, transport.ErrRepositoryNotFound
		}
		if errors.Is(err, packp.ErrEmptyAdvRefs) {
			return nil, transport.ErrEmptyRemoteRepository
		}
		return nil, err
	}
	if adv.IsEmpty() {
		return nil, transport.ErrEmptyRemoteRepository
	}
	transport.FilterUnsupportedCapabilities(adv.Capabilities)
	return adv, nil
}

func (s *sshSession) pack(_ context.Context, req *packp.UploadPackRequest) (io.ReadCloser, error) {
	if err := req.Validate(); err != nil {
		return nil, err
	}
	if err := req.UploadRequest.Encode(s.in); err != nil {
		return nil, fmt.Errorf("ask for commits: %w", err)
	}
	if err := req.UploadHaves.Encode(s.in, true); err != nil {
		return nil, fmt.Errorf("ask for commits: %w", err)
	}
	if err := pktline.NewEncoder(s.in).EncodeString("done\n"); err != nil {
		return nil, fmt.Errorf("ask for commits: %w", err)
	}
	if err := s.in.Close(); err != nil {
		return nil, fmt.Errorf("ask for commits: %w", err)
	}
	res := packp.NewUploadPackResponse(req)
	if err := res.Decode(io.NopCloser(s.out)); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return res, nil
}

func (s *sshSession) Close() error {
	s.stop()
	return s.client.Close()
}

// limitedWriter drops what is too much.
type limitedWriter struct {
	to   io.Writer
	left int
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	if n := min(len(p), w.left); n > 0 {
		w.left -= n
		if _, err := w.to.Write(p[:n]); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// explain gives an error its kind.
func (r Remote) explain(err error) error {
	var own *gennaker.Error
	var status *githttp.Err
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &own):
		return own // without what is around it: that may have a URL with a password
	case errors.Is(err, errTooMuch):
		return gennaker.Errorf(gennaker.TooLarge, "%s sends more than %d MiB", r.URL, r.MaxBytes>>20).
			WithHint("take a smaller repository, or raise the bound")
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed), errors.Is(err, errHandshake):
		e := gennaker.Errorf(gennaker.Denied, "account %s may not read %s", r.Account, r.URL).
			WithHint("check the account's credentials and, for ssh, its known hosts, and that the repository exists")
		e.Err = err
		return e
	case errors.Is(err, transport.ErrRepositoryNotFound), errors.Is(err, git.ErrRepositoryNotExists):
		return gennaker.Errorf(gennaker.NotFound, "there is no repository at %s that account %s can see", r.URL, r.Account).
			WithHint("check the reference, and what the account may read")
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return gennaker.Errorf(gennaker.NotFound, "the repository at %s is empty", r.URL)
	}
	reason := err
	if u, ok := errors.AsType[*url.Error](err); ok {
		reason = u.Err // the URL in it may have a password
	}
	if p, ok := errors.AsType[*plumbing.UnexpectedError](err); ok && errors.As(p.Err, &status) {
		reason = fmt.Errorf("status %d", status.StatusCode())
	}
	return gennaker.Errorf(gennaker.Unavailable, "read git repository %s: %w", r.URL, reason).
		WithHint("try again; if it stays, look at the server")
}

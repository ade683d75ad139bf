package egress_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
)

// direct keeps the environment of the tests out of them.
func direct(*http.Request) (*url.URL, error) { return nil, nil }

func newClient(t *testing.T, r egress.Rules, o egress.Options) *egress.Client {
	t.Helper()
	if o.Proxy == nil {
		o.Proxy = direct
	}
	c, err := egress.New(r, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func get(t *testing.T, c *egress.Client, address string) (egress.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(r, 1<<16)
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestCheck(t *testing.T) {
	t.Parallel()
	expressions, webhooks := egress.ForExpressions(), egress.ForWebhooks()
	pinned := egress.Rules{Setting: "x", AllowedHosts: []string{"*.Example.com", "example.org"}, DeniedHosts: []string{"secret.*"}, Schemes: []string{"https"}}
	for name, tt := range map[string]struct {
		rules egress.Rules
		url   string
		want  string // the setting of the hint; "" is allowed
	}{
		// Source: Spinnaker orca UserConfiguredUrlRestrictionsSpec, as expressions.md §5 has it.
		"expression: host with a dot":           {expressions, "https://www.example.com/x", ""},
		"expression: http":                      {expressions, "http://www.example.com", ""},
		"expression: port":                      {expressions, "http://www.example.com:8080", ""},
		"expression: underscore":                {expressions, "http://my_host.example.com", ""},
		"expression: ftp":                       {expressions, "ftp://www.example.com", "expression.urls.allowedSchemes"},
		"expression: file":                      {expressions, "file:///etc/passwd", "expression.urls.allowedSchemes"},
		"expression: no scheme":                 {expressions, "www.example.com", "expression.urls.allowedSchemes"},
		"expression: no host":                   {expressions, "http:///x", "write the whole URL"},
		"expression: one word":                  {expressions, "http://orca/ops", "expression.urls.allowHostWithoutDot"},
		"expression: spinnaker":                 {expressions, "http://orca.spinnaker/ops", "expression.urls.deniedHosts"},
		"expression: local":                     {expressions, "http://foo.bar.local", "expression.urls.deniedHosts"},
		"expression: localdomain":               {expressions, "http://foo.localdomain", "expression.urls.deniedHosts"},
		"expression: internal":                  {expressions, "http://metadata.google.internal", "expression.urls.deniedHosts"},
		"expression: internal with a dot":       {expressions, "http://metadata.google.INTERNAL.", "expression.urls.deniedHosts"},
		"expression: internal within":           {expressions, "http://internal.example.com", ""},
		"expression: localhost":                 {expressions, "http://localhost:8080", "expression.urls.allowLoopback"},
		"expression: under localhost":           {expressions, "http://a.localhost", "expression.urls.allowLoopback"},
		"expression: 127.0.0.1":                 {expressions, "http://127.0.0.1", "expression.urls.allowVerbatimAddress"},
		"expression: public address":            {expressions, "http://192.0.2.1", "expression.urls.allowVerbatimAddress"},
		"expression: IPv6":                      {expressions, "http://[2001:db8::1]:80", "expression.urls.allowVerbatimAddress"},
		"expression: short address":             {expressions, "http://127.1", "expression.urls.allowVerbatimAddress"},
		"expression: address in one":            {expressions, "http://2130706433", "expression.urls.allowVerbatimAddress"},
		"expression: hexadecimal":               {expressions, "http://0x7f.0x1", "expression.urls.allowVerbatimAddress"},
		"expression: full-width letters":        {expressions, "http://metadata.google.ｉnternal", "xn--"},
		"webhook: one word":                     {webhooks, "http://jenkins:8080", ""},
		"webhook: localhost":                    {webhooks, "http://localhost:8080", ""},
		"webhook: loopback":                     {webhooks, "http://127.0.0.1", ""},
		"webhook: private":                      {webhooks, "http://10.0.0.1", ""},
		"webhook: metadata":                     {webhooks, "http://169.254.169.254/latest", "webhook.urls.allowLinkLocal"},
		"webhook: metadata, mapped":             {webhooks, "http://[::ffff:169.254.169.254]/", "webhook.urls.allowLinkLocal"},
		"webhook: metadata by NAT64":            {webhooks, "http://[64:ff9b::a9fe:a9fe]/", "webhook.urls.allowLinkLocal"},
		"webhook: metadata by 6to4":             {webhooks, "http://[2002:a9fe:a9fe::1]/", "webhook.urls.allowLinkLocal"},
		"webhook: metadata of AWS in IPv6":      {webhooks, "http://[fd00:ec2::254]/", "webhook.urls.allowLinkLocal"},
		"webhook: metadata of Alibaba":          {webhooks, "http://100.100.100.200/", "webhook.urls.allowLinkLocal"},
		"webhook: link-local with zone":         {webhooks, "http://[fe80::1%25eth0]/", "webhook.urls.allowLinkLocal"},
		"webhook: ftp":                          {webhooks, "ftp://x", "webhook.urls.allowedSchemes"},
		"pinned: under a pattern":               {pinned, "https://api.example.com", ""},
		"pinned: case":                          {pinned, "https://API.EXAMPLE.COM", ""},
		"pinned: exact":                         {pinned, "https://example.org", ""},
		"pinned: not under an exact name":       {pinned, "https://a.example.org", "x.allowedHosts"},
		"pinned: suffix only":                   {pinned, "https://evilexample.com", "x.allowedHosts"},
		"pinned: denied before allowed":         {pinned, "https://secret.example.com", "x.deniedHosts"},
		"pinned: scheme":                        {pinned, "http://api.example.com", "x.allowedSchemes"},
		"pinned: user that looks like the host": {pinned, "https://api.example.com@evil.test", "x.allowedHosts"},
		"no setting":                            {egress.Rules{}, "http://one", "set allowHostWithoutDot"},
		"private only":                          {egress.Rules{Verbatim: true}, "http://10.1.2.3", "allowPrivate"},
		"private IPv6":                          {egress.Rules{Verbatim: true}, "http://[fd12::1]", "allowPrivate"},
		"carrier":                               {egress.Rules{Verbatim: true}, "http://100.64.0.1", "allowPrivate"},
		"unspecified":                           {egress.Rules{Verbatim: true}, "http://0.0.0.0", "allowLoopback"},
		"unspecified IPv6":                      {egress.Rules{Verbatim: true}, "http://[::]", "allowLoopback"},
		"loopback IPv6":                         {egress.Rules{Verbatim: true}, "http://[::1]", "allowLoopback"},
		"denied network":                        {egress.Rules{Verbatim: true, DeniedNets: []string{"192.0.2.0/24"}}, "http://192.0.2.7", "deniedAddresses"},
		"denied address":                        {egress.Rules{Verbatim: true, DeniedNets: []string{"192.0.2.7"}}, "http://192.0.2.7", "deniedAddresses"},
		"beside a denied network":               {egress.Rules{Verbatim: true, DeniedNets: []string{"192.0.2.0/24"}}, "http://192.0.3.7", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			err = tt.rules.Check(u)
			if tt.want == "" && err != nil {
				t.Fatalf("refused: %v (%s)", err, gennaker.HintOf(err))
			}
			if tt.want != "" && (egress.ClassOf(err) != egress.Forbidden || gennaker.KindOf(err) != gennaker.Denied || !strings.Contains(gennaker.HintOf(err), tt.want)) {
				t.Errorf("got %v, hint %q; want a hint with %q", err, gennaker.HintOf(err), tt.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		rules   egress.Rules
		options egress.Options
	}{
		"allowed pattern": {rules: egress.Rules{AllowedHosts: []string{"[a"}}},
		"denied pattern":  {rules: egress.Rules{DeniedHosts: []string{"[a"}}},
		"network":         {rules: egress.Rules{DeniedNets: []string{"10.0.0.0/99"}}},
		"CA absent":       {options: egress.Options{CAFile: text + "x"}},
		"CA text":         {options: egress.Options{CAFile: text}},
		"certificate":     {options: egress.Options{CertFile: text, KeyFile: text}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := egress.New(tt.rules, tt.options); gennaker.KindOf(err) != gennaker.Invalid {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestDo(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Agent", r.UserAgent())
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s", r.Method, body)
	})
	c := newClient(t, egress.ForWebhooks(), egress.Options{})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Do(r, 8)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != http.StatusTeapot || string(got.Body) != "PUT body" || got.Header.Get("X-Agent") != "gennaker" {
		t.Errorf("got %d %q %v", got.Status, got.Body, got.Header)
	}
	if r.Header.Get("User-Agent") != "" {
		t.Error("the caller's request was changed")
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 1 << 16 { // 64 MiB, unless the client closes
			n, err := w.Write(make([]byte, 1<<10))
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	got, err := get(t, newClient(t, egress.ForWebhooks(), egress.Options{}), s.URL)
	if egress.ClassOf(err) != egress.TooLarge || gennaker.KindOf(err) != gennaker.TooLarge || got.Status != 200 || got.Body != nil {
		t.Errorf("got %d, %d bytes, %v", got.Status, len(got.Body), err)
	}
	s.Close()
	if sent.Load() == 64<<20 {
		t.Error("all of it was read")
	}
}

// TestRedirects: the rules hold for each redirect, and headers stay with the
// origin that they were meant for.
func TestRedirects(t *testing.T) {
	t.Parallel()
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, h := range []string{"X-Api-Key", "Authorization", "Referer", "Accept"} {
			fmt.Fprintf(w, "%s=%s ", h, r.Header.Get(h))
		}
	})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/other":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		default:
			fmt.Fprintf(w, "X-Api-Key=%s", r.Header.Get("X-Api-Key"))
		}
	})
	for name, tt := range map[string]struct {
		path    string
		options egress.Options
		status  int
		want    string // body, or the error's message
	}{
		"same origin":  {"/same", egress.Options{}, 200, "X-Api-Key=key"},
		"other origin": {"/other", egress.Options{}, 200, "X-Api-Key= Authorization= Referer= Accept=text/plain "},
		"off":          {"/other", egress.Options{NoRedirects: true}, 307, "<a href=\"" + other.URL + "\">Temporary Redirect</a>.\n\n"},
		"loop":         {"/loop", egress.Options{}, 0, s.URL + " redirects more than 10 times"},
		"metadata":     {"/metadata", egress.Options{}, 0, "the address 169.254.169.254 is link-local, or serves the metadata of a machine"},
		"file":         {"/file", egress.Options{}, 0, "the scheme of the URL is not one of http, https"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+tt.path+"?token=t", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Api-Key", "key")
			r.Header.Set("Authorization", "Bearer b")
			r.Header.Set("Accept", "text/plain")
			got, err := newClient(t, egress.ForWebhooks(), tt.options).Do(r, 1<<16)
			said := string(got.Body)
			if err != nil {
				said = err.Error()
				if egress.ClassOf(err) != egress.Forbidden {
					t.Errorf("class is %s", egress.ClassOf(err))
				}
			}
			if got.Status != tt.status || said != tt.want {
				t.Errorf("got %d %q, want %d %q", got.Status, said, tt.status, tt.want)
			}
		})
	}
}

// resolver answers every question for an IPv4 address with the next of addrs.
func resolver(addrs ...string) *net.Resolver {
	var asked atomic.Int64
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answer(server, addrs, &asked)
		return client, nil
	}}
}

func answer(conn net.Conn, addrs []string, asked *atomic.Int64) {
	defer conn.Close()
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return
	}
	q := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, q); err != nil || len(q) < 12 {
		return
	}
	end := 12
	for q[end] != 0 {
		end += int(q[end]) + 1
	}
	end += 5 // the root label, type and class
	out := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end]...)
	if kind := binary.BigEndian.Uint16(q[end-4:]); kind == 1 {
		i := min(int(asked.Add(1))-1, len(addrs)-1)
		out[7] = 1
		ip := netip.MustParseAddr(addrs[i]).As4()
		out = append(append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), ip[:]...)
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
}

// TestRebinding: what counts is the address that is dialed, not what a name
// resolved to before.
func TestRebinding(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "inside") })
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	rules := egress.ForExpressions()
	for name, tt := range map[string]struct {
		rules egress.Rules
		addr  string
		want  string
	}{
		"loopback":         {rules, "127.0.0.1", "the address 127.0.0.1 is this machine"},
		"metadata":         {rules, "169.254.169.254", "the address 169.254.169.254 is link-local, or serves the metadata of a machine"},
		"private":          {egress.Rules{}, "10.0.0.1", "the address 10.0.0.1 is private"},
		"loopback allowed": {egress.Rules{Loopback: true}, "127.0.0.1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, tt.rules, egress.Options{Resolver: resolver(tt.addr)})
			got, err := c.Text(t.Context(), "http://rebinding.example.com"+port)
			switch {
			case tt.want == "" && (err != nil || got != "inside"):
				t.Errorf("got %q, %v", got, err)
			case tt.want != "" && (err == nil || err.Error() != tt.want || egress.ClassOf(err) != egress.Forbidden):
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}

	// The name changes between two connections.
	c := newClient(t, egress.Rules{Loopback: true, DeniedNets: []string{"127.0.0.2"}}, egress.Options{Resolver: resolver("127.0.0.1", "127.0.0.2")})
	if got, err := c.Text(t.Context(), "http://rebinding.example.com"+port); got != "inside" {
		t.Errorf("got %q, %v", got, err)
	}
	c.Close()
	if _, err := c.Text(t.Context(), "http://rebinding.example.com"+port); egress.ClassOf(err) != egress.Forbidden {
		t.Errorf("after it changed: %v", err)
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()

	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })

	release := make(chan struct{})
	slow := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			fmt.Fprint(w, "begin")
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-r.Context().Done():
		case <-release:
		}
	})
	t.Cleanup(func() { close(release) })
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(secure.Close)
	broken := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	nameless := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}}
	short := 30 * time.Millisecond
	for name, tt := range map[string]struct {
		url     string
		options egress.Options
		class   egress.Class
		want    string
	}{
		"unknown host":      {"http://user:pw@nobody.example.com/p", egress.Options{Resolver: nameless}, egress.UnknownHost, "http://nobody.example.com cannot be reached"},
		"refused":           {"http://" + nobody + "/p", egress.Options{}, egress.Refused, "refuses connections"},
		"handshake":         {"https://" + silent.Addr().String(), egress.Options{ConnectTimeout: short}, egress.ConnectTimeout, "could not be connected to within 30ms"},
		"no answer":         {slow.URL, egress.Options{ReadTimeout: short}, egress.ReadTimeout, "did not answer in time"},
		"half an answer":    {slow.URL + "/body", egress.Options{ReadTimeout: short}, egress.ReadTimeout, "did not answer in time"},
		"too long in all":   {slow.URL, egress.Options{TotalTimeout: short}, egress.ReadTimeout, "did not answer in time"},
		"unknown authority": {secure.URL, egress.Options{}, egress.TLS, "securely"},
		"no TLS there":      {strings.Replace(slow.URL, "http:", "https:", 1), egress.Options{}, egress.TLS, "securely"},
		"broken connection": {broken.URL, egress.Options{}, egress.Failed, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := get(t, newClient(t, egress.ForWebhooks(), tt.options), tt.url)
			if egress.ClassOf(err) != tt.class || !strings.Contains(fmt.Sprint(err), tt.want) || gennaker.KindOf(err) != gennaker.Unavailable {
				t.Errorf("class %q (want %q), %v, %s", egress.ClassOf(err), tt.class, err, gennaker.KindOf(err))
			}
			if strings.Contains(fmt.Sprint(err), "pw") || strings.Contains(fmt.Sprint(err), "user") {
				t.Errorf("it shows who asks: %v", err)
			}
		})
	}
	if got := egress.ClassOf(&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}); got != egress.ConnectTimeout {
		t.Errorf("a dial that timed out is %q", got)
	}
	if got := egress.ClassOf(nil); got != "" {
		t.Errorf("no error is %q", got)
	}
}

func TestCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = newClient(t, egress.ForWebhooks(), egress.Options{}).Do(r, 1); egress.ClassOf(err) != egress.Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// TestSteady: a slow body is read to its end as long as bytes come.
func TestSteady(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for range 12 {
			fmt.Fprint(w, "x")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(100 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
	})
	got, err := get(t, newClient(t, egress.ForWebhooks(), egress.Options{ReadTimeout: time.Second}), s.URL)
	if err != nil || string(got.Body) != strings.Repeat("x", 12) {
		t.Errorf("got %q, %v", got.Body, err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%d certificates, HTTP/%d", len(r.TLS.PeerCertificates), r.ProtoMajor)
	}))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert} //nolint:gosec // the versions are the server's default
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		options egress.Options
		want    string
	}{
		"authority":   {egress.Options{CAFile: ca}, "0 certificates, HTTP/2"},
		"insecure":    {egress.Options{InsecureSkipVerify: true}, "0 certificates, HTTP/2"},
		"certificate": {egress.Options{CAFile: ca, CertFile: ca, KeyFile: key}, "1 certificates, HTTP/2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := newClient(t, egress.ForWebhooks(), tt.options).Text(t.Context(), s.URL)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestProxy: what goes to a proxy is checked by its URL; the proxy may stand
// where the rules allow nothing else.
func TestProxy(t *testing.T) {
	t.Parallel()
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "by proxy to "+r.URL.Host) })
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, egress.ForExpressions(), egress.Options{Proxy: func(*http.Request) (*url.URL, error) { return at, nil }})
	if got, err := c.Text(t.Context(), "http://www.example.com/x"); err != nil || got != "by proxy to www.example.com" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := c.Text(t.Context(), "http://127.0.0.1/x"); egress.ClassOf(err) != egress.Forbidden {
		t.Errorf("an address by proxy: %v", err)
	}
	bad := newClient(t, egress.ForExpressions(), egress.Options{Proxy: func(*http.Request) (*url.URL, error) {
		return nil, errors.New("invalid proxy address user:pw@host")
	}})
	if _, err := bad.Text(t.Context(), "http://www.example.com/x"); err == nil || strings.Contains(err.Error(), "pw") {
		t.Errorf("a proxy that is no URL: %v", err)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/absent":
			http.NotFound(w, r)
		case "/large":
			fmt.Fprint(w, strings.Repeat("x", 100))
		default:
			fmt.Fprint(w, "a\xffb")
		}
	})
	c := newClient(t, egress.ForWebhooks(), egress.Options{FetchBytes: 50})
	for path, want := range map[string]string{
		s.URL + "/text":   "a\uFFFDb",
		s.URL + "/absent": s.URL + " answered with status 404 Not Found",
		s.URL + "/large":  "the answer of " + s.URL + " has more than 50 bytes",
		"http://a b/":     "the text is no URL",
		"":                "the scheme of the URL is not one of http, https",
	} {
		got, err := c.Text(t.Context(), path)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// TestHTTP: the rules hold for libraries too.
func TestHTTP(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://169.254.169.254/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := newClient(t, egress.ForWebhooks(), egress.Options{}).HTTP().Do(r)
	if answer != nil {
		answer.Body.Close()
	}
	if egress.ClassOf(err) != egress.Forbidden {
		t.Errorf("error is %v", err)
	}
}

// FuzzCheck holds that whatever the rules for expressions let pass has a host
// with a dot that is no address.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{"http://a.b/c", "https://[::1]", "http://1.2.3.4", "http://a@b.c:1/", "http://0x7f.1", "//x", "http://%31.2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := egress.Parse(s)
		if err != nil || egress.ForExpressions().Check(u) != nil {
			return
		}
		host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
		if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") || strings.HasSuffix(host, ".internal") {
			t.Errorf("%q may be asked", s)
		}
	})
}

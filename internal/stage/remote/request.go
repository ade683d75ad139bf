package remote

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/stage"
)

// order is a request to be made.
type order struct {
	method, url string
	payload     any
	key         string // the same for each attempt; "" for what only reads
}

// unsent are headers that nobody may set: other parts of Spinnaker trust them.
//
// Source: Spinnaker orca WebhookService.headerDenyList.
var unsent = []string{
	"X-Spinnaker-User", "X-Spinnaker-Account", "X-Spinnaker-Accounts", "X-Spinnaker-User-Origin",
	"X-Spinnaker-Request-Id", "X-Spinnaker-Execution-Id", "Content-Length", "Transfer-Encoding",
}

// request makes a request, with headers, signature and key.
//
// Errors: Invalid, Denied, and Unavailable for secrets that cannot be had now.
func (w webhook) request(ctx context.Context, in stage.Input, c webhookConfig, o order) (*http.Request, AllowedRequest, error) {
	u, err := egress.Parse(o.url)
	if err != nil {
		return nil, AllowedRequest{}, fmt.Errorf("read the URL of the webhook: %w", err)
	}
	entry, ok := w.cfg.allowed(o.method, u)
	if !ok {
		return nil, entry, gennaker.Errorf(gennaker.Denied, "http method '%s', uri: '%s' not allowed", o.method, shown(o.url)).
			WithHint("add it to webhook.allowedRequests")
	}
	headers := http.Header{"Accept": {"application/json, application/*+json, text/plain, */*"}}
	setHeaders(headers, c.CustomHeaders)
	credentials := w.credentials(c, u)
	for _, cr := range credentials {
		if err := w.secretHeaders(ctx, in, headers, cr.headers); err != nil {
			return nil, entry, err
		}
	}
	payload, err := encodePayload(o, headers)
	if err != nil {
		return nil, entry, err
	}
	for _, cr := range credentials {
		if err := w.sign(ctx, headers, cr.signature, payload); err != nil {
			return nil, entry, err
		}
	}
	if o.key != "" && headers.Get(w.cfg.KeyHeader) == "" {
		headers.Set(w.cfg.KeyHeader, o.key)
	}
	r, err := http.NewRequestWithContext(ctx, o.method, u.String(), bytes.NewReader(payload))
	if err != nil {
		return nil, entry, gennaker.Errorf(gennaker.Invalid, "the URL of the webhook cannot be requested").WithHint("write it like https://example.com/path")
	}
	r.Header, r.Host = headers, headers.Get("Host")
	return r, entry, nil
}

// setHeaders puts headers of a configuration over those that are there.
func setHeaders(into http.Header, headers map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if slices.Contains(unsent, http.CanonicalHeaderKey(name)) {
			continue
		}
		if values := headerValues(headers[name]); len(values) > 0 {
			into[http.CanonicalHeaderKey(name)] = values
		}
	}
}

func headerValues(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []string:
		return v
	case []any:
		out := make([]string, 0, len(v))
		for _, x := range v {
			out = append(out, text(x))
		}
		return out
	}
	return []string{text(v)}
}

// encodePayload returns the body of a request, and sets its type unless the
// headers say it.
//
// Source: Spinnaker orca WebhookConfiguration, for forms. That GET and HEAD have
// no body is ours: Orca refuses to send one.
func encodePayload(o order, headers http.Header) ([]byte, error) {
	if o.payload == nil || o.method == http.MethodGet || o.method == http.MethodHead {
		return nil, nil
	}
	if headers.Get("Content-Type") == "" {
		headers.Set("Content-Type", "application/json")
	}
	if s, ok := o.payload.(string); ok {
		return []byte(s), nil
	}
	if fields, ok := o.payload.(map[string]any); ok && strings.HasPrefix(headers.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form := url.Values{}
		for k, v := range fields {
			form.Set(k, text(v))
		}
		return []byte(form.Encode()), nil
	}
	out, err := encode(o.payload)
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the payload cannot be written as JSON: %w", err)
	}
	return out, nil
}

// credential is what a request to a trusted place gets besides its own headers.
type credential struct {
	headers   map[string]any
	signature *Signature
}

// credentials returns those for a request to u: the configuration says where
// they may go, so that nobody can have them sent elsewhere.
func (w webhook) credentials(c webhookConfig, u *url.URL) []credential {
	var out []credential
	for _, a := range w.cfg.Accounts {
		if a.Name == c.Account && slices.ContainsFunc(a.URLPrefixes, func(p string) bool { return under(p, u) }) {
			out = append(out, credential{a.Headers, a.Signature})
		}
	}
	if p := w.preconfigured; p != nil && slices.ContainsFunc(p.origins(), func(o string) bool { return under(o, u) }) {
		out = append(out, credential{p.secretHeaders(), p.Signature})
	}
	return out
}

// under reports whether u has the scheme, host and port of prefix, and a path
// within its.
func under(prefix string, u *url.URL) bool {
	p, err := egress.Parse(prefix)
	if err != nil || !strings.EqualFold(p.Scheme, u.Scheme) || !strings.EqualFold(p.Hostname(), u.Hostname()) || port(p) != port(u) {
		return false
	}
	within := strings.TrimSuffix(path.Clean("/"+p.Path), "/")
	at := path.Clean("/" + u.Path)
	return at == within || strings.HasPrefix(at, within+"/")
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	}
	return "80"
}

// secretHeaders puts headers of the configuration over those that are there,
// with the values of their expressions and references.
func (w webhook) secretHeaders(ctx context.Context, in stage.Input, into http.Header, headers map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		var values []string
		for _, raw := range headerValues(headers[name]) {
			if stage.HasExpression(raw) {
				v, summary := in.Eval(raw, nil)
				if len(summary.Findings) > 0 {
					return gennaker.Errorf(gennaker.Invalid, "the header %s of the preconfigured webhook %s has an expression without a value", name, in.Stage.Type)
				}
				raw = text(v)
			}
			value, err := w.secret(ctx, raw)
			if err != nil {
				return fmt.Errorf("get the header %s of the webhook: %w", name, err)
			}
			values = append(values, value)
		}
		setHeaders(into, map[string]any{name: values})
	}
	return nil
}

func (w webhook) secret(ctx context.Context, reference string) (string, error) {
	if w.cfg.Secret == nil {
		return reference, nil
	}
	return w.cfg.Secret(ctx, reference)
}

// sign adds a signature; nil is none.
func (w webhook) sign(ctx context.Context, headers http.Header, s *Signature, payload []byte) error {
	if s == nil {
		return nil
	}
	key, err := w.secret(ctx, s.Secret)
	if err != nil {
		return fmt.Errorf("get the key that signs the webhook: %w", err)
	}
	if key == "" {
		return gennaker.Errorf(gennaker.Invalid, "the key that signs the webhook is empty").WithHint("set signature.secret in the configuration")
	}
	sum := hmac.New(sha256.New, []byte(key))
	sum.Write(payload)
	name := s.Header
	if name == "" {
		name = signatureHeader
	}
	headers.Set(name, "sha256="+hex.EncodeToString(sum.Sum(nil)))
	return nil
}

// idempotencyKey makes a key of what identifies the work: short, and without
// characters that a header cannot hold.
func idempotencyKey(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// send makes a request and sends it.
//
// Errors: as request's, and egress's; the answer is there too if its body was
// too large.
func (w webhook) send(ctx context.Context, in stage.Input, c webhookConfig, o order) (egress.Response, AllowedRequest, error) {
	r, entry, err := w.request(ctx, in, c, o)
	if err != nil {
		return egress.Response{}, entry, err
	}
	answer, err := w.cfg.Client.Do(r, w.cfg.MaxResponseBytes)
	return answer, entry, err
}

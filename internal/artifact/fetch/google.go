package fetch

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
)

// googleScope is all that is asked for.
const googleScope = "https://www.googleapis.com/auth/devstorage.read_only"

// googleTokens gets access tokens for a service account, and keeps each until it
// ends. Source: RFC 7523, "Using OAuth 2.0 for Server to Server Applications".
type googleTokens struct {
	path string
	site site

	mu    sync.Mutex
	token string
	until time.Time
}

// serviceAccount is what is needed of the file with a key.
type serviceAccount struct {
	Type         string `json:"type"`
	ClientEmail  string `json:"client_email"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	TokenURI     string `json:"token_uri"`
}

// authorize adds a token, or nothing if there is no key.
func (g *googleTokens) authorize(req *http.Request) error {
	path := cmp.Or(g.path, os.Getenv("GOOGLE_APPLICATION_CREDENTIALS"))
	if path == "" {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Until(g.until) < time.Minute {
		token, lifetime, err := g.ask(req.Context(), path)
		if err != nil {
			return err
		}
		g.token, g.until = token, time.Now().Add(lifetime)
	}
	req.Header.Set("Authorization", "Bearer "+g.token)
	return nil
}

func (g *googleTokens) ask(ctx context.Context, path string) (string, time.Duration, error) {
	refused := func(why string) (string, time.Duration, error) {
		return "", 0, gennaker.Errorf(gennaker.Invalid, "the key of artifact account %s, %s, %s", g.site.account, path, why).
			WithHint("give the JSON key of a service account as jsonPath")
	}
	text, err := secretFile(path)
	if err != nil {
		return "", 0, err
	}
	var key serviceAccount
	if json.Unmarshal([]byte(text), &key) != nil {
		return refused("is no JSON")
	}
	endpoint, err := url.Parse(cmp.Or(key.TokenURI, "https://oauth2.googleapis.com/token"))
	if key.Type != "service_account" || err != nil || endpoint.Host == "" {
		return refused("is not of a service account")
	}
	assertion, err := key.assertion(endpoint.String(), time.Now())
	if err != nil {
		return refused("has no usable private key")
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return refused("has no usable token_uri")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := g.site.client.Do(req)
	if err != nil {
		return "", 0, g.site.failed(ctx, endpoint, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSecret))
	switch {
	case err != nil:
		return "", 0, g.site.failed(ctx, endpoint, err)
	case resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusUnauthorized:
		return "", 0, g.site.status(endpoint, http.StatusUnauthorized)
	case resp.StatusCode != http.StatusOK:
		return "", 0, g.site.status(endpoint, resp.StatusCode)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.AccessToken == "" {
		return "", 0, gennaker.Errorf(gennaker.Unavailable, "%s answers without a token", shown(endpoint)).WithHint("try again")
	}
	return answer.AccessToken, time.Duration(min(max(answer.ExpiresIn, 0), 3600)) * time.Second, nil
}

// assertion returns a signed JSON web token that asks for an hour.
func (k serviceAccount) assertion(audience string, now time.Time) (string, error) {
	block, _ := pem.Decode([]byte(k.PrivateKey))
	if block == nil {
		return "", fmt.Errorf("no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return "", fmt.Errorf("no RSA key")
	}
	var b bytes.Buffer
	for i, part := range []map[string]any{
		{"alg": "RS256", "typ": "JWT", "kid": k.PrivateKeyID},
		{"iss": k.ClientEmail, "scope": googleScope, "aud": audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()},
	} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(base64.RawURLEncoding.EncodeToString(text))
	}
	sum := sha256.Sum256(b.Bytes())
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return b.String() + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

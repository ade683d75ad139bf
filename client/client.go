package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

// DefaultURL is where a server listens unless it is told otherwise.
const DefaultURL = "http://127.0.0.1:8084"

// Bounds of what the client accepts and how long it waits.
const (
	MaxAnswerBytes = 64 << 20
	requestTimeout = 60 * time.Second
	maxErrorBytes  = 1 << 20
)

// ErrUnreachable is wrapped by the error of a request that got no answer.
var ErrUnreachable = errors.New("the server cannot be reached")

// Config is how to reach a server. The zero value is a local one.
type Config struct {
	URL       string       // default DefaultURL
	HTTP      *http.Client // default http.DefaultClient; must have no Timeout, which would cut streams
	UserAgent string

	// Stale is called for each account that an answer does not show as it is;
	// nil is not. Calls may come at the same time.
	Stale func(Stale)
}

// Stale is an account that an answer does not show as it is.
type Stale struct {
	Account string
	At      time.Time // when it was as it is shown; zero if nothing of it is shown
}

// staleHeader holds "account=time", or "account" alone.
const staleHeader = "X-Gennaker-Stale"

func parseStale(value string) Stale {
	if i := strings.LastIndexByte(value, '='); i >= 0 {
		if at, err := time.Parse(time.RFC3339, value[i+1:]); err == nil {
			return Stale{Account: value[:i], At: at}
		}
	}
	return Stale{Account: value}
}

// Client speaks with one server.
type Client struct {
	base  string
	http  *http.Client
	agent string
	stale func(Stale)
}

// New returns a client of the server at cfg.URL. It sends nothing yet.
//
// Errors: Invalid if the URL is not one of http or https.
func New(cfg Config) (*Client, error) {
	if cfg.URL == "" {
		cfg.URL = DefaultURL
	}
	u, err := url.Parse(cfg.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, gennaker.Errorf(gennaker.Invalid, "%q is not the URL of a server", cfg.URL).
			WithHint("write it like %s", DefaultURL)
	}
	if cfg.HTTP == nil {
		cfg.HTTP = http.DefaultClient
	}
	return &Client{base: strings.TrimRight(cfg.URL, "/"), http: cfg.HTTP, agent: cfg.UserAgent, stale: cfg.Stale}, nil
}

// URL returns the address of the server.
func (c *Client) URL() string { return c.base }

// Version returns the version of the server.
func (c *Client) Version(ctx context.Context) (string, error) {
	var v struct {
		Version string `json:"version"`
	}
	err := c.get(ctx, "/version", nil, &v)
	return v.Version, err
}

type bodyKey struct{}

// KeepBody returns a context under which a call also puts the JSON body of its
// last successful answer into body, for callers that show it as it came.
func KeepBody(ctx context.Context, body *json.RawMessage) context.Context {
	return context.WithValue(ctx, bodyKey{}, body)
}

// path joins segments, each escaped, to a path.
func path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	return c.call(ctx, http.MethodGet, path, query, nil, into)
}

// call sends in as JSON, or nothing if it is nil, and reads the answer into
// out, unless that is nil or the answer is empty.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	res, err := c.send(ctx, method, path, query, in, "application/json")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswerBytes+1))
	if err != nil {
		return c.unreachable(ctx, method, path, err)
	}
	if len(body) > MaxAnswerBytes {
		return gennaker.Errorf(gennaker.TooLarge, "the answer to %s %s has more than %d bytes", method, path, MaxAnswerBytes).
			WithHint("ask for fewer, e.g. with a limit")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if keep, ok := ctx.Value(bodyKey{}).(*json.RawMessage); ok {
		*keep = body
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	return nil
}

// send returns a successful response, whose body the caller closes.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, in any, accept string) (*http.Response, error) {
	if strings.HasSuffix(path, "/") || strings.Contains(path, "//") {
		return nil, gennaker.Errorf(gennaker.Invalid, "a name or an ID is empty")
	}
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if raw, ok := in.(rawBody); ok {
			text, err = raw, nil
		}
		if err != nil {
			return nil, fmt.Errorf("write the body of %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "%s %s cannot be asked for: %w", method, path, err)
	}
	req.Header.Set("Accept", accept)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.agent != "" {
		req.Header.Set("User-Agent", c.agent)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, method, path, err)
	}
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		return nil, refusal(method, path, res)
	}
	if c.stale != nil {
		for _, v := range res.Header.Values(staleHeader) {
			c.stale(parseStale(v))
		}
	}
	return res, nil
}

// rawBody is sent as it stands, so that positions in it are those of the file.
type rawBody []byte

func (c *Client) unreachable(ctx context.Context, method, path string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("%s %s: %w", method, path, context.Canceled)
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	e := gennaker.Errorf(gennaker.Unavailable, "the server at %s cannot be reached: %v", c.base, err).
		WithHint("start one with `gennaker up`, or name another with --server or GENNAKER_SERVER")
	e.Err = fmt.Errorf("%w: %w", ErrUnreachable, err)
	return e
}

// errorBody is what the server answers with a status of 400 or more.
type errorBody struct {
	Error    string             `json:"error"`
	Message  string             `json:"message"`
	Hint     string             `json:"hint"`
	Problems []gennaker.Problem `json:"problems"`
}

func refusal(method, path string, res *http.Response) error {
	var b errorBody
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorBytes))
	if json.Unmarshal(text, &b) != nil || b.Message == "" {
		b.Message = fmt.Sprintf("the server answered %s to %s %s", res.Status, method, path)
	}
	return &gennaker.Error{Kind: kindOf(res.StatusCode), Message: b.Message, Hint: b.Hint, Problems: b.Problems}
}

func kindOf(status int) gennaker.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return gennaker.Denied
	case http.StatusNotFound, http.StatusGone:
		return gennaker.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return gennaker.Conflict
	case http.StatusRequestEntityTooLarge:
		return gennaker.TooLarge
	case http.StatusTooManyRequests:
		return gennaker.TooMany
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return gennaker.Unavailable
	}
	if status < 500 {
		return gennaker.Invalid
	}
	return gennaker.Internal
}

// ref is the answer to what starts something: its last path segment is the ID.
type ref struct {
	Ref string `json:"ref"`
}

func (r ref) id() (string, error) {
	id := r.Ref[strings.LastIndexByte(r.Ref, '/')+1:]
	if id == "" {
		return "", gennaker.Errorf(gennaker.Internal, "the server did not say what it started")
	}
	return id, nil
}

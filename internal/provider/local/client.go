package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node"
	"github.com/gennaker/gennaker/internal/provider"
)

// Client talks to the node in a directory.
type Client struct {
	dir     string
	account string
	http    *http.Client
}

var (
	_ provider.Inventory     = (*Client)(nil)
	_ provider.Operations    = (*Client)(nil)
	_ provider.LoadBalancing = (*Client)(nil)
	_ provider.Logs          = (*Client)(nil)
	_ provider.Jobs          = (*Client)(nil)
)

// Bounds of answers, in bytes, and of attempts to reach the node.
const (
	maxAnswer   = 256 << 20
	maxError    = 1 << 20
	dialTime    = 5 * time.Second
	callTime    = time.Minute
	longTime    = 30 * time.Minute // to unpack an artifact, to drain all instances
	firstRetry  = 20 * time.Millisecond
	longestWait = 2 * time.Second
)

// New returns a client of the node whose data directory is dir. What it answers
// belongs to account.
func New(dir, account string) *Client {
	c := &Client{dir: dir, account: account}
	c.http = &http.Client{Transport: &http.Transport{
		DialContext: c.dial, MaxIdleConns: 16, MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second,
	}}
	return c
}

// Provider returns everything that can be done with the account.
func (c *Client) Provider() provider.Provider {
	return provider.Provider{
		Account: gennaker.Account{
			Name: c.account, Type: node.CloudProvider, CloudProvider: node.CloudProvider, Regions: []string{node.Region},
		},
		Inventory: c, Operations: c, LoadBalancing: c, Logs: c, Jobs: c,
	}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Ping asks the node how it is. Errors: Unavailable if it is away.
func (c *Client) Ping(ctx context.Context) (node.Status, error) {
	var s node.Status
	err := c.call(ctx, http.MethodGet, "/ping", nil, &s)
	return s, err
}

// Wait returns when the node answers. Errors: Unavailable if ctx ended before.
func (c *Client) Wait(ctx context.Context) error {
	for wait := firstRetry; ; wait = min(2*wait, longestWait/4) {
		_, err := c.Ping(ctx)
		if err == nil {
			return nil
		}
		if !pause(ctx, wait) {
			return err
		}
	}
}

// Stop ends the node, and with instances all that it runs before.
//
// Errors: Unavailable.
func (c *Client) Stop(ctx context.Context, instances bool) error {
	return c.callFor(ctx, longTime, http.MethodPost, fmt.Sprintf("/stop?instances=%t", instances), nil, nil)
}

// dial connects to the socket, and checks who is behind it.
func (c *Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", node.SocketPath(c.dir))
	if err != nil {
		return nil, err
	}
	if err := node.CheckPeer(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// send sends a request and returns the answer if it is a good one.
func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode the request to the node: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://node"+path, body)
	if err != nil {
		return nil, fmt.Errorf("make the request to the node: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, away(err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	var e node.ErrorBody
	if err := json.NewDecoder(io.LimitReader(res.Body, maxError)).Decode(&e); err != nil || e.Kind == "" {
		if res.StatusCode == http.StatusNotFound {
			return nil, gennaker.Errorf(gennaker.Unavailable, "the node that runs is of a version that cannot do this").
				WithHint("restart it (gennaker node stop); what it runs goes on meanwhile")
		}
		return nil, fmt.Errorf("ask the node: status %d", res.StatusCode)
	}
	return nil, e.Err()
}

// call sends a request that the node answers at once, and reads the answer into
// out, unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	return c.callFor(ctx, callTime, method, path, in, out)
}

// callFor is call for an answer that may take as long as limit. A caller whose
// answer is lost asks again, with the same key, instead of waiting for ever.
func (c *Client) callFor(ctx context.Context, limit time.Duration, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	res, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(out); err != nil {
		return away(fmt.Errorf("read the answer of the node: %w", err))
	}
	return nil
}

// away makes the error of a connection one that users understand.
func away(err error) error {
	if _, ok := errors.AsType[*gennaker.Error](err); ok {
		return err
	}
	return gennaker.Errorf(gennaker.Unavailable, "the node does not answer: %w", err).
		WithHint("start it with gennaker node, or gennaker up; what it runs goes on without it")
}

func pause(ctx context.Context, wait time.Duration) bool {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func groupPath(name, what string) string {
	p := "/server-groups/" + url.PathEscape(name)
	if what != "" {
		p += "/" + what
	}
	return p
}

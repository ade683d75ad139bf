package local

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node"
)

// RunJob implements [provider.Jobs].
func (c *Client) RunJob(ctx context.Context, key string, spec gennaker.JobSpec) (string, error) {
	var out node.CreateResponse
	err := c.callFor(ctx, longTime, http.MethodPost, "/jobs", node.RunJobRequest{Key: key, Spec: spec}, &out)
	return out.Name, err
}

// Job implements [provider.Jobs].
func (c *Client) Job(ctx context.Context, name string) (gennaker.Job, error) {
	var j gennaker.Job
	if err := c.named(name); err != nil {
		return j, err
	}
	err := c.call(ctx, http.MethodGet, jobPath(name, ""), nil, &j)
	j.Account = c.account
	return j, err
}

// CancelJob implements [provider.Jobs].
func (c *Client) CancelJob(ctx context.Context, name string) error {
	if c.named(name) != nil {
		return gennaker.Errorf(gennaker.Invalid, "%q cannot be the name of a job", name)
	}
	return c.call(ctx, http.MethodDelete, jobPath(name, ""), nil, nil)
}

// JobLogs implements [provider.Jobs]. A negative tail returns all that is kept.
func (c *Client) JobLogs(ctx context.Context, name string, tail int64, follow bool) (io.ReadCloser, error) {
	if err := c.named(name); err != nil {
		return nil, err
	}
	query := url.Values{"tail": {fmt.Sprint(tail)}, "follow": {fmt.Sprint(follow)}}
	res, err := c.send(ctx, http.MethodGet, jobPath(name, "/logs?")+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// named reports whether there can be such a job. Errors: NotFound.
func (c *Client) named(name string) error {
	if name != "" && name != "." && name != ".." {
		return nil
	}
	return gennaker.Errorf(gennaker.NotFound, "there is no job %q in account %s", name, c.account)
}

func jobPath(name, what string) string { return "/jobs/" + url.PathEscape(name) + what }

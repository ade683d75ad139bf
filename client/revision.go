package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/gennaker/gennaker"
)

// PipelineRevisions returns a page of the saves of a pipeline or strategy, newest
// first: those with smaller numbers than before, 0 is of all. A limit of 0
// leaves the number to the server.
func (c *Client) PipelineRevisions(ctx context.Context, id string, before, limit int) ([]gennaker.Revision, error) {
	query := url.Values{}
	if before > 0 {
		query.Set("before", strconv.Itoa(before))
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var out []gennaker.Revision
	err := c.get(ctx, revisionsOf(id), query, &out)
	return out, err
}

// ComparePipelines says how a save of a pipeline or strategy differs from
// another one, both by their numbers. What every save sets is left out.
//
// Errors: NotFound.
func (c *Client) ComparePipelines(ctx context.Context, id string, from, to int) ([]gennaker.Difference, error) {
	var out []gennaker.Difference
	err := c.get(ctx, revisionsOf(id, strconv.Itoa(from), "diff", strconv.Itoa(to)), nil, &out)
	return out, err
}

func revisionsOf(id string, more ...string) string {
	return path(append([]string{"api", "v1", "pipelines", id, "revisions"}, more...)...)
}

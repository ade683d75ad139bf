package client

import (
	"context"
	"net/http"

	"github.com/gennaker/gennaker"
)

// Demo returns how the demo inside the server is.
func (c *Client) Demo(ctx context.Context) (gennaker.DemoStatus, error) {
	return c.demo(ctx, http.MethodGet)
}

// StartDemo begins it, or goes on with one that stopped; one that runs is left
// alone.
//
// Errors: Conflict if there is another application of its name, or the server has
// no account of its machine.
func (c *Client) StartDemo(ctx context.Context) (gennaker.DemoStatus, error) {
	return c.demo(ctx, http.MethodPost)
}

// StopDemo begins to take away what it made.
func (c *Client) StopDemo(ctx context.Context) (gennaker.DemoStatus, error) {
	return c.demo(ctx, http.MethodDelete)
}

func (c *Client) demo(ctx context.Context, method string) (gennaker.DemoStatus, error) {
	var s gennaker.DemoStatus
	err := c.call(ctx, method, "/api/v1/demo", nil, nil, &s)
	return s, err
}

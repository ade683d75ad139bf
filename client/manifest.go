package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gennaker/gennaker"
)

// manifestPath returns the path of an object; "_" is the location of one that is
// in no namespace.
func manifestPath(ref gennaker.ManifestRef, more ...string) string {
	location := ref.Location
	if location == "" {
		location = "_"
	}
	return path(append([]string{"manifests", ref.Account, location, ref.ManifestName()}, more...)...)
}

// Manifest returns an object of a cluster with what became of it.
//
// Errors: NotFound.
func (c *Client) Manifest(ctx context.Context, ref gennaker.ManifestRef) (gennaker.ManifestView, error) {
	var out gennaker.ManifestView
	err := c.get(ctx, manifestPath(ref), nil, &out)
	return out, err
}

// ManifestEvents returns what the cluster says of an object and of what it owns,
// newest first.
//
// Errors: NotFound.
func (c *Client) ManifestEvents(ctx context.Context, ref gennaker.ManifestRef) ([]gennaker.ManifestEvent, error) {
	var out []gennaker.ManifestEvent
	err := c.get(ctx, "/api/v1"+manifestPath(ref, "events"), nil, &out)
	return out, err
}

// ManifestLogs returns the last tail bytes that a container of an object's
// newest pod wrote; "" is the only or first one, and 0 leaves it to the server
// how many. The caller closes it.
//
// Errors: NotFound; Unavailable while it has not begun.
func (c *Client) ManifestLogs(ctx context.Context, ref gennaker.ManifestRef, container string, tail int64) (io.ReadCloser, error) {
	query := url.Values{}
	if container != "" {
		query.Set("container", container)
	}
	if tail > 0 {
		query.Set("tail", strconv.FormatInt(tail, 10))
	}
	res, err := c.send(ctx, http.MethodGet, "/api/v1"+manifestPath(ref, "logs"), query, nil, "text/plain, application/json")
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// Resources returns the objects of an application, oldest first.
func (c *Client) Resources(ctx context.Context, application string) ([]gennaker.Resource, error) {
	var out []gennaker.Resource
	err := c.get(ctx, path("applications", application, "rawResources"), nil, &out)
	return out, err
}

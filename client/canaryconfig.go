package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/gennaker/gennaker"
)

// CanaryConfig is a canary config as lists show it.
type CanaryConfig struct {
	ID           string        `json:"id"`
	Name         string        `json:"name"`
	Applications []string      `json:"applications"`
	UpdateTime   gennaker.Time `json:"updatedTimestamp"`
}

// CanaryConfigs returns the canary configs of an application, or all for "", by
// name.
func (c *Client) CanaryConfigs(ctx context.Context, application string) ([]CanaryConfig, error) {
	query := url.Values{}
	if application != "" {
		query.Set("application", application)
	}
	var out []CanaryConfig
	err := c.get(ctx, "/v2/canaryConfig", query, &out)
	return out, err
}

// CanaryConfig returns the document of a canary config.
//
// Errors: NotFound.
func (c *Client) CanaryConfig(ctx context.Context, id string) (json.RawMessage, error) {
	var out json.RawMessage
	err := c.get(ctx, path("v2", "canaryConfig", id), nil, &out)
	return out, err
}

// CreateCanaryConfig saves a new canary config, which is sent as it stands, and
// returns its ID: the document's "id", or a new one.
//
// Errors: Invalid with the Problems and their positions in document.
func (c *Client) CreateCanaryConfig(ctx context.Context, document []byte) (string, error) {
	return c.saveCanaryConfig(ctx, http.MethodPost, path("v2", "canaryConfig"), document)
}

// UpdateCanaryConfig replaces a canary config.
//
// Errors: as CreateCanaryConfig; Invalid if there is none with the ID.
func (c *Client) UpdateCanaryConfig(ctx context.Context, id string, document []byte) error {
	_, err := c.saveCanaryConfig(ctx, http.MethodPut, path("v2", "canaryConfig", id), document)
	return err
}

func (c *Client) saveCanaryConfig(ctx context.Context, method, path string, document []byte) (string, error) {
	var out struct {
		ID string `json:"canaryConfigId"`
	}
	err := c.call(ctx, method, path, nil, rawBody(document), &out)
	return out.ID, err
}

// DeleteCanaryConfig deletes a canary config.
//
// Errors: NotFound.
func (c *Client) DeleteCanaryConfig(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, path("v2", "canaryConfig", id), nil, nil, nil)
}

package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gennaker/gennaker"
)

func accountPath(segments ...string) string {
	return path(append([]string{"api", "v1", "accounts"}, segments...)...)
}

// Accounts returns all accounts, by name.
func (c *Client) Accounts(ctx context.Context) ([]gennaker.AccountView, error) {
	var out []gennaker.AccountView
	err := c.get(ctx, accountPath(), nil, &out)
	return out, err
}

// Account returns one account.
//
// Errors: NotFound.
func (c *Client) Account(ctx context.Context, name string) (gennaker.AccountView, error) {
	var out gennaker.AccountView
	err := c.get(ctx, accountPath(name), nil, &out)
	return out, err
}

// SaveAccount makes an account of a cluster, or changes one, from its settings
// as JSON.
//
// Errors: Invalid, with the fields; Conflict for one of the server's
// configuration.
func (c *Client) SaveAccount(ctx context.Context, name string, settings []byte) (gennaker.AccountView, error) {
	var out gennaker.AccountView
	err := c.call(ctx, http.MethodPut, accountPath(name), nil, rawBody(settings), &out)
	return out, err
}

// DeleteAccount forgets an account; nothing of what is in it changes.
//
// Errors: NotFound; Conflict for one of the server's configuration.
func (c *Client) DeleteAccount(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, accountPath(name), nil, nil, nil)
}

// CheckAccount tries the credentials of a saved account, or of one with these
// settings as JSON.
func (c *Client) CheckAccount(ctx context.Context, name string, settings []byte) (gennaker.AccountDiagnosis, error) {
	var out gennaker.AccountDiagnosis
	if settings == nil {
		err := c.call(ctx, http.MethodPost, accountPath(name, "check"), nil, nil, &out)
		return out, err
	}
	err := c.call(ctx, http.MethodPost, accountPath("check"), nil, rawBody(settings), &out)
	return out, err
}

// Credential is an account as everybody may see it.
type Credential struct {
	gennaker.Account
	Namespaces []string               `json:"namespaces"`      // of an account that is a cluster
	State      *gennaker.AccountState `json:"state,omitempty"` // nil is always connected
}

// Credentials returns the accounts that there are, by name.
func (c *Client) Credentials(ctx context.Context) ([]Credential, error) {
	var out []Credential
	err := c.get(ctx, path("credentials"), url.Values{"expand": {"true"}}, &out)
	return out, err
}

package client

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"

	"github.com/gennaker/gennaker"
)

// Application is an application as the server shows it.
type Application struct {
	gennaker.Application
	// Clusters holds the clusters by account; only [Client.Application] fills it.
	Clusters map[string][]Cluster
}

// Cluster is a cluster as an application names it.
type Cluster struct {
	Name          string   `json:"name"`
	Provider      string   `json:"provider"`
	LoadBalancers []string `json:"loadBalancers"`
	ServerGroups  []string `json:"serverGroups"`
}

func newApplication(attrs map[string]any) gennaker.Application {
	name, _ := attrs["name"].(string)
	email, _ := attrs["email"].(string)
	return gennaker.Application{Name: name, Email: email, Attrs: attrs}
}

// Applications returns all applications, also those that only exist because
// something runs under their name; these have no Email.
func (c *Client) Applications(ctx context.Context) ([]Application, error) {
	var all []map[string]any
	if err := c.get(ctx, "/applications", nil, &all); err != nil {
		return nil, err
	}
	out := make([]Application, len(all))
	for i, attrs := range all {
		out[i] = Application{Application: newApplication(attrs)}
	}
	return out, nil
}

// Application returns one application with its clusters.
//
// Errors: NotFound.
func (c *Client) Application(ctx context.Context, name string) (Application, error) {
	var v struct {
		Name       string               `json:"name"`
		Attributes map[string]any       `json:"attributes"`
		Clusters   map[string][]Cluster `json:"clusters"`
	}
	if err := c.get(ctx, path("applications", name), url.Values{"expand": {"true"}}, &v); err != nil {
		return Application{}, err
	}
	a := Application{Application: newApplication(v.Attributes), Clusters: v.Clusters}
	if a.Name == "" {
		a.Name = v.Name
	}
	return a, nil
}

// Revision is one saved version of an application or a pipeline.
//
// Shape: Document is the whole of it as it was saved.
type Revision struct {
	LastModifiedBy string
	LastModified   gennaker.Time
	Document       json.RawMessage
}

// UnmarshalJSON keeps the document, and reads who saved it and when.
func (r *Revision) UnmarshalJSON(b []byte) error {
	var v struct {
		By      string        `json:"lastModifiedBy"`
		Update  gennaker.Time `json:"updateTs"`
		LastMod gennaker.Time `json:"lastModified"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*r = Revision{LastModifiedBy: v.By, LastModified: v.Update, Document: append(json.RawMessage(nil), b...)}
	if r.LastModified.IsZero() {
		r.LastModified = v.LastMod
	}
	return nil
}

// ApplicationHistory returns the revisions of an application, newest first.
// A limit of 0 leaves the number to the server.
func (c *Client) ApplicationHistory(ctx context.Context, name string, limit int) ([]Revision, error) {
	var out []Revision
	err := c.get(ctx, path("applications", name, "history"), limited(limit), &out)
	return out, err
}

// CreateApplication starts the task that saves a new application, or one that
// has the name already, and returns the task's ID.
//
// Errors: Invalid for attributes that can never be saved.
func (c *Client) CreateApplication(ctx context.Context, attrs map[string]any) (string, error) {
	a, err := gennaker.NewApplication(attrs)
	if err != nil {
		return "", err
	}
	return c.Submit(ctx, Operation{
		Application: a.Name, Description: "Create Application: " + a.Name,
		Job: []map[string]any{{"type": "createApplication", "application": attrs}},
	})
}

// UpdateApplication starts the task that changes the given attributes of an
// application and returns the task's ID. A nil value takes an attribute away.
func (c *Client) UpdateApplication(ctx context.Context, name string, attrs map[string]any) (string, error) {
	attrs = maps.Clone(attrs)
	if attrs == nil {
		attrs = map[string]any{}
	}
	attrs["name"] = name
	return c.Submit(ctx, Operation{
		Application: name, Description: "Update Application: " + name,
		Job: []map[string]any{{"type": "updateApplication", "application": attrs}},
	})
}

// DeleteApplication starts the task that deletes an application and returns the
// task's ID.
func (c *Client) DeleteApplication(ctx context.Context, name string) (string, error) {
	return c.Submit(ctx, Operation{
		Application: name, Description: "Delete Application: " + name,
		Job: []map[string]any{{"type": "deleteApplication", "application": map[string]any{"name": name}}},
	})
}

package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gennaker/gennaker"
)

// Template is one copy of a pipeline template: the fields that lists show, and
// the whole document.
type Template struct {
	ID             string
	Name           string
	Description    string
	Scopes         []string
	Tag            string // of the copy; "" if it is kept under none
	Digest         string // of the copy, in hex; "" if it is kept under none
	LastModifiedBy string
	UpdateTime     gennaker.Time
	Document       json.RawMessage
}

// UnmarshalJSON keeps the document and reads the fields.
func (t *Template) UnmarshalJSON(b []byte) error {
	var v struct {
		ID       string `json:"id"`
		Metadata struct {
			Name        string   `json:"name"`
			Description string   `json:"description"`
			Scopes      []string `json:"scopes"`
		} `json:"metadata"`
		Tag      string        `json:"tag"`
		Digest   string        `json:"digest"`
		By       string        `json:"lastModifiedBy"`
		UpdateTs gennaker.Time `json:"updateTs"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*t = Template{
		ID: v.ID, Name: v.Metadata.Name, Description: v.Metadata.Description, Scopes: v.Metadata.Scopes, Tag: v.Tag, Digest: v.Digest,
		LastModifiedBy: v.By, UpdateTime: v.UpdateTs, Document: append(json.RawMessage(nil), b...),
	}
	return nil
}

// MarshalJSON writes the document.
func (t Template) MarshalJSON() ([]byte, error) { return t.Document, nil }

func templatePath(segments ...string) string {
	return path(append([]string{"v2", "pipelineTemplates"}, segments...)...)
}

func tagged(tag string) url.Values {
	if tag == "" {
		return nil
	}
	return url.Values{"tag": {tag}}
}

// Templates returns every copy of every pipeline template, or of those for one
// of scopes.
func (c *Client) Templates(ctx context.Context, scopes ...string) ([]Template, error) {
	var out []Template
	err := c.get(ctx, templatePath(), url.Values{"scopes": scopes}, &out)
	return out, err
}

// Template returns the copy of a template with a tag, or the one without.
//
// Errors: NotFound; Invalid for a tag that cannot be.
func (c *Client) Template(ctx context.Context, id, tag string) (Template, error) {
	var t Template
	err := c.get(ctx, templatePath(id), tagged(tag), &t)
	return t, err
}

// CreateTemplate saves a new template under a tag, or under none, and returns
// the task that did: its Status says whether it succeeded.
//
// Errors: Invalid with the Problems and their positions in document.
func (c *Client) CreateTemplate(ctx context.Context, document []byte, tag string) (Task, error) {
	var t Task
	err := c.call(ctx, http.MethodPost, templatePath("create"), tagged(tag), rawBody(document), &t)
	return t, err
}

// UpdateTemplate is CreateTemplate for a template that is there. Unless
// skipDependents, the pipelines that use it are planned first, and the task
// fails if one of them cannot be.
func (c *Client) UpdateTemplate(ctx context.Context, id string, document []byte, tag string, skipDependents bool) (Task, error) {
	query := url.Values{"skipPlanDependents": {strconv.FormatBool(skipDependents)}}
	if tag != "" {
		query.Set("tag", tag)
	}
	var t Task
	err := c.call(ctx, http.MethodPost, templatePath("update", id), query, rawBody(document), &t)
	return t, err
}

// DeleteTemplate deletes the copy of a template with a tag, or the one without.
// One that is not there is deleted.
//
// Errors: Invalid while pipelines use it.
func (c *Client) DeleteTemplate(ctx context.Context, id, tag string) error {
	return c.call(ctx, http.MethodDelete, templatePath(id), tagged(tag), nil, nil)
}

// PlanTemplate returns the ordinary pipeline that a config of a template stands
// for, with values in place of expressions as far as they are known.
//
// Errors: Invalid with a Problem for each thing that is wrong.
func (c *Client) PlanTemplate(ctx context.Context, config []byte) (json.RawMessage, error) {
	var out json.RawMessage
	err := c.call(ctx, http.MethodPost, templatePath("plan"), nil, rawBody(config), &out)
	return out, err
}

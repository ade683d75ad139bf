package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/gennaker/gennaker"
)

// Pipeline is a pipeline definition as it is stored: the fields that lists
// show, and the whole document.
type Pipeline struct {
	ID             string
	Application    string
	Name           string
	Disabled       bool
	Stages         int // how many
	LastModifiedBy string
	UpdateTime     gennaker.Time
	Document       json.RawMessage
}

// UnmarshalJSON keeps the document and reads the fields.
func (p *Pipeline) UnmarshalJSON(b []byte) error {
	var v struct {
		ID          string            `json:"id"`
		Application string            `json:"application"`
		Name        string            `json:"name"`
		Disabled    bool              `json:"disabled"`
		Stages      []json.RawMessage `json:"stages"`
		By          string            `json:"lastModifiedBy"`
		UpdateTs    gennaker.Time     `json:"updateTs"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*p = Pipeline{
		ID: v.ID, Application: v.Application, Name: v.Name, Disabled: v.Disabled, Stages: len(v.Stages),
		LastModifiedBy: v.By, UpdateTime: v.UpdateTs, Document: append(json.RawMessage(nil), b...),
	}
	return nil
}

// MarshalJSON writes the document.
func (p Pipeline) MarshalJSON() ([]byte, error) { return p.Document, nil }

// Pipelines returns the pipelines of an application, in their order.
func (c *Client) Pipelines(ctx context.Context, application string) ([]Pipeline, error) {
	var out []Pipeline
	err := c.get(ctx, path("applications", application, "pipelineConfigs"), nil, &out)
	return out, err
}

// Pipeline returns the pipeline of an application with a name or an ID; a name
// wins.
//
// Errors: NotFound.
func (c *Client) Pipeline(ctx context.Context, application, nameOrID string) (Pipeline, error) {
	var p Pipeline
	err := c.get(ctx, path("applications", application, "pipelineConfigs", nameOrID), nil, &p)
	return p, err
}

// SavePipeline saves a pipeline definition, which is sent as it stands. Without
// an "id" it is a new one.
//
// Errors: Invalid with the Problems and their positions in document; Conflict
// if another pipeline of the application has the name.
func (c *Client) SavePipeline(ctx context.Context, document []byte) error {
	_, err := c.SaveAndLintPipeline(ctx, document, false)
	return err
}

// SaveAndLintPipeline is SavePipeline, and returns what is wrong with the
// definition all the same. If it is strict, a definition with a warning is not
// saved.
//
// Errors: as SavePipeline; Invalid with a Problem for each warning, if strict.
func (c *Client) SaveAndLintPipeline(ctx context.Context, document []byte, strict bool) ([]Warning, error) {
	var out warnings
	err := c.call(ctx, http.MethodPost, "/pipelines", strictly(strict), rawBody(document), &out)
	return out.Warnings, err
}

// Severity is how bad a Warning is.
type Severity string

// The severities, worst first.
const (
	SeverityError   Severity = "error"   // it cannot work
	SeverityWarning Severity = "warning" // it is hardly what was meant
	SeverityInfo    Severity = "info"    // good to know
)

// Warning is something in a pipeline that its author should look at.
type Warning struct {
	gennaker.Problem
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"`
	Hint     string   `json:"hint,omitzero"`   // what would be right
	Offset   int      `json:"offset,omitzero"` // in bytes, within the string at Path
}

type warnings struct {
	Warnings []Warning `json:"warnings"`
}

// LintPipeline returns what is wrong with a pipeline definition, or a template,
// without saving it. If it is strict, every warning is an error.
//
// Errors: Invalid if the document is no JSON object.
func (c *Client) LintPipeline(ctx context.Context, document []byte, strict bool) ([]Warning, error) {
	var out warnings
	err := c.call(ctx, http.MethodPost, "/api/v1/pipelines/lint", strictly(strict), rawBody(document), &out)
	return out.Warnings, err
}

// strictly is a query for what may be strict.
func strictly(strict bool) url.Values {
	if !strict {
		return nil
	}
	return url.Values{"strict": {"true"}}
}

// RenamePipeline saves a definition under the ID that it has, and returns it as
// it is stored then.
//
// Errors: as SavePipeline; Invalid if the document has another ID.
func (c *Client) RenamePipeline(ctx context.Context, id string, document []byte) (Pipeline, error) {
	var p Pipeline
	err := c.call(ctx, http.MethodPut, path("pipelines", id), nil, rawBody(document), &p)
	return p, err
}

// DeletePipeline deletes a pipeline definition. One that is not there is
// deleted.
func (c *Client) DeletePipeline(ctx context.Context, application, name string) error {
	return c.call(ctx, http.MethodDelete, path("pipelines", application, name), nil, nil, nil)
}

// PipelineHistory returns the revisions of a pipeline, newest first. A limit of
// 0 leaves the number to the server.
func (c *Client) PipelineHistory(ctx context.Context, id string, limit int) ([]Revision, error) {
	var out []Revision
	err := c.get(ctx, path("pipelineConfigs", id, "history"), limited(limit), &out)
	return out, err
}

// Start is what a pipeline is started with.
type Start struct {
	Type       string           `json:"type"` // default "manual"
	Parameters map[string]any   `json:"parameters,omitzero"`
	Artifacts  []map[string]any `json:"artifacts,omitzero"`
	DryRun     bool             `json:"dryRun,omitzero"`
}

// StartPipeline starts a pipeline and returns the ID of the execution, which
// exists then.
//
// Errors: NotFound; Invalid if a required parameter is missing or the pipeline
// is disabled.
func (c *Client) StartPipeline(ctx context.Context, application, nameOrID string, s Start) (string, error) {
	if s.Type == "" {
		s.Type = "manual"
	}
	var r ref
	if err := c.call(ctx, http.MethodPost, path("pipelines", application, nameOrID), nil, s, &r); err != nil {
		return "", err
	}
	return r.id()
}

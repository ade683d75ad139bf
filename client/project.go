package client

import (
	"context"
	"encoding/json"

	"github.com/gennaker/gennaker"
)

// Project is a project as it is stored: the fields that lists show, and the
// whole document.
type Project struct {
	ID             string
	Name           string
	Email          string
	Applications   []string
	Pipelines      int // how many
	Clusters       int // how many
	LastModifiedBy string
	UpdateTime     gennaker.Time
	Document       json.RawMessage
}

// UnmarshalJSON keeps the document and reads the fields.
func (p *Project) UnmarshalJSON(b []byte) error {
	var v struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Email  string `json:"email"`
		Config struct {
			Applications []string          `json:"applications"`
			Pipelines    []json.RawMessage `json:"pipelineConfigs"`
			Clusters     []json.RawMessage `json:"clusters"`
		} `json:"config"`
		By       string        `json:"lastModifiedBy"`
		UpdateTs gennaker.Time `json:"updateTs"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*p = Project{
		ID: v.ID, Name: v.Name, Email: v.Email, Applications: v.Config.Applications, Pipelines: len(v.Config.Pipelines), Clusters: len(v.Config.Clusters),
		LastModifiedBy: v.By, UpdateTime: v.UpdateTs, Document: append(json.RawMessage(nil), b...),
	}
	return nil
}

// MarshalJSON writes the document.
func (p Project) MarshalJSON() ([]byte, error) { return p.Document, nil }

// Projects returns all projects, by name.
func (c *Client) Projects(ctx context.Context) ([]Project, error) {
	var out []Project
	err := c.get(ctx, "/projects", nil, &out)
	return out, err
}

// Project returns the project with a name, without case, or an ID.
//
// Errors: NotFound.
func (c *Client) Project(ctx context.Context, nameOrID string) (Project, error) {
	var p Project
	err := c.get(ctx, path("projects", nameOrID), nil, &p)
	return p, err
}

// ProjectExecutions returns the newest executions of a project's pipelines,
// oldest first: so many of each, 0 leaves the number to the server.
//
// Errors: NotFound.
func (c *Client) ProjectExecutions(ctx context.Context, nameOrID string, limit int) ([]gennaker.Execution, error) {
	var out []gennaker.Execution
	err := c.get(ctx, path("projects", nameOrID, "pipelines"), limited(limit), &out)
	return out, err
}

// noApplication is the application of tasks that belong to none.
const noApplication = "spinnaker"

// SaveProject starts the task that saves a project and returns the task's ID.
// Without an "id" it is a new one.
//
// Errors: Invalid for a document that can never be saved.
func (c *Client) SaveProject(ctx context.Context, document map[string]any) (string, error) {
	p, err := gennaker.NewProject(document)
	if err != nil {
		return "", err
	}
	return c.Submit(ctx, Operation{
		Application: noApplication, Description: "Save Project: " + p.Name,
		Job: []map[string]any{{"type": "upsertProject", "project": document}},
	})
}

// DeleteProject starts the task that deletes the project with that ID and
// returns the task's ID.
func (c *Client) DeleteProject(ctx context.Context, id string) (string, error) {
	return c.Submit(ctx, Operation{
		Application: noApplication, Description: "Delete Project: " + id,
		Job: []map[string]any{{"type": "deleteProject", "project": map[string]any{"id": id}}},
	})
}

package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gennaker/gennaker"
)

// Operation is a change that is not a pipeline's: the stages of a task.
//
// Shape: each Job has a "type", and what the stage type of that name reads.
type Operation struct {
	Application string           `json:"application"`
	Description string           `json:"description"`
	Job         []map[string]any `json:"job"`
}

// Task is an ad-hoc operation as the server shows it.
//
// Source: Spinnaker's task view; Execution is the whole of it.
type Task struct {
	ID          string             `json:"id"`
	Name        string             `json:"name"`
	Application string             `json:"application"`
	Status      gennaker.Status    `json:"status"`
	Variables   []Variable         `json:"variables"`
	Steps       []gennaker.Task    `json:"steps"`
	BuildTime   gennaker.Time      `json:"buildTime"`
	StartTime   gennaker.Time      `json:"startTime"`
	EndTime     gennaker.Time      `json:"endTime"`
	Execution   gennaker.Execution `json:"execution"`
}

// Variable is a value that a stage of a task has in its context.
type Variable struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
}

// Submit starts a task and returns its ID. The task goes on by itself: wait for
// it with [Client.WatchTask].
//
// Errors: Invalid for a job type that the server does not know.
func (c *Client) Submit(ctx context.Context, op Operation) (string, error) {
	var r ref
	if err := c.call(ctx, http.MethodPost, "/tasks", nil, op, &r); err != nil {
		return "", err
	}
	return r.id()
}

// Task returns a task.
//
// Errors: NotFound.
func (c *Client) Task(ctx context.Context, id string) (Task, error) {
	var t Task
	err := c.get(ctx, path("tasks", id), nil, &t)
	return t, err
}

// Tasks returns the tasks of an application, newest first. A limit of 0 leaves
// the number to the server.
func (c *Client) Tasks(ctx context.Context, application string, limit int) ([]Task, error) {
	var out []Task
	err := c.get(ctx, path("applications", application, "tasks"), limited(limit), &out)
	return out, err
}

// CancelTask cancels a task. One that is complete stays as it is.
func (c *Client) CancelTask(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPut, path("tasks", id, "cancel"), nil, nil, nil)
}

func limited(limit int) url.Values {
	if limit <= 0 {
		return nil
	}
	return url.Values{"limit": {strconv.Itoa(limit)}}
}

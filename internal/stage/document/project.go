package document

import (
	"cmp"
	"context"
	"fmt"
	"maps"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Projects keeps projects. Their names match without case.
type Projects interface {
	// Project returns one project, by name first and then by ID. Errors: NotFound.
	Project(ctx context.Context, nameOrID string) (gennaker.Project, error)
	// SaveProject makes or replaces the project with p's ID and returns it as it
	// was stored. Errors: Invalid for a name that is taken.
	SaveProject(ctx context.Context, p gennaker.Project, user string) (gennaker.Project, error)
	// DeleteProject deletes a project. Errors: NotFound.
	DeleteProject(ctx context.Context, id, user string) error
}

// registerProjects adds the stages about projects.
func registerProjects(r *stage.Registry, c Config) {
	stage.Add[projectConfig](r, stage.Definition{
		Type: "upsertProject", Verbatim: verbatim("project"),
		Steps: []stage.Step{{Name: "upsertProject", Task: upsertProject{c.Projects}}},
	})
	stage.Add[projectConfig](r, stage.Definition{
		Type: "deleteProject", Verbatim: verbatim("project"),
		Steps: []stage.Step{{Name: "deleteProject", Task: deleteProject{c.Projects}}},
	})
}

// projectConfig is the configuration of the stages that change a project.
type projectConfig struct {
	Project map[string]any `json:"project"` // the document; to delete it, id or name
}

// upsertProject makes a project, or replaces the one with its id.
//
// Source: Spinnaker orca UpsertProjectStage.
type upsertProject struct{ projects Projects }

func (t upsertProject) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[projectConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	if c.Project == nil {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "the project to save is missing").WithHint("set project to its document")
	}
	attrs := maps.Clone(c.Project)
	id, _ := attrs["id"].(string)
	isNew := id == ""
	if isNew {
		id = newID("project", in.Key)
		attrs["id"] = id
	}
	p, err := gennaker.NewProject(attrs)
	if err != nil {
		return stage.Outcome{}, err
	}
	saved, err := t.projects.Project(ctx, id)
	switch {
	case gennaker.KindOf(err) == gennaker.NotFound || err == nil && saved.ID != id:
		if !isNew {
			return stage.Outcome{}, gennaker.Errorf(gennaker.NotFound, "Project not found (id: %s)", id).WithHint("leave out the id to make a new project")
		}
	case err != nil:
		return stage.Outcome{}, fmt.Errorf("read project %s: %w", id, err)
	case alike(saved.Attrs, p.Attrs, "createTs", "updateTs", "lastModifiedBy"): // by an attempt whose answer was lost
		return t.done(saved), nil
	}
	if saved, err = t.projects.SaveProject(ctx, p, author(in)); err != nil {
		return stage.Outcome{}, fmt.Errorf("save project %s: %w", p.Name, err)
	}
	return t.done(saved), nil
}

func (upsertProject) done(p gennaker.Project) stage.Outcome {
	return done(map[string]any{"notification.type": "upsertproject", "project.id": p.ID, "project.name": p.Name})
}

// deleteProject deletes a project.
//
// Source: Spinnaker orca DeleteProjectStage.
type deleteProject struct{ projects Projects }

func (t deleteProject) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[projectConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	id, _ := c.Project["id"].(string)
	name, _ := c.Project["name"].(string)
	which := cmp.Or(id, name)
	if which == "" {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "the project to delete is missing").WithHint("set project.id or project.name")
	}
	p, err := t.projects.Project(ctx, which)
	if err == nil {
		err = t.projects.DeleteProject(ctx, p.ID, author(in))
	}
	if gennaker.KindOf(err) == gennaker.NotFound {
		return stage.Skip(), nil
	}
	if err != nil {
		return stage.Outcome{}, fmt.Errorf("delete project %s: %w", which, err)
	}
	return done(map[string]any{"notification.type": "deleteproject", "project.id": p.ID, "project.name": p.Name}), nil
}

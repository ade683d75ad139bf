package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"time"

	"github.com/gennaker/gennaker"
)

const (
	sqlProjects      = `SELECT doc FROM project ORDER BY name_key`
	sqlProjectByID   = `SELECT doc FROM project WHERE id = ?`
	sqlProjectByName = `SELECT doc FROM project WHERE name_key = ?`
	sqlPutProject    = `INSERT INTO project (id, name_key, doc) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET name_key = excluded.name_key, doc = excluded.doc`
	sqlDeleteProject = `DELETE FROM project WHERE id = ?`
)

// maxProjectID bounds the IDs that callers choose, in bytes.
const maxProjectID = 255

// Projects returns all projects, by name.
func (d *DB) Projects(ctx context.Context) ([]gennaker.Project, error) {
	docs, err := query(ctx, d, d.r, scanText, sqlProjects)
	if err != nil {
		return nil, fmt.Errorf("list projects: %w", err)
	}
	out := make([]gennaker.Project, len(docs))
	for i, doc := range docs {
		if out[i], err = decodeProject([]byte(doc)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Project returns the project with that name, without case, or else with that
// ID.
//
// Errors: NotFound.
func (d *DB) Project(ctx context.Context, nameOrID string) (gennaker.Project, error) {
	doc, err := d.document(ctx, d.r, sqlProjectByName, nameKey(nameOrID))
	if err == nil && doc == nil {
		doc, err = d.document(ctx, d.r, sqlProjectByID, nameOrID)
	}
	switch {
	case err != nil:
		return gennaker.Project{}, fmt.Errorf("read project %s: %w", nameOrID, err)
	case doc == nil:
		return gennaker.Project{}, noProject(nameOrID)
	}
	return decodeProject(doc)
}

func noProject(id string) error {
	return gennaker.Errorf(gennaker.NotFound, "Project not found (id: %s)", id)
}

func decodeProject(doc []byte) (gennaker.Project, error) {
	parsed, err := gennaker.ParseDocument(doc)
	if err != nil {
		return gennaker.Project{}, unreadable("project", err)
	}
	p, err := gennaker.NewProject(parsed.Value)
	if err != nil {
		return gennaker.Project{}, unreadable("project", err)
	}
	return p, nil
}

// SaveProject makes or replaces the project with p's ID, and returns it as it is
// stored: with an ID, createTs, updateTs and lastModifiedBy.
//
// Errors: Invalid if another project has the name, without case.
// Source: Spinnaker Front50 ProjectsController.
func (d *DB) SaveProject(ctx context.Context, p gennaker.Project, by string) (out gennaker.Project, err error) {
	if p.Name == "" {
		return out, gennaker.Errorf(gennaker.Invalid, "Project must have a non-empty name")
	}
	if len(p.ID) > maxProjectID {
		return out, gennaker.Errorf(gennaker.Invalid, "the id of a project may have at most %d bytes, this one has %d", maxProjectID, len(p.ID))
	}
	err = d.write(ctx, func(tx *sql.Tx) error {
		before, err := d.document(ctx, tx, sqlProjectByID, p.ID)
		if err != nil {
			return err
		}
		if err := d.checkProjectName(ctx, tx, p); err != nil {
			return err
		}
		now := time.Now().UnixMilli()
		attrs := maps.Clone(p.Attrs)
		attrs["name"], attrs["email"], attrs["createTs"], attrs["updateTs"], attrs["lastModifiedBy"] = p.Name, p.Email, now, now, by
		if p.ID == "" {
			attrs["id"] = newID()
		}
		if before != nil {
			old, err := decodeProject(before)
			if err != nil {
				return err
			}
			attrs["createTs"] = old.Attrs["createTs"]
		}
		after, err := encodeBounded("project", attrs)
		if err != nil {
			return err
		}
		if out, err = decodeProject(after); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlPutProject, out.ID, nameKey(out.Name), string(after)); err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindProject, key: out.ID, by: by, at: now, before: before, after: after})
	})
	if d.tell(err, Change{Kind: gennaker.ProjectDocument, Name: p.Name}); err != nil {
		return gennaker.Project{}, fmt.Errorf("save project %s: %w", p.Name, err)
	}
	return out, nil
}

// checkProjectName refuses a name that another project has.
func (d *DB) checkProjectName(ctx context.Context, tx *sql.Tx, p gennaker.Project) error {
	doc, err := d.document(ctx, tx, sqlProjectByName, nameKey(p.Name))
	if err != nil || doc == nil {
		return err
	}
	twin, err := decodeProject(doc)
	if err != nil || twin.ID == p.ID {
		return err
	}
	return gennaker.Errorf(gennaker.Invalid, "A Project named '%s' already exists", p.Name).
		WithHint("choose another name, or save it with the id of the existing one to replace that")
}

// DeleteProject deletes the project with that ID.
//
// Errors: NotFound.
func (d *DB) DeleteProject(ctx context.Context, id, by string) error {
	err := d.write(ctx, func(tx *sql.Tx) error {
		before, err := d.document(ctx, tx, sqlProjectByID, id)
		if err != nil {
			return err
		}
		if before == nil {
			return noProject(id)
		}
		if _, err := tx.ExecContext(ctx, sqlDeleteProject, id); err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindProject, key: id, by: by, at: time.Now().UnixMilli(), before: before})
	})
	if d.tell(err, Change{Kind: gennaker.ProjectDocument, Name: id}); err != nil {
		return fmt.Errorf("delete project %s: %w", id, err)
	}
	return nil
}

// encodeBounded is encode for a document that is not too large.
func encodeBounded(what string, doc map[string]any) ([]byte, error) {
	text, err := encode(doc)
	if err == nil && len(text) > gennaker.MaxDocumentBytes {
		err = gennaker.Errorf(gennaker.TooLarge, "the %s has %d bytes, more than %d", what, len(text), gennaker.MaxDocumentBytes)
	}
	return text, err
}

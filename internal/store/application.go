package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

const (
	sqlApplications      = `SELECT doc FROM application ORDER BY key`
	sqlApplication       = `SELECT doc FROM application WHERE key = ?`
	sqlPutApplication    = `INSERT INTO application (key, doc) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc`
	sqlDeleteApplication = `DELETE FROM application WHERE key = ?`
)

// Applications returns all applications, by name.
func (d *DB) Applications(ctx context.Context) ([]gennaker.Application, error) {
	docs, err := query(ctx, d, d.r, scanText, sqlApplications)
	if err != nil {
		return nil, fmt.Errorf("list applications: %w", err)
	}
	out := make([]gennaker.Application, len(docs))
	for i, doc := range docs {
		if out[i], err = decodeApplication([]byte(doc)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Application returns the application with that name, without case.
//
// Errors: NotFound.
func (d *DB) Application(ctx context.Context, name string) (gennaker.Application, error) {
	doc, err := d.document(ctx, d.r, sqlApplication, strings.ToLower(name))
	switch {
	case err != nil:
		return gennaker.Application{}, fmt.Errorf("read application %s: %w", name, err)
	case doc == nil:
		return gennaker.Application{}, noApplication(name)
	}
	return decodeApplication(doc)
}

func noApplication(name string) error {
	return gennaker.Errorf(gennaker.NotFound, "Application not found (id: %s)", name)
}

func decodeApplication(doc []byte) (gennaker.Application, error) {
	parsed, err := gennaker.ParseDocument(doc)
	if err != nil {
		return gennaker.Application{}, unreadable("application", err)
	}
	a := gennaker.Application{Attrs: parsed.Value}
	a.Name, _ = a.Attrs["name"].(string)
	a.Email, _ = a.Attrs["email"].(string)
	return a, nil
}

// unreadable hides the kind of err, since it is not the reader's mistake.
func unreadable(what string, err error) error {
	return &gennaker.Error{Kind: gennaker.Internal, Message: "read a stored " + what + ": " + err.Error(), Err: err}
}

// document returns the one document that a statement selects; nil if none.
func (d *DB) document(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}, text string, args ...any,
) ([]byte, error) {
	var doc []byte
	err := q.QueryRowContext(ctx, text, args...).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return doc, d.explain(err)
}

// SaveApplication stores a's attributes in place of what is stored, if
// anything is; createTs, updateTs and lastModifiedBy are set here.
//
// Errors: Invalid if a has no name.
func (d *DB) SaveApplication(ctx context.Context, a gennaker.Application, by string) error {
	if a.Name == "" {
		return gennaker.Errorf(gennaker.Invalid, "Application must have a non-empty name")
	}
	k := strings.ToLower(a.Name)
	err := d.write(ctx, func(tx *sql.Tx) error {
		before, err := d.document(ctx, tx, sqlApplication, k)
		if err != nil {
			return err
		}
		now := time.Now().UnixMilli()
		attrs := maps.Clone(a.Attrs)
		if attrs == nil {
			attrs = map[string]any{}
		}
		attrs["name"], attrs["email"] = a.Name, a.Email
		attrs["createTs"], attrs["updateTs"], attrs["lastModifiedBy"] = strconv.FormatInt(now, 10), strconv.FormatInt(now, 10), by
		if before != nil {
			stored, err := decodeApplication(before)
			if err != nil {
				return err
			}
			attrs["createTs"] = stored.Attrs["createTs"]
		}
		after, err := encode(attrs)
		if err != nil {
			return err
		}
		if len(after) > gennaker.MaxDocumentBytes {
			return gennaker.Errorf(gennaker.TooLarge, "the application has %d bytes, more than %d", len(after), gennaker.MaxDocumentBytes)
		}
		if _, err := tx.ExecContext(ctx, sqlPutApplication, k, string(after)); err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindApplication, key: k, by: by, at: now, before: before, after: after})
	})
	if d.tell(err, Change{Kind: gennaker.ApplicationDocument, Application: a.Name}); err != nil {
		return fmt.Errorf("save application %s: %w", a.Name, err)
	}
	return nil
}

// DeleteApplication deletes an application, its pipelines and its
// notifications: otherwise they would come back with the next application of
// that name. Executions stay.
//
// Errors: NotFound.
func (d *DB) DeleteApplication(ctx context.Context, name, by string) error {
	k := strings.ToLower(name)
	err := d.write(ctx, func(tx *sql.Tx) error {
		before, err := d.document(ctx, tx, sqlApplication, k)
		if err != nil {
			return err
		}
		if before == nil {
			return noApplication(name)
		}
		now := time.Now().UnixMilli()
		pipelines, err := query(ctx, d, tx, scanPipelineRow, sqlPipelines, k)
		if err != nil {
			return err
		}
		for _, p := range pipelines {
			if err := deletePipeline(ctx, tx, p, by, now); err != nil {
				return err
			}
		}
		if err := d.putNotifications(ctx, tx, k, nil, by, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, sqlDeleteApplication, k); err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindApplication, key: k, by: by, at: now, before: before})
	})
	if d.tell(err, Change{Kind: gennaker.ApplicationDocument, Application: name}); err != nil {
		return fmt.Errorf("delete application %s: %w", name, err)
	}
	return nil
}

// ApplicationHistory returns the newest revisions of an application, also of a
// deleted one, newest first; at most 1,000, and so many if limit is 0.
func (d *DB) ApplicationHistory(ctx context.Context, name string, limit int) ([]gennaker.Revision, error) {
	return d.revisions(ctx, kindApplication, strings.ToLower(name), math.MaxInt64, limit)
}

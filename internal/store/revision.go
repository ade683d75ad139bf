package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/gennaker/gennaker"
)

const (
	sqlNextRevision = `SELECT coalesce(max(number), 0) + 1 FROM revision WHERE kind = ? AND key = ?`
	sqlInsertRev    = `INSERT INTO revision (kind, key, number, author, at, deleted, doc) VALUES (?, ?, ?, ?, ?, ?, ?)`
	sqlRevisions    = `SELECT number, author, at, deleted, doc FROM revision WHERE kind = ? AND key = ? AND number < ? ORDER BY number DESC LIMIT ?`
)

// The kinds of documents.
const (
	kindApplication  = "application"
	kindPipeline     = "pipeline"
	kindTemplate     = "template"
	kindAccount      = "account"
	kindProject      = "project"
	kindCanaryConfig = "canaryConfig"
	kindNotification = "notifications"
)

// nouns are how actions name the kinds.
var nouns = map[string]string{
	kindApplication: "Application", kindPipeline: "Pipeline", kindTemplate: "PipelineTemplate", kindAccount: "Account",
	kindProject: "Project", kindCanaryConfig: "CanaryConfig", kindNotification: "Notifications",
}

// change is a save or a deletion of a document.
type change struct {
	kind, key     string
	by            string
	at            int64  // ms
	before, after []byte // nil when it was created, deleted
}

// record stores a change's revision and audit entry.
func record(ctx context.Context, tx *sql.Tx, c change) error {
	action, doc := "update", c.after
	switch {
	case c.before == nil:
		action = "create"
	case c.after == nil:
		action, doc = "delete", c.before
	}
	var number int
	if err := tx.QueryRowContext(ctx, sqlNextRevision, c.kind, c.key).Scan(&number); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, sqlInsertRev, c.kind, c.key, number, c.by, c.at, c.after == nil, string(doc)); err != nil {
		return err
	}
	return insertAudit(ctx, tx, AuditEntry{
		At: gennaker.Millis(c.at), Who: c.by, Action: action + nouns[c.kind], Target: c.kind + "/" + c.key, Before: c.before, After: c.after,
	})
}

// revisions returns the newest revisions of a document with smaller numbers than
// before, newest first.
func (d *DB) revisions(ctx context.Context, kind, key string, before, limit int) ([]gennaker.Revision, error) {
	out, err := query(ctx, d, d.r, func(rows *sql.Rows) (r gennaker.Revision, err error) {
		var at int64
		var doc []byte
		err = rows.Scan(&r.Number, &r.Author, &at, &r.Deleted, &doc)
		r.At, r.Document = gennaker.Millis(at), doc
		return r, err
	}, sqlRevisions, kind, key, before, bounded(limit))
	if err != nil {
		return nil, fmt.Errorf("read the history of %s %s: %w", kind, key, err)
	}
	return out, nil
}

// encode returns a document as JSON. Numbers stay as they were written.
func encode(doc map[string]any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("encode the document: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

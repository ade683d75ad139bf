package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gennaker/gennaker"
)

// AuditEntry says who did what to what, and why.
type AuditEntry struct {
	ID     int64           `json:"id"` // grows with time
	At     gennaker.Time   `json:"at"`
	Who    string          `json:"who"`
	Action string          `json:"action"` // e.g. updatePipeline
	Target string          `json:"target"` // e.g. pipeline/<id>
	Before json.RawMessage `json:"before,omitzero"`
	After  json.RawMessage `json:"after,omitzero"`
	Why    string          `json:"why,omitzero"`
}

const (
	sqlInsertAudit = `INSERT INTO audit (at, who, action, target, before, after, why) VALUES (?, ?, ?, ?, ?, ?, ?)`
	sqlAudit       = `SELECT id, at, who, action, target, before, after, why FROM audit ORDER BY id DESC LIMIT ?`
)

// maxEntries bounds what one listing of audit entries or revisions returns.
const maxEntries = 1_000

func bounded(limit int) int {
	if limit <= 0 || limit > maxEntries {
		return maxEntries
	}
	return limit
}

// Audit records what was done to something that is not in the catalog: an
// execution, a server group. ID is ignored; At is now if it is zero.
func (d *DB) Audit(ctx context.Context, e AuditEntry) error {
	if err := d.write(ctx, func(tx *sql.Tx) error { return insertAudit(ctx, tx, e) }); err != nil {
		return fmt.Errorf("record %s of %s: %w", e.Action, e.Target, err)
	}
	return nil
}

func insertAudit(ctx context.Context, tx *sql.Tx, e AuditEntry) error {
	if e.At.IsZero() {
		e.At = gennaker.At(time.Now())
	}
	_, err := tx.ExecContext(ctx, sqlInsertAudit, e.At.Epoch(), e.Who, e.Action, e.Target, nullable(e.Before), nullable(e.After), e.Why)
	return err
}

// nullable returns what to bind for JSON that may be missing.
func nullable(b json.RawMessage) any {
	if b == nil {
		return nil
	}
	return string(b)
}

// AuditEntries returns the newest entries, newest first: limit of them, or
// 1,000 if limit is 0 or more than that.
func (d *DB) AuditEntries(ctx context.Context, limit int) ([]AuditEntry, error) {
	entries, err := query(ctx, d, d.r, func(rows *sql.Rows) (e AuditEntry, err error) {
		var at int64
		var before, after []byte
		err = rows.Scan(&e.ID, &at, &e.Who, &e.Action, &e.Target, &before, &after, &e.Why)
		e.At, e.Before, e.After = gennaker.Millis(at), before, after
		return e, err
	}, sqlAudit, bounded(limit))
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	return entries, nil
}

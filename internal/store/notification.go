package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

const (
	sqlNotifications       = `SELECT doc FROM notification WHERE application = ?`
	sqlPutNotifications    = `INSERT INTO notification (application, doc) VALUES (?, ?) ON CONFLICT (application) DO UPDATE SET doc = excluded.doc`
	sqlDeleteNotifications = `DELETE FROM notification WHERE application = ?`
)

// Notifications returns who is notified of what happens in an application: a
// list for each type. Without any it is empty.
func (d *DB) Notifications(ctx context.Context, application string) (map[string]any, error) {
	doc, err := d.document(ctx, d.r, sqlNotifications, strings.ToLower(application))
	if err != nil {
		return nil, fmt.Errorf("read the notifications of %s: %w", application, err)
	}
	if doc == nil {
		return map[string]any{}, nil
	}
	parsed, err := gennaker.ParseDocument(doc)
	if err != nil {
		return nil, unreadable("document of notifications", err)
	}
	return parsed.Value, nil
}

// SaveNotifications stores the notifications of an application in place of those
// that it has; lastModified and lastModifiedBy are set here. With nil it has
// none any more.
func (d *DB) SaveNotifications(ctx context.Context, application string, doc map[string]any, by string) error {
	err := d.write(ctx, func(tx *sql.Tx) error {
		return d.putNotifications(ctx, tx, strings.ToLower(application), doc, by, time.Now().UnixMilli())
	})
	if d.tell(err, Change{Kind: gennaker.NotificationDocument, Application: application}); err != nil {
		return fmt.Errorf("save the notifications of %s: %w", application, err)
	}
	return nil
}

func (d *DB) putNotifications(ctx context.Context, tx *sql.Tx, k string, doc map[string]any, by string, now int64) error {
	before, err := d.document(ctx, tx, sqlNotifications, k)
	if err != nil {
		return err
	}
	if doc == nil {
		if before == nil {
			return nil
		}
		if _, err := tx.ExecContext(ctx, sqlDeleteNotifications, k); err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindNotification, key: k, by: by, at: now, before: before})
	}
	doc = maps.Clone(doc)
	doc["lastModified"], doc["lastModifiedBy"] = now, by
	after, err := encodeBounded("document of notifications", doc)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, sqlPutNotifications, k, string(after)); err != nil {
		return err
	}
	return record(ctx, tx, change{kind: kindNotification, key: k, by: by, at: now, before: before, after: after})
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/gennaker/gennaker"
)

const (
	sqlAccounts      = `SELECT doc FROM account ORDER BY name`
	sqlAccount       = `SELECT doc FROM account WHERE name = ?`
	sqlPutAccount    = `INSERT INTO account (name, doc) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET doc = excluded.doc`
	sqlDeleteAccount = `DELETE FROM account WHERE name = ?`
)

// Accounts returns the settings of all stored accounts, by name.
func (d *DB) Accounts(ctx context.Context) ([]map[string]any, error) {
	docs, err := query(ctx, d, d.r, scanText, sqlAccounts)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	out := make([]map[string]any, len(docs))
	for i, doc := range docs {
		parsed, err := gennaker.ParseDocument([]byte(doc))
		if err != nil {
			return nil, unreadable("account", err)
		}
		out[i] = parsed.Value
	}
	return out, nil
}

// SaveAccount stores the settings of an account in place of those that it has.
func (d *DB) SaveAccount(ctx context.Context, name string, settings map[string]any, by string) error {
	after, err := encode(settings)
	if err != nil {
		return err
	}
	if len(after) > gennaker.MaxDocumentBytes {
		return gennaker.Errorf(gennaker.TooLarge, "the account has %d bytes, more than %d", len(after), gennaker.MaxDocumentBytes)
	}
	return d.changeAccount(ctx, name, by, after, sqlPutAccount, name, string(after))
}

// DeleteAccount forgets an account.
//
// Errors: NotFound.
func (d *DB) DeleteAccount(ctx context.Context, name, by string) error {
	return d.changeAccount(ctx, name, by, nil, sqlDeleteAccount, name)
}

func (d *DB) changeAccount(ctx context.Context, name, by string, after []byte, statement string, args ...any) error {
	err := d.write(ctx, func(tx *sql.Tx) error {
		before, err := d.document(ctx, tx, sqlAccount, name)
		if err != nil {
			return err
		}
		if before == nil && after == nil {
			return gennaker.Errorf(gennaker.NotFound, "Account not found (name: %s)", name)
		}
		if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
			return err
		}
		return record(ctx, tx, change{kind: kindAccount, key: name, by: by, at: time.Now().UnixMilli(), before: before, after: after})
	})
	if err != nil {
		return fmt.Errorf("save account %s: %w", name, err)
	}
	return nil
}

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migration is one step of the schema. Applied ones never change.
type migration struct {
	version  int
	name     string
	sql      string
	checksum string // SHA-256 in hex
}

// readMigrations returns the migrations in files, which are named
// <version>_<name>.sql with versions from 1 without a gap.
func readMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var out []migration
	for i, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		if v, err := strconv.Atoi(number); err != nil || v != i+1 {
			return nil, fmt.Errorf("migration %s should have number %d", name, i+1)
		}
		sum := sha256.Sum256(text)
		out = append(out, migration{version: i + 1, name: path.Base(name), sql: string(text), checksum: hex.EncodeToString(sum[:])})
	}
	return out, nil
}

const (
	sqlCreateMigration = `CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL)`
	sqlMigrations      = `SELECT version, name, checksum FROM migration ORDER BY version`
	sqlInsertMigration = `INSERT INTO migration (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)`
)

// migrate brings the schema up to date, each step in a transaction of its own.
//
// Errors: Conflict if a newer release, or one with another history, wrote the
// file; nothing is changed then.
func (d *DB) migrate(ctx context.Context, files fs.FS) error {
	known, err := readMigrations(files)
	if err != nil {
		return err
	}
	if err := d.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, sqlCreateMigration)
		return err
	}); err != nil {
		return fmt.Errorf("create the table of migrations: %w", err)
	}
	applied, err := d.applied(ctx)
	if err != nil {
		return fmt.Errorf("read the applied migrations: %w", err)
	}
	if err := checkApplied(d.path, known, applied); err != nil {
		return err
	}
	for _, m := range known[len(applied):] {
		if err := d.write(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, m.sql); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, sqlInsertMigration, m.version, m.name, m.checksum, time.Now().UnixMilli())
			return err
		}); err != nil {
			return fmt.Errorf("migrate %s to %s: %w", d.path, m.name, err)
		}
		d.log.InfoContext(ctx, "migrated the database", "migration", m.name)
	}
	return nil
}

func (d *DB) applied(ctx context.Context) ([]migration, error) {
	return query(ctx, d, d.w, func(rows *sql.Rows) (m migration, err error) {
		return m, rows.Scan(&m.version, &m.name, &m.checksum)
	}, sqlMigrations)
}

func checkApplied(file string, known, applied []migration) error {
	for i, m := range applied {
		switch {
		case i >= len(known):
			return gennaker.Errorf(gennaker.Conflict, "the database %s was written by a newer release (migration %s)", file, m.name).
				WithHint("start that release or a later one, or restore a backup from before the upgrade")
		case m.version != known[i].version || m.checksum != known[i].checksum:
			return gennaker.Errorf(gennaker.Conflict, "migration %s of the database %s is not the one of this release", m.name, file).
				WithHint("start the release that wrote the database")
		}
	}
	return nil
}

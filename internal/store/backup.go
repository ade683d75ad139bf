package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/durable"
)

const sqlBackup = `VACUUM INTO ?`

// Backup writes a copy of the database as it is now to a new file at path,
// while everything else goes on. The file is there when it is whole and on the
// disk, or not at all.
//
// Errors: Conflict if there is a file at path.
func (d *DB) Backup(ctx context.Context, path string) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return fmt.Errorf("look for %s: %w", path, err)
		}
		return gennaker.Errorf(gennaker.Conflict, "there already is a file %s", path).WithHint("choose another name for the backup")
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".gennaker-backup-*") // mode 0600; SQLite fills an empty file
	if err != nil {
		return fmt.Errorf("create the backup: %w", err)
	}
	defer f.Close()
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	db, err := sql.Open("sqlite", d.dsn(""))
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, sqlBackup, f.Name()); err != nil {
		return fmt.Errorf("back up %s: %w", d.path, d.explain(err))
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write the backup to the disk: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("name the backup: %w", err)
	}
	if err := durable.SyncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write the directory to the disk: %w", err)
	}
	return nil
}

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gennaker/gennaker"
)

const (
	sqlCountExecutions = `SELECT COUNT(*) FROM execution`
	sqlCountByStatus   = `SELECT COUNT(*) FROM execution WHERE type = ? AND status = ?`
)

// Size is how large the files are, in bytes.
type Size struct{ File, WAL int64 }

// Size returns how large the files are now. Errors: Unavailable.
func (d *DB) Size() (Size, error) {
	var s Size
	for path, n := range map[string]*int64{d.path: &s.File, d.path + "-wal": &s.WAL} {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return s, gennaker.Errorf(gennaker.Unavailable, "the database cannot be looked at: %w", err)
		default:
			*n = info.Size()
		}
	}
	return s, nil
}

// Counts are numbers of executions, of pipelines and operations together.
type Counts struct {
	All int
	Of  map[gennaker.Status]int
}

// CountExecutions counts all executions, and those with some statuses.
func (d *DB) CountExecutions(ctx context.Context, statuses ...gennaker.Status) (Counts, error) {
	out := Counts{Of: map[gennaker.Status]int{}}
	all, err := query(ctx, d, d.r, scanCount, sqlCountExecutions)
	if err != nil {
		return out, fmt.Errorf("count executions: %w", err)
	}
	out.All = all[0]
	for _, status := range statuses {
		for _, typ := range []gennaker.ExecutionType{gennaker.TypePipeline, gennaker.TypeOrchestration} {
			n, err := query(ctx, d, d.r, scanCount, sqlCountByStatus, string(typ), string(status))
			if err != nil {
				return out, fmt.Errorf("count executions: %w", err)
			}
			out.Of[status] += n[0]
		}
	}
	return out, nil
}

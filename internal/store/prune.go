package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/gennaker/gennaker"
)

// pruneBatch is how many executions are deleted in one transaction, so that
// commits in between wait a few milliseconds at most.
const pruneBatch = 100

const sqlOld = `SELECT build_time, id FROM execution
WHERE application = ? AND config_id = ? AND type = ? AND status = ? AND (build_time, id) < (?, ?) AND open = 0
ORDER BY build_time, id LIMIT ?`

// Prune deletes the settled executions that were built before olderThan, but
// not the newest keepPerPipeline ones of each pipeline, and returns how many.
// Executions of no pipeline count by their age alone.
func (d *DB) Prune(ctx context.Context, olderThan time.Time, keepPerPipeline int) (int, error) {
	lanes, err := query(ctx, d, d.r, scanLane, sqlLanes)
	if err != nil {
		return 0, fmt.Errorf("list the pipelines that ran: %w", err)
	}
	total := 0
	for _, ln := range lanes {
		keep := keepPerPipeline
		if ln.config == "" {
			keep = 0
		}
		n, err := d.pruneLane(ctx, ln, key{built: olderThan.UnixMilli()}, keep)
		total += n
		if err != nil {
			return total, fmt.Errorf("prune the history of application %s: %w", ln.application, err)
		}
	}
	return total, nil
}

// pruneLane deletes what is older than before and is none of the newest keep.
func (d *DB) pruneLane(ctx context.Context, ln lane, before key, keep int) (total int, err error) {
	if keep > 0 {
		var newestOnes []key
		if err := d.read(ctx, func(tx *sql.Tx) error {
			l := listing{ctx: ctx, d: d, tx: tx}
			newestOnes, err = l.streams(newest, keep, sqlKeysByConfig, ln.application, ln.config)
			return err
		}); err != nil {
			return 0, err
		}
		if len(newestOnes) < keep {
			return 0, nil
		}
		if last := newestOnes[keep-1]; newestFirst.compare(before, last) < 0 {
			before = last
		}
	}
	var l listing
	for _, typ := range l.types() {
		for _, status := range l.statuses() {
			if !gennaker.Status(status).Complete() {
				continue
			}
			n, err := d.pruneStream(ctx, ln, typ, status, before)
			total += n
			if err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

func (d *DB) pruneStream(ctx context.Context, ln lane, typ, status string, before key) (total int, err error) {
	for {
		n := 0
		err := d.writeStages(ctx, never, func(tx *sql.Tx, _ bool) ([]journaled, error) {
			old, err := query(ctx, d, tx, scanKey, sqlOld, ln.application, ln.config, typ, status, before.built, before.id, pruneBatch)
			if err != nil {
				return nil, err
			}
			for _, k := range old {
				if err := deleteExecution(ctx, tx, k.id); err != nil {
					return nil, err
				}
			}
			n = len(old)
			return nil, nil
		})
		if err != nil {
			return total, err
		}
		if total += n; n < pruneBatch {
			return total, nil
		}
	}
}

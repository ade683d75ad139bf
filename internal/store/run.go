package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// What lists of applications and pipelines show of executions: of each status the
// newest, in the order of an index, so that it does not matter how much history
// there is.
const (
	selectRuns = `SELECT id, name, status, build_time, start_time, end_time FROM execution WHERE `
	newestRuns = ` AND type = 'PIPELINE' AND status = ? ORDER BY build_time DESC, id DESC LIMIT ?`

	sqlRunsOfApplication = selectRuns + ofApplication + newestRuns
	sqlRunsOfConfig      = selectRuns + ofConfig + newestRuns
	sqlCountRuns         = `SELECT COUNT(*) FROM execution WHERE application = ? AND type = 'PIPELINE' AND status = ?`
)

// maxDeployed bounds how many executions of an application are looked into for a
// deployment.
const maxDeployed = 5

func scanRun(rows *sql.Rows) (gennaker.Run, error) {
	var r gennaker.Run
	var built, started, ended int64
	err := rows.Scan(&r.ID, &r.Name, &r.Status, &built, &started, &ended)
	r.BuildTime, r.StartTime, r.EndTime = moment(built), moment(started), moment(ended)
	return r, err
}

// moment returns a time of a row, of which 0 is none.
func moment(ms int64) gennaker.Time {
	if ms == 0 {
		return gennaker.Time{}
	}
	return gennaker.Millis(ms)
}

// Activities returns what the pipelines of applications do, in their order, with
// the newest n runs of each.
func (d *DB) Activities(ctx context.Context, applications []string, n int) ([]gennaker.Activity, error) {
	out := make([]gennaker.Activity, len(applications))
	err := d.readStages(ctx, func(tx *sql.Tx, over overlay) error {
		all, err := d.runs(ctx, tx, sqlRunsOfApplication)
		if err != nil {
			return err
		}
		stored, err := d.loader(ctx, tx, over, sqlBriefs)
		if err != nil {
			return err
		}
		for i, application := range applications {
			if out[i], err = activity(all, stored, strings.ToLower(application), n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what pipelines do: %w", err)
	}
	return out, nil
}

func activity(all *runs, stored *loader, application string, n int) (gennaker.Activity, error) {
	var a gennaker.Activity
	byStatus, err := all.newest(n, application)
	if err != nil {
		return a, err
	}
	a.Runs = merged(byStatus, n)
	if a.Running = len(byStatus[gennaker.Running]); a.Running >= n {
		counts, err := query(all.ctx, all.d, all.tx, scanCount, sqlCountRuns, application, string(gennaker.Running))
		if err != nil {
			return a, err
		}
		a.Running = counts[0]
	}
	for _, r := range byStatus[gennaker.Running] {
		waits, err := stored.has(all.ctx, r.ID, func(typ string, s gennaker.Status) bool {
			return typ == "manualJudgment" && s == gennaker.Running
		})
		if err != nil {
			return a, err
		}
		if waits {
			a.Waiting++
		}
	}
	succeeded := byStatus[gennaker.Succeeded]
	for _, r := range succeeded[:min(len(succeeded), maxDeployed)] {
		deployed, err := stored.has(all.ctx, r.ID, func(typ string, s gennaker.Status) bool {
			return gennaker.Deploys(typ) && s == gennaker.Succeeded
		})
		if err != nil {
			return a, err
		}
		if deployed {
			a.LastDeployment = r.EndTime
			break
		}
	}
	return a, nil
}

func scanCount(rows *sql.Rows) (n int, err error) { return n, rows.Scan(&n) }

// has reports whether an execution has a stage with some type and status.
func (l *loader) has(ctx context.Context, id string, wanted func(typ string, s gennaker.Status) bool) (bool, error) {
	stages, err := l.skeletons(ctx, id)
	for _, st := range stages {
		if wanted(st.Type, st.Status) {
			return true, err
		}
	}
	return false, err
}

// PipelineRuns returns the newest n runs of pipelines of an application, by their
// IDs, oldest first.
func (d *DB) PipelineRuns(ctx context.Context, application string, ids []string, n int) (map[string][]gennaker.Run, error) {
	out := map[string][]gennaker.Run{}
	err := d.readStages(ctx, func(tx *sql.Tx, _ overlay) error {
		all, err := d.runs(ctx, tx, sqlRunsOfConfig)
		if err != nil {
			return err
		}
		for _, id := range ids {
			byStatus, err := all.newest(n, strings.ToLower(application), id)
			if err != nil {
				return err
			}
			out[id] = merged(byStatus, n)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the runs of pipelines of %s: %w", application, err)
	}
	return out, nil
}

// runs reads runs with one statement.
type runs struct {
	ctx  context.Context
	d    *DB
	tx   *sql.Tx
	stmt *sql.Stmt // closed with tx
}

func (d *DB) runs(ctx context.Context, tx *sql.Tx, text string) (*runs, error) {
	st, err := tx.PrepareContext(ctx, text)
	if err != nil {
		return nil, d.explain(err)
	}
	return &runs{ctx, d, tx, st}, nil
}

// newest returns the newest n of each status, newest first.
func (r *runs) newest(n int, args ...any) (map[gennaker.Status][]gennaker.Run, error) {
	out := map[gennaker.Status][]gennaker.Run{}
	for _, status := range gennaker.Statuses() {
		found, err := rows(r.ctx, r.d, r.stmt, scanRun, append(slices.Clip(args), string(status), n)...)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			out[status] = found
		}
	}
	return out, nil
}

// merged returns the newest n of all, oldest first.
func merged(byStatus map[gennaker.Status][]gennaker.Run, n int) []gennaker.Run {
	out := []gennaker.Run{}
	for _, list := range byStatus {
		out = append(out, list...)
	}
	slices.SortFunc(out, func(a, b gennaker.Run) int {
		return newestFirst.compare(key{a.BuildTime.Epoch(), a.ID}, key{b.BuildTime.Epoch(), b.ID})
	})
	out = out[:min(n, len(out))]
	slices.Reverse(out)
	return out
}

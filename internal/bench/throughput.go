package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gennaker/gennaker/internal/engine"
)

// measureThroughput measures how many executions of ten stages with three tasks
// each end in a second when every task is durable before the next one, beside a
// bare loop that commits the same rows in batches of the same size.
func measureThroughput(ctx context.Context, o options) ([]figure, error) {
	n := pick(o, 1500, 64)
	rec := &recorder{}
	if _, err := engineRun(ctx, o, n, func(s engine.Store) engine.Store { rec.Store = s; return rec }); err != nil {
		return nil, err
	}
	var own, bare, cpu, bareCPU []float64
	for range o.runs {
		e, err := engineRun(ctx, o, n, nil)
		if err != nil {
			return nil, err
		}
		b, err := bareRun(ctx, o, rec.commits)
		if err != nil {
			return nil, err
		}
		own, bare = append(own, float64(n)/e.wall), append(bare, float64(n)/b.wall)
		cpu, bareCPU = append(cpu, e.cpu/float64(n)), append(bareCPU, b.cpu/float64(n))
	}
	rows := 0
	for _, c := range rec.commits {
		rows += len(c)
	}
	against := fmt.Sprintf("bare loop, %.0f rows each, %.0f a commit", float64(rows)/float64(n), float64(rows)/float64(len(rec.commits)))
	return []figure{
		{
			what: "durable executions (10 stages × 3 tasks)", unit: perSecond, measured: own, reference: bare, against: against,
			target: "≥ 1000/s, ≥ 0.5", met: func(v, ratio float64) bool { return v >= 1000 && ratio >= 0.5 },
		},
		{what: "  processor time of one of them", unit: seconds, measured: cpu, reference: bareCPU, against: "bare loop"},
	}, nil
}

// cost is what a piece of work took, in seconds.
type cost struct{ wall, cpu float64 }

// timed measures f.
func timed(f func() error) (cost, error) {
	began, used := time.Now(), cpuTime()
	err := f()
	return cost{wall: time.Since(began).Seconds(), cpu: cpuTime() - used}, err
}

// cpuTime returns the processor time of this process so far, in seconds.
func cpuTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// inDir calls f with a fresh directory, which is gone afterwards.
func inDir(o options, f func(dir string) error) error {
	dir, err := os.MkdirTemp(o.dir, "run-*")
	if err != nil {
		return fmt.Errorf("make a directory for a run: %w", err)
	}
	defer os.RemoveAll(dir)
	return f(dir)
}

// engineRun runs n executions on a fresh database.
func engineRun(ctx context.Context, o options, n int, wrap func(engine.Store) engine.Store) (c cost, err error) {
	err = inDir(o, func(dir string) error {
		r, err := newRig(ctx, dir, wrap)
		if err != nil {
			return err
		}
		values := stageContext()
		c, err = timed(func() error {
			return each(ctx, n, submitters, func(ctx context.Context, _ int) error {
				return r.finish(ctx, chain(typeWork, workStages, values))
			})
		})
		if err != nil {
			return err
		}
		return r.close(ctx)
	})
	return c, err
}

// recorder notes the rows of every commit.
type recorder struct {
	engine.Store
	mu      sync.Mutex
	commits [][]recorded
}

// recorded is a row: its key, and how much it holds.
type recorded struct {
	key  string
	size int
}

// Commit notes what is stored, and stores it.
func (r *recorder) Commit(ctx context.Context, deltas []engine.Delta) error {
	var rows []recorded
	for _, d := range deltas {
		if d.Head != nil {
			size := jsonSize(d.Head)
			if d.Create != nil {
				size += jsonSize(d.Create)
			}
			rows = append(rows, recorded{d.ID, size})
		}
		for _, s := range d.Stages {
			rows = append(rows, recorded{d.ID + s.ID, len(s.State)})
		}
		for _, s := range d.Docs {
			for part, doc := range map[string]json.RawMessage{"c": s.Context, "o": s.Outputs, "m": s.LastModified} {
				if len(doc) > len("{}") {
					rows = append(rows, recorded{d.ID + s.ID + part, len(doc)})
				}
			}
		}
	}
	r.mu.Lock()
	r.commits = append(r.commits, rows)
	r.mu.Unlock()
	return r.Store.Commit(ctx, deltas)
}

func jsonSize(v any) int {
	b, err := json.Marshal(v)
	if err != nil {
		return 0
	}
	return len(b)
}

// bareRun commits rows like those recorded, with nothing around it.
func bareRun(ctx context.Context, o options, commits [][]recorded) (c cost, err error) {
	err = inDir(o, func(dir string) error {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "bare.db")+
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(4000)&_pragma=cache_size(-16384)&_txlock=immediate")
		if err != nil {
			return fmt.Errorf("open the bare database: %w", err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		if _, err := db.ExecContext(ctx, `CREATE TABLE item (key TEXT NOT NULL PRIMARY KEY, doc TEXT NOT NULL)`); err != nil {
			return fmt.Errorf("make the bare table: %w", err)
		}
		put, err := db.PrepareContext(ctx, `INSERT INTO item (key, doc) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET doc = excluded.doc`)
		if err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		text := strings.Repeat("x", 1<<20)
		c, err = timed(func() error {
			for _, rows := range commits {
				if err := bareCommit(db, put, rows, text); err != nil {
					return err
				}
			}
			return nil
		})
		return err
	})
	return c, err
}

func bareCommit(db *sql.DB, put *sql.Stmt, rows []recorded, text string) error {
	tx, err := db.Begin() //nolint:noctx // the driver starts a goroutine for each statement otherwise
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	bound := tx.Stmt(put) //nolint:sqlclosecheck // closed with the transaction
	for _, r := range rows {
		if _, err := bound.Exec(r.key, text[:r.size]); err != nil { //nolint:noctx // as above
			return fmt.Errorf("put a row: %w", err)
		}
	}
	return tx.Commit()
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// measureHandoff measures how long it takes from the end of a task to the begin
// of the next stage's, beside what one fsync takes on the same disk.
func measureHandoff(ctx context.Context, o options) ([]figure, error) {
	var alone, loaded, busy, syncs quantiles
	for range o.runs {
		err := inDir(o, func(dir string) error {
			s, err := fsyncs(dir, pick(o, 300, 20))
			if err != nil {
				return err
			}
			syncs.add(s)
			r, err := newRig(ctx, dir, nil)
			if err != nil {
				return err
			}
			values := stageContext()
			for range pick(o, 5, 1) {
				if err := r.finish(ctx, chain(typeClock, pick(o, 50, 5), values)); err != nil {
					return err
				}
			}
			alone.add(r.clock.takeGaps())
			r.clock.lasts.Store(int64(pick(o, 100*time.Millisecond, time.Millisecond)))
			err = each(ctx, pick(o, 50, 5), 50, func(ctx context.Context, _ int) error {
				return r.finish(ctx, chain(typeClock, pick(o, 20, 5), values))
			})
			if err != nil {
				return err
			}
			loaded.add(r.clock.takeGaps())
			r.clock.lasts.Store(0)
			err = each(ctx, pick(o, 150, 50), 50, func(ctx context.Context, _ int) error {
				return r.finish(ctx, chain(typeClock, pick(o, 20, 5), values))
			})
			if err != nil {
				return err
			}
			busy.add(r.clock.takeGaps())
			return r.close(ctx)
		})
		if err != nil {
			return nil, err
		}
	}
	met := func(v, ratio float64) bool { return v < 0.020 && ratio < 5 }
	const target = "< 20ms, < 5 fsyncs"
	return []figure{
		{what: "stage hand-off, one alone, p50", unit: seconds, measured: alone.p50, reference: syncs.p50, against: "fsync p50"},
		{what: "stage hand-off, one alone, p99", unit: seconds, measured: alone.p99, reference: syncs.p99, against: "fsync p99", target: target, met: met},
		{what: "stage hand-off, 50 with tasks of 100 ms, p50", unit: seconds, measured: loaded.p50, reference: syncs.p50, against: "fsync p50"},
		{what: "stage hand-off, 50 with tasks of 100 ms, p99", unit: seconds, measured: loaded.p99, reference: syncs.p99, against: "fsync p99", target: target, met: met},
		{what: "stage hand-off, 50 with tasks of no time, p50", unit: seconds, measured: busy.p50, reference: syncs.p50, against: "fsync p50"},
		{what: "stage hand-off, 50 with tasks of no time, p99", unit: seconds, measured: busy.p99, reference: syncs.p99, against: "fsync p99", target: "< 20ms", met: below(0.020)},
	}, nil
}

// quantiles collects those of several runs.
type quantiles struct{ p50, p95, p99 []float64 }

func (q *quantiles) add(values []float64) {
	q.p50 = append(q.p50, quantile(values, 0.50))
	q.p95 = append(q.p95, quantile(values, 0.95))
	q.p99 = append(q.p99, quantile(values, 0.99))
}

// fsyncs returns how long it takes to append a page to a file in dir and sync it.
func fsyncs(dir string, n int) ([]float64, error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return nil, fmt.Errorf("create a file to sync: %w", err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	out := make([]float64, n)
	for i := range out {
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return nil, fmt.Errorf("write a page: %w", err)
		}
		if err := f.Sync(); err != nil {
			return nil, fmt.Errorf("sync a page: %w", err)
		}
		out[i] = time.Since(began).Seconds()
	}
	return out, nil
}

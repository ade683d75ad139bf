package app

import (
	"cmp"
	"context"
	"log/slog"
	"time"
)

// What is kept of the history of executions, unless Config says otherwise.
const (
	DefaultKeepFor    = 365 * 24 * time.Hour
	DefaultKeepNewest = 100
)

// pruneEvery is how often history is pruned, after the start of the server.
const pruneEvery = 24 * time.Hour

// pruner deletes old history: store.DB.
type pruner interface {
	// Prune deletes the settled executions that were built before olderThan, but
	// not the newest keepPerPipeline of each pipeline, and returns how many.
	Prune(ctx context.Context, olderThan time.Time, keepPerPipeline int) (int, error)
}

// prune deletes what is no longer kept, now and once a day, until ctx ends.
func prune(ctx context.Context, p pruner, cfg Config, log *slog.Logger) {
	keepFor, keepNewest := cmp.Or(cfg.KeepFor, DefaultKeepFor), cmp.Or(cfg.KeepNewest, DefaultKeepNewest)
	again := time.NewTicker(pruneEvery)
	defer again.Stop()
	for {
		n, err := p.Prune(ctx, time.Now().Add(-keepFor), keepNewest)
		if n > 0 {
			log.InfoContext(ctx, "old executions were deleted", "executions", n, "older_than", keepFor)
		}
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "old executions could not all be deleted; it is tried again tomorrow", "error", err)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pruned is a call of Prune.
type pruned struct {
	At, OlderThan time.Duration // since the start
	Keep          int
}

// calls is a pruner that fails the first time.
type calls struct {
	start time.Time
	seen  []pruned
}

func (c *calls) Prune(_ context.Context, olderThan time.Time, keep int) (int, error) {
	c.seen = append(c.seen, pruned{time.Since(c.start), olderThan.Sub(c.start), keep})
	if len(c.seen) == 1 {
		return 3, errors.New("the disk is full")
	}
	return 0, nil
}

func TestPruneAtStartAndOnceADay(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		cfg  Config
		want []pruned
	}{
		"default": {Config{}, []pruned{{0, -365 * day, 100}, {day, -364 * day, 100}, {2 * day, -363 * day, 100}}},
		"set":     {Config{KeepFor: 2 * day, KeepNewest: 7}, []pruned{{0, -2 * day, 7}, {day, -day, 7}, {2 * day, 0, 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				p := &calls{start: time.Now()}
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					prune(ctx, p, tt.cfg, slog.New(slog.DiscardHandler))
				}()
				time.Sleep(2*day + time.Minute)
				cancel()
				<-ended
				if diff := cmp.Diff(tt.want, p.seen); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

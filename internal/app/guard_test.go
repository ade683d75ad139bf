package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gennaker/gennaker/internal/provider/local"
)

func TestPaceOfRestarts(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	tests := map[string]struct {
		ran  []time.Duration // one life after the other
		want []time.Duration // the pause behind each
	}{
		"a node that is killed now and then is back at once": {
			[]time.Duration{time.Hour, 300 * ms, 60 * ms, 700 * ms, 100 * ms}, []time.Duration{0, 0, 0, 0, 0},
		},
		"a node that does not start is tried ever more rarely": {
			[]time.Duration{0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
			[]time.Duration{50 * ms, 100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, 10_000 * ms, 10_000 * ms},
		},
		"one long life, and the past is forgotten": {
			[]time.Duration{0, 0, 0, time.Minute, 0}, []time.Duration{50 * ms, 100 * ms, 200 * ms, 0, 50 * ms},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apart := firstRestart
			for i, ran := range tt.ran {
				var pause time.Duration
				if pause, apart = pace(apart, ran); pause != tt.want[i] {
					t.Errorf("life %d of %v: pause %v, not %v", i, ran, pause, tt.want[i])
				}
			}
		})
	}
}

// TestNoNodeIsStartedAtTheEnd: a server that shuts down does not take the end of
// its own context for the end of the node.
func TestNoNodeIsStartedAtTheEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	started := filepath.Join(dir, "started")
	g := &nodeGuard{
		client: local.New(filepath.Join(dir, "node"), LocalAccount), dir: filepath.Join(dir, "node"),
		command: []string{"mkdir", started}, log: slog.New(slog.DiscardHandler),
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // it was a matter of chance
		g.keep(ctx)
		if err := g.ensure(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("ensure at the end: %v", err)
		}
	}
	if _, err := os.Stat(started); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a node was started at the end: %v", err)
	}
}

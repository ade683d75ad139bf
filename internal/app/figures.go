package app

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api/meta"
)

// figures tells how the server is: meta.Config.Server.
func (a *App) figures(ctx context.Context) (meta.ServerBody, error) {
	size, err := a.db.Size()
	if err != nil {
		return meta.ServerBody{}, err
	}
	counts, err := a.db.CountExecutions(ctx, gennaker.Running, gennaker.NotStarted, gennaker.Buffered, gennaker.Paused)
	if err != nil {
		return meta.ServerBody{}, err
	}
	held, bytes := a.events.Held()
	return meta.ServerBody{
		Version: a.cfg.Version, GoVersion: runtime.Version(), PID: os.Getpid(), StartedAt: a.since, DataDirectory: a.cfg.Data,
		Memory: processMemory(), Goroutines: runtime.NumGoroutine(),
		Database: meta.DatabaseFigures{Bytes: size.File, WALBytes: size.WAL},
		Executions: meta.ExecutionFigures{
			Running: counts.Of[gennaker.Running], Buffered: counts.Of[gennaker.NotStarted] + counts.Of[gennaker.Buffered],
			Paused: counts.Of[gennaker.Paused], Stored: counts.All,
		},
		Events: meta.EventFigures{Readers: a.events.Followers(), Held: held, Bytes: bytes},
	}, nil
}

// processMemory returns what this process takes, without stopping it.
func processMemory() meta.MemoryFigures {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(samples)
	return meta.MemoryFigures{HeapBytes: int64(samples[0].Value.Uint64()), SysBytes: int64(samples[1].Value.Uint64()), RSSBytes: resident()} //nolint:gosec // less than 2^63
}

// resident returns the memory of this process that is not swapped out, where
// /proc says it.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

package meta

import (
	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// ServerBody is how the server is.
type ServerBody struct {
	Version       string           `json:"version"`
	GoVersion     string           `json:"goVersion"`
	PID           int              `json:"pid"`
	StartedAt     gennaker.Time    `json:"startedAt"`
	DataDirectory string           `json:"dataDirectory"`
	Memory        MemoryFigures    `json:"memory"`
	Goroutines    int              `json:"goroutines"`
	Database      DatabaseFigures  `json:"database"`
	Executions    ExecutionFigures `json:"executions"`
	Events        EventFigures     `json:"events"`
}

// MemoryFigures are those of the server's process, in bytes.
type MemoryFigures struct {
	HeapBytes int64 `json:"heapBytes"` // in use
	SysBytes  int64 `json:"sysBytes"`  // taken from the system
	RSSBytes  int64 `json:"rssBytes"`  // resident; 0 where the system does not say
}

// DatabaseFigures are the sizes of the database, in bytes.
type DatabaseFigures struct {
	Bytes    int64 `json:"bytes"`
	WALBytes int64 `json:"walBytes"` // what is not in the file itself yet
}

// ExecutionFigures count executions of pipelines and operations.
type ExecutionFigures struct {
	Running  int `json:"running"`
	Buffered int `json:"buffered"` // that wait for others of their pipeline to end
	Paused   int `json:"paused"`
	Stored   int `json:"stored"` // all
}

// EventFigures are those of the log of events.
type EventFigures struct {
	Readers int `json:"readers"` // streams that are open
	Held    int `json:"held"`    // events that a stream that was cut off can still get
	Bytes   int `json:"bytes"`   // of memory, about
}

func (h handlers) server(r *api.Request) (ServerBody, error) { return h.Server(r.Context()) }

package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// Executions does what users do to executions that run. Every method returns
// when the request is durable, not when it took effect.
//
// Errors: NotFound for an execution or stage that does not exist; Conflict for
// one whose state does not allow it, Invalid for values that cannot be.
type Executions interface {
	// Cancel cancels an execution; one that is complete stays as it is.
	Cancel(ctx context.Context, id, user, reason string) error
	// Pause holds a RUNNING execution before its next tasks.
	Pause(ctx context.Context, id, user string) error
	// Resume lets a PAUSED execution go on.
	Resume(ctx context.Context, id, user string) error
	// Restart runs the top-level stage that stageID is or belongs to again, and
	// the stages behind it.
	Restart(ctx context.Context, id, stageID, user string) error
	// Patch merges values into the context of a stage: a judgment, a skipped
	// wait. Numbers in values are json.Number.
	Patch(ctx context.Context, id, stageID, user string, values map[string]any) error
	// Delete forgets a complete execution.
	Delete(ctx context.Context, id string) error
}

// Operation is an ad-hoc operation: what Spinnaker calls a task.
//
// Shape: each job holds a string "type" and the configuration of a stage of
// that type; numbers are json.Number.
type Operation struct {
	Application string
	Description string
	Jobs        []map[string]any
	// Key names the operation among those of its caller: another one with the
	// same key is the same, and starts nothing. Empty is none.
	Key string
}

// Launcher starts executions. They are durable when a method returns.
type Launcher interface {
	// StartPipeline starts a pipeline, found by name first and then by ID.
	// executionID is the ID that the execution shall have, or "" for a new one;
	// if there is already an execution with it, that one is returned.
	// Errors: NotFound; Invalid for a disabled pipeline or a trigger that
	// cannot be; Conflict if executionID is that of something else.
	StartPipeline(ctx context.Context, application, nameOrID string, trigger gennaker.Trigger, executionID string) (id string, err error)
	// StartTask starts an operation, its jobs one after the other; or returns
	// the one that was started with its Key.
	// Errors: Invalid, with a Problem for each job that cannot run.
	StartTask(ctx context.Context, op Operation, user string) (id string, err error)
}

// History reads executions.
type History interface {
	// Execution returns an execution with everything that belongs to it.
	// Errors: NotFound.
	Execution(ctx context.Context, id string) (gennaker.Execution, error)
	// Executions answers q in the order that its type promises. What it returns
	// is the caller's to keep, not to change.
	Executions(ctx context.Context, q gennaker.ExecutionQuery) ([]gennaker.Execution, error)
}

// Catalog keeps the documents that users write.
//
// Names of applications match without case everywhere.
type Catalog interface {
	// Applications returns all applications, by name.
	Applications(ctx context.Context) ([]gennaker.Application, error)
	// Application returns one application. Errors: NotFound.
	Application(ctx context.Context, name string) (gennaker.Application, error)
	// ApplicationHistory returns at most limit revisions, newest first; none
	// for an application that never was.
	ApplicationHistory(ctx context.Context, name string, limit int) ([]gennaker.Revision, error)
	// Pipelines returns the pipelines of an application, or of all for "".
	Pipelines(ctx context.Context, application string) ([]gennaker.Pipeline, error)
	// Pipeline returns one pipeline, by exact name first and then by ID.
	// Errors: NotFound.
	Pipeline(ctx context.Context, application, nameOrID string) (gennaker.Pipeline, error)
	// SavePipeline makes or replaces the pipeline with p's ID, and returns it
	// as it was stored: with ID, index, lastModifiedBy and updateTs. With
	// staleCheck it refuses a document that was not made from the stored one.
	// Errors: Invalid for a name that is taken in the application, and for a
	// stale document.
	SavePipeline(ctx context.Context, p gennaker.Pipeline, user string, staleCheck bool) (gennaker.Pipeline, error)
	// DeletePipeline deletes a pipeline; its name matches without case and
	// surrounding space. Errors: NotFound.
	DeletePipeline(ctx context.Context, application, nameOrID, user string) error
	// PipelineHistory returns at most limit revisions of the pipeline with that
	// ID, newest first; none for one that never was.
	PipelineHistory(ctx context.Context, id string, limit int) ([]gennaker.Revision, error)
}

// Checker knows the stage types.
type Checker interface {
	// Check returns what is wrong with stages. Paths begin with "stages[i]".
	Check(stages []gennaker.StageConfig) []gennaker.Problem
}

// Events tells what changes.
type Events interface {
	// Subscribe returns every event from now on. It never waits for the
	// receiver: the channel is closed when ctx ends, and when its buffer is
	// full, so that a slow receiver notices that it missed something.
	Subscribe(ctx context.Context) <-chan gennaker.Event
}

// Config is what a server is made of. All interfaces must be set.
type Config struct {
	Log         *slog.Logger
	Version     string
	Executions  Executions
	Launcher    Launcher
	History     History
	Catalog     Catalog
	Checker     Checker
	Linter      Linter
	Expressions Expressions
	Events      Events
	Fleet       *provider.Fleet

	// Templates keeps pipeline templates, and Planner plans what uses them.
	Templates Templates
	Planner   Planner

	Accounts      Accounts
	Artifacts     Artifacts
	Preconfigured Preconfigured

	// Access says who callers are and what they may do; nil is [Loopback].
	Access Access
	// Hosts are names under which the server may be asked for on a loopback
	// address, besides localhost and the addresses themselves. Without ports.
	Hosts []string
	// Health returns why the server cannot do its work, one sentence each; nil
	// is always healthy.
	Health func(ctx context.Context) []string
	// Observe is called after each request with the pattern of its route ("" if
	// there was none), its status and how long it took; nil is not.
	Observe func(route string, status int, took time.Duration)
}

// Bounds in time. There is no bound on how long a handler works: it ends with
// its client.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 30 * time.Second
	writeTimeout  = 30 * time.Second // for an answer, or for one piece of a stream
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// Server answers HTTP requests. Make one with [New].
type Server struct {
	Config
	mux    *http.ServeMux
	origin *http.CrossOriginProtection
	http   *http.Server

	streams    context.Context // ends when the server shuts down
	endStreams context.CancelFunc
	open       atomic.Int64 // streams
}

// New returns a server that does not listen yet.
func New(c Config) *Server {
	if c.Access == nil {
		c.Access = Loopback{}
	}
	s := &Server{Config: c, mux: http.NewServeMux(), origin: http.NewCrossOriginProtection()}
	for _, row := range routes() {
		s.mux.Handle(row.Method+" "+row.Pattern, s.handler(row))
	}
	s.streams, s.endStreams = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve answers requests from ln until [Server.Shutdown], and then returns nil.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	}
	return nil
}

// Shutdown ends streams at once, lets other requests finish, and returns when
// they have. When ctx ends first it cuts them off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.endStreams()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("wait for open requests: %w", err), s.http.Close())
	}
	return nil
}

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
)

// Config is what a server is made of.
type Config struct {
	Log     *slog.Logger
	Version string
	// Routes are those of what the server serves, besides those about itself.
	Routes []Route
	// Pages are the user interface; nil is one page that says how to build it.
	Pages *Pages

	// Access says who callers are and what they may do; nil is [Loopback].
	Access Access
	// Hosts are names under which the server may be asked for on a loopback
	// address, besides localhost and the addresses themselves. Without ports.
	Hosts []string
	// Origins are the sites, as scheme://host:port, whose pages may use the API
	// as the users of the browsers that show them.
	Origins []string
	// Rate bounds the requests of each caller to routes that need a permission.
	Rate Rate
	// Health returns why the server cannot do its work, one sentence each; nil
	// is always healthy.
	Health func(ctx context.Context) []string
	// Observe is called after each request with its route ("" if there was none),
	// its status and how long it took until the answer began; nil is not.
	Observe func(route string, status int, took time.Duration)
	// Metrics returns what was counted, as Prometheus reads it; nil is nothing.
	Metrics func() (string, error)
	// PublicMetrics lets everyone read them.
	PublicMetrics bool
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
	mux        *http.ServeMux
	origin     *http.CrossOriginProtection
	http       *http.Server
	compressor compressor
	limiter    *limiter // nil is no bound

	streams    context.Context // ends when the server shuts down
	endStreams context.CancelFunc
	open       atomic.Int64 // streams
}

// New returns a server that does not listen yet.
func New(c Config) *Server {
	if c.Access == nil {
		c.Access = Loopback{}
	}
	if c.Pages == nil {
		c.Pages = noPages()
	}
	s := &Server{Config: c, mux: http.NewServeMux(), origin: http.NewCrossOriginProtection(), limiter: newLimiter(c.Rate)}
	for _, row := range s.Routes() {
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

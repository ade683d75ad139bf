// Package hello is the sample HTTP service that the demo deploys.
//
//	GET  /                        its version, in the header X-Version too (as on every response)
//	POST /echo                    the request body
//	GET  /slow?ms=500             its version, after so many milliseconds
//	GET  /download?bytes=&rate=   so many bytes, at so many bytes per second
//	GET  /health                  200, or 503 if it is configured to be unhealthy
//
// When it is told to stop (SIGTERM, or the end of its context) it accepts no more
// and finishes the requests that it has.
package hello

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// Config says how the service behaves.
type Config struct {
	Addr       string         // host:port to listen on
	Version    string         // what it answers
	Healthy    bool           // whether GET /health answers 200
	StartDelay time.Duration  // how long it takes to start
	StopLimit  time.Duration  // how long requests may take after it was told to stop; 0 means 30 s
	Log        *slog.Logger   // nil means none
	Listening  func(net.Addr) // called once it accepts requests; may be nil
}

const (
	maxSlow     = 10 * time.Minute
	maxDownload = 1 << 40
	chunk       = 32 << 10
	steps       = 20 // writes per second of a download with a rate
)

// Run serves until ctx ends or the process gets SIGTERM or an interrupt, and
// returns when the requests under way have finished.
//
// Errors: that of the socket; the context's (deadline exceeded) if requests took
// longer than StopLimit and were cut.
func Run(ctx context.Context, c Config) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.StartDelay > 0 && !wait(ctx, c.StartDelay) {
		return nil
	}
	var lc net.ListenConfig
	socket, err := lc.Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("start hello %s: %w", c.Version, err)
	}
	server := &http.Server{Handler: Handler(c), ReadHeaderTimeout: 10 * time.Second, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(socket) }()
	c.Log.InfoContext(ctx, "hello started", "version", c.Version, "address", socket.Addr().String(), "healthy", c.Healthy)
	if c.Listening != nil {
		c.Listening(socket.Addr())
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve hello %s: %w", c.Version, err)
	case <-ctx.Done():
	}
	limit := c.StopLimit
	if limit == 0 {
		limit = 30 * time.Second
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err = server.Shutdown(stopping); err != nil {
		err = errors.Join(fmt.Errorf("stop hello %s: %w", c.Version, err), server.Close())
	}
	c.Log.InfoContext(stopping, "hello stopped", "version", c.Version, "clean", err == nil)
	return err
}

// Handler returns the routes of the service.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "hello from %s\n", c.Version)
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 is
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		ms, ok := number(w, r, "ms", int64(maxSlow/time.Millisecond))
		if ok && wait(r.Context(), time.Duration(ms)*time.Millisecond) {
			_, _ = fmt.Fprintf(w, "hello from %s\n", c.Version)
		}
	})
	mux.HandleFunc("GET /download", download)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		if !c.Healthy {
			http.Error(w, "not healthy", http.StatusServiceUnavailable)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Version", c.Version)
		mux.ServeHTTP(w, r)
	})
}

// download writes zeros, at an even pace if there is a rate.
func download(w http.ResponseWriter, r *http.Request) {
	left, ok := number(w, r, "bytes", maxDownload)
	if !ok {
		return
	}
	rate, ok := number(w, r, "rate", maxDownload)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(left, 10))
	var tick <-chan time.Time
	size := int64(chunk)
	if rate > 0 {
		ticker := time.NewTicker(time.Second / steps)
		defer ticker.Stop()
		tick = ticker.C
		size = max(1, rate/steps)
	}
	zeros := make([]byte, chunk)
	for left > 0 {
		for n := min(size, left); n > 0; {
			m, err := w.Write(zeros[:min(n, chunk)])
			if err != nil {
				return
			}
			n -= int64(m)
			left -= int64(m)
		}
		if tick == nil {
			continue
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-tick:
		case <-r.Context().Done():
			return
		}
	}
}

// number returns a query parameter, 0 if it is absent. If it is no number from 0
// to limit it answers so.
func number(w http.ResponseWriter, r *http.Request, name string, limit int64) (int64, bool) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > limit {
		http.Error(w, fmt.Sprintf("%s must be a number from 0 to %d", name, limit), http.StatusBadRequest)
		return 0, false
	}
	return n, true
}

// wait returns true after d, false if ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gennaker/gennaker"
)

// maxStreams bounds the streams that are open at a time.
const maxStreams = 2000

// OpenStreams returns how many streams are open.
func (s *Server) OpenStreams() int { return int(s.open.Load()) }

// Stream is an answer that goes on until its client leaves, the server shuts
// down or Run returns. As long as Run wrote nothing it can still fail.
type Stream struct {
	Run func(ctx context.Context, out *StreamWriter) error
}

// StreamWriter sends every piece at once.
type StreamWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	kind    string
	started bool
}

// Start sends the header.
func (o *StreamWriter) Start() error {
	if !o.started {
		o.started = true
		o.w.Header().Set("Content-Type", o.kind)
		o.w.Header().Set("X-Accel-Buffering", "no") // a proxy that collects before it passes on
		o.w.WriteHeader(http.StatusOK)
	}
	return o.control.Flush()
}

// Write sends b. A client that does not take it in time is given up.
func (o *StreamWriter) Write(b []byte) (int, error) {
	_ = o.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // a recorder of a test knows none
	if err := o.Start(); err != nil {
		return 0, err
	}
	n, err := o.w.Write(b)
	if err != nil {
		return n, err
	}
	return n, o.control.Flush()
}

func (s *Server) writeStream(w http.ResponseWriter, r *Request, a *Stream) {
	defer s.open.Add(-1)
	if s.open.Add(1) > maxStreams {
		s.fail(w, r.Request, gennaker.Errorf(gennaker.Unavailable, "%d streams are open already", maxStreams).
			WithHint("close some, or try again later"))
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.streams, cancel)()
	out := &StreamWriter{w: w, control: http.NewResponseController(w), kind: r.row.Handler.Media}
	// The last write of an earlier request on this connection set a deadline.
	_ = out.control.SetWriteDeadline(time.Time{})
	if r.Method == http.MethodHead {
		_ = out.Start()
		return
	}
	err := a.Run(ctx, out)
	switch {
	case err == nil:
	case !out.started:
		s.fail(w, r.Request, err)
	case ctx.Err() == nil:
		s.Log.WarnContext(ctx, "stream ended", "route", r.Pattern, "error", err)
	}
}

package api

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/gennaker/gennaker"
)

// ErrorBody is what every answer that is not a success holds.
//
// Source: Gate's error body, with hint and problems added.
type ErrorBody struct {
	Timestamp gennaker.Time      `json:"timestamp"`
	Status    int                `json:"status"`
	Error     string             `json:"error"`   // the status in words
	Message   string             `json:"message"` // one sentence of cause
	Hint      string             `json:"hint,omitzero"`
	Problems  []gennaker.Problem `json:"problems,omitempty"`
}

// fail answers with err. Of an internal error the caller gets a number to find
// it by in the log, and nothing else.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if f, ok := errors.AsType[*Failure](err); ok {
		s.Log.DebugContext(r.Context(), "request refused", "method", r.Method, "route", r.Pattern, "status", f.Status)
		s.writeError(w, r, f.Status, f.Body)
		return
	}
	status := gennaker.KindOf(err).HTTPStatus()
	log, body := s.Log.With("method", r.Method, "route", r.Pattern, "status", status, "error", err), ErrorBody{}
	if e, ok := errors.AsType[*gennaker.Error](err); ok {
		body = ErrorBody{Message: e.Message, Hint: e.Hint, Problems: e.Problems}
	}
	switch {
	case status == http.StatusServiceUnavailable:
		log.WarnContext(r.Context(), "request failed")
	case status != http.StatusInternalServerError:
		log.DebugContext(r.Context(), "request refused")
	default:
		id := rand.Text()
		body = ErrorBody{
			Message: "Something went wrong in the server (incident " + id + ")",
			Hint:    "the server's log tells more under that incident",
		}
		level := slog.LevelError
		if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
			level = slog.LevelDebug // the client left, and nobody reads the answer
		}
		log.Log(r.Context(), level, "request failed", "incident", id)
	}
	s.failWith(w, r, status, body)
}

// Failure is an error with a body of its own.
type Failure struct {
	Status int
	Body   any
}

func (f *Failure) Error() string { return http.StatusText(f.Status) }

// NewErrorBody returns what an answer with that status holds, now.
func NewErrorBody(status int, message string) ErrorBody {
	return ErrorBody{Timestamp: gennaker.At(time.Now()), Status: status, Error: http.StatusText(status), Message: message}
}

// failWith answers with body, whose status and time it fills in.
func (s *Server) failWith(w http.ResponseWriter, r *http.Request, status int, body ErrorBody) {
	full := NewErrorBody(status, body.Message)
	full.Hint, full.Problems = body.Hint, body.Problems
	s.writeError(w, r, status, full)
}

func (s *Server) writeError(w http.ResponseWriter, r *http.Request, status int, body any) {
	text, err := encode(body)
	if err != nil { // cannot be: it holds strings and numbers
		s.Log.Error("encode error body", "error", err)
	}
	s.sendJSON(w, r, status, text)
}

// OrNotFound replaces a NotFound by one with Gate's wording, which clients show.
func OrNotFound(err error, format string, args ...any) error {
	if err != nil && gennaker.KindOf(err) == gennaker.NotFound {
		return gennaker.Errorf(gennaker.NotFound, format, args...)
	}
	return err
}

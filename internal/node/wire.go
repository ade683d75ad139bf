package node

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gennaker/gennaker"
)

// Status is the answer of GET /ping.
type Status struct {
	PID      int           `json:"pid"`
	Version  string        `json:"version,omitzero"` // of the program
	Since    gennaker.Time `json:"since,omitzero"`   // when the node started
	Problems []string      `json:"problems"`         // what could not be read then
	Jobs     int           `json:"jobs,omitzero"`    // that run
}

// CreateRequest is the body of POST /server-groups; CreateResponse the answer.
type CreateRequest struct {
	Key  string                   `json:"key"`
	Spec gennaker.ServerGroupSpec `json:"spec"`
}

// RunJobRequest is the body of POST /jobs; CreateResponse the answer.
type RunJobRequest struct {
	Key  string           `json:"key"`
	Spec gennaker.JobSpec `json:"spec"`
}

// CreateResponse names the server group or job that was made.
type CreateResponse struct {
	Name string `json:"name"`
}

// OperationRequest is the body of POST /server-groups/{name}/{operation}, with
// the operations resize, enable, disable, destroy, terminate.
type OperationRequest struct {
	Key       string            `json:"key"`
	Capacity  gennaker.Capacity `json:"capacity,omitzero"`  // resize
	Percent   int               `json:"percent,omitzero"`   // disable
	Instances []string          `json:"instances,omitzero"` // terminate
}

// ErrorBody is the answer when something did not work.
type ErrorBody struct {
	Kind     gennaker.Kind      `json:"kind"`
	Message  string             `json:"message"`
	Hint     string             `json:"hint,omitzero"`
	Problems []gennaker.Problem `json:"problems,omitzero"`
}

// Err returns the error that b tells of.
func (b ErrorBody) Err() error {
	return &gennaker.Error{Kind: b.Kind, Message: b.Message, Hint: b.Hint, Problems: b.Problems}
}

// maxBody bounds the body of a request.
const maxBody = 4 << 20

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func writeError(w http.ResponseWriter, err error) {
	body := ErrorBody{Kind: gennaker.KindOf(err), Message: err.Error(), Hint: gennaker.HintOf(err)}
	if e, ok := errors.AsType[*gennaker.Error](err); ok {
		body.Problems = e.Problems
	}
	writeJSON(w, body.Kind.HTTPStatus(), body)
}

func readJSON[T any](w http.ResponseWriter, r *http.Request) (T, error) {
	var v T
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&v)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return v, gennaker.Errorf(gennaker.TooLarge, "the request is larger than %d bytes", maxBody)
	}
	if err != nil {
		return v, gennaker.Errorf(gennaker.Invalid, "the request cannot be read: %w", err)
	}
	return v, nil
}

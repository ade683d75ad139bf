package execution

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// startPipeline starts the pipeline {name} of {app}.
//
// Source: Gate's PipelineController, whose words errors have.
func (h handlers) startPipeline(r *api.Request, _ api.Text) (*Ref, error) {
	s, err := readStart(r)
	if err != nil {
		return nil, err
	}
	id, err := h.startNamed(r, s)
	if err != nil {
		return nil, said(err, "Unable to trigger pipeline (application: %s, pipelineNameOrId: %s). Error: ", r.PathValue("app"), r.PathValue("name"))
	}
	return &Ref{"/pipelines/" + id}, nil
}

// StartedBody says what an event started.
type StartedBody struct {
	EventID string `json:"eventId"` // executions can be searched by it
	Ref     string `json:"ref"`
}

// startByEvent is startPipeline as Deck asks for it: the trigger gets the ID of an
// event. The execution exists when it returns.
//
// Source: Gate's PipelineController, POST /pipelines/v2/{application}/{name}.
func (h handlers) startByEvent(r *api.Request, _ api.Text) (*StartedBody, error) {
	s, err := readStart(r)
	if err != nil {
		return nil, err
	}
	event := newEventID()
	s.trigger.Other = withValue(s.trigger.Other, "eventId", event)
	id, err := h.startNamed(r, s)
	if err != nil {
		return nil, err
	}
	return &StartedBody{EventID: event, Ref: "/pipelines/" + id}, nil
}

// newEventID returns a random UUID, as Gate's are.
func newEventID() string {
	var b [16]byte
	rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// startNamed starts the pipeline {name} of {app}, and returns the execution's ID.
func (h handlers) startNamed(r *api.Request, s start) (string, error) {
	app, name := r.PathValue("app"), r.PathValue("name")
	p, err := h.Pipelines.Pipeline(r.Context(), app, name)
	if err != nil {
		return "", api.OrNotFound(err, "Pipeline configuration not found (nameOrId: %s)", name)
	}
	for _, param := range p.Parameters {
		if _, ok := s.trigger.Parameters[param.Name]; !ok && param.Required && param.Default == nil {
			return "", gennaker.Errorf(gennaker.Invalid, "Required parameter %s is missing", param.Name)
		}
	}
	return h.Launcher.StartPipeline(r.Context(), app, name, s.trigger, s.executionID)
}

// said puts words before the message of an error.
func said(err error, format string, args ...any) error {
	e, ok := errors.AsType[*gennaker.Error](err)
	if !ok || e.Kind == gennaker.Internal {
		return err
	}
	c := *e
	c.Message, c.Err = fmt.Sprintf(format, args...)+err.Error(), err
	return &c
}

func withValue(m map[string]any, key string, v any) map[string]any {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]any{}
	}
	out[key] = v
	return out
}

// startGiven starts the pipeline in the body, which need not be saved; or only
// shows with what it would begin, if its "plan" is true.
//
// Source: Gate's POST /pipelines/start, Spinnaker orca's POST /orchestrate.
func (h handlers) startGiven(r *api.Request, _ api.Text) (map[string]any, error) {
	p, err := gennaker.ParsePipeline(r.Text)
	if err != nil {
		return nil, err
	}
	if err := h.Access.Allow(r.Caller, api.Execute, p.Application); err != nil {
		return nil, err
	}
	body, doc, err := api.Decode[startBody](r)
	if err != nil {
		return nil, err
	}
	s, err := body.read(doc, "trigger", body.Trigger, r.Caller)
	if err != nil {
		return nil, err
	}
	plan := doc.Value["plan"] == true || doc.Value["plan"] == "true"
	// What is asked is not a part of what is started.
	for _, key := range []string{"trigger", "plan", "executionId"} {
		delete(p.Doc.Value, key)
	}
	if plan {
		return h.Launcher.Preview(r.Context(), p, s.trigger)
	}
	id, err := h.Launcher.Start(r.Context(), p, s.trigger, s.executionID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"ref": "/pipelines/" + id}, nil
}

// start is what a request to start a pipeline says.
type start struct {
	trigger     gennaker.Trigger
	executionID string
}

// startBody is the part of a start's body that is not the trigger.
type startBody struct {
	ExecutionID string          `json:"executionId"`
	Trigger     json.RawMessage `json:"trigger"`
}

// readStart reads the body of a start, which is a trigger or, from newer versions
// of spin, an object with a trigger in it. It may be empty.
func readStart(r *api.Request) (start, error) {
	if r.Blank() {
		return startBody{}.read(nil, "", nil, r.Caller)
	}
	body, doc, err := api.Decode[startBody](r)
	if err != nil {
		return start{}, err
	}
	if doc.Value["trigger"] != nil {
		return body.read(doc, "trigger", body.Trigger, r.Caller)
	}
	return body.read(doc, "", r.Text, r.Caller)
}

// read reads the trigger, which is the text at path of doc, or nothing.
func (b startBody) read(doc *gennaker.Document, path string, text []byte, caller api.Caller) (start, error) {
	s := start{executionID: b.ExecutionID}
	if len(text) > 0 {
		if err := api.Unmarshal(doc, path, text, &s.trigger); err != nil {
			return s, err
		}
	}
	if delete(s.trigger.Other, "executionId"); len(s.trigger.Other) == 0 {
		s.trigger.Other = nil
	}
	if s.trigger.Type == "" {
		s.trigger.Type = "manual"
	}
	if s.trigger.Parameters == nil {
		s.trigger.Parameters = map[string]any{}
	}
	s.trigger.User = caller.User
	return s, nil
}

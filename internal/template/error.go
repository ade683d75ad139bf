package template

import (
	"fmt"

	"github.com/gennaker/gennaker"
)

// Severity says whether an Error stops planning.
type Severity string

// The severities, as Orca writes them.
const (
	Fatal Severity = "FATAL"
	Warn  Severity = "WARN"
)

// Error is one thing that is wrong with a template or a config.
//
// Source: Orca's Errors.Error.
type Error struct {
	Severity   Severity          `json:"severity"`
	Message    string            `json:"message"`
	Location   string            `json:"location,omitzero"`   // e.g. "configuration:stages.deploy"
	Cause      string            `json:"cause,omitzero"`      // what was found
	Suggestion string            `json:"suggestion,omitzero"` // what would be right
	Details    map[string]string `json:"details,omitempty"`
	Nested     []Error           `json:"nestedErrors,omitempty"`
}

// String returns the error in one line.
func (e Error) String() string {
	s := e.Message
	if e.Location != "" {
		s = e.Location + ": " + s
	}
	if e.Cause != "" {
		s += ": " + e.Cause
	}
	return s
}

// Errors is why a config could not be planned. It is of kind Invalid.
type Errors struct {
	List []Error `json:"errors"` // at least one
}

// Message is what Gate answers when a config cannot be planned.
const Message = "Pipeline template is invalid"

func (e *Errors) Error() string {
	s := Message + ": " + e.List[0].String()
	if more := len(e.List) - 1; more > 0 {
		s += fmt.Sprintf(" (and %d more problems)", more)
	}
	return s
}

// Unwrap returns e as an error for users, one problem for each of its errors.
func (e *Errors) Unwrap() error {
	out := &gennaker.Error{Kind: gennaker.Invalid, Message: e.Error(), Hint: e.List[0].Suggestion}
	for _, x := range e.List {
		message := x.Message
		if x.Cause != "" {
			message += ": " + x.Cause
		}
		out.Problems = append(out.Problems, gennaker.Problem{Path: x.Location, Message: message})
	}
	return out
}

// What Orca says of errors whose sentence is in their cause.
const (
	failedLoading   = "failed loading template"
	failedRendering = "failed rendering template expression"
	malformed       = "malformed template configuration"
)

func refuse(list ...Error) *Errors {
	for i := range list {
		list[i].Severity = Fatal
	}
	return &Errors{List: list}
}

func malformedf(location, format string, args ...any) *Errors {
	return refuse(Error{Message: malformed, Location: location, Cause: fmt.Sprintf(format, args...)})
}

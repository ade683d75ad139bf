package gennaker

// Trigger is what started an execution.
//
// Shape: Other holds all keys that are not fields, verbatim; they stand inline
// on the wire. Numbers in open parts are json.Number.
type Trigger struct {
	Type          string           `json:"type"`
	User          string           `json:"user,omitzero"`
	CorrelationID string           `json:"correlationId,omitzero"`
	Parameters    map[string]any   `json:"parameters"`
	Artifacts     []map[string]any `json:"artifacts,omitzero"`
	Notifications []map[string]any `json:"notifications,omitzero"`
	DryRun        bool             `json:"dryRun,omitzero"`
	Other         map[string]any   `json:"-"`
}

// Anonymous is the user of a caller who is not known.
const Anonymous = "[anonymous]"

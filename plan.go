package gennaker

// Plan is what a run of a pipeline would do, as far as that can be told without
// doing it: stages that only steer and those about server groups are run for
// the plan, against copies; those that would ask a machine outside are assumed
// to succeed, and people to judge in favor.
type Plan struct {
	Application string         `json:"application"`
	Name        string         `json:"name"`
	Refused     string         `json:"refused,omitzero"` // why it would not even start
	Status      Status         `json:"status,omitzero"`  // how it would end
	Seconds     int64          `json:"seconds"`          // that it would take, but for what is assumed
	Parameters  map[string]any `json:"parameters"`
	Artifacts   []Artifact     `json:"artifacts,omitzero"` // those that it would start with
	Stages      []PlannedStage `json:"stages"`             // in order of the pipeline
}

// PlannedStage is what a stage of the pipeline would do.
type PlannedStage struct {
	RefID      string         `json:"refId"`
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Status     Status         `json:"status"`              // how it would end; NOT_STARTED if it would not begin
	Reason     string         `json:"reason,omitzero"`     // why it would fail, or be skipped
	Start      int64          `json:"start"`               // seconds after the start of the run
	Assumed    bool           `json:"assumed,omitzero"`    // it would ask a machine outside
	Values     []PlannedValue `json:"values,omitzero"`     // of the expressions in it
	Outputs    map[string]any `json:"outputs,omitzero"`    // for the stages behind it
	Unresolved []string       `json:"unresolved,omitzero"` // expressions without a value, and why
	Moves      []string       `json:"moves,omitzero"`      // on server groups, in order
}

// PlannedValue is the value that an expression would have.
type PlannedValue struct {
	Path       string `json:"path"` // in the stage, as manifests[0].kind
	Expression string `json:"expression"`
	Value      any    `json:"value"`
}

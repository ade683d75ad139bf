package schema

// Common is what every stage may have.
type Common struct {
	Type                          string         `json:"type"`                                  // one of the types below
	RefID                         string         `json:"refId"`                                 // name of the stage in the pipeline
	Requires                      []string       `json:"requisiteStageRefIds"`                  // stages that must end before this one starts
	Name                          string         `json:"name"`                                  // for people; default the type
	Comments                      string         `json:"comments"`                              // for people
	FailPipeline                  bool           `json:"failPipeline"`                          // false stops only this branch if the stage fails
	ContinuePipeline              bool           `json:"continuePipeline"`                      // true goes on if the stage fails
	CompleteOtherBranchesThenFail bool           `json:"completeOtherBranchesThenFail"`         // with failPipeline false: the execution fails at its end
	AllowSiblings                 bool           `json:"allowSiblingStagesToContinueOnFailure"` // of a synthetic stage: those beside it go on if it fails
	StageTimeoutMS                int            `json:"stageTimeoutMs"`                        // milliseconds that the stage may take; instead of the tasks' own limits
	MarkSuccessfulOnTimeout       bool           `json:"markSuccessfulOnTimeout"`               // true makes a timeout a success
	StageEnabled                  condition      `json:"stageEnabled"`                          // when the stage runs; else it is skipped
	RestrictToWindow              bool           `json:"restrictExecutionDuringTimeWindow"`     // true starts the stage only in the hours of restrictedExecutionWindow
	Window                        map[string]any `json:"restrictedExecutionWindow"`             // the hours: days, from 1 for Sunday, and whitelist of startHour, startMin, endHour, endMin
}

// condition says whether a stage runs.
type condition struct {
	Type       string `json:"type" enum:"expression"` // "expression"; other types are not asked
	Expression string `json:"expression"`             // what must be true, with or without ${ }
}

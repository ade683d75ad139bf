package gennaker

import "encoding/json"

// ExecutionType tells a pipeline's run from an ad-hoc operation's.
type ExecutionType string

// The types. An orchestration is what Spinnaker's UI and API call a task.
const (
	TypePipeline      ExecutionType = "PIPELINE"
	TypeOrchestration ExecutionType = "ORCHESTRATION"
)

// Execution is one run of a pipeline, or of an ad-hoc operation.
//
// Source: Spinnaker orca Execution JSON; wire names and omissions are its own.
type Execution struct {
	Type             ExecutionType    `json:"type"`
	ID               string           `json:"id"` // ULID
	RootID           string           `json:"rootId,omitzero"`
	Application      string           `json:"application"`
	Name             string           `json:"name,omitzero"`        // pipelines
	Description      string           `json:"description,omitzero"` // orchestrations
	PipelineConfigID string           `json:"pipelineConfigId,omitzero"`
	BuildTime        Time             `json:"buildTime,omitzero"`
	StartTime        Time             `json:"startTime,omitzero"`
	EndTime          Time             `json:"endTime,omitzero"`
	StartTimeExpiry  Time             `json:"startTimeExpiry,omitzero"`
	Status           Status           `json:"status"`
	Canceled         bool             `json:"canceled"`
	CanceledBy       string           `json:"canceledBy,omitzero"`
	CancelReason     string           `json:"cancellationReason,omitzero"`
	LimitConcurrent  bool             `json:"limitConcurrent"`
	MaxConcurrent    int              `json:"maxConcurrentExecutions,omitzero"`
	KeepWaiting      bool             `json:"keepWaitingPipelines"`
	Authentication   Authentication   `json:"authentication,omitzero"`
	Paused           *Pause           `json:"paused,omitzero"`
	Origin           string           `json:"origin,omitzero"`
	Trigger          Trigger          `json:"trigger"`
	Source           map[string]any   `json:"source,omitzero"`
	Notifications    []map[string]any `json:"notifications,omitzero"`
	InitialConfig    map[string]any   `json:"initialConfig,omitzero"`
	SpelEvaluator    string           `json:"spelEvaluator,omitzero"`
	// TemplateVariables are those of a pipeline that was made from a template.
	TemplateVariables map[string]any `json:"templateVariables,omitzero"`
	Stages            []Stage        `json:"stages"` // synthetic before-stages before their parent, after-stages behind it
}

// Authentication is who started an execution.
type Authentication struct {
	User            string   `json:"user,omitzero"`
	AllowedAccounts []string `json:"allowedAccounts,omitzero"`
}

// Pause is the last time that an execution was paused.
type Pause struct {
	PausedBy   string `json:"pausedBy,omitzero"`
	PauseTime  Time   `json:"pauseTime,omitzero"`
	ResumedBy  string `json:"resumedBy,omitzero"`
	ResumeTime Time   `json:"resumeTime,omitzero"`
}

// MarshalJSON writes also what follows from the times: whether it lasts, as
// paused, and once it is over how long it was, as pausedMs.
func (p Pause) MarshalJSON() ([]byte, error) {
	type times Pause
	out := struct {
		times
		Paused   bool  `json:"paused"`
		PausedMS int64 `json:"pausedMs"`
	}{times: times(p), Paused: !p.PauseTime.IsZero() && p.ResumeTime.IsZero()}
	if !p.PauseTime.IsZero() && !p.ResumeTime.IsZero() {
		out.PausedMS = p.ResumeTime.Sub(p.PauseTime.Time).Milliseconds()
	}
	return json.Marshal(out)
}

// Owner says on which side of its parent a synthetic stage runs.
type Owner string

// The owners. On-failure stages are after-stages on the wire.
const (
	Before Owner = "STAGE_BEFORE"
	After  Owner = "STAGE_AFTER"
)

// Stage is one stage of an execution.
type Stage struct {
	ID              string         `json:"id"`
	RefID           string         `json:"refId"`
	Type            string         `json:"type"`
	Name            string         `json:"name"`
	Requires        []string       `json:"requisiteStageRefIds"`
	Status          Status         `json:"status"`
	StartTime       Time           `json:"startTime,omitzero"`
	EndTime         Time           `json:"endTime,omitzero"`
	StartTimeExpiry Time           `json:"startTimeExpiry,omitzero"`
	Context         map[string]any `json:"context"` // the configuration, and what tasks put there
	Outputs         map[string]any `json:"outputs"` // visible to the stages behind it
	Tasks           []Task         `json:"tasks"`
	ParentStageID   string         `json:"parentStageId,omitzero"` // set on synthetic stages
	Owner           Owner          `json:"syntheticStageOwner,omitzero"`
	LastModified    *LastModified  `json:"lastModified,omitzero"`
}

// LastModified is who last changed a stage's context by hand.
type LastModified struct {
	User            string   `json:"user"`
	AllowedAccounts []string `json:"allowedAccounts,omitzero"`
	Time            Time     `json:"lastModifiedTime"`
}

// Task is one step of a stage.
type Task struct {
	ID                string         `json:"id"` // its place in the stage, from "1"
	Name              string         `json:"name"`
	ImplementingClass string         `json:"implementingClass,omitzero"`
	Status            Status         `json:"status"`
	StartTime         Time           `json:"startTime,omitzero"`
	EndTime           Time           `json:"endTime,omitzero"`
	StageStart        bool           `json:"stageStart"`
	StageEnd          bool           `json:"stageEnd"`
	LoopStart         bool           `json:"loopStart"`
	LoopEnd           bool           `json:"loopEnd"`
	ExceptionDetails  map[string]any `json:"taskExceptionDetails,omitzero"`
}

// Exception is why a stage failed, as it stands in its context under
// "exception". Deck shows Details.Errors, else Details.Error.
type Exception struct {
	Timestamp     Time             `json:"timestamp"`
	ExceptionType string           `json:"exceptionType"`
	Operation     string           `json:"operation"` // task name
	Details       ExceptionDetails `json:"details"`
	ShouldRetry   bool             `json:"shouldRetry"`
}

// ExceptionDetails is the part of an Exception that people read.
type ExceptionDetails struct {
	Error  string   `json:"error"`
	Errors []string `json:"errors"`
	Hint   string   `json:"hint,omitzero"` // ours: what to do
}

package gennaker

import "maps"

// ExecutionQuery selects executions. Fields that are empty select everything;
// the others must all hold.
//
// The answer is newest first: by BuildTime, of two with the same one by ID,
// both descending. With OldestFirst it is the other way round.
type ExecutionQuery struct {
	Type              ExecutionType
	Application       string   // without case
	PipelineConfigIDs []string // any of these
	IDs               []string // any of these; those that do not exist are left out
	Statuses          []Status // any of these
	Before            string   // only what comes behind the execution with this ID in the answer; NotFound if there is none
	BuiltFrom         Time     // only those built then or later
	BuiltTo           Time     // only those built then or earlier
	OldestFirst       bool

	Limit       int  // at most so many; 0 means 1,000, which is also the most
	PerPipeline bool // Limit counts for each PipelineConfigID by itself; executions without one are left out

	// Expand keeps what Unexpanded leaves out. A store need not even read it
	// when Expand is false.
	Expand bool
	// NoStages leaves out the stages, which are then not read either.
	NoStages bool
}

// MaxExecutionQuery bounds ExecutionQuery.Limit, and how many executions one
// query answers.
const MaxExecutionQuery = 1_000

// Unexpanded returns e as listings show it: each stage without its tasks and
// outputs, of its context only "group", and of a parent execution in the
// trigger no stages. It shares no map or slice that it changed with e.
//
// Source: Spinnaker orca, listings with expand=false.
func (e Execution) Unexpanded() Execution {
	stages := make([]Stage, len(e.Stages))
	for i, s := range e.Stages {
		context := map[string]any{}
		if group, ok := s.Context["group"]; ok {
			context["group"] = group
		}
		s.Context, s.Outputs, s.Tasks = context, map[string]any{}, []Task{}
		stages[i] = s
	}
	e.Stages = stages
	e.Trigger.Other = withoutParentStages(e.Trigger.Other)
	return e
}

// withoutParentStages returns trigger with the stages of parentExecution, and
// of what that was started by, emptied.
func withoutParentStages(trigger map[string]any) map[string]any {
	parent, ok := trigger["parentExecution"].(map[string]any)
	if !ok {
		return trigger
	}
	parent = maps.Clone(parent)
	parent["stages"] = []any{}
	if t, ok := parent["trigger"].(map[string]any); ok {
		parent["trigger"] = withoutParentStages(t)
	}
	trigger = maps.Clone(trigger)
	trigger["parentExecution"] = parent
	return trigger
}

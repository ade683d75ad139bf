package flow

import (
	"time"

	"github.com/gennaker/gennaker"
)

// EventKind names what happened.
type EventKind string

// The events. An event that does not fit the state (late, twice) changes nothing.
const (
	Begin        EventKind = "begin"         // the execution may run
	Refuse       EventKind = "refuse"        // the execution cannot be; Reason
	Planned      EventKind = "planned"       // answer to a Plan command
	TaskEnded    EventKind = "task_ended"    // answer to a Run command; Status is the task's result
	TaskExpired  EventKind = "task_expired"  // answer to an Expire command
	TaskCanceled EventKind = "task_canceled" // answer to a Cancel command
	TaskWaits    EventKind = "task_waits"    // answer to a Run command: not yet; run again at Until, if set
	TaskUnsure   EventKind = "task_unsure"   // answer to a Run command: an error; run again later
	Woken        EventKind = "woken"         // something that the task waits for may have happened
	Tick         EventKind = "tick"          // time passed
	CancelAll    EventKind = "cancel"        // By, Reason
	PauseAll     EventKind = "pause"         // By
	ResumeAll    EventKind = "resume"        // By
	Restart      EventKind = "restart"       // Stage; a complete execution then waits for Begin
	SkipStage    EventKind = "skip"          // Stage, by hand
)

// Event is one thing that happened.
type Event struct {
	Kind   EventKind
	At     time.Time
	Stage  string // ID
	Run    int    // of the stage, as in the command that this answers; not for Woken, Restart, SkipStage
	Task   int
	Status gennaker.Status
	Until  time.Time
	Plan   Plan
	// Unresolved is set with TaskEnded if an expression in the stage's context
	// has no value.
	Unresolved bool
	By         string
	Reason     string
}

// Phase says which planner a Plan command and its answer are about.
type Phase string

// The phases of planning.
const (
	PlanStart   Phase = "start" // tasks and before-stages
	PlanAfter   Phase = "after"
	PlanFailure Phase = "failure"
)

// Plan is what the runtime found out by planning a stage.
type Plan struct {
	Phase    Phase
	Failed   bool    // planning failed; the stage fails
	Skip     bool    // PlanStart: the stage is not to run
	Policy   Policy  // PlanStart
	Tasks    []Task  // PlanStart: Name, TimeoutMS and loop marks
	Children []Child // in order
	After    bool    // PlanStart: there is an after-stage planner
	Failure  bool    // PlanStart: there is an on-failure planner
	Windowed bool    // PlanStart: the first child waits for the stage's execution window

	Unresolved bool // PlanStart: an expression in the stage's context has no value
}

// Child is a synthetic stage to be.
type Child struct {
	ID       string
	Ref      string   // its name among its siblings, which Requires uses
	Requires []string // siblings
	Type     string
	Name     string
	Expiry   gennaker.Time
}

// CommandKind names what a runtime has to do.
type CommandKind string

// The commands.
const (
	DoPlan   CommandKind = "plan"   // call a planner; answer Planned
	DoRun    CommandKind = "run"    // run the task once; answer TaskEnded, TaskWaits or TaskUnsure
	DoCancel CommandKind = "cancel" // interrupt the task if it runs, undo; answer TaskCanceled
	DoExpire CommandKind = "expire" // interrupt the task if it runs, undo; answer TaskExpired
	DoDrop   CommandKind = "drop"   // interrupt the task if it runs; no answer
)

// Command is one thing to do.
type Command struct {
	Kind    CommandKind
	Stage   string // ID
	Run     int    // of the stage
	Task    int    // not for DoPlan
	Attempt int    // DoRun: from 1
	Phase   Phase  // DoPlan
}

// Effects is what an event did.
type Effects struct {
	Commands []Command
	Changed  []*Stage // each once, to be stored
	Removed  []string // IDs
	Head     bool     // the execution itself changed
	Finished bool     // the execution's status became complete
}

package gennaker

// EventType names what changed.
type EventType string

// The event types.
const (
	ExecutionChanged   EventType = "execution"   // its status, a stage or a task
	ServerGroupChanged EventType = "serverGroup" // its instances, capacity or traffic
	DocumentChanged    EventType = "document"    // an application or a pipeline was saved or deleted
	Reset              EventType = "reset"       // what happened before is not known any more: read everything anew
)

// Event says that something changed; who wants to know more reads it. Events of
// one entity come in the order in which they became durable.
type Event struct {
	ID          uint64    `json:"id"` // increases by one; starts anew with the process
	Type        EventType `json:"type"`
	At          Time      `json:"at"`
	Application string    `json:"application,omitzero"`
	Execution   string    `json:"execution,omitzero"`
	Stage       string    `json:"stage,omitzero"` // ULID of the stage
	Task        string    `json:"task,omitzero"`  // name of the task
	Status      Status    `json:"status,omitzero"`
	Name        string    `json:"name,omitzero"` // of the server group, pipeline, stage
}

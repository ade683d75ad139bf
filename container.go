package gennaker

// Container is one process of an instance that has several, as pods have.
type Container struct {
	Name     string         `json:"name"`
	Image    string         `json:"image"`
	Init     bool           `json:"init,omitzero"` // runs before the others
	State    ContainerState `json:"state"`
	Reason   string         `json:"reason,omitzero"`  // of a state other than running: ImagePullBackOff, OOMKilled
	Message  string         `json:"message,omitzero"` // what is said of it besides
	Ready    bool           `json:"ready"`
	Restarts int            `json:"restarts,omitzero"`
	Since    Time           `json:"since,omitzero"`    // when it began to run, or ended
	ExitCode *int           `json:"exitCode,omitzero"` // of one that has ended
	Last     *Termination   `json:"lastTermination,omitzero"`
}

// ContainerState is whether a container runs.
type ContainerState string

// The states of containers.
const (
	ContainerWaiting    ContainerState = "waiting"
	ContainerRunning    ContainerState = "running"
	ContainerTerminated ContainerState = "terminated"
)

// Termination is how a container ended before it was started again.
type Termination struct {
	ExitCode int    `json:"exitCode"`
	Signal   int    `json:"signal,omitzero"`
	Reason   string `json:"reason,omitzero"` // Error, OOMKilled, Completed
	Message  string `json:"message,omitzero"`
	Started  Time   `json:"startedAt,omitzero"`
	Finished Time   `json:"finishedAt,omitzero"`
}

package gennaker

// DemoState is how the demo inside a server is.
type DemoState string

// The states.
const (
	DemoAbsent   DemoState = "absent"
	DemoStarting DemoState = "starting" // until the first version serves
	DemoRunning  DemoState = "running"  // requests are sent
	DemoStopping DemoState = "stopping" // what it made is being taken away
	DemoStopped  DemoState = "stopped"  // it could not go on; Reason says why
)

// DemoStatus is what the demo does: a small service is deployed in several ways
// under a constant load.
type DemoStatus struct {
	State    DemoState     `json:"state"`
	Step     string        `json:"step,omitzero"`    // what is being deployed, or is waited for
	Reason   string        `json:"reason,omitzero"`  // why it stopped
	Address  string        `json:"address,omitzero"` // host:port of its load balancer
	Rate     int           `json:"rate"`             // requests per second
	Sent     int64         `json:"sent"`             // since the load began in this server
	Lost     int64         `json:"lost"`             // of these, answered 5xx or not at all
	Versions []DemoVersion `json:"versions"`
}

// DemoVersion is a version of the service that can be deployed.
type DemoVersion struct {
	Version   string `json:"version"`
	Reference string `json:"reference"`    // of its artifact
	Bad       bool   `json:"bad,omitzero"` // it never becomes healthy
}

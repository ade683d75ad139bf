package gennaker

// EventType names what changed.
type EventType string

// The event types. One that names no application is about anything of the
// account; one without an account, about anything at all.
const (
	ExecutionChanged    EventType = "execution"    // its status, a stage or a task; without a stage and a status it was deleted
	ServerGroupChanged  EventType = "serverGroup"  // its instances, capacity or traffic
	LoadBalancerChanged EventType = "loadBalancer" // a load balancer; or a job, a firewall, anything else that is no server group
	DocumentChanged     EventType = "document"     // what users write was saved or deleted
	AccountChanged      EventType = "account"      // it was made, changed or removed, or is connected now, or not any more
	TrafficMeasured     EventType = "traffic"      // how many requests server groups got, about once a second while it changes and somebody listens
	Reset               EventType = "reset"        // what happened before is not known any more: read everything anew
)

// DocumentKind is the kind of a document that changed.
type DocumentKind string

// The kinds of documents. Those of an application have its name.
const (
	ApplicationDocument  DocumentKind = "application"
	NotificationDocument DocumentKind = "notification" // an application's notifications
	PipelineDocument     DocumentKind = "pipeline"
	StrategyDocument     DocumentKind = "strategy"
	TemplateDocument     DocumentKind = "template"
	ProjectDocument      DocumentKind = "project"
	CanaryConfigDocument DocumentKind = "canaryConfig"
)

// Event says that something changed; who wants to know more reads it. Events of
// one entity come in the order in which they became durable.
type Event struct {
	ID          uint64          `json:"id"` // increases by one; starts anew with the process
	Type        EventType       `json:"type"`
	At          Time            `json:"at"`
	Kind        DocumentKind    `json:"kind,omitzero"` // of the document
	Application string          `json:"application,omitzero"`
	Account     string          `json:"account,omitzero"`
	Region      string          `json:"region,omitzero"`
	Execution   string          `json:"execution,omitzero"`
	Stage       string          `json:"stage,omitzero"` // ULID of the stage
	Task        string          `json:"task,omitzero"`  // name of the task
	Status      Status          `json:"status,omitzero"`
	Name        string          `json:"name,omitzero"`    // of the server group, document, stage
	Traffic     []TrafficSample `json:"traffic,omitzero"` // of all server groups of the application that load balancers send requests to
}

// TrafficSample is what one load balancer has sent to a server group until now.
// Rates are differences between two samples.
type TrafficSample struct {
	LoadBalancer string `json:"loadBalancer"`
	Account      string `json:"account"`
	Region       string `json:"region"`
	ServerGroup  string `json:"serverGroup"`
	Weight       int    `json:"weight"`
	InService    int    `json:"inService"` // instances that get requests
	Traffic
}

package gennaker

// ServerGroup is one version of a cluster, running: instances of one artifact
// that are scaled, enabled and destroyed together.
//
// Source: wire names of Gate's server group views.
type ServerGroup struct {
	Name           string           `json:"name"` // app-stack-detail-v003
	Account        string           `json:"account"`
	Region         string           `json:"region"`
	CloudProvider  string           `json:"cloudProvider"`
	Moniker        Moniker          `json:"moniker"`
	Cluster        string           `json:"cluster"`
	CreatedTime    Time             `json:"createdTime,omitzero"`
	Disabled       bool             `json:"isDisabled"`
	Capacity       Capacity         `json:"capacity"`
	Instances      []Instance       `json:"instances"`
	InstanceCounts InstanceCounts   `json:"instanceCounts"`
	LoadBalancers  []string         `json:"loadBalancers"`
	Weight         int              `json:"weight"` // share of traffic of each instance in service, against those of the other server groups; 100 unless set
	Image          string           `json:"image,omitzero"`
	LaunchConfig   *ServerGroupSpec `json:"launchConfig,omitzero"`
	Traffic        Traffic          `json:"traffic,omitzero"`
	Destroying     bool             `json:"destroying,omitzero"`

	// What only clusters of containers say.
	Kind      string                  `json:"kind,omitzero"` // ReplicaSet
	Labels    map[string]string       `json:"labels,omitzero"`
	BuildInfo BuildInfo               `json:"buildInfo,omitzero"`
	Managers  []ServerGroupManagerRef `json:"serverGroupManagers,omitzero"`
	AsOf      Time                    `json:"asOf,omitzero"` // when this was so, of an account that does not answer; zero is now
}

// Capacity is how many instances a server group has: Desired now, between Min
// and Max.
type Capacity struct {
	Min     int `json:"min"`     // fewest instances
	Max     int `json:"max"`     // most instances
	Desired int `json:"desired"` // instances now
}

// Check reports whether 0 <= Min <= Desired <= Max <= MaxInstances.
func (c Capacity) Check() error {
	switch {
	case c.Min < 0 || c.Max < 0 || c.Desired < 0:
		return Errorf(Invalid, "capacity %d/%d/%d (min/desired/max) is negative", c.Min, c.Desired, c.Max)
	case c.Max > MaxInstances:
		return Errorf(Invalid, "capacity max %d is more than %d", c.Max, MaxInstances)
	case c.Min > c.Desired || c.Desired > c.Max:
		return Errorf(Invalid, "capacity must satisfy min <= desired <= max, got %d/%d/%d", c.Min, c.Desired, c.Max)
	}
	return nil
}

// Pinned reports whether the capacity is one fixed number.
func (c Capacity) Pinned() bool { return c.Min == c.Max && c.Max == c.Desired }

// MaxInstances bounds a server group.
const MaxInstances = 10_000

// Instance is one running copy in a server group.
type Instance struct {
	Name        string      `json:"name"` // unique in the account
	HealthState HealthState `json:"healthState"`
	Health      []Health    `json:"health"`
	LaunchTime  Time        `json:"launchTime,omitzero"`
	Zone        string      `json:"availabilityZone,omitzero"`
	Address     string      `json:"address,omitzero"` // host:port
	PID         int         `json:"pid,omitzero"`
	Restarts    int         `json:"restarts,omitzero"`
	Reason      string      `json:"reason,omitzero"` // why it is not Up, in a sentence
	ID          string      `json:"id,omitzero"`     // a pod's UID
	Node        string      `json:"node,omitzero"`   // machine that it runs on
	Containers  []Container `json:"containers,omitzero"`
}

// HealthState is what one source says of an instance.
type HealthState string

// The health states.
const (
	Up           HealthState = "Up"
	Down         HealthState = "Down"
	Starting     HealthState = "Starting"
	OutOfService HealthState = "OutOfService"
	Unknown      HealthState = "Unknown"
	Draining     HealthState = "Draining"
	Done         HealthState = "Succeeded"
	Failed       HealthState = "Failed"
)

// Health is what one source says of an instance.
//
// For the local provider there are two: {Process, platform} with Unknown while
// the process runs and Down when it does not, and {LoadBalancer} with Starting
// until the health check passed, Up when it is in service, Draining and then
// OutOfService after a disable, Down when the check fails. A server group with
// no load balancer has the second one too: enabled and healthy is Up.
type Health struct {
	Type   string      `json:"type"`
	State  HealthState `json:"state"`
	Class  string      `json:"healthClass,omitzero"` // "platform" or ""
	Reason string      `json:"description,omitzero"`
}

// PlatformClass marks the health that the platform itself reports.
const PlatformClass = "platform"

// InstanceCounts counts the instances of a server group by HealthState.
type InstanceCounts struct {
	Total        int `json:"total"`
	Up           int `json:"up"`
	Down         int `json:"down"`
	Unknown      int `json:"unknown"`
	OutOfService int `json:"outOfService"`
	Starting     int `json:"starting"`
	Succeeded    int `json:"succeeded"`
	Failed       int `json:"failed"`
}

// Plus returns the counts of both together.
func (c InstanceCounts) Plus(o InstanceCounts) InstanceCounts {
	return InstanceCounts{
		Total: c.Total + o.Total, Up: c.Up + o.Up, Down: c.Down + o.Down, Unknown: c.Unknown + o.Unknown, OutOfService: c.OutOfService + o.OutOfService,
		Starting: c.Starting + o.Starting, Succeeded: c.Succeeded + o.Succeeded, Failed: c.Failed + o.Failed,
	}
}

// CountInstances counts by HealthState; Draining counts as OutOfService.
func CountInstances(is []Instance) InstanceCounts {
	c := InstanceCounts{Total: len(is)}
	for _, i := range is {
		switch i.HealthState {
		case Up:
			c.Up++
		case Down:
			c.Down++
		case Starting:
			c.Starting++
		case OutOfService, Draining:
			c.OutOfService++
		case Done:
			c.Succeeded++
		case Failed:
			c.Failed++
		case Unknown:
			c.Unknown++
		}
	}
	return c
}

// Traffic is what a load balancer sent to a server group since its creation.
type Traffic struct {
	Requests  int64   `json:"requests"` // finished
	Errors    int64   `json:"errors"`   // of these, answered 5xx or not at all
	InFlight  int64   `json:"inFlight"`
	LatencyMS float64 `json:"latencyMs"` // mean until the first byte of the last 1,000 or so
}

// ServerGroupSpec is a server group as it is asked for.
type ServerGroupSpec struct {
	Account       string            `json:"account"`                  // where
	Region        string            `json:"region"`                   // where in the account
	Application   string            `json:"application"`              // first part of the cluster's name
	Stack         string            `json:"stack,omitzero"`           // second part of the cluster's name; may be empty
	Detail        string            `json:"freeFormDetails,omitzero"` // third part of the cluster's name; may be empty
	Capacity      Capacity          `json:"capacity"`                 // how many instances
	LoadBalancers []string          `json:"loadBalancers,omitzero"`   // names of load balancers, which must exist
	Weight        int               `json:"weight,omitzero"`          // share of the traffic of each instance in service, against those of the other server groups; 0 means 100
	Artifact      RunArtifact       `json:"artifact"`                 // what to run
	Command       []string          `json:"command,omitzero"`         // program and arguments, relative to the artifact; default its only executable
	Env           map[string]string `json:"env,omitzero"`             // environment; PORT is set by the node
	HealthCheck   HealthCheck       `json:"healthCheck,omitzero"`     // when an instance is healthy
	DrainSeconds  int               `json:"drainSeconds,omitzero"`    // how long requests in flight may take after a disable; 0 means 30
	StopSeconds   int               `json:"stopSeconds,omitzero"`     // seconds between SIGTERM and SIGKILL; 0 means 10
	Disabled      bool              `json:"startDisabled,omitzero"`   // start out of service (dark)
}

// RunArtifact is what the instances of a local server group run.
type RunArtifact struct {
	Reference string `json:"reference"`       // absolute path, or file:// URL, of a directory, a .tar.gz or an executable
	Digest    string `json:"digest,omitzero"` // "sha256:<hex>" of the file, "h1:<base64>" of a directory; checked when set
}

// HealthCheck says when an instance is healthy.
type HealthCheck struct {
	Type               string   `json:"type,omitzero" enum:"http|tcp|command|none"` // "http" (default if Path is set), "tcp" (default), "command", "none"
	Path               string   `json:"path,omitzero"`                              // http: default "/"; 2xx and 3xx are healthy
	Command            []string `json:"command,omitzero"`                           // command: exit code 0 is healthy
	IntervalMS         int      `json:"intervalMs,omitzero"`                        // 0 means 1000
	TimeoutMS          int      `json:"timeoutMs,omitzero"`                         // 0 means 1000
	HealthyThreshold   int      `json:"healthyThreshold,omitzero"`                  // successes in a row; 0 means 1
	UnhealthyThreshold int      `json:"unhealthyThreshold,omitzero"`                // failures in a row; 0 means 3
	GraceSeconds       int      `json:"graceSeconds,omitzero"`                      // failures do not count for so long after the start; 0 means 10
}

// ServerGroupRef names a server group.
type ServerGroupRef struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Name    string `json:"name"`
}

// String returns account/region/name.
func (r ServerGroupRef) String() string { return r.Account + "/" + r.Region + "/" + r.Name }

// Ref returns the reference of g.
func (g ServerGroup) Ref() ServerGroupRef {
	return ServerGroupRef{Account: g.Account, Region: g.Region, Name: g.Name}
}

// LoadBalancer is a listener that spreads requests over server groups.
type LoadBalancer struct {
	Name          string                    `json:"name"`
	Account       string                    `json:"account"`
	Region        string                    `json:"region"`
	CloudProvider string                    `json:"cloudProvider"`
	Application   string                    `json:"application,omitzero"` // owner; any application's server groups may name it
	Listen        string                    `json:"listen"`               // host:port
	ServerGroups  []LoadBalancerServerGroup `json:"serverGroups"`
	Traffic       Traffic                   `json:"traffic,omitzero"`
	Reason        string                    `json:"reason,omitzero"` // why it does not listen, in a sentence

	// What only clusters of containers say.
	Kind        string             `json:"kind,omitzero"` // Service, Ingress, HTTPRoute
	Moniker     Moniker            `json:"moniker,omitzero"`
	Labels      map[string]string  `json:"labels,omitzero"`
	CreatedTime Time               `json:"createdTime,omitzero"`
	Hosts       []string           `json:"hosts,omitzero"` // names and addresses that it answers to
	Ports       []LoadBalancerPort `json:"ports,omitzero"`
	AsOf        Time               `json:"asOf,omitzero"` // when this was so, of an account that does not answer; zero is now
}

// LoadBalancerPort is a port that a load balancer listens on.
type LoadBalancerPort struct {
	Name     string `json:"name,omitzero"`
	Port     int    `json:"port"`
	Target   string `json:"targetPort,omitzero"` // number or name of the instances' port
	Protocol string `json:"protocol,omitzero"`
}

// LoadBalancerServerGroup is a server group behind a load balancer.
type LoadBalancerServerGroup struct {
	Name      string  `json:"name"`
	Account   string  `json:"account"`
	Region    string  `json:"region"`
	Disabled  bool    `json:"isDisabled"`
	Weight    int     `json:"weight"`
	InService int     `json:"inService"` // instances that get requests
	Traffic   Traffic `json:"traffic,omitzero"`
}

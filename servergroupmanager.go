package gennaker

// ServerGroupManager makes and replaces server groups by itself, as a
// Deployment does ReplicaSets.
//
// Source: wire names of Gate's GET /applications/{app}/serverGroupManagers.
type ServerGroupManager struct {
	Name          string            `json:"name"` // deployment web
	DisplayName   string            `json:"displayName"`
	Kind          string            `json:"kind"`
	APIVersion    string            `json:"apiVersion"`
	Account       string            `json:"account"`
	Region        string            `json:"region"`
	Namespace     string            `json:"namespace"`
	CloudProvider string            `json:"cloudProvider"`
	Moniker       Moniker           `json:"moniker"`
	Labels        map[string]string `json:"labels"`
	CreatedTime   Time              `json:"createdTime,omitzero"`
	ServerGroups  []ManagedGroup    `json:"serverGroups"`  // newest first
	AsOf          Time              `json:"asOf,omitzero"` // when this was so; zero is now
}

// ManagedGroup names a server group that a manager has made.
type ManagedGroup struct {
	Name      string  `json:"name"`
	Account   string  `json:"account"`
	Namespace string  `json:"namespace"`
	Region    string  `json:"region"`
	Moniker   Moniker `json:"moniker"`
}

// ServerGroupManagerRef names the manager of a server group.
type ServerGroupManagerRef struct {
	Account  string `json:"account"`
	Location string `json:"location"`
	Name     string `json:"name"`
}

// BuildInfo is what a server group was made from.
type BuildInfo struct {
	Images []string `json:"images,omitzero"`
}

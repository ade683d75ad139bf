package gennaker

// Resource is an object of a cluster as lists show it.
//
// Source: wire names of Gate's GET /applications/{app}/rawResources.
type Resource struct {
	Name          string            `json:"name"` // configMap web
	DisplayName   string            `json:"displayName"`
	Kind          string            `json:"kind"`
	APIVersion    string            `json:"apiVersion"`
	Account       string            `json:"account"`
	Region        string            `json:"region"`
	Namespace     string            `json:"namespace"` // "" of an object that is in none
	CloudProvider string            `json:"cloudProvider"`
	Moniker       Moniker           `json:"moniker"`
	Labels        map[string]string `json:"labels"`
	CreatedTime   Time              `json:"createdTime,omitzero"`
	AsOf          Time              `json:"asOf,omitzero"` // when this was so; zero is now
}

// ContainerOutput is what a container wrote.
type ContainerOutput struct {
	Name   string `json:"name"` // of the container
	Output string `json:"output"`
}

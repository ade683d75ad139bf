package gennaker

// SecurityGroup is a firewall: who may reach instances, and whom they may.
//
// Source: wire names of Gate's GET /securityGroups/{account}/{region}/{name}.
type SecurityGroup struct {
	ID            string            `json:"id"`
	Name          string            `json:"name"` // networkPolicy web
	DisplayName   string            `json:"displayName"`
	Kind          string            `json:"kind"`
	APIVersion    string            `json:"apiVersion"`
	Account       string            `json:"account"`
	AccountName   string            `json:"accountName"`
	Region        string            `json:"region"`
	Namespace     string            `json:"namespace"`
	CloudProvider string            `json:"cloudProvider"`
	Moniker       Moniker           `json:"moniker"`
	Labels        map[string]string `json:"labels"`
	CreatedTime   Time              `json:"createdTime,omitzero"`
	Inbound       []SecurityRule    `json:"inboundRules"`
	Outbound      []SecurityRule    `json:"outboundRules"`
	ServerGroups  []string          `json:"serverGroups,omitzero"` // names of those whose instances it is about
	AsOf          Time              `json:"asOf,omitzero"`         // when this was so; zero is now
}

// SecurityRule allows traffic of one protocol on some ports.
type SecurityRule struct {
	Protocol string      `json:"protocol"` // TCP, UDP, SCTP
	Ports    []PortRange `json:"portRanges"`
}

// PortRange is ports by number, or one by name.
type PortRange struct {
	Start     int    `json:"startPort,omitzero"`
	End       int    `json:"endPort,omitzero"`
	StartName string `json:"startPortName,omitzero"`
	EndName   string `json:"endPortName,omitzero"`
}

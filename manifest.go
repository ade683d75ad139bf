package gennaker

import (
	"strings"
	"time"
)

// Manifest is an object of a Kubernetes cluster, or one to be, as JSON has it.
type Manifest map[string]any

// ManifestRef names an object of a cluster.
type ManifestRef struct {
	Account  string `json:"account"`
	Location string `json:"location"` // namespace; "" of an object that is in none
	Kind     string `json:"kind"`     // as in the object, e.g. ReplicaSet; any case is read; with its group where the kind alone is not enough: "Gadget.example.com"
	Name     string `json:"name"`     // with its version: web-v003
}

// ParseManifestName takes a name such as "replicaSet web-v003" apart.
//
// Errors: Invalid.
func ParseManifestName(s string) (kind, name string, err error) {
	kind, name, ok := strings.Cut(strings.TrimSpace(s), " ")
	if name = strings.TrimSpace(name); !ok || kind == "" || name == "" || strings.Contains(name, " ") {
		return "", "", Errorf(Invalid, "%q does not name an object", s).WithHint(`write the kind and the name, as in "deployment web"`)
	}
	return kind, name, nil
}

// ManifestName returns the name as Spinnaker writes it: "replicaSet web-v003".
func (r ManifestRef) ManifestName() string {
	if r.Kind == "" {
		return r.Name
	}
	return lowerFirst(r.Kind) + " " + r.Name
}

// lowerFirst returns a kind with its first word in lower case: replicaSet,
// httpRoute.
func lowerFirst(kind string) string {
	n := 0
	for n < len(kind) && kind[n] >= 'A' && kind[n] <= 'Z' {
		n++
	}
	if n > 1 && n < len(kind) && kind[n] >= 'a' && kind[n] <= 'z' {
		n-- // the last capital begins the next word
	}
	return strings.ToLower(kind[:n]) + kind[n:]
}

// String returns account/location/kind name.
func (r ManifestRef) String() string { return r.Account + "/" + r.Location + "/" + r.ManifestName() }

// ManifestView is an object with what became of it.
//
// Source: wire names of Gate's GET /manifests.
type ManifestView struct {
	Account   string          `json:"account"`
	Location  string          `json:"location"`
	Name      string          `json:"name"` // as ManifestRef.ManifestName
	Manifest  Manifest        `json:"manifest"`
	Moniker   Moniker         `json:"moniker"`
	Status    ManifestStatus  `json:"status"`
	Artifacts []Artifact      `json:"artifacts"` // images, config maps and secrets that it names
	Events    []ManifestEvent `json:"events"`    // newest first, of it and what it owns
	Warnings  []string        `json:"warnings"`  // what is odd but no failure, in sentences
	// Reason says why it is not stable, in one sentence that names the cause
	// and not the symptom; "" if it is.
	Reason  string          `json:"reason,omitzero"`
	Hint    string          `json:"hint,omitzero"` // what to do about Reason
	Serving ManifestTraffic `json:"serving,omitzero"`
}

// ManifestStatus is how far an object has got.
//
// Source: strategies, B6.
type ManifestStatus struct {
	Stable    ManifestCondition `json:"stable"`
	Paused    ManifestCondition `json:"paused"`
	Available ManifestCondition `json:"available"`
	Failed    ManifestCondition `json:"failed"`
}

// ManifestCondition is whether something is so, and why.
type ManifestCondition struct {
	State   bool   `json:"state"`
	Message string `json:"message,omitzero"`
}

// ManifestEvent is what the cluster says of an object.
type ManifestEvent struct {
	Kind    string    `json:"kind"` // of the object that it is about
	Name    string    `json:"name"`
	Type    string    `json:"type"` // Normal, Warning
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
	Count   int       `json:"count"`
	First   time.Time `json:"firstTimestamp,omitzero"` // RFC 3339, as Kubernetes writes it
	Last    time.Time `json:"lastTimestamp,omitzero"`
}

// ManifestTraffic is by which ways requests reach the pods of a workload.
type ManifestTraffic struct {
	// Services are those that have endpoints of its pods now, ready or still
	// terminating ones, by name. One that exists for the weights of a route (see
	// Shift of provider.Routes) counts while the route has a share for it.
	Services []string `json:"services"`
	// Pods is how many of its pods each of Services sends new requests to.
	Pods map[string]int `json:"pods,omitzero"`
	// DrainedAt is when requests have gone out of it: the time that proxies need
	// has passed since the last endpoint was gone. Zero while Services is not
	// empty, and of what never was behind one.
	DrainedAt Time `json:"drainedAt,omitzero"`
	// Draining reports that Services is empty and DrainedAt is yet to come.
	Draining bool `json:"draining,omitzero"`
}

package gennaker

// Artifact is something that a pipeline deploys, or a part of it: an image, a
// manifest, a chart. It says where the thing is, not what is in it.
//
// Shape: on the wire keys that are not fields are within metadata. An empty
// field is one that is not there.
// Source: Spinnaker kork-artifacts.
type Artifact struct {
	Type            string         `json:"type,omitzero"`            // e.g. "docker/image"
	CustomKind      bool           `json:"customKind,omitzero"`      // the user chose another type than those that are known
	Name            string         `json:"name,omitzero"`            // e.g. "registry.example.com/shop/cart"
	Version         string         `json:"version,omitzero"`         // e.g. a tag, a commit
	Location        string         `json:"location,omitzero"`        // e.g. a namespace, a region
	Reference       string         `json:"reference,omitzero"`       // from which it is fetched; of embedded/base64 the thing itself
	Metadata        map[string]any `json:"metadata,omitzero"`        //
	ArtifactAccount string         `json:"artifactAccount,omitzero"` // whose credentials fetch it
	Provenance      string         `json:"provenance,omitzero"`      //
	UUID            string         `json:"uuid,omitzero"`            //
}

// ExpectedArtifact is an artifact that a pipeline or a stage wants to have, or
// promises to make.
//
// Source: Spinnaker kork-artifacts.
type ExpectedArtifact struct {
	ID          string    `json:"id,omitzero"`
	DisplayName string    `json:"displayName,omitzero"`
	Match       Artifact  `json:"matchArtifact"` // which artifacts fit; an empty field fits all
	UsePrior    bool      `json:"usePriorArtifact,omitzero"`
	UseDefault  bool      `json:"useDefaultArtifact,omitzero"`
	Default     *Artifact `json:"defaultArtifact,omitzero"`
	Bound       *Artifact `json:"boundArtifact,omitzero"` // the one that was found
}

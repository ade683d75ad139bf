package gennaker

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// artifactFields is Artifact without its methods.
type artifactFields Artifact

// artifactKeys are the keys that are fields; "kind" is an old form of
// customKind and means nothing.
var artifactKeys = []string{
	"type", "customKind", "name", "version", "location", "reference", "metadata", "artifactAccount", "provenance", "uuid", "kind",
}

// UnmarshalJSON reads the fields, and puts every other key into the metadata.
func (a *Artifact) UnmarshalJSON(b []byte) error {
	var f artifactFields
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	maps.DeleteFunc(all, func(k string, _ any) bool { return slices.Contains(artifactKeys, k) })
	if len(all) > 0 {
		maps.Copy(all, f.Metadata) // what is said there wins
		f.Metadata = all
	}
	*a = Artifact(f)
	return nil
}

// ArtifactOf reads an artifact from open JSON.
//
// Errors: Invalid if v is not an object, or a field has another type.
func ArtifactOf(v any) (Artifact, error) { return fromOpen[Artifact](v, "artifact") }

// ExpectedArtifactOf reads an expected artifact from open JSON. Errors: Invalid.
func ExpectedArtifactOf(v any) (ExpectedArtifact, error) {
	return fromOpen[ExpectedArtifact](v, "expected artifact")
}

// Map returns the artifact as open JSON.
func (a Artifact) Map() map[string]any { return toOpen(a) }

// Map returns the expected artifact as open JSON.
func (e ExpectedArtifact) Map() map[string]any { return toOpen(e) }

func fromOpen[T any](v any, what string) (out T, err error) {
	if _, ok := v.(map[string]any); !ok {
		return out, Errorf(Invalid, "an %s must be an object, not %s", what, jsonType(v))
	}
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return out, Errorf(Invalid, "read an %s: %w", what, err)
	}
	return out, nil
}

// toOpen returns v, which marshals to an object, as open JSON.
func toOpen(v any) map[string]any {
	text, err := json.Marshal(v)
	out := map[string]any{}
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil { // only values that JSON cannot hold, which came from JSON
		panic(fmt.Sprintf("gennaker: %T is not JSON: %v", v, err))
	}
	return out
}

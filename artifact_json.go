package gennaker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// artifactKeys are the keys that are fields; "kind" is an old form of
// customKind and means nothing.
var artifactKeys = []string{
	"type", "customKind", "name", "version", "location", "reference", "metadata", "artifactAccount", "provenance", "uuid", "kind",
}

// ArtifactOf reads an artifact from open JSON. Every key that is no field goes
// into the metadata. As in Spinnaker a text may be a number or a boolean.
//
// Errors: Invalid, with a Problem for each field of another type.
func ArtifactOf(v any) (Artifact, error) {
	r := reader{}
	a := r.artifact(v, "")
	return a, r.invalid("an artifact")
}

// ExpectedArtifactOf reads an expected artifact from open JSON, as ArtifactOf
// does. Errors: Invalid, with a Problem for each field of another type.
func ExpectedArtifactOf(v any) (ExpectedArtifact, error) {
	r := reader{}
	e := r.expectedArtifact(v)
	return e, r.invalid("an expected artifact")
}

// UnmarshalJSON is ArtifactOf.
func (a *Artifact) UnmarshalJSON(b []byte) (err error) {
	v, err := openJSON(b)
	if err == nil && v != nil {
		*a, err = ArtifactOf(v)
	}
	return err
}

// UnmarshalJSON is ExpectedArtifactOf.
func (e *ExpectedArtifact) UnmarshalJSON(b []byte) (err error) {
	v, err := openJSON(b)
	if err == nil && v != nil {
		*e, err = ExpectedArtifactOf(v)
	}
	return err
}

// Map returns the artifact as open JSON, with float64 numbers.
func (a Artifact) Map() map[string]any {
	out := map[string]any{
		"type": a.Type, "name": a.Name, "version": a.Version, "location": a.Location, "reference": a.Reference,
		"artifactAccount": a.ArtifactAccount, "provenance": a.Provenance, "uuid": a.UUID,
	}
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == "" })
	if a.CustomKind {
		out["customKind"] = true
	}
	if len(a.Metadata) > 0 {
		out["metadata"] = openCopy(a.Metadata)
	}
	return out
}

// Map returns the expected artifact as open JSON, with float64 numbers.
func (e ExpectedArtifact) Map() map[string]any {
	out := map[string]any{
		"id": e.ID, "displayName": e.DisplayName, "usePriorArtifact": e.UsePrior, "useDefaultArtifact": e.UseDefault,
	}
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == "" || v == false })
	out["matchArtifact"] = e.Match.Map()
	if e.Default != nil {
		out["defaultArtifact"] = e.Default.Map()
	}
	if e.Bound != nil {
		out["boundArtifact"] = e.Bound.Map()
	}
	return out
}

func (r *reader) expectedArtifact(v any) (e ExpectedArtifact) {
	m, ok := v.(map[string]any)
	if !ok {
		r.problem("", "must be an object, not %s", jsonType(v))
		return e
	}
	e = ExpectedArtifact{
		ID: r.scalar(m, "", "id"), DisplayName: r.scalar(m, "", "displayName"),
		UsePrior: r.flag(m, "", "usePriorArtifact"), UseDefault: r.flag(m, "", "useDefaultArtifact"),
	}
	if v := m["matchArtifact"]; v != nil {
		e.Match = r.artifact(v, "matchArtifact")
	}
	if v := m["defaultArtifact"]; v != nil {
		e.Default = new(r.artifact(v, "defaultArtifact"))
	}
	if v := m["boundArtifact"]; v != nil {
		e.Bound = new(r.artifact(v, "boundArtifact"))
	}
	return e
}

func (r *reader) artifact(v any, path string) (a Artifact) {
	m, ok := v.(map[string]any)
	if !ok {
		r.problem(path, "must be an object, not %s", jsonType(v))
		return a
	}
	a = Artifact{
		Type: r.scalar(m, path, "type"), CustomKind: r.flag(m, path, "customKind"), Name: r.scalar(m, path, "name"),
		Version: r.scalar(m, path, "version"), Location: r.scalar(m, path, "location"), Reference: r.scalar(m, path, "reference"),
		ArtifactAccount: r.scalar(m, path, "artifactAccount"), Provenance: r.scalar(m, path, "provenance"), UUID: r.scalar(m, path, "uuid"),
	}
	metadata, ok := m["metadata"].(map[string]any)
	if !ok && m["metadata"] != nil {
		r.problem(joinPath(path, "metadata"), "must be an object, not %s", jsonType(m["metadata"]))
	}
	other := maps.Clone(m)
	maps.DeleteFunc(other, func(k string, _ any) bool { return slices.Contains(artifactKeys, k) })
	maps.Copy(other, metadata) // what is said there wins
	if len(other) > 0 {
		a.Metadata = other
	}
	return a
}

// scalar reads a text that may be written as a number or a boolean.
func (r *reader) scalar(m map[string]any, path, key string) string {
	switch v := m[key].(type) {
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int, int64:
		return fmt.Sprint(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return r.text(m, path, key)
}

// invalid returns an error if there are problems with what was read.
func (r *reader) invalid(what string) error {
	if len(r.problems) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Message: "read " + what + ": " + r.problems[0].String(), Problems: r.problems}
}

// openJSON reads JSON and keeps numbers as they are written.
func openJSON(text []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}

// openCopy copies open JSON; a number is a float64, or a text if it is too large.
func openCopy(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = openCopy(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = openCopy(x)
		}
		return out
	}
	return v
}

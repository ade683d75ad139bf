package manifest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// source is the part of a stage's configuration that says where its manifests
// come from, and which artifacts go into them.
type source struct {
	Source          string         `json:"source" enum:"text|artifact"` // text (default) or artifact
	Manifests       any            `json:"manifests"`                   // the objects, as a list
	Manifest        any            `json:"manifest"`                    // or one object
	ArtifactID      string         `json:"manifestArtifactId"`          // the ID of an expected artifact that holds them
	Artifact        map[string]any `json:"manifestArtifact"`            // or the artifact itself
	ArtifactAccount string         `json:"manifestArtifactAccount"`     // whose credentials fetch it
	RequiredIDs     []string       `json:"requiredArtifactIds"`         // expected artifacts that must be bound in a manifest
	Required        []any          `json:"requiredArtifacts"`           // or these artifacts themselves, each as artifact
	Verbatim        bool           `json:"skipExpressionEvaluation"`    // leave the expressions in manifests alone
	FailUnresolved  bool           `json:"failOnFailedExpressions"`     // fail if an expression in them has no value
}

// sourceKeys are the keys that hold manifests: they are evaluated in tasks, and
// never stored evaluated.
func sourceKeys(stage.Input) []string { return []string{"manifests", "manifest", "patchBody"} }

// maxManifests bounds how many objects one stage deploys.
const maxManifests = 1000

// fromArtifact reports whether the manifests are in an artifact.
func (s source) fromArtifact() bool {
	return strings.EqualFold(s.Source, "artifact") || s.Source == "" && s.Manifests == nil && s.Manifest == nil
}

// read returns the manifests of a stage, and the digest of what they were read
// from. Summary is not empty if an expression has no value.
//
// Errors: Invalid; those of fetching.
func (m *maker) read(ctx context.Context, in stage.Input, s source) (out []gennaker.Manifest, findings object, digest string, err error) {
	var open any = s.Manifests
	if open == nil {
		open = s.Manifest
	}
	if s.fromArtifact() {
		text, err := m.fetch(ctx, in, s)
		if err != nil {
			return nil, nil, "", err
		}
		if out, err = m.parse(text); err != nil {
			return nil, nil, "", err
		}
		sum := sha256.Sum256(text)
		digest, open = hex.EncodeToString(sum[:]), openList(out)
	}
	if open, findings, err = evaluate(in, s, open); err != nil {
		return nil, findings, "", err
	}
	switch text, ok := open.(string); {
	case text == hidden:
		err = errHidden()
	case ok: // YAML, as an expression or a template gives it
		out, err = m.parse([]byte(text))
	default:
		out, err = flatten(nil, open, "manifests")
	}
	if err == nil && len(out) > maxManifests {
		err = gennaker.Errorf(gennaker.TooLarge, "there are %d manifests, more than %d", len(out), maxManifests)
	}
	if err == nil && masked(openList(out), false) {
		err = errHidden()
	}
	return out, findings, digest, err
}

// evaluate returns v with the values of its expressions.
//
// Errors: Invalid if one has none and the stage fails for that.
func evaluate(in stage.Input, s source, v any) (any, object, error) {
	if s.Verbatim || !stage.HasExpression(v) {
		return v, nil, nil
	}
	v, summary := in.Eval(v, nil)
	findings := stage.Findings(summary)
	if s.FailUnresolved && len(summary.Findings) > 0 {
		return v, findings, gennaker.Errorf(gennaker.Invalid, "an expression in a manifest has no value: %s", summary.Findings[0])
	}
	return v, findings, nil
}

// fetch gets the text of the artifact that holds the manifests.
func (m *maker) fetch(ctx context.Context, in stage.Input, s source) ([]byte, error) {
	if m.config.Artifact == nil || m.config.Fetcher == nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "this server cannot fetch artifacts")
	}
	var inline any
	if s.Artifact != nil {
		inline = s.Artifact
	}
	a, err := m.config.Artifact(in, s.ArtifactID, inline)
	if err != nil {
		return nil, fmt.Errorf("find the artifact that holds the manifests: %w", err)
	}
	if a.ArtifactAccount == "" {
		a.ArtifactAccount = s.ArtifactAccount
	}
	text, err := m.config.Fetcher.Fetch(ctx, a.Map())
	if err != nil {
		return nil, fmt.Errorf("fetch the manifests: %w", err)
	}
	return text, nil
}

func (m *maker) parse(text []byte) ([]gennaker.Manifest, error) {
	if m.config.Parse != nil {
		return m.config.Parse(text)
	}
	var open any
	if err := json.Unmarshal(text, &open); err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the manifests are not JSON: %w", err)
	}
	return flatten(nil, open, "manifests")
}

// flatten appends the objects in v: one, a list of them, lists within lists, and
// the items of lists as Kubernetes writes them.
//
// Errors: Invalid, with the place of what is no object.
func flatten(to []gennaker.Manifest, v any, path string) (_ []gennaker.Manifest, err error) {
	switch v := v.(type) {
	case nil:
		return to, nil
	case []any:
		for i, x := range v {
			if to, err = flatten(to, x, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return nil, err
			}
		}
		return to, nil
	case gennaker.Manifest:
		return flatten(to, map[string]any(v), path)
	case map[string]any:
		if kind, _ := v["kind"].(string); strings.HasSuffix(kind, "List") {
			if items, ok := v["items"].([]any); ok {
				return flatten(to, items, path+".items")
			}
		}
		return append(to, v), nil
	}
	return nil, gennaker.Errorf(gennaker.Invalid, "%s is not an object but %T", path, v)
}

func openList(ms []gennaker.Manifest) []any {
	out := make([]any, len(ms))
	for i, m := range ms {
		out[i] = map[string]any(m)
	}
	return out
}

// artifacts returns those that must be bound, and those that may be. What is
// embedded can be in no manifest.
func (m *maker) artifacts(in stage.Input, s source) (required, optional []gennaker.Artifact, err error) {
	require := func(a gennaker.Artifact) { // once: a task before may have found it and written it down
		if !slices.ContainsFunc(required, func(r gennaker.Artifact) bool { return reflect.DeepEqual(r.Map(), a.Map()) }) {
			required = append(required, a)
		}
	}
	for _, id := range s.RequiredIDs {
		if m.config.Artifact == nil {
			break
		}
		a, err := m.config.Artifact(in, id, nil)
		if err != nil {
			return nil, nil, fmt.Errorf("find a required artifact: %w", err)
		}
		require(a)
	}
	for i, v := range s.Required {
		open, _ := v.(map[string]any)
		if inner, ok := open["artifact"].(map[string]any); ok {
			open = inner
		} else if id, ok := open["expectedArtifactId"].(string); ok && m.config.Artifact != nil {
			a, err := m.config.Artifact(in, id, nil)
			if err != nil {
				return nil, nil, fmt.Errorf("find a required artifact: %w", err)
			}
			require(a)
			continue
		}
		a, err := gennaker.ArtifactOf(open)
		if err != nil {
			return nil, nil, fmt.Errorf("requiredArtifacts[%d]: %w", i, err)
		}
		require(a)
	}
	if m.config.Artifacts != nil {
		optional = slices.DeleteFunc(slices.Clone(m.config.Artifacts(in)), func(a gennaker.Artifact) bool {
			return strings.HasPrefix(a.Type, "embedded/")
		})
	}
	return required, optional, nil
}

// text returns a value within an object, "" if it is no text.
func text(m map[string]any, path ...string) string {
	v, _ := at(m, path...).(string)
	return v
}

// at returns a value within an object; nil if there is none.
func at(m map[string]any, path ...string) any {
	var v any = m
	for _, k := range path {
		inner, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = inner[k]
	}
	return v
}

// number returns a number within an object, 0 if there is none.
func number(m map[string]any, path ...string) int {
	switch v := at(m, path...).(type) {
	case float64:
		return int(v)
	case int64:
		return int(v)
	case int:
		return v
	case json.Number:
		n, _ := v.Int64()
		return int(n)
	}
	return 0
}

// Package bake has the stage bakeManifest, which makes manifests of a Helm chart
// or a kustomization.
//
//	bake.Register(&r, bake.Config{Artifact: bind.Artifact, Fetch: fetch, Render: process.Render, BindProduced: bind.Produced(history)})
//
// The stage gets its input artifacts with their accounts, and leaves the result
// as one artifact of the type embedded/base64 in its context and outputs, for a
// deployManifest after it. It is repeated as a whole after a crash: nothing
// outside is changed.
//
// # Beside Spinnaker
//
// HELM2 is rendered as HELM3, with a warning, and HELM4 and KUSTOMIZE5 are known.
// Charts and repositories are told apart by what is in them, not by their type:
// a chart in a git/repo needs helmChartFilePath only if it is not at the top.
// Overrides that Java would print as maps or lists are refused, as are, with
// evaluateOverrideExpressions, those with an expression that has no value.
// HELMFILE is refused: it is a program that runs others.
//
// Source: Spinnaker orca BakeManifestStage, CreateBakeManifestTask; rosco.
package bake

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/artifact/match"
	"github.com/gennaker/gennaker/internal/bake"
	"github.com/gennaker/gennaker/internal/stage"
)

// Config is what the stage needs of the server.
type Config struct {
	// Artifact returns the artifact that a stage names: bind.Artifact.
	Artifact func(in stage.Input, id string, inline any) (gennaker.Artifact, error)
	// Fetch returns the content of an artifact; the caller closes it. nil refuses
	// all.
	Fetch func(ctx context.Context, a gennaker.Artifact) (io.ReadCloser, error)
	// Render renders: that of a bake.Process. nil refuses all.
	Render func(ctx context.Context, req bake.Request) (bake.Result, error)
	// HoldsSecret reports whether a Secret may be among manifests:
	// manifest.HoldsSecret. nil takes all for such.
	HoldsSecret func(manifests []byte) bool
	// Seal makes the reference of manifests that hold Secrets, so that they are not
	// stored as they are. nil bakes none.
	Seal func(manifests []byte) string
	// BindProduced binds the result to the artifact that the stage expects; it is
	// the last step. Without a name there is none.
	BindProduced stage.Step
	// MaxBytes is how large baked manifests may be; 0 means bake.DefaultMaxBytes.
	MaxBytes int
}

// bakeConfig is what authors write in a bakeManifest stage.
type bakeConfig struct {
	Renderer            string          `json:"templateRenderer" enum:"HELM3|HELM4|KUSTOMIZE|KUSTOMIZE4|KUSTOMIZE5"` // HELM3, HELM4, KUSTOMIZE, KUSTOMIZE4 or KUSTOMIZE5; HELM2 is rendered as HELM3
	Name                string          `json:"outputName"`                                                          // of Helm: the name of the release
	Inputs              []inputArtifact `json:"inputArtifacts"`                                                      // of Helm: the chart, then values files, of which later ones win
	Input               *inputArtifact  `json:"inputArtifact"`                                                       // of Kustomize: a git/repo, or an archive
	Expected            []any           `json:"expectedArtifacts"`                                                   // exactly one, of type embedded/base64; the result has the name of its matchArtifact
	Namespace           string          `json:"namespace"`                                                           // of the release; default "default"
	Overrides           map[string]any  `json:"overrides"`                                                           // values, by path as in helm --set-string
	RawOverrides        bool            `json:"rawOverrides"`                                                        // true is --set: true, 1 and null are no text then
	EvaluateOverrides   bool            `json:"evaluateOverrideExpressions"`                                         // evaluate the expressions that the values of expressions in overrides hold
	IncludeCRDs         bool            `json:"includeCRDs"`                                                         // with the chart's directory crds
	APIVersions         []string        `json:"apiVersions"`                                                         // that the cluster has beside those of Kubernetes; may be one text with commas
	KubeVersion         string          `json:"kubeVersion"`                                                         // of the cluster, e.g. 1.31
	HelmChartPath       string          `json:"helmChartFilePath"`                                                   // directory of the chart within a git/repo or archive; default its top
	KustomizePath       string          `json:"kustomizeFilePath"`                                                   // kustomization file, or its directory, within a git/repo or archive; default its top
	HelmfilePath        string          `json:"helmfileFilePath"`                                                    // of helmfile, which is not run here
	HelmfileEnvironment string          `json:"environment"`                                                         // likewise
}

// inputArtifact is one of the inputs.
type inputArtifact struct {
	ID       string         `json:"id"`       // of an expected artifact of the pipeline or of a stage before
	Artifact map[string]any `json:"artifact"` // or the artifact itself
	Account  string         `json:"account"`  // to fetch it with, instead of its own
}

// Bounds of what is fetched, in bytes of all input artifacts together, and how
// many there may be.
const (
	maxFetched = 96 << 20
	maxInputs  = 100
)

// timeout is how long Orca tries to bake.
const timeout = 5 * time.Minute

// warningsKey is where the context says what the user might want to know.
const warningsKey = "bakeWarnings"

// Register adds the stage. It panics if it is there.
func Register(r *stage.Registry, c Config) {
	steps := []stage.Step{{Name: "createBake", Task: stage.TaskFunc(c.create), Timeout: timeout}}
	if c.BindProduced.Name != "" {
		steps = append(steps, c.BindProduced)
	}
	stage.Add[bakeConfig](r, stage.Definition{
		Type: "bakeManifest", Steps: steps,
		Restart: func(context map[string]any) {
			for _, k := range []string{"artifacts", "resolvedExpectedArtifacts", warningsKey} {
				delete(context, k)
			}
		},
	})
}

// create fetches, renders, and leaves the result.
func (c Config) create(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	cfg, err := stage.Decode[bakeConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	expected, err := expectedArtifact(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	req, warnings, err := cfg.request(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if c.Fetch == nil || c.Render == nil {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "this server cannot bake")
	}
	if req.Inputs, err = c.fetch(ctx, in, cfg.inputs()); err != nil {
		return stage.Outcome{}, err
	}
	req.MaxBytes = c.MaxBytes
	result, err := c.Render(ctx, req)
	if err != nil {
		return stage.Outcome{}, err
	}
	name := expected.Match.Name
	if name == "" {
		name = cfg.Name
	}
	reference, err := c.reference(result.Manifests)
	if err != nil {
		return stage.Outcome{}, err
	}
	made := gennaker.Artifact{Type: "embedded/base64", Name: name, ArtifactAccount: "embedded-artifact", Reference: reference}
	values := map[string]any{"artifacts": []any{made.Map()}}
	out := stage.Done().WithOutputs(values).WithContext(values)
	if warnings = append(warnings, result.Warnings...); len(warnings) > 0 {
		out = out.WithContext(map[string]any{warningsKey: open(warnings)})
	}
	return out, nil
}

// reference carries the manifests: as base64, or sealed if a Secret may be among
// them.
func (c Config) reference(manifests []byte) (string, error) {
	switch {
	case c.HoldsSecret != nil && !c.HoldsSecret(manifests):
		return base64.StdEncoding.EncodeToString(manifests), nil
	case c.Seal == nil:
		return "", gennaker.Errorf(gennaker.Invalid, "the manifests may hold a Secret, and nothing can be sealed here")
	}
	return c.Seal(manifests), nil
}

func open(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// expectedArtifact returns the one artifact that the stage promises.
func expectedArtifact(in stage.Input) (gennaker.ExpectedArtifact, error) {
	expected, err := match.Expected(in.Stage.Context["expectedArtifacts"])
	switch {
	case err != nil:
		return gennaker.ExpectedArtifact{}, err
	case len(expected) == 0:
		return gennaker.ExpectedArtifact{}, gennaker.Errorf(gennaker.Invalid, "At least one expected artifact to baked manifest must be supplied").
			WithHint(`add {"matchArtifact": {"type": "embedded/base64", "name": …}} to expectedArtifacts`)
	case len(expected) > 1:
		return gennaker.ExpectedArtifact{}, gennaker.Errorf(gennaker.Invalid, "Too many artifacts to produce supplied").
			WithHint("a bakeManifest stage makes one artifact, and has one in expectedArtifacts")
	}
	if t := expected[0].Match.Type; t != "" && t != "embedded/base64" {
		return gennaker.ExpectedArtifact{}, gennaker.Errorf(gennaker.Invalid, "the expected artifact is of type %q, but what is baked is embedded/base64", t).
			WithHint("change the type of its matchArtifact")
	}
	return expected[0], nil
}

// request returns what is to be rendered, without its inputs.
func (c bakeConfig) request(in stage.Input) (req bake.Request, warnings []string, err error) {
	switch renderer := strings.ToUpper(c.Renderer); renderer {
	case "HELM2":
		warnings = []string{"the renderer HELM2 is deprecated; the chart was rendered as HELM3 does"}
		fallthrough
	case "HELM3", "HELM4":
		req, err = c.chart(in)
		return req, warnings, err
	case "KUSTOMIZE", "KUSTOMIZE4", "KUSTOMIZE5":
		return bake.Request{Renderer: bake.Kustomize, Path: c.KustomizePath}, nil, nil
	case "HELMFILE":
		return req, nil, gennaker.Errorf(gennaker.Invalid, "the renderer HELMFILE needs the helmfile program, which is not run here").
			WithHint("bake each chart that the helmfile names in a stage of its own with HELM3")
	default:
		return req, nil, gennaker.Errorf(gennaker.Invalid, "Invalid template renderer %s", renderer).
			WithHint("templateRenderer is HELM3, HELM4, KUSTOMIZE, KUSTOMIZE4 or KUSTOMIZE5")
	}
}

// chart returns what is to be rendered of a chart.
func (c bakeConfig) chart(in stage.Input) (bake.Request, error) {
	if c.Name == "" {
		return bake.Request{}, gennaker.Errorf(gennaker.Invalid, "outputName is missing").WithHint("it is the name of the release, .Release.Name in the chart")
	}
	overrides, err := c.overrides(in)
	if err != nil {
		return bake.Request{}, err
	}
	chart := bake.Chart{
		Release: c.Name, Namespace: c.Namespace, IncludeCRDs: c.IncludeCRDs, KubeVersion: c.KubeVersion, Overrides: overrides, Raw: c.RawOverrides,
	}
	for _, text := range c.APIVersions {
		for v := range strings.SplitSeq(text, ",") {
			if v = strings.TrimSpace(v); v != "" {
				chart.APIVersions = append(chart.APIVersions, v)
			}
		}
	}
	return bake.Request{Renderer: bake.Helm, Path: c.HelmChartPath, Chart: chart}, nil
}

// overrides returns the overrides as Helm's flags have them, sorted by key.
func (c bakeConfig) overrides(in stage.Input) ([]string, error) {
	values := c.Overrides
	if c.EvaluateOverrides {
		v, summary := in.Eval(values, nil)
		if len(summary.Findings) > 0 {
			return nil, gennaker.Errorf(gennaker.Invalid, "an expression in overrides has no value: %s", summary.Findings[0]).
				WithHint("mend it, or leave evaluateOverrideExpressions out to bake it as it stands")
		}
		values, _ = v.(map[string]any)
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		text, ok := printed(values[key])
		if !ok {
			return nil, gennaker.Errorf(gennaker.Invalid, "the override %s is neither text nor number nor true nor false", key).
				WithHint("write one override for each value within it, such as %s.name or %s[0]; or give a values file", key, key)
		}
		out = append(out, key+"="+text)
	}
	return out, nil
}

// printed returns a value as Java prints it.
func printed(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// inputs returns the inputs that the renderer reads.
func (c bakeConfig) inputs() []inputArtifact {
	one := []inputArtifact{}
	if c.Input != nil {
		one = append(one, *c.Input)
	}
	kustomize := strings.HasPrefix(strings.ToUpper(c.Renderer), "KUSTOMIZE")
	if len(c.Inputs) == 0 || kustomize && len(one) > 0 {
		return one
	}
	return c.Inputs
}

// fetch returns the content of the input artifacts.
func (c Config) fetch(ctx context.Context, in stage.Input, inputs []inputArtifact) ([]bake.Input, error) {
	switch {
	case len(inputs) == 0:
		return nil, gennaker.Errorf(gennaker.Invalid, "At least one input manifest to bake must be provided").
			WithHint("give inputArtifacts, or with Kustomize inputArtifact")
	case len(inputs) > maxInputs:
		return nil, gennaker.Errorf(gennaker.TooLarge, "there are %d input artifacts, more than %d", len(inputs), maxInputs).
			WithHint("put values files together")
	}
	left := int64(maxFetched)
	var out []bake.Input
	for i, input := range inputs {
		var inline any
		if len(input.Artifact) > 0 {
			inline = input.Artifact
		}
		a, err := c.Artifact(in, input.ID, inline)
		if err != nil {
			return nil, about(i, err)
		}
		if input.Account != "" {
			a.ArtifactAccount = input.Account
		}
		content, err := c.read(ctx, a, left)
		if err != nil {
			return nil, about(i, err)
		}
		left -= int64(len(content))
		out = append(out, bake.Input{Name: match.Describe(a), Content: content})
	}
	return out, nil
}

// about says which input an error is about.
func about(i int, err error) error { return fmt.Errorf("input artifact %d: %w", i+1, err) }

// read returns the content of one artifact.
func (c Config) read(ctx context.Context, a gennaker.Artifact, left int64) ([]byte, error) {
	r, err := c.Fetch(ctx, a)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, left+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read what was fetched: %w", err)
	case int64(len(content)) > left:
		return nil, gennaker.Errorf(gennaker.TooLarge, "the input artifacts have more than %d bytes together", maxFetched).
			WithHint("fetch a part of the repository: metadata.subPath of a git/repo artifact")
	}
	return content, nil
}

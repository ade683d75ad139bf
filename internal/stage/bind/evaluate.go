package bind

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// evaluateConfig is the configuration of an evaluateArtifacts stage.
type evaluateConfig struct {
	Contents []content        `json:"artifactContents"`  // texts with expressions, each of which becomes an artifact
	Expected []map[string]any `json:"expectedArtifacts"` // the artifacts, as the stages behind refer to them
}

// content is one of the texts.
type content struct {
	ID       string `json:"id"`       // of its expected artifact; for the editor
	Name     string `json:"name"`     // of the artifact, and of its value in the texts behind it
	Contents any    `json:"contents"` // a text with expressions
}

// account is that of artifacts that are within the execution, in Spinnaker.
const account = "embedded-artifact"

// evaluateArtifacts makes artifacts of texts with expressions.
//
// Source: Spinnaker orca EvaluateArtifactsStage.
func evaluateArtifacts(h History) stage.Definition {
	return stage.Definition{
		Type: "evaluateArtifacts",
		Steps: []stage.Step{
			{Name: "evaluateArtifacts", Task: stage.TaskFunc(runEvaluate)},
			{Name: "bindArtifacts", Task: produced(h)},
		},
		Restart:  Restart,
		Verbatim: func(stage.Input) []string { return []string{"artifactContents"} },
	}
}

// runEvaluate evaluates the texts in order: each sees the values of those before
// it under their names. A text with an expression that has no value stays as it
// is written.
func runEvaluate(_ context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[evaluateConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	const summaryKey = "expressionEvaluationSummary"
	findings, problems := map[string]any{}, []string{}
	if m, ok := in.Stage.Context[summaryKey].(map[string]any); ok {
		maps.Copy(findings, m)
	}
	values, made, size := map[string]any{}, []any{}, 0
	for _, x := range c.Contents {
		v, summary := in.Eval(x.Contents, values)
		if len(summary.Findings) == 0 {
			values[x.Name] = v
		}
		for _, f := range summary.Findings {
			problems = append(problems, fmt.Sprintf("in the contents of artifact %s: %s", x.Name, f))
		}
		maps.Copy(findings, stage.Findings(summary))
		text, err := text(v)
		if err != nil {
			return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "write artifact %s: %w", x.Name, err)
		}
		if size += len(text); size > gennaker.MaxDocumentBytes {
			return stage.Outcome{}, gennaker.Errorf(gennaker.TooLarge, "the artifacts have more than %d bytes together", gennaker.MaxDocumentBytes).
				WithHint("put large contents where they can be fetched from, and refer to them")
		}
		if len(text) > 0 {
			a := gennaker.Artifact{Type: "embedded/base64", Name: x.Name, Reference: base64.StdEncoding.EncodeToString(text), ArtifactAccount: account}
			made = append(made, a.Map())
		}
	}
	out := stage.Done()
	if fail := in.Stage.Context["failOnFailedExpressions"]; len(problems) > 0 && (fail == true || fail == "true") {
		out = stage.Fail("an expression has no value %s", problems[0]).WithDetails(map[string]any{"errors": open(problems)})
	}
	if _, had := in.Stage.Context[summaryKey]; had || len(findings) > 0 {
		out = out.WithContext(map[string]any{summaryKey: findings})
	}
	return out.WithOutputs(map[string]any{artifactsKey: made}), nil
}

// text returns what an artifact holds: a text as it is, other values as JSON.
func text(v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(v), nil
	}
	return json.Marshal(v)
}

func open(texts []string) []any {
	out := make([]any, len(texts))
	for i, s := range texts {
		out[i] = s
	}
	return out
}

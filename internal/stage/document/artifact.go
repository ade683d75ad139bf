package document

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// fromArtifactConfig is the configuration of savePipelinesFromArtifact.
type fromArtifactConfig struct {
	ArtifactID string         `json:"pipelinesArtifactId"` // the ID of an expected artifact of the pipeline
	Artifact   map[string]any `json:"pipelinesArtifact"`   // or the artifact itself; its content is JSON: applications, each with a list of pipelines
}

// maxFromArtifact bounds how many pipelines one artifact may hold.
const maxFromArtifact = 1_000

// What savePipelinesFromArtifact keeps in its context.
const (
	ctxContent  = "pipelinesDigest"       // SHA-256 of the content, in hex
	ctxTotal    = "pipelinesTotal"        // how many pipelines it holds
	ctxNext     = "pipelinesNext"         // which one is saved now, or next
	ctxPipeline = "pipeline"              // that one, in base64
	ctxExisting = "isExistingPipeline"    // whether it replaces one
	ctxProblem  = "pipelineSaveError"     // why it could not be saved; "" if it was
	ctxCreated  = "pipelinesCreated"      // what became of them: application and name
	ctxUpdated  = "pipelinesUpdated"      //
	ctxFailed   = "pipelinesFailedToSave" //
)

// registerFromArtifact adds savePipelinesFromArtifact: a loop that saves one
// pipeline after the other. The content stays where it is, so that the context
// is small; that it is still the same is seen by its digest.
//
// Source: Spinnaker orca SavePipelinesFromArtifactStage.
func registerFromArtifact(r *stage.Registry, c Config) {
	s := fromArtifact{c, savePipeline{c.Catalog, r.Check}}
	stage.Add[fromArtifactConfig](r, stage.Definition{
		Type: "savePipelinesFromArtifact", Verbatim: verbatim(ctxPipeline),
		Restart: func(context map[string]any) {
			maps.DeleteFunc(context, func(key string, _ any) bool {
				return slices.Contains([]string{
					ctxContent, ctxTotal, ctxNext, ctxPipeline, ctxExisting, ctxProblem, ctxCreated, ctxUpdated, ctxFailed,
				}, key)
			})
		},
		Steps: []stage.Step{
			{Name: "getPipelinesFromArtifact", Task: stage.TaskFunc(s.get)},
			{Name: "preparePipelineToSaveTask", Task: stage.TaskFunc(s.prepare), LoopStart: true},
			{Name: "savePipeline", Task: stage.TaskFunc(s.save)},
			{Name: "waitForPipelineSave", Task: stage.TaskFunc(s.wait)},
			{Name: "checkPipelineResults", Task: stage.TaskFunc(s.check)},
			{Name: "checkForRemainingPipelines", Task: stage.TaskFunc(s.remaining), LoopEnd: true},
			{Name: "savePipelinesCompleteTask", Task: stage.TaskFunc(s.complete)},
		},
	})
}

type fromArtifact struct {
	Config
	saver savePipeline
}

// content fetches and reads the artifact.
func (s fromArtifact) content(ctx context.Context, in stage.Input) (pipelines []map[string]any, digest string, err error) {
	c, err := stage.Decode[fromArtifactConfig](in.Stage.Context)
	if err != nil {
		return nil, "", err
	}
	artifact := c.Artifact
	if len(artifact) == 0 {
		if artifact, err = bound(in, c.ArtifactID); err != nil {
			return nil, "", err
		}
	}
	if s.Artifacts == nil {
		return nil, "", gennaker.Errorf(gennaker.Invalid, "this server cannot fetch artifacts")
	}
	text, err := s.Artifacts.Fetch(ctx, artifact)
	if err != nil {
		return nil, "", fmt.Errorf("fetch the pipelines: %w", err)
	}
	sum := sha256.Sum256(text)
	pipelines, err = readPipelines(text)
	return pipelines, hex.EncodeToString(sum[:]), err
}

// bound returns the artifact that the expected artifact with that ID became.
func bound(in stage.Input, id string) (map[string]any, error) {
	if id == "" {
		return nil, gennaker.Errorf(gennaker.Invalid, "the artifact with the pipelines is missing").
			WithHint("set pipelinesArtifactId, or pipelinesArtifact")
	}
	lists := []any{in.Stage.Context["resolvedExpectedArtifacts"]}
	if in.Upstream != nil {
		for _, st := range in.Upstream() {
			lists = append(lists, st.Outputs["resolvedExpectedArtifacts"])
		}
	}
	lists = append(lists, in.Execution.Trigger.Other["resolvedExpectedArtifacts"])
	for _, v := range lists {
		list, _ := v.([]any)
		for _, v := range list {
			expected, _ := v.(map[string]any)
			if a, ok := expected["boundArtifact"].(map[string]any); ok && expected["id"] == id {
				return a, nil
			}
		}
	}
	return nil, gennaker.Errorf(gennaker.Invalid, "no artifact is bound to the expected artifact %s", id).
		WithHint("let the trigger or a stage before this one provide it")
}

// readPipelines reads {application: [pipeline, …]}: by application, and within
// it as they stand.
func readPipelines(text []byte) ([]map[string]any, error) {
	doc, err := gennaker.ParseDocument(text)
	if err != nil {
		return nil, fmt.Errorf("read the pipelines: %w", err)
	}
	var out []map[string]any
	var problems []gennaker.Problem
	for _, application := range slices.Sorted(maps.Keys(doc.Value)) {
		list, ok := doc.Value[application].([]any)
		if !ok {
			problems = append(problems, gennaker.Problem{Path: application, Message: "must be a list of pipelines"})
		}
		for i, v := range list {
			p, ok := v.(map[string]any)
			if !ok {
				problems = append(problems, gennaker.Problem{Path: fmt.Sprintf("%s[%d]", application, i), Message: "must be a pipeline"})
				continue
			}
			p = maps.Clone(p)
			p["application"] = application
			out = append(out, p)
		}
	}
	if len(out) > maxFromArtifact {
		problems = append(problems, gennaker.Problem{Message: fmt.Sprintf("holds %d pipelines, more than %d", len(out), maxFromArtifact)})
	}
	if len(problems) > 0 {
		return nil, doc.Invalid(problems)
	}
	return out, nil
}

func (s fromArtifact) get(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	pipelines, digest, err := s.content(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	return stage.Done().WithContext(map[string]any{
		ctxContent: digest, ctxTotal: len(pipelines), ctxNext: 0,
		ctxCreated: []any{}, ctxUpdated: []any{}, ctxFailed: []any{},
	}), nil
}

// prepare takes the next pipeline, under the ID of the stored one of its name.
func (s fromArtifact) prepare(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	next, total := place(in)
	if next >= total {
		return stage.Done().WithContext(map[string]any{ctxPipeline: "", ctxProblem: ""}), nil
	}
	pipelines, digest, err := s.content(ctx, in)
	if err != nil {
		return stage.Outcome{}, err
	}
	if digest != in.Stage.Context[ctxContent] || next >= len(pipelines) {
		return stage.Fail("the artifact with the pipelines changed while they were saved").
			WithHint("restart the stage"), nil
	}
	p := pipelines[next]
	application, _ := p["application"].(string)
	name, _ := p["name"].(string)
	stored, err := find(ctx, s.Catalog, application, func(other gennaker.Pipeline) bool { return other.Name == strings.TrimSpace(name) })
	if err != nil {
		return stage.Outcome{}, err
	}
	p["id"] = newID("pipeline", in.Key)
	if stored.ID != "" {
		p["id"] = stored.ID
	}
	text, err := json.Marshal(p)
	if err != nil {
		return stage.Outcome{}, fmt.Errorf("write pipeline %s: %w", name, err)
	}
	return stage.Done().WithContext(map[string]any{
		ctxPipeline: base64.StdEncoding.EncodeToString(text), ctxExisting: stored.ID != "", ctxProblem: "",
	}), nil
}

// place returns which pipeline is next, and how many there are.
func place(in stage.Input) (next, total int) {
	c, err := stage.Decode[struct {
		Next  int `json:"pipelinesNext"`
		Total int `json:"pipelinesTotal"`
	}](in.Stage.Context)
	if err != nil {
		return 0, 0
	}
	return c.Next, c.Total
}

// current returns the pipeline that is being saved; nil if there is none.
func current(in stage.Input) ([]byte, error) {
	if v := in.Stage.Context[ctxPipeline]; v == "" || v == nil {
		return nil, nil
	}
	return textOf(in.Stage.Context[ctxPipeline], "pipeline")
}

// save stores the pipeline. One that cannot be saved does not stop the others.
func (s fromArtifact) save(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	text, err := current(in)
	if err != nil || text == nil {
		return stage.Done(), err
	}
	p, err := gennaker.ParsePipeline(text)
	if err == nil {
		_, err = s.saver.save(ctx, p, author(in), false)
	}
	switch gennaker.KindOf(err) {
	case gennaker.Invalid, gennaker.Denied, gennaker.NotFound, gennaker.Conflict, gennaker.TooLarge:
		return stage.Done().WithContext(map[string]any{ctxProblem: err.Error()}), nil
	case gennaker.TooMany, gennaker.Unavailable, gennaker.Internal:
		if err != nil {
			return stage.Outcome{}, err
		}
	}
	return stage.Done(), nil
}

// wait sees that the pipeline is there.
func (s fromArtifact) wait(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	text, err := current(in)
	if err != nil || text == nil || in.Stage.Context[ctxProblem] != "" {
		return stage.Done(), err
	}
	p, err := gennaker.ParsePipeline(text)
	if err != nil {
		return stage.Outcome{}, err
	}
	stored, err := find(ctx, s.Catalog, p.Application, func(other gennaker.Pipeline) bool { return other.ID == p.ID })
	if err == nil && stored.ID == "" {
		return stage.Done().WithContext(map[string]any{ctxProblem: "it was deleted again"}), nil
	}
	return stage.Done(), err
}

// check notes what became of the pipeline.
func (s fromArtifact) check(_ context.Context, in stage.Input) (stage.Outcome, error) {
	text, err := current(in)
	if err != nil || text == nil {
		return stage.Done(), err
	}
	var p struct {
		Application string `json:"application"`
		Name        any    `json:"name"`
		ID          string `json:"id"`
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "read the pipeline: %w", err)
	}
	result := map[string]any{"application": p.Application, "name": p.Name, "id": p.ID}
	list := ctxCreated
	switch {
	case in.Stage.Context[ctxProblem] != "":
		list, result["error"] = ctxFailed, in.Stage.Context[ctxProblem]
		delete(result, "id")
	case in.Stage.Context[ctxExisting] == true:
		list = ctxUpdated
	}
	so, _ := in.Stage.Context[list].([]any)
	next, _ := place(in)
	return stage.Done().WithContext(map[string]any{
		list: append(slices.Clone(so), result), ctxNext: next + 1, ctxPipeline: "",
	}), nil
}

func (s fromArtifact) remaining(_ context.Context, in stage.Input) (stage.Outcome, error) {
	if next, total := place(in); next < total {
		return stage.Redirect(), nil
	}
	return stage.Done(), nil
}

// complete puts out the lists. Pipelines that could not be saved do not fail the
// stage, as in Orca.
func (s fromArtifact) complete(_ context.Context, in stage.Input) (stage.Outcome, error) {
	out := map[string]any{}
	for _, key := range []string{ctxCreated, ctxUpdated, ctxFailed} {
		out[key] = in.Stage.Context[key]
	}
	return stage.Done().WithOutputs(out), nil
}

package document

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// pipelineConfig is the configuration of the stages that change a pipeline.
type pipelineConfig struct {
	Pipeline   any  `json:"pipeline"`   // the document: an object, or its JSON in base64
	StaleCheck bool `json:"staleCheck"` // refuse to overwrite a change that was not seen

	// Without Pipeline, what to delete.
	Application string `json:"application"`  // default the execution's
	ID          string `json:"pipelineId"`   // its ID
	Name        string `json:"pipelineName"` // or its name
}

// document returns the JSON of the pipeline.
//
// Errors: TooLarge; Invalid.
func (c pipelineConfig) document() ([]byte, error) {
	switch v := c.Pipeline.(type) {
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "pipeline is not JSON: %w", err)
		}
		return text, nil
	case string:
		if base64.StdEncoding.DecodedLen(len(v)) > gennaker.MaxDocumentBytes+2 {
			return nil, gennaker.Errorf(gennaker.TooLarge, "the pipeline has more than %d bytes", gennaker.MaxDocumentBytes)
		}
		text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(v))
		if err != nil {
			return nil, gennaker.Errorf(gennaker.Invalid, "pipeline is not base64: %w", err).
				WithHint("give the pipeline as an object, or as JSON in base64")
		}
		return text, nil
	}
	return nil, gennaker.Errorf(gennaker.Invalid, "pipeline is missing").
		WithHint("give the pipeline as an object, or as JSON in base64")
}

// savePipeline makes or replaces a pipeline.
//
// Source: Spinnaker orca SavePipelineTask.
type savePipeline struct {
	catalog Catalog
	check   func([]gennaker.StageConfig) []gennaker.Problem
}

func (t savePipeline) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[pipelineConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	p, err := c.read(in.Key)
	if err != nil {
		return stage.Outcome{}, err
	}
	if problems := t.check(p.Stages); len(problems) > 0 {
		return stage.Outcome{}, p.Doc.Invalid(problems)
	}
	before, err := t.find(ctx, p)
	if err != nil {
		return stage.Outcome{}, err
	}
	saved := before
	// An attempt whose answer was lost made it stale already.
	if before.ID == "" || !holds(before, p) {
		if saved, err = t.catalog.SavePipeline(ctx, p, author(in), c.StaleCheck); err != nil {
			return stage.Outcome{}, fmt.Errorf("save pipeline %s of %s: %w", p.Name, p.Application, err)
		}
	}
	return done(map[string]any{
		"application": saved.Application, "pipeline.id": saved.ID, "pipeline.name": saved.Name,
	}), nil
}

// read returns the pipeline. One without an ID gets one that is the same for
// every attempt under key.
func (c pipelineConfig) read(key string) (gennaker.Pipeline, error) {
	text, err := c.document()
	if err != nil {
		return gennaker.Pipeline{}, err
	}
	p, err := gennaker.ParsePipeline(text)
	if err != nil || p.ID != "" {
		return p, err
	}
	attrs := maps.Clone(p.Doc.Value)
	attrs["id"] = newID(key)
	if text, err = json.Marshal(attrs); err != nil {
		return gennaker.Pipeline{}, fmt.Errorf("write pipeline %s: %w", p.Name, err)
	}
	return gennaker.ParsePipeline(text)
}

// newID returns a UUID that is made from key.
//
// Source: RFC 9562, section 5.8.
func newID(key string) string {
	h := sha256.Sum256([]byte("pipeline\x00" + key))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// find returns the stored pipeline with p's ID, or the zero one.
func (t savePipeline) find(ctx context.Context, p gennaker.Pipeline) (gennaker.Pipeline, error) {
	all, err := t.catalog.Pipelines(ctx, p.Application)
	if err != nil {
		return gennaker.Pipeline{}, fmt.Errorf("list pipelines of %s: %w", p.Application, err)
	}
	for _, other := range all {
		if other.ID == p.ID {
			return other, nil
		}
	}
	return gennaker.Pipeline{}, nil
}

// holds reports whether stored is p: they differ at most in what a catalog sets.
func holds(stored, p gennaker.Pipeline) bool {
	if stored.Doc == nil || p.Doc == nil {
		return false
	}
	a, b := maps.Clone(stored.Doc.Value), maps.Clone(p.Doc.Value)
	if _, ok := b["index"]; !ok {
		delete(a, "index")
	}
	for _, key := range []string{"lastModified", "lastModifiedBy", "updateTs"} {
		delete(a, key)
		delete(b, key)
	}
	ta, errA := json.Marshal(a) // keys are sorted
	tb, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(ta, tb)
}

// deletePipeline deletes a pipeline.
type deletePipeline struct{ catalog Catalog }

func (t deletePipeline) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[pipelineConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	application, which := cmp.Or(c.Application, in.Execution.Application), cmp.Or(c.ID, c.Name)
	if c.Pipeline != nil {
		text, err := c.document()
		if err != nil {
			return stage.Outcome{}, err
		}
		doc, err := gennaker.ParseDocument(text)
		if err != nil {
			return stage.Outcome{}, err
		}
		id, _ := doc.Value["id"].(string)
		name, _ := doc.Value["name"].(string)
		app, _ := doc.Value["application"].(string)
		application, which = cmp.Or(app, application), cmp.Or(id, name)
	}
	if which == "" {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "the pipeline to delete is missing").
			WithHint("set pipeline, pipelineId or pipelineName")
	}
	err = t.catalog.DeletePipeline(ctx, application, which, author(in))
	if gennaker.KindOf(err) == gennaker.NotFound {
		return stage.Skip(), nil
	}
	if err != nil {
		return stage.Outcome{}, fmt.Errorf("delete pipeline %s of %s: %w", which, application, err)
	}
	return done(map[string]any{"application": application, "pipeline.id": which}), nil
}

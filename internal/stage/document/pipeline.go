package document

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	saved, err := t.save(ctx, p, author(in), c.StaleCheck)
	if err != nil {
		return stage.Outcome{}, err
	}
	return done(map[string]any{
		"application": saved.Application, "pipeline.id": saved.ID, "pipeline.name": saved.Name,
	}), nil
}

// save stores p, unless an attempt whose answer was lost did; that made it
// stale already.
func (t savePipeline) save(ctx context.Context, p gennaker.Pipeline, user string, staleCheck bool) (gennaker.Pipeline, error) {
	if problems := t.check(p.Stages); len(problems) > 0 {
		return p, p.Doc.Invalid(problems)
	}
	before, err := find(ctx, t.catalog, p.Application, func(other gennaker.Pipeline) bool { return other.ID == p.ID })
	if err != nil {
		return p, err
	}
	if before.ID != "" && holds(before, p) {
		return before, nil
	}
	saved, err := t.catalog.SavePipeline(ctx, p, user, staleCheck)
	if err != nil {
		return p, fmt.Errorf("save pipeline %s of %s: %w", p.Name, p.Application, err)
	}
	return saved, nil
}

// waitForPipelineSave sees that the pipeline is there.
//
// Source: Spinnaker orca MonitorPipelineTask, which waits for Front50's cache;
// here what was saved is seen at once.
type waitForPipelineSave struct{ catalog Catalog }

func (t waitForPipelineSave) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	application, _ := in.Stage.Context["application"].(string)
	id, _ := in.Stage.Context["pipeline.id"].(string)
	p, err := find(ctx, t.catalog, application, func(p gennaker.Pipeline) bool { return p.ID == id })
	if err != nil {
		return stage.Outcome{}, err
	}
	if p.ID == "" {
		return stage.Fail("pipeline %s of %s was deleted again", id, application), nil
	}
	return stage.Done(), nil
}

// read returns the pipeline. One without an ID gets one that is the same for
// every attempt under key, and so do its cron triggers.
func (c pipelineConfig) read(key string) (gennaker.Pipeline, error) {
	text, err := textOf(c.Pipeline, "pipeline")
	if err != nil {
		return gennaker.Pipeline{}, err
	}
	p, err := gennaker.ParsePipeline(text)
	if err != nil {
		return p, err
	}
	attrs := maps.Clone(p.Doc.Value)
	if nameCrons(attrs, key) || p.ID == "" {
		if p.ID == "" {
			attrs["id"] = newID("pipeline", key)
		}
		if text, err = json.Marshal(attrs); err != nil {
			return gennaker.Pipeline{}, fmt.Errorf("write pipeline %s: %w", p.Name, err)
		}
		p, err = gennaker.ParsePipeline(text)
	}
	return p, err
}

// nameCrons gives IDs to cron triggers: to those without one, and to all of a
// new pipeline, since they may be copies. It reports whether it changed attrs.
func nameCrons(attrs map[string]any, key string) bool {
	list, _ := attrs["triggers"].([]any)
	list = slices.Clone(list)
	changed := false
	for i, v := range list {
		trigger, _ := v.(map[string]any)
		kind, _ := trigger["type"].(string)
		if id, _ := trigger["id"].(string); !strings.EqualFold(kind, "cron") || id != "" && attrs["id"] != nil && attrs["id"] != "" {
			continue
		}
		trigger = maps.Clone(trigger)
		trigger["id"] = newID("trigger", key, strconv.Itoa(i))
		list[i], changed = trigger, true
	}
	if changed {
		attrs["triggers"] = list
	}
	return changed
}

// newID returns a UUID that is made from parts.
//
// Source: RFC 9562, section 5.8.
func newID(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// find returns the first stored pipeline that matches, or the zero one.
func find(ctx context.Context, c Catalog, application string, matches func(gennaker.Pipeline) bool) (gennaker.Pipeline, error) {
	all, err := c.Pipelines(ctx, application)
	if err != nil {
		return gennaker.Pipeline{}, fmt.Errorf("list pipelines of %s: %w", application, err)
	}
	if i := slices.IndexFunc(all, matches); i >= 0 {
		return all[i], nil
	}
	return gennaker.Pipeline{}, nil
}

// holds reports whether stored is p: they differ at most in what a catalog sets.
func holds(stored, p gennaker.Pipeline) bool {
	if stored.Doc == nil || p.Doc == nil {
		return false
	}
	a := maps.Clone(stored.Doc.Value)
	if _, ok := p.Doc.Value["index"]; !ok {
		delete(a, "index")
	}
	return alike(a, p.Doc.Value, "lastModified", "lastModifiedBy", "updateTs")
}

// alike reports whether two documents differ at most in keys.
func alike(a, b map[string]any, keys ...string) bool {
	a, b = maps.Clone(a), maps.Clone(b)
	for _, key := range keys {
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
		text, err := textOf(c.Pipeline, "pipeline")
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

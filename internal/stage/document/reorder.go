package document

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// reorderConfig is the configuration of reorderPipelines.
type reorderConfig struct {
	Application  string `json:"application"`  // default the execution's
	IDsToIndices any    `json:"idsToIndices"` // the new place of each pipeline, by its ID: an object, or its JSON in base64
	IsStrategy   bool   `json:"isStrategy"`   // order strategies, which are pipelines too
}

// reorderPipelines gives pipelines their places.
//
// Source: Spinnaker orca ReorderPipelinesTask.
type reorderPipelines struct{ catalog Catalog }

func (t reorderPipelines) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[reorderConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	application := cmp.Or(c.Application, in.Execution.Application)
	indices, err := c.indices()
	if err != nil {
		return stage.Outcome{}, err
	}
	all, err := t.catalog.Pipelines(ctx, application)
	if err != nil {
		return stage.Outcome{}, fmt.Errorf("list pipelines of %s: %w", application, err)
	}
	byID := make(map[string]gennaker.Pipeline, len(all))
	for _, p := range all {
		if p.Strategy() == c.IsStrategy {
			byID[p.ID] = p
		}
	}
	var unknown []string
	for _, id := range slices.Sorted(maps.Keys(indices)) {
		if _, ok := byID[id]; !ok {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "application %s has no pipelines with the IDs %s", application, strings.Join(unknown, ", ")).
			WithHint("read the pipelines of the application again")
	}
	for _, id := range slices.Sorted(maps.Keys(indices)) {
		p, index := byID[id], json.Number(strconv.Itoa(indices[id]))
		if p.Doc.Value["index"] == index {
			continue
		}
		doc := maps.Clone(p.Doc.Value)
		doc["index"] = index
		p.Doc = &gennaker.Document{Value: doc}
		// Somebody who saved it in between is not overwritten.
		if _, err := t.catalog.SavePipeline(ctx, p, author(in), true); err != nil {
			return stage.Outcome{}, fmt.Errorf("move pipeline %s of %s to place %s: %w", p.Name, application, index, err)
		}
	}
	return done(map[string]any{"application": application}), nil
}

// indices reads idsToIndices.
func (c reorderConfig) indices() (map[string]int, error) {
	text, err := textOf(c.IDsToIndices, "idsToIndices")
	if err != nil {
		return nil, err
	}
	doc, err := gennaker.ParseDocument(text)
	if err != nil {
		return nil, err
	}
	out := make(map[string]int, len(doc.Value))
	for id, v := range doc.Value {
		n, err := strconv.Atoi(fmt.Sprint(v))
		if err != nil || n < 0 {
			return nil, gennaker.Errorf(gennaker.Invalid, "the place of pipeline %s must be a whole number from 0, not %v", id, v)
		}
		out[id] = n
	}
	return out, nil
}

package template

import (
	"context"
	"fmt"
	"maps"

	"github.com/gennaker/gennaker"
)

// Library finds stored templates.
type Library interface {
	// Template returns the document of a stored copy. Errors: NotFound.
	Template(ctx context.Context, v Version) (map[string]any, error)
}

// Fetcher gets what an artifact names, within bounds of its own.
type Fetcher interface {
	// Fetch returns the content of an artifact as pipelines write it: type,
	// reference, artifactAccount and more.
	Fetch(ctx context.Context, artifact map[string]any) ([]byte, error)
}

// Resolver plans configs whose templates are elsewhere.
type Resolver struct {
	Library  Library
	Fetcher  Fetcher // of templates that are other artifacts; nil refuses these
	Evaluate Evaluator
}

// Resolve returns the ordinary pipeline that a config stands for, with
// templateVariables and source. Any other document is one itself: then there is
// no Pipeline, and nobody calls trigger.
//
// Errors: Invalid, mostly as *[Errors]; what Library and Fetcher return, if that
// may go away by itself.
func (r Resolver) Resolve(ctx context.Context, doc map[string]any, trigger func() (map[string]any, error), executionID string) (Planned, error) {
	if err := Refused(doc); err != nil || !Templated(doc) {
		return Planned{}, err
	}
	open, err := trigger()
	if err != nil {
		return Planned{}, err
	}
	return r.Plan(ctx, doc, open, executionID)
}

// Plan is Resolve for what is a config whatever it looks like.
func (r Resolver) Plan(ctx context.Context, config, trigger map[string]any, executionID string) (Planned, error) {
	config = maps.Clone(config)
	delete(config, "trigger")
	config["type"] = "templatedPipeline"
	t, err := r.load(ctx, config, trigger)
	if err != nil {
		return Planned{}, err
	}
	return Plan(Input{Config: config, Template: t, Trigger: trigger, ExecutionID: executionID, Evaluate: r.Evaluate})
}

// load returns the template that a config refers to; nil if to none.
func (r Resolver) load(ctx context.Context, config, trigger map[string]any) (*Template, error) {
	if config["template"] == nil {
		return nil, nil
	}
	artifact, ok := config["template"].(map[string]any)
	if !ok {
		return nil, malformedf("configuration:template", "template must be an artifact, with type and reference")
	}
	v, findings := r.Evaluate(artifact, map[string]any{
		"application": config["application"], "trigger": trigger, "pipelineTemplate": nil,
	})
	for _, f := range findings {
		if f.Failed {
			return nil, refuse(Error{Message: failedRendering, Location: "configuration:template." + f.Path, Cause: f.Message})
		}
	}
	if m, ok := v.(map[string]any); ok {
		artifact = m
	}
	doc, err := r.fetch(ctx, artifact)
	switch {
	case gennaker.KindOf(err) == gennaker.Unavailable || ctx.Err() != nil:
		return nil, fmt.Errorf("%s %v: %w", failedLoading, artifact["reference"], err)
	case err != nil:
		return nil, unloadable(err)
	}
	t, err := Parse(doc)
	if err != nil {
		return nil, unloadable(err)
	}
	return &t, nil
}

func unloadable(err error) *Errors {
	return refuse(Error{Message: failedLoading, Location: "configuration:template", Cause: err.Error(), Suggestion: gennaker.HintOf(err)})
}

func (r Resolver) fetch(ctx context.Context, artifact map[string]any) (map[string]any, error) {
	ref, _ := artifact["reference"].(string)
	if v, ok := ParseReference(ref); ok {
		doc, err := r.Library.Template(ctx, v)
		if gennaker.KindOf(err) == gennaker.NotFound {
			return nil, gennaker.Errorf(gennaker.NotFound, "there is no template %s", v.Key()).
				WithHint("`gennaker template list` shows those that there are")
		}
		return doc, err
	}
	if r.Fetcher == nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the template is an artifact of type %v, which this server cannot fetch", artifact["type"])
	}
	text, err := r.Fetcher.Fetch(ctx, artifact)
	if err != nil {
		return nil, err
	}
	doc, err := gennaker.ParseDocument(text)
	if err != nil {
		return nil, err
	}
	return doc.Value, nil
}

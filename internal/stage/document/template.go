package document

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/template"
)

// templateConfig is the configuration of the stages that change a pipeline
// template.
type templateConfig struct {
	Template any    `json:"pipelineTemplate"` // the template: an object, or its JSON in base64
	Tag      string `json:"tag"`              // the tag to save under; default the template's own, or none

	// Of updateV2PipelineTemplate.
	ID                 string `json:"id"`                 // must be the template's
	SkipPlanDependents bool   `json:"skipPlanDependents"` // do not plan the pipelines that use the template first

	// Of deleteV2PipelineTemplate.
	TemplateID string `json:"pipelineTemplateId"` // the ID of what to delete
	Digest     string `json:"digest"`             // its digest, instead of a tag
}

func registerTemplates(r *stage.Registry, c Config) {
	keep := verbatim("pipelineTemplate")
	stage.Add[templateConfig](r, stage.Definition{
		Type: "createV2PipelineTemplate", Verbatim: keep,
		Steps:   []stage.Step{{Name: "createPipelineTemplate", Task: createTemplate{c.Templates}}},
		Restart: func(context map[string]any) { delete(context, isNew) },
	})
	stage.Add[templateConfig](r, stage.Definition{
		Type: "updateV2PipelineTemplate", Verbatim: keep,
		Steps: []stage.Step{
			{Name: "planDependentPipelines", Task: planDependents{c.Catalog, c.Evaluate}, If: func(in stage.Input) bool {
				c, err := stage.Decode[templateConfig](in.Stage.Context)
				return err != nil || !c.SkipPlanDependents
			}},
			{Name: "updatePipelineTemplate", Task: updateTemplate{c.Templates}},
		},
	})
	stage.Add[templateConfig](r, stage.Definition{
		Type: "deleteV2PipelineTemplate",
		Steps: []stage.Step{
			{Name: "deletePipelineTemplate", Task: deleteTemplate{c.Templates}},
		},
	})
}

// read returns the template of a job, which may be saved.
//
// Errors: TooLarge; Invalid, with Orca's message.
func readTemplate(in stage.Input) (templateConfig, template.Template, error) {
	c, err := stage.Decode[templateConfig](in.Stage.Context)
	if err != nil {
		return c, template.Template{}, err
	}
	text, err := textOf(c.Template, "pipelineTemplate")
	if err != nil {
		return c, template.Template{}, err
	}
	doc, err := gennaker.ParseDocument(text)
	if err != nil {
		return c, template.Template{}, err
	}
	t, err := template.Parse(doc.Value)
	if err == nil {
		err = t.Check()
	}
	if err == nil && c.ID != "" && c.ID != t.ID {
		err = gennaker.Errorf(gennaker.Invalid, "The provided id %s doesn't match the pipeline template id %s", c.ID, t.ID)
	}
	if c.Tag == "" {
		c.Tag = t.Tag
	}
	return c, t, err
}

func saved(v template.Version) stage.Outcome {
	return done(map[string]any{"pipelineTemplate.id": v.ID, "pipelineTemplate.key": v.Key()})
}

// createTemplate stores a new template.
//
// Source: Spinnaker orca CreateV2PipelineTemplateTask.
type createTemplate struct{ templates Templates }

// isNew is set in the context once it is known that there was no template yet:
// one that is there later is the task's own.
const isNew = "pipelineTemplate.isNew"

func (t createTemplate) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, doc, err := readTemplate(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	v := template.Version{ID: doc.ID, Tag: c.Tag}
	stored, err := t.templates.Template(ctx, v)
	switch {
	case err != nil && gennaker.KindOf(err) != gennaker.NotFound:
		return stage.Outcome{}, fmt.Errorf("read pipeline template %s: %w", v.Key(), err)
	case in.Stage.Context[isNew] != true && err != nil:
		return stage.Again(time.Nanosecond).WithContext(map[string]any{isNew: true}), nil
	case in.Stage.Context[isNew] == true && err == nil && same(stored, doc.Doc, c.Tag):
		return saved(v), nil
	}
	if v, err = t.templates.CreateTemplate(ctx, doc.Doc, c.Tag, author(in)); err != nil {
		return stage.Outcome{}, err
	}
	return saved(v), nil
}

// same reports whether stored is what saving doc under tag makes.
func same(stored, doc map[string]any, tag string) bool {
	doc = maps.Clone(doc)
	delete(doc, "tag")
	if tag != "" {
		doc["tag"] = tag
	}
	return template.Digest(stored) == template.Digest(doc)
}

// updateTemplate replaces a template.
//
// Source: Spinnaker orca UpdateV2PipelineTemplateTask.
type updateTemplate struct{ templates Templates }

func (t updateTemplate) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, doc, err := readTemplate(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	v, err := t.templates.UpdateTemplate(ctx, doc.Doc, c.Tag, author(in))
	if err != nil {
		return stage.Outcome{}, err
	}
	return saved(v), nil
}

// planDependents plans the pipelines that will use a template, before it is
// saved.
//
// Source: Spinnaker orca PlanTemplateDependentsTask.
type planDependents struct {
	catalog  Catalog
	evaluate template.Evaluator
}

func (t planDependents) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, doc, err := readTemplate(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	all, err := t.catalog.Pipelines(ctx, "")
	if err != nil {
		return stage.Outcome{}, fmt.Errorf("list pipelines: %w", err)
	}
	replaced := []template.Version{{ID: doc.ID, Tag: c.Tag}, {ID: doc.ID, Tag: template.Latest}}
	planned, failures := []any{}, map[string]any{}
	var names []string
	for _, p := range all {
		if v, ok := template.VersionOf(p.Doc.Value); !ok || !slices.Contains(replaced, v) {
			continue
		}
		if ctx.Err() != nil {
			return stage.Outcome{}, context.Cause(ctx)
		}
		planned = append(planned, p.ID)
		if _, err := template.Plan(template.Input{Config: p.Doc.Value, Template: &doc, Evaluate: t.evaluate}); err != nil {
			names = append(names, fmt.Sprintf("%s of %s (%v)", p.Name, p.Application, err))
			failures[p.ID] = open(err)
		}
	}
	context := map[string]any{"pipelineTemplate.allDependentPipelines": planned}
	if len(names) == 0 {
		return stage.Done().WithContext(context), nil
	}
	shown := strings.Join(names[:min(len(names), maxShown)], ", ")
	if len(names) > maxShown {
		shown += fmt.Sprintf(" and %d more", len(names)-maxShown)
	}
	return stage.Fail("The template does not fit pipelines that use it: %s", shown).
		WithHint("change these pipelines with it; save it under another tag first; or set skipPlanDependents").
		WithContext(context).WithDetails(map[string]any{"dependentErrors": failures}), nil
}

// open returns an error of planning as open JSON.
func open(err error) any {
	var out any
	text, encodeErr := json.Marshal(err)
	if encodeErr != nil || json.Unmarshal(text, &out) != nil {
		return err.Error()
	}
	return out
}

// deleteTemplate deletes one copy of a template.
//
// Source: Spinnaker orca DeleteV2PipelineTemplateTask.
type deleteTemplate struct{ templates Templates }

func (t deleteTemplate) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[templateConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	if c.TemplateID == "" {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "Missing required task parameter (pipelineTemplateId)")
	}
	v := template.Version{ID: c.TemplateID, Tag: c.Tag, Digest: strings.TrimPrefix(c.Digest, "sha256:")}
	err = t.templates.DeleteTemplate(ctx, v, author(in))
	if gennaker.KindOf(err) == gennaker.NotFound {
		return stage.Skip(), nil
	}
	if err != nil {
		return stage.Outcome{}, err
	}
	return saved(v), nil
}

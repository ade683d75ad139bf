package document

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/api/execution"
	"github.com/gennaker/gennaker/internal/template"
)

// Templates keeps pipeline templates.
type Templates interface {
	// Templates returns every copy of every template, with the tag or the digest
	// that it is kept under.
	Templates(ctx context.Context) ([]map[string]any, error)
	// Template returns one copy. Errors: NotFound; Invalid for a version that
	// cannot be.
	Template(ctx context.Context, v template.Version) (map[string]any, error)
}

// Planner looks ahead, without running anything.
type Planner interface {
	// PlanTemplate plans a config and evaluates what can be evaluated before it
	// runs. Errors: *template.Errors; Invalid.
	PlanTemplate(ctx context.Context, config map[string]any) (map[string]any, error)
	// PlanPipeline says what a run of a pipeline would do now. One that would
	// not start is a plan that says so.
	PlanPipeline(ctx context.Context, p gennaker.Pipeline, trigger gennaker.Trigger) (gennaker.Plan, error)
}

// noApplication is the application of operations that belong to none.
const noApplication = "spinnaker"

// allTemplates returns the templates for the scopes that the query names.
func (h handlers) allTemplates(r *api.Request) ([]template.Template, error) {
	docs, err := h.Templates.Templates(r.Context())
	if err != nil {
		return nil, err
	}
	scopes := r.List("scopes")
	var out []template.Template
	for _, doc := range docs {
		t, err := template.Parse(doc)
		if err != nil {
			return nil, fmt.Errorf("read stored template %v: %w", doc["id"], &gennaker.Error{Kind: gennaker.Internal, Err: err, Message: err.Error()})
		}
		if t.InScope(scopes) {
			out = append(out, t)
		}
	}
	return out, nil
}

func (h handlers) templates(r *api.Request) ([]map[string]any, error) {
	all, err := h.allTemplates(r)
	out := []map[string]any{}
	for _, t := range all {
		out = append(out, t.Doc)
	}
	return out, err
}

// templateVersions lists the copies of each template.
func (h handlers) templateVersions(r *api.Request) (map[string][]map[string]any, error) {
	all, err := h.allTemplates(r)
	out := map[string][]map[string]any{}
	for _, t := range all {
		if t.Schema == template.Schema {
			out[t.ID] = append(out[t.ID], t.Doc)
		}
	}
	return out, err
}

// version returns the copy that the path and the query name.
func version(r *api.Request) (template.Version, error) {
	q := r.URL.Query()
	v := template.Version{ID: r.PathValue("id"), Tag: q.Get("tag"), Digest: strings.TrimPrefix(q.Get("digest"), "sha256:")}
	return v, v.Check()
}

func (h handlers) template(r *api.Request) (map[string]any, error) {
	v, err := version(r)
	if err != nil {
		return nil, err
	}
	doc, err := h.Templates.Template(r.Context(), v)
	if err != nil {
		return nil, api.OrNotFound(err, "Pipeline template not found (id: %s)", v.Key())
	}
	out := map[string]any{}
	for key, value := range doc {
		if key != "tag" && key != "digest" { // they are of the copy, not of the template
			out[key] = value
		}
	}
	return out, nil
}

// Dependent is a pipeline that uses a template.
//
// Source: Front50's TemplateDependency.
type Dependent struct {
	Application      string `json:"application"`
	PipelineConfigID string `json:"pipelineConfigId"`
	PipelineName     string `json:"pipelineName"`
}

func (h handlers) templateDependents(r *api.Request) ([]Dependent, error) {
	v := template.Version{ID: r.PathValue("id")}
	all, err := h.Catalog.Pipelines(r.Context(), "")
	if err != nil {
		return nil, err
	}
	out := []Dependent{}
	for _, p := range all {
		if v.UsedBy(p.Doc.Value) {
			out = append(out, Dependent{Application: p.Application, PipelineConfigID: p.ID, PipelineName: p.Name})
		}
	}
	return out, nil
}

// saveTemplate runs the task that creates or updates the template in the body.
func (h handlers) saveTemplate(r *api.Request, doc *gennaker.Document, kind, does string, more map[string]any) (*execution.TaskBody, error) {
	v, err := version(r)
	if err != nil {
		return nil, err
	}
	if doc.Value["schema"] == nil {
		doc.Value["schema"] = template.Schema
	}
	if doc.Value["schema"] != template.Schema {
		return nil, gennaker.Errorf(gennaker.Invalid, "Pipeline template schema version is invalid").WithHint("set \"schema\" to \"v2\"")
	}
	text, err := json.Marshal(doc.Value)
	if err != nil {
		return nil, fmt.Errorf("write the template: %w", err)
	}
	job := map[string]any{"type": kind, "pipelineTemplate": base64.StdEncoding.EncodeToString(text), "user": r.Caller.User}
	if v.Tag != "" {
		job["tag"] = v.Tag
	}
	maps.Copy(job, more)
	return h.Tasks.Run(r, execution.Operation{
		Application: h.templateApplication(r, doc.Value),
		Description: fmt.Sprintf("%s pipeline template '%v'", does, doc.Value["id"]), Jobs: []map[string]any{job},
	})
}

// templateApplication returns the application that a template is for, if it is
// for one alone.
func (h handlers) templateApplication(r *api.Request, doc map[string]any) string {
	metadata, _ := doc["metadata"].(map[string]any)
	scopes, _ := metadata["scopes"].([]any)
	if len(scopes) != 1 {
		return noApplication
	}
	name, _ := scopes[0].(string)
	if _, err := h.Catalog.Application(r.Context(), name); err != nil {
		return noApplication
	}
	return name
}

func (h handlers) createTemplate(r *api.Request, doc *gennaker.Document) (*execution.TaskBody, error) {
	return h.saveTemplate(r, doc, "createV2PipelineTemplate", "Create", nil)
}

func (h handlers) updateTemplate(r *api.Request, doc *gennaker.Document) (*execution.TaskBody, error) {
	skip, err := r.Flag("skipPlanDependents", false)
	if err != nil {
		return nil, err
	}
	return h.saveTemplate(r, doc, "updateV2PipelineTemplate", "Update", map[string]any{"id": r.PathValue("id"), "skipPlanDependents": skip})
}

// deleteTemplate answers 202, as spin wants it. A task that failed is an error,
// since spin does not look at it.
func (h handlers) deleteTemplate(r *api.Request) (*execution.TaskBody, error) {
	v, err := version(r)
	if err != nil {
		return nil, err
	}
	job := map[string]any{"type": "deleteV2PipelineTemplate", "pipelineTemplateId": v.ID, "user": r.Caller.User}
	if v.Tag != "" {
		job["tag"] = v.Tag
	}
	if v.Digest != "" {
		job["digest"] = v.Digest
	}
	application := r.Query("application")
	if application == "" {
		application = noApplication
	}
	view, err := h.Tasks.Run(r, execution.Operation{
		Application: application, Description: fmt.Sprintf("Delete pipeline template '%s'", v.Key()), Jobs: []map[string]any{job},
	})
	if err == nil && view.Status.Complete() && !view.Status.Successful() {
		err = taskFailure(view.Execution)
	}
	return view, err
}

// taskFailure returns why an operation failed.
func taskFailure(e gennaker.Execution) error {
	for _, st := range e.Stages {
		var x gennaker.Exception
		text, err := json.Marshal(st.Context["exception"])
		if err != nil || json.Unmarshal(text, &x) != nil || len(x.Details.Errors) == 0 {
			continue
		}
		return gennaker.Errorf(gennaker.Invalid, "%s", x.Details.Errors[0]).WithHint("%s", x.Details.Hint)
	}
	return gennaker.Errorf(gennaker.Invalid, "the task %s ended as %s", e.ID, e.Status)
}

// planErrorBody is the answer to a config that cannot be planned.
type planErrorBody struct {
	api.ErrorBody
	Errors []template.Error `json:"errors"`
}

func (h handlers) planTemplate(r *api.Request, doc *gennaker.Document) (map[string]any, error) {
	pipeline, err := h.Planner.PlanTemplate(r.Context(), doc.Value)
	if errs, ok := errors.AsType[*template.Errors](err); ok {
		body := planErrorBody{ErrorBody: api.NewErrorBody(http.StatusBadRequest, template.Message), Errors: errs.List}
		if e, ok := errors.AsType[*gennaker.Error](err); ok {
			body.Hint, body.Problems = e.Hint, e.Problems
		}
		return nil, &api.Failure{Status: http.StatusBadRequest, Body: body}
	}
	return pipeline, err
}

// orderBody is the body of a change of places.
type orderBody struct {
	Application  string         `json:"application"`
	IDsToIndices map[string]int `json:"idsToIndices"`
}

func (h handlers) reorderPipelines(r *api.Request, body orderBody) (*execution.TaskBody, error) {
	return h.reorder(r, body, false)
}

func (h handlers) reorderStrategies(r *api.Request, body orderBody) (*execution.TaskBody, error) {
	return h.reorder(r, body, true)
}

func (h handlers) reorder(r *api.Request, body orderBody, strategies bool) (*execution.TaskBody, error) {
	doc, err := r.Document()
	if err != nil {
		return nil, err
	}
	if body.Application == "" {
		return nil, doc.Invalid([]gennaker.Problem{{Path: "application", Message: "is missing"}})
	}
	return h.Tasks.Run(r, execution.Operation{
		Application: body.Application, Description: "Reorder pipelines of " + body.Application,
		Jobs: []map[string]any{{
			"type": "reorderPipelines", "application": body.Application, "isStrategy": strategies,
			"idsToIndices": doc.Value["idsToIndices"], "user": r.Caller.User,
		}},
	})
}

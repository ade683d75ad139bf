package gennaker

import (
	"fmt"
	"maps"
	"strings"
	"unicode"
)

// Project groups what several applications run, for a dashboard.
//
// Source: Front50's project. Config is what is read of the document, which is
// kept whole.
type Project struct {
	ID     string // a UUID; "" is not saved yet
	Name   string // matched without case, and unique
	Email  string
	Config ProjectConfig
	Attrs  map[string]any // the document, with all lists of its config; ours to keep, not to change
}

// ProjectConfig is what belongs to a project.
type ProjectConfig struct {
	Applications []string
	Pipelines    []ProjectPipeline
	Clusters     []ProjectCluster
}

// ProjectPipeline is a pipeline whose executions the dashboard shows.
type ProjectPipeline struct {
	Application string
	ID          string // of the pipeline
}

// ProjectCluster selects clusters of an account by the parts of their names.
type ProjectCluster struct {
	Account      string
	Stack        string   // "" is none, "*" any
	Detail       string   // likewise
	Applications []string // nil is all of the project
}

// Bounds of projects.
const (
	MaxProjectName = 250   // bytes
	maxProjectList = 1_000 // entries of a list
)

// NewProject reads a project from its document.
//
// Errors: Invalid, with one Problem for each field that is wrong.
func NewProject(attrs map[string]any) (Project, error) {
	r := reader{}
	p := Project{
		ID:    r.text(attrs, "", "id"),
		Name:  strings.TrimSpace(r.text(attrs, "", "name")),
		Email: strings.TrimSpace(r.text(attrs, "", "email")),
		Attrs: maps.Clone(attrs),
	}
	wrong := len(r.problems)
	switch {
	case wrong > 0:
	case p.Name == "":
		r.problem("name", "Project must have a non-empty name")
	case len(p.Name) > MaxProjectName || strings.ContainsFunc(p.Name, unicode.IsControl):
		r.problem("name", "may have at most %d bytes, and no line breaks or other control characters", MaxProjectName)
	}
	if wrong == 0 && p.Email == "" {
		r.problem("email", "Project must have a non-empty email")
	}
	config, ok := attrs["config"].(map[string]any)
	if !ok && attrs["config"] != nil {
		r.problem("config", "must be an object, not %s", jsonType(attrs["config"]))
	}
	config = wholeConfig(config)
	p.Attrs["config"] = config
	p.Config = ProjectConfig{Applications: r.texts(config, "config", "applications")}
	for path, m := range r.objects(config, "config", "pipelineConfigs") {
		p.Config.Pipelines = append(p.Config.Pipelines, ProjectPipeline{r.text(m, path, "application"), r.text(m, path, "pipelineConfigId")})
	}
	for path, m := range r.objects(config, "config", "clusters") {
		p.Config.Clusters = append(p.Config.Clusters, ProjectCluster{
			r.text(m, path, "account"), r.text(m, path, "stack"), r.text(m, path, "detail"), r.texts(m, path, "applications"),
		})
	}
	if len(r.problems) > 0 {
		return Project{}, &Error{Kind: Invalid, Message: "Invalid project: " + r.problems[0].String(), Problems: r.problems}
	}
	return p, nil
}

// wholeConfig returns what belongs to a project with the lists that Deck reads
// without looking whether they are there.
func wholeConfig(config map[string]any) map[string]any {
	out := map[string]any{"applications": []any{}, "pipelineConfigs": []any{}, "clusters": []any{}}
	for key, v := range config {
		if v != nil || out[key] == nil {
			out[key] = v
		}
	}
	return out
}

// elements returns a list that is not too long.
func (r *reader) elements(m map[string]any, path, key string) []any {
	list, ok := m[key].([]any)
	switch at := joinPath(path, key); {
	case !ok && m[key] != nil:
		r.problem(at, "must be a list, not %s", jsonType(m[key]))
	case len(list) > maxProjectList:
		r.problem(at, "may have at most %d entries, not %d", maxProjectList, len(list))
		return nil
	}
	return list
}

// texts reads a list of strings; nil if there is none.
func (r *reader) texts(m map[string]any, path, key string) []string {
	if m[key] == nil {
		return nil
	}
	out := []string{}
	for i, v := range r.elements(m, path, key) {
		s, ok := v.(string)
		if !ok {
			r.problem(fmt.Sprintf("%s[%d]", joinPath(path, key), i), "must be a string, not %s", jsonType(v))
			continue
		}
		out = append(out, s)
	}
	return out
}

// objects yields the objects of a list, each with its path.
func (r *reader) objects(m map[string]any, path, key string) func(yield func(string, map[string]any) bool) {
	return func(yield func(string, map[string]any) bool) {
		for i, v := range r.elements(m, path, key) {
			at := fmt.Sprintf("%s[%d]", joinPath(path, key), i)
			o, ok := v.(map[string]any)
			if !ok {
				r.problem(at, "must be an object, not %s", jsonType(v))
				continue
			}
			if !yield(at, o) {
				return
			}
		}
	}
}

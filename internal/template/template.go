package template

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// Schema is the version of templates and configs that this package knows.
const Schema = "v2"

// Template is a template document: what planning needs of it, and all of it.
type Template struct {
	ID          string
	Schema      string
	Protect     bool // configs may not touch the stages
	Name        string
	Description string
	Scopes      []string // names of applications, "global", or patterns of them
	Variables   []Variable
	Pipeline    map[string]any // nil if there is none
	Tag         string
	Digest      string

	Doc map[string]any
}

// Variable is what a template wants to be told.
type Variable struct {
	Name     string
	Type     string // "object" if the template says none
	Default  any    // nil if there is none
	Nullable bool
}

// The rules for names. The first one is Front50's to the letter: its A-z also
// allows [ \ ] ^ _ and the backtick.
const (
	nameRule     = `^[a-zA-z0-9-&\s]+$`
	variableRule = `^[a-zA-Z0-9_]+$`
)

var (
	namePattern     = regexp.MustCompile(nameRule)
	variablePattern = regexp.MustCompile(variableRule)
)

const (
	maxID        = 255 // bytes
	maxVariables = 1_000
	maxScopes    = 1_000
)

// Parse reads a template. It looks at types only; whether the template may be
// saved is for Check, whether it can be planned for Plan.
//
// Errors: Invalid, with a Problem for each part of another type.
func Parse(doc map[string]any) (Template, error) {
	r := reader{}
	metadata := r.object(doc, "", "metadata")
	t := Template{
		ID: r.text(doc, "", "id"), Protect: r.flag(doc, "", "protect"),
		Name: r.text(metadata, "metadata.", "name"), Description: r.text(metadata, "metadata.", "description"),
		Pipeline: r.object(doc, "", "pipeline"), Tag: r.text(doc, "", "tag"), Digest: r.text(doc, "", "digest"),
		Doc: doc,
	}
	if v := doc["schema"]; v != nil {
		t.Schema = fmt.Sprint(v)
	}
	for i, v := range r.list(metadata, "metadata.", "scopes", maxScopes) {
		s, ok := v.(string)
		if !ok {
			r.problem(fmt.Sprintf("metadata.scopes[%d]", i), "must be a string")
		}
		t.Scopes = append(t.Scopes, s)
	}
	for i, v := range r.list(doc, "", "variables", maxVariables) {
		path := fmt.Sprintf("variables[%d]", i)
		m, ok := v.(map[string]any)
		if !ok {
			r.problem(path, "must be an object")
			continue
		}
		variable := Variable{
			Name: r.text(m, path+".", "name"), Type: r.text(m, path+".", "type"),
			Default: m["defaultValue"], Nullable: r.flag(m, path+".", "nullable"),
		}
		if variable.Name == "" {
			r.problem(path, "a variable requires a name")
		}
		if variable.Type == "" {
			variable.Type = "object"
		}
		t.Variables = append(t.Variables, variable)
	}
	for i, v := range r.list(t.Pipeline, "pipeline.", "stages", gennaker.MaxStages) {
		if _, ok := v.(map[string]any); !ok {
			r.problem(fmt.Sprintf("pipeline.stages[%d]", i), "must be an object")
		}
	}
	if len(r.problems) > 0 {
		return t, &gennaker.Error{
			Kind: gennaker.Invalid, Message: "the template cannot be read: " + r.problems[0].String(), Problems: r.problems,
		}
	}
	return t, nil
}

// Check returns why t may not be saved, or nil.
//
// Errors: Invalid, with Orca's message.
// Source: Orca SaveV2PipelineTemplateTask.
func (t Template) Check() error {
	if strings.Contains(t.ID, ".") {
		return gennaker.Errorf(gennaker.Invalid, "Pipeline Template IDs cannot have dots")
	}
	var missing []string
	for _, f := range []struct {
		name   string
		absent bool
	}{
		{"id", t.ID == ""},
		{"metadata.name", t.Name == ""},
		{"metadata.description", t.Description == ""},
		{"metadata.scopes", len(t.Scopes) == 0},
		{"schema", t.Schema == ""},
	} {
		if f.absent {
			missing = append(missing, f.name)
		}
	}
	switch {
	case len(missing) > 0:
		return gennaker.Errorf(gennaker.Invalid, "Missing required fields: %s", strings.Join(missing, ","))
	case t.Schema != Schema:
		err := gennaker.Errorf(gennaker.Invalid, "Invalid schema version: %s", t.Schema)
		if t.Schema == "1" {
			return err.WithHint("templates of version 1 are not supported: write it anew with \"schema\": \"v2\"")
		}
		return err.WithHint("set \"schema\" to \"v2\"")
	case !namePattern.MatchString(t.Name):
		return gennaker.Errorf(gennaker.Invalid, "Illegal template name: %s. Name must match the regex: %s", t.Name, nameRule)
	}
	var illegal []string
	for _, v := range t.Variables {
		if !variablePattern.MatchString(v.Name) {
			illegal = append(illegal, v.Name)
		}
	}
	if len(illegal) > 0 {
		return gennaker.Errorf(gennaker.Invalid, "Illegal variable names: %s. Variable names must match the regex: %s", strings.Join(illegal, ", "), variableRule)
	}
	if len(t.ID) > maxID || strings.ContainsAny(t.ID, ":@/\\\" \t\r\n") {
		return gennaker.Errorf(gennaker.Invalid, "the id of a template may have at most %d bytes, and no space and none of : @ / \\ and quotes, since references hold it", maxID)
	}
	return nil
}

// InScope reports whether t is for one of scopes, or scopes is empty: a scope
// that is the same without case, or that matches a pattern of t.
func (t Template) InScope(scopes []string) bool {
	return len(scopes) == 0 || slices.ContainsFunc(scopes, func(want string) bool {
		return slices.ContainsFunc(t.Scopes, func(scope string) bool {
			if strings.EqualFold(scope, want) {
				return true
			}
			pattern, err := regexp.Compile(`\A(?:` + scope + `)\z`)
			return err == nil && pattern.MatchString(want)
		})
	})
}

// reader collects problems while it takes fields out of open JSON.
type reader struct{ problems []gennaker.Problem }

func (r *reader) problem(path, format string, args ...any) {
	r.problems = append(r.problems, gennaker.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) text(m map[string]any, path, key string) string {
	s, ok := m[key].(string)
	if !ok && m[key] != nil {
		r.problem(path+key, "must be a string")
	}
	return s
}

func (r *reader) flag(m map[string]any, path, key string) bool {
	switch v := m[key].(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		if v == "true" || v == "false" {
			return v == "true"
		}
	}
	r.problem(path+key, "must be true or false")
	return false
}

func (r *reader) object(m map[string]any, path, key string) map[string]any {
	v, ok := m[key].(map[string]any)
	if !ok && m[key] != nil {
		r.problem(path+key, "must be an object")
	}
	return v
}

func (r *reader) list(m map[string]any, path, key string, most int) []any {
	v, ok := m[key].([]any)
	if !ok && m[key] != nil {
		r.problem(path+key, "must be a list")
	}
	if len(v) > most {
		r.problem(path+key, "may hold at most %d, not %d", most, len(v))
		return nil
	}
	return v
}

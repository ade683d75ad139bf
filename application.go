package gennaker

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Application is a document of attributes, kept whole.
//
// Source: Front50's application; wire shape of Gate's flat attribute map.
type Application struct {
	Name  string // lower case on the wire of lists; matched without case
	Email string
	Attrs map[string]any // every attribute, name and email too; ours to keep, not to change
}

// applicationName is the union of what Orca's validators allow per cloud
// provider: Kubernetes allows dashes, AWS dots and underscores.
var applicationName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

const applicationNameRule = "may only hold letters, digits, dots, dashes and underscores, at most 250"

func validApplicationName(name string) bool {
	return len(name) <= MaxApplicationName && applicationName.MatchString(name)
}

// nameRule is what a cloud provider allows as the name of an application.
type nameRule struct {
	pattern *regexp.Regexp
	most    int // characters
}

// nameRules are those of the cloud providers that have one. Patterns are as
// messages show them.
//
// Source: Orca's ApplicationNameValidator.
var nameRules = map[string]nameRule{
	"appengine":  {regexp.MustCompile(`^[a-z0-9]*$`), 58},
	"aws":        {regexp.MustCompile(`^[a-zA-Z_0-9.]*$`), 250},
	"dcos":       {regexp.MustCompile(`^[a-z0-9]*$`), 127},
	"gce":        {regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9]*)?$`), 63},
	"kubernetes": {regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9-]*)$`), 63},
	"openstack":  {regexp.MustCompile(`^[a-zA-Z_0-9.]*$`), 250},
	"titus":      {regexp.MustCompile(`^[a-zA-Z_0-9.]*$`), 250},
}

// providerProblem returns what the cloud providers of an application have
// against its name, or "". They are a list, or a string with commas.
func providerProblem(name string, providers any) string {
	var list []string
	switch v := providers.(type) {
	case string:
		list = strings.Split(v, ",")
	case []any:
		for _, p := range v {
			list = append(list, fmt.Sprint(p))
		}
	}
	var out []string
	for _, p := range list {
		p = strings.TrimSpace(p)
		if rule, ok := nameRules[p]; ok && (len(name) > rule.most || !rule.pattern.MatchString(name)) {
			out = append(out, fmt.Sprintf("Invalid application name '%s'. Must match %s for cloud provider '%s' and be less than %d characters.", name, rule.pattern, p, rule.most))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "Invalid application name, errors: [" + strings.Join(slices.Compact(out), ", ") + "]"
}

// NewApplication reads an application from its attributes.
//
// Errors: Invalid, with one Problem for each attribute that is wrong.
func NewApplication(attrs map[string]any) (Application, error) {
	var problems []Problem
	text := func(key string) string {
		s, ok := attrs[key].(string)
		if !ok && attrs[key] != nil {
			problems = append(problems, Problem{Path: key, Message: "must be a string"})
		}
		return s
	}
	a := Application{Name: text("name"), Email: text("email"), Attrs: attrs}
	switch {
	case len(problems) > 0:
	case a.Name == "":
		problems = append(problems, Problem{Path: "name", Message: "Application must have a non-empty name"})
	case !validApplicationName(a.Name):
		problems = append(problems, Problem{Path: "name", Message: applicationNameRule})
	default:
		if m := providerProblem(a.Name, attrs["cloudProviders"]); m != "" {
			problems = append(problems, Problem{Path: "name", Message: m})
		}
	}
	if a.Email == "" {
		problems = append(problems, Problem{Path: "email", Message: "Application must have a non-empty email"})
	}
	if len(problems) > 0 {
		return Application{}, &Error{
			Kind: Invalid, Message: "Invalid application: " + problems[0].String(), Problems: problems,
		}
	}
	return a, nil
}

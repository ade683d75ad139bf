package gennaker

import "regexp"

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

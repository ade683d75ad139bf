package gennaker

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// CanaryConfig says which metrics of two server groups are compared, and how.
//
// Source: Kayenta's canary config, kept whole.
type CanaryConfig struct {
	ID           string // "" is not saved yet
	Name         string // unique within each of Applications
	Applications []string
	Attrs        map[string]any // the document; ours to keep, not to change
}

// MaxCanaryConfigID bounds the IDs that callers choose, in bytes.
const MaxCanaryConfigID = 255

// Kayenta's pattern allows commas too; its message does not say so.
var canaryConfigName = regexp.MustCompile(`^[A-Za-z0-9,_-]*$`)

// NewCanaryConfig reads a canary config from its document.
//
// Errors: Invalid, with one Problem for each field that is wrong.
// Source: Kayenta CanaryConfigController, whose words the messages are.
func NewCanaryConfig(attrs map[string]any) (CanaryConfig, error) {
	r := reader{}
	c := CanaryConfig{
		ID: r.text(attrs, "", "id"), Name: r.text(attrs, "", "name"), Applications: r.texts(attrs, "", "applications"), Attrs: attrs,
	}
	if len(r.problems) == 0 {
		r.canaryNames(c)
	}
	var seen []string
	for path, metric := range r.objects(attrs, "", "metrics") {
		before := len(r.problems)
		name := r.text(metric, path, "name")
		switch {
		case len(r.problems) > before:
		case name == "":
			r.problem(path+".name", "Metric config must specify a name.")
		case slices.Contains(seen, name):
			r.problem(path+".name", "Metric config name must be unique. '%s' is duplicated.", name)
		}
		seen = append(seen, name)
	}
	if len(r.problems) > 0 {
		return CanaryConfig{}, &Error{Kind: Invalid, Message: r.problems[0].Message, Problems: r.problems}
	}
	return c, nil
}

func (r *reader) canaryNames(c CanaryConfig) {
	switch {
	case c.Name == "":
		r.problem("name", "Canary config must specify a name.")
	case !canaryConfigName.MatchString(c.Name):
		r.problem("name", "Canary config cannot be named '%s'. Names must contain only letters, numbers, dashes (-) and underscores (_).", c.Name)
	}
	if len(c.Applications) == 0 {
		r.problem("applications", "Canary config must specify at least one application.")
	}
	if len(c.ID) > MaxCanaryConfigID || strings.ContainsFunc(c.ID, unicode.IsControl) {
		r.problem("id", "may have at most %d bytes, and no control characters", MaxCanaryConfigID)
	}
}

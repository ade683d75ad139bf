package job

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/properties"
)

// Preconfigured is a stage type that the server's configuration adds: a job of
// which pipelines give only the parameters. One with a Manifest is a Kubernetes
// Job, and has nothing of what runs a command.
//
// Source: an entry of Spinnaker orca's job.preconfigured.
type Preconfigured struct {
	Type              string               `json:"type"`                       // name of the stage type
	Label             string               `json:"label"`                      // name for people
	Description       string               `json:"description"`                // what it does, for people
	Enabled           *bool                `json:"enabled,omitzero"`           // false leaves it out; default true
	Parameters        []Parameter          `json:"parameters,omitzero"`        // what pipelines give
	ProducesArtifacts bool                 `json:"producesArtifacts,omitzero"` // bind the artifacts that it produces
	OverridableFields []string             `json:"overridableFields,omitzero"` // fields of the job that a pipeline may replace
	Account           string               `json:"account,omitzero"`           // where to run, if credentials is not given
	Credentials       string               `json:"credentials,omitzero"`       // where to run; default account, or else the only account that runs jobs
	Application       string               `json:"application,omitzero"`       // whose job it is; default the pipeline's
	Command           any                  `json:"command,omitzero"`           // as in a runJob stage
	Script            string               `json:"script,omitzero"`            // as in a runJob stage
	Artifact          gennaker.RunArtifact `json:"artifact,omitzero"`          // as in a runJob stage
	Env               map[string]string    `json:"env,omitzero"`               // as in a runJob stage
	Dir               string               `json:"workingDirectory,omitzero"`  // as in a runJob stage
	TimeoutSeconds    int                  `json:"jobTimeoutSeconds,omitzero"` // as in a runJob stage
	StopSeconds       int                  `json:"stopSeconds,omitzero"`       // as in a runJob stage
	PropertyFile      string               `json:"propertyFile,omitzero"`      // as in a runJob stage
	Wait              *bool                `json:"waitForCompletion,omitzero"` // as in a runJob stage
	Manifest          map[string]any       `json:"manifest,omitzero"`          // a Kubernetes Job, as in a runJobManifest stage
}

// Parameter is a value that a pipeline gives to a preconfigured job.
type Parameter struct {
	Name         string `json:"name"`                  // key in the parameters of the stage
	Label        string `json:"label,omitzero"`        // name for people
	Description  string `json:"description,omitzero"`  // for people
	Mapping      string `json:"mapping"`               // field of the job that the value goes to: env.NAME, command[2]
	DefaultValue any    `json:"defaultValue,omitzero"` // value if the pipeline gives none, or an empty one
	Order        int    `json:"order,omitzero"`        // place in a form
	Type         string `json:"type,omitzero"`         // of the field in a form
}

// preconfiguredConfig is what authors write in a stage of a preconfigured job.
type preconfiguredConfig struct {
	Parameters map[string]any `json:"parameters"` // values of the job's parameters, by name
}

// settings are the fields of a Preconfigured that are not fields of its job.
var settings = []string{"type", "label", "description", "enabled", "parameters", "producesArtifacts", "overridableFields"}

func (p Preconfigured) enabled() bool { return p.Enabled == nil || *p.Enabled }

// Check reports what is wrong with the configuration.
//
// Errors: Invalid.
func (p Preconfigured) Check() error {
	bad := func(format string, args ...any) error {
		return gennaker.Errorf(gennaker.Invalid, "preconfigured job %q: %s", p.Type, fmt.Sprintf(format, args...))
	}
	if p.Type == "" {
		return bad("the type is missing")
	}
	fields, err := p.fields()
	if err != nil {
		return bad("%v", err)
	}
	if err := p.checkRun(fields); err != nil {
		return bad("%v", err)
	}
	names := map[string]bool{}
	for i, param := range p.Parameters {
		if param.Name == "" || names[param.Name] {
			return bad("parameters[%d] has no name of its own", i)
		}
		names[param.Name] = true
		if err := p.place(fields, param.Mapping, "value"); err != nil {
			return bad("parameter %q: %v", param.Name, err)
		}
	}
	switch {
	case p.Manifest != nil && fields["credentials"] == nil && fields["account"] == nil:
		return bad("it does not say in which account (account or credentials) its Job runs")
	case p.Manifest == nil && p.Artifact.Reference == "" && fields["command"] == nil && fields["script"] == nil:
		return bad("it has nothing to run")
	}
	return nil
}

// checkRun reports what is wrong with what the job runs, of which fields are the
// fields.
func (p Preconfigured) checkRun(fields map[string]any) error {
	if p.Manifest == nil {
		return checkPropertyFile(p.PropertyFile)
	}
	if p.Manifest["kind"] != "Job" {
		return fmt.Errorf("its manifest is no Job, but %v", p.Manifest["kind"])
	}
	for k := range fields {
		if !manifestFields()[k] {
			return fmt.Errorf("%s is no field of a job that a manifest describes", k)
		}
	}
	return nil
}

// CloudProvider returns on what the job runs, in Spinnaker's words: local, or
// kubernetes.
func (p Preconfigured) CloudProvider() string {
	if p.Manifest != nil {
		return "kubernetes"
	}
	return "local"
}

// fields returns the fields of the job, as a stage's context has them. They are
// shared with nobody.
func (p Preconfigured) fields() (map[string]any, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	all, err := properties.Object(string(b))
	for _, k := range settings {
		delete(all, k)
	}
	return all, err
}

// start makes the context of a stage that of a runJob stage. The fields of the
// configuration win, but for those that may be replaced.
func (p Preconfigured) start(context map[string]any) map[string]any {
	out := maps.Clone(context)
	if out == nil {
		out = map[string]any{}
	}
	fields, err := p.fields()
	if err != nil {
		return out // Check would have said so
	}
	given, _ := context["parameters"].(map[string]any)
	for _, param := range p.Parameters {
		v := given[param.Name]
		if (v == nil || v == "") && param.DefaultValue != nil {
			v = param.DefaultValue
		}
		if v == nil && strings.HasSuffix(param.Mapping, "]") {
			v = "" // so that what comes behind it in a list keeps its place
		}
		if v != nil {
			_ = p.place(fields, param.Mapping, v) // Check has tried
		}
	}
	if p.Manifest != nil {
		fields["source"], fields["cloudProvider"] = "text", "kubernetes"
	}
	for k := range p.jobFields() {
		_, own := out[k]
		replaced := own && slices.Contains(p.OverridableFields, k)
		switch v, set := fields[k]; {
		case replaced:
		case set:
			out[k] = v
		case own:
			delete(out, k)
		}
	}
	return out
}

// jobFields are the fields of a job that a configuration has or leaves empty.
func (p Preconfigured) jobFields() map[string]bool {
	if p.Manifest != nil {
		return manifestFields()
	}
	return map[string]bool{
		"account": true, "credentials": true, "application": true, "command": true, "script": true, "artifact": true, "env": true,
		"workingDirectory": true, "jobTimeoutSeconds": true, "stopSeconds": true, "propertyFile": true, "waitForCompletion": true,
	}
}

// manifestFields are those of a job that a manifest describes. A pipeline gives
// no other manifest than that.
func manifestFields() map[string]bool {
	return map[string]bool{
		"account": true, "credentials": true, "application": true, "manifest": true, "propertyFile": true, "waitForCompletion": true,
		"source": true, "cloudProvider": true, "manifests": true, "manifestArtifact": true, "manifestArtifactId": true, "manifestArtifactAccount": true,
		"namespaceOverride": true,
	}
}

// step is one step of a mapping: a field, then any number of places in lists.
var step = regexp.MustCompile(`^([^.\[\]]+)((?:\[[0-9]{1,4}\])*)$`)

// place puts v where a mapping points to: a.b[0].c. Objects that are missing
// are made; lists grow by one at most.
func (p Preconfigured) place(fields map[string]any, mapping string, v any) error {
	var keys []any // string of a field, int of a place in a list
	for part := range strings.SplitSeq(mapping, ".") {
		m := step.FindStringSubmatch(part)
		if m == nil {
			return fmt.Errorf("the mapping %q is not of the form field.field[0]", mapping)
		}
		keys = append(keys, m[1])
		for _, n := range strings.FieldsFunc(m[2], func(r rune) bool { return r == '[' || r == ']' }) {
			i, err := strconv.Atoi(n)
			if err != nil {
				return fmt.Errorf("the mapping %q: %w", mapping, err)
			}
			keys = append(keys, i)
		}
	}
	if name, _ := keys[0].(string); !p.jobFields()[name] {
		return fmt.Errorf("the mapping %q points to no field of a job", mapping)
	}
	if !set(fields, keys, v) {
		return fmt.Errorf("the mapping %q does not fit the job", mapping)
	}
	return nil
}

// set puts v at keys below m, and reports whether that is possible.
func set(m map[string]any, keys []any, v any) bool {
	inner, ok := grown(m[keys[0].(string)], keys[1:], v) //nolint:forcetypeassert // the first key is a field's
	if ok {
		m[keys[0].(string)] = inner //nolint:forcetypeassert // as above
	}
	return ok
}

// grown returns at with v at keys below it.
func grown(at any, keys []any, v any) (any, bool) {
	if len(keys) == 0 {
		return v, true
	}
	switch k := keys[0].(type) {
	case int:
		list, ok := at.([]any)
		if at != nil && !ok || k > len(list) {
			return nil, false
		}
		if k == len(list) {
			list = append(list, nil)
		}
		var fits bool
		list[k], fits = grown(list[k], keys[1:], v)
		return list, fits
	default:
		m, ok := at.(map[string]any)
		if at != nil && !ok {
			return nil, false
		}
		if m == nil {
			m = map[string]any{}
		}
		return m, set(m, keys, v)
	}
}

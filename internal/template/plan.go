package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
)

// Input is what a config is planned with.
type Input struct {
	// Config is the pipeline document; what it says of a trigger is ignored.
	Config map[string]any
	// Template is what the config refers to; nil if it refers to none, and then
	// its own stages are all that there is.
	Template *Template
	// Trigger is seen by the defaults of variables; may be nil.
	Trigger map[string]any
	// ExecutionID is put into the pipeline, unless it is empty.
	ExecutionID string
	Evaluate    Evaluator
}

// Planned is the result of planning.
type Planned struct {
	Pipeline map[string]any // an ordinary pipeline document
	Warnings []Error        // what Spinnaker would pass over in silence
}

// Plan makes an ordinary pipeline of a config. It changes nothing of in; the
// result shares memory with it. Expressions in stages stay, and see the
// variables as templateVariables; see also [Preview].
//
// Errors: *[Errors], which is of kind Invalid.
// Source: Orca PipelineTemplatePreprocessor, v2.
func Plan(in Input) (Planned, error) {
	planned, errs := plan(in)
	if errs != nil {
		return Planned{}, errs
	}
	return planned, nil
}

func plan(in Input) (Planned, *Errors) {
	if err := Refused(in.Config); err != nil {
		return Planned{}, refuse(Error{Message: malformed, Cause: err.Error(), Suggestion: gennaker.HintOf(err)})
	}
	warnings := checkConfig(in.Config)
	t := in.Template
	stages, ok := in.Config["stages"].([]any)
	if !ok && in.Config["stages"] != nil {
		return Planned{}, malformedf("configuration:stages", "stages must be a list")
	}
	if t == nil {
		t, stages = wholeOf(in.Config, stages), nil
	}
	if errs := checkTemplate(t, stages); errs != nil {
		return Planned{}, errs
	}
	t, more := render(t, in.Config, in.Trigger, in.Evaluate)
	warnings = append(warnings, more...)
	values, errs := assign(t, in.Config)
	if errs != nil {
		return Planned{}, errs
	}
	own, _ := t.Pipeline["stages"].([]any)
	ofTemplate, errs := readNodes(own, "template")
	if errs != nil {
		return Planned{}, errs
	}
	ofConfig, errs := readNodes(stages, "configuration")
	if errs != nil {
		return Planned{}, errs
	}
	g, more, errs := assemble(ofTemplate, ofConfig)
	if errs != nil {
		return Planned{}, errs
	}
	return Planned{generate(in, t, values, g), append(warnings, more...)}, nil
}

// wholeOf returns the template of a config that refers to none: the config.
func wholeOf(config map[string]any, stages []any) *Template {
	t := &Template{Schema: Schema, Pipeline: map[string]any{"stages": stages}, Doc: config}
	given, _ := config["variables"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		t.Variables = append(t.Variables, Variable{Name: name, Type: "object", Nullable: true})
	}
	return t
}

// checkConfig returns what is wrong with a config. Orca finds it too, and goes
// on.
func checkConfig(config map[string]any) []Error {
	var out []Error
	if config["schema"] != Schema {
		out = append(out, Error{
			Severity: Warn, Location: "configuration:schema",
			Message: fmt.Sprintf("config schema version is unsupported: expected '%s', got '%v'", Schema, orNull(config["schema"])),
		})
	}
	if s, _ := config["application"].(string); s == "" {
		out = append(out, Error{Severity: Warn, Location: "configuration:application", Message: "Missing 'application' configuration"})
	}
	return out
}

func orNull(v any) any {
	if v == nil {
		return "null"
	}
	return v
}

func checkTemplate(t *Template, stages []any) *Errors {
	var list []Error
	if t.Schema != Schema {
		got := t.Schema
		if got == "" {
			got = "null"
		}
		e := Error{
			Location: "template:schema",
			Message:  fmt.Sprintf("template schema version is unsupported: expected '%s', got '%s'", Schema, got),
		}
		if t.Schema == "1" {
			e.Suggestion = "templates of version 1 are not supported: write it anew with \"schema\": \"v2\""
		}
		list = append(list, e)
	}
	if t.Protect && len(stages) > 0 {
		list = append(list, Error{
			Location: "configuration:stages",
			Message:  "Modification of the stage graph (adding, removing, editing) is disallowed",
			Cause:    "The template being used has marked itself as protected",
		})
	}
	if len(list) > 0 {
		return refuse(list...)
	}
	return nil
}

// generate writes the pipeline.
//
// Source: Orca V2TemplatedPipelineModelMutator and its generator.
func generate(in Input, t *Template, values map[string]any, g graph) map[string]any {
	config := in.Config
	p := maps.Clone(t.Pipeline)
	if p == nil {
		p = map[string]any{}
	}
	p["id"] = firstText(config, "unknown", "id", "pipelineConfigId")
	p["name"] = firstText(config, "Unnamed Execution", "name")
	p["application"] = config["application"]
	if in.ExecutionID != "" {
		p["executionId"] = in.ExecutionID
	}
	for key, otherwise := range map[string]any{
		"limitConcurrent": true, "maxConcurrentExecutions": json.Number("0"), "keepWaitingPipelines": false,
	} {
		if p[key] == nil {
			p[key] = config[key]
		}
		if p[key] == nil {
			p[key] = otherwise
		}
	}
	excluded := references(config["exclude"])
	p["notifications"] = inherit(t.Pipeline["notifications"], config["notifications"], slices.Contains(excluded, "notifications"))
	p["parameterConfig"] = inherit(t.Pipeline["parameterConfig"], config["parameters"], slices.Contains(excluded, "parameters"))
	p["triggers"] = inherit(t.Pipeline["triggers"], config["triggers"], slices.Contains(excluded, "triggers"))
	if config["disabled"] == true || config["disabled"] == "true" {
		p["disabled"] = true // Orca loses it, since it was looked at before; nobody runs what is disabled
	}
	stages := make([]any, len(g))
	for i, n := range g {
		stages[i] = n.document()
	}
	p["stages"] = stages
	p["templateVariables"] = values
	p["source"] = map[string]any{"type": "templatedPipeline", "version": Schema}
	delete(p, "trigger")
	if in.Trigger != nil {
		p["trigger"] = in.Trigger
	}
	return p
}

// firstText returns the first of keys that holds a text, or otherwise.
func firstText(m map[string]any, otherwise string, keys ...string) string {
	for _, key := range keys {
		if s, ok := m[key].(string); ok && s != "" {
			return s
		}
	}
	return otherwise
}

// inherit returns the items of a template, marked, and then those of a config;
// or only these. None stands twice.
func inherit(ofTemplate, ofConfig any, excluded bool) []any {
	out := []any{}
	seen := map[string]bool{}
	put := func(v any) {
		text, err := json.Marshal(v) // keys are sorted
		if err != nil || !seen[string(text)] {
			seen[string(text)] = true
			out = append(out, v)
		}
	}
	if list, ok := ofTemplate.([]any); ok && !excluded {
		for _, v := range list {
			if m, ok := v.(map[string]any); ok {
				m = maps.Clone(m)
				m["inherited"] = true
				v = m
			}
			put(v)
		}
	}
	if list, ok := ofConfig.([]any); ok {
		for _, v := range list {
			put(v)
		}
	}
	return out
}

// variableUse finds the variables that an expression names.
var variableUse = regexp.MustCompile(`\btemplateVariables\.([A-Za-z0-9_]+)`)

// Preview evaluates a planned pipeline as far as that goes before it runs, for
// people to look at.
//
// Errors: Invalid, naming the variables that the template uses and does not
// declare.
func Preview(pipeline map[string]any, evaluate Evaluator) (map[string]any, error) {
	values, _ := pipeline["templateVariables"].(map[string]any)
	root := map[string]any{"trigger": pipeline["trigger"], "templateVariables": values}
	v, findings := evaluate(pipeline, root)
	var missing []string
	for _, f := range findings {
		for _, m := range variableUse.FindAllStringSubmatch(f.Expression, -1) {
			if _, ok := values[m[1]]; !ok {
				missing = add(missing, m[1])
			}
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, gennaker.Errorf(gennaker.Invalid, "Missing template variable values for the following variables: %s", strings.Join(missing, ", ")).
			WithHint("declare them in \"variables\" of the template")
	}
	out, ok := v.(map[string]any)
	if !ok {
		return pipeline, nil
	}
	return out, nil
}

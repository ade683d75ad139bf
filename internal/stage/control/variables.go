package control

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// variablesConfig is the configuration of an evaluateVariables stage.
type variablesConfig struct {
	Variables []variable `json:"variables"`               // evaluated in order
	Fail      bool       `json:"failOnFailedExpressions"` // fail if one has no value
}

// variable is a name for a value.
type variable struct {
	Key         string `json:"key"`         // the output's name
	Value       any    `json:"value"`       // may hold expressions
	Description string `json:"description"` // for people; may hold expressions
}

// Keys of the context of an evaluateVariables stage.
const (
	variablesKey = "variables"
	// sourcesKey has the variables as they were written, for a restart.
	sourcesKey = "sourceVariables"
	summaryKey = "expressionEvaluationSummary"
)

// evaluateVariables makes outputs of expressions.
//
// Source: Spinnaker orca EvaluateVariablesStage. There a restart makes an
// expression of every brace in a value; here it takes the values as they were
// written.
func evaluateVariables() stage.Definition {
	return stage.Definition{
		Type:     "evaluateVariables",
		Steps:    []stage.Step{{Name: "evaluateVariables", Task: stage.TaskFunc(runVariables)}},
		Verbatim: func(stage.Input) []string { return []string{variablesKey, sourcesKey} },
		RunsDry:  always,
		Restart: func(context map[string]any) {
			if sources, ok := context[sourcesKey]; ok {
				context[variablesKey] = sources
				delete(context, sourcesKey)
			}
		},
	}
}

func runVariables(_ context.Context, in stage.Input) (stage.Outcome, error) {
	sources, ok := in.Stage.Context[sourcesKey]
	if !ok {
		sources = in.Stage.Context[variablesKey]
	}
	e := evaluation{in: in, findings: map[string]any{}}
	e.collect(in.Stage.Context[summaryKey])
	inOrder := in.Execution.SpelEvaluator == "v4"
	evaluated := sources
	if _, isText := sources.(string); isText || !inOrder {
		evaluated, _ = e.eval(sources, nil, variablesKey)
	}
	list, isList := evaluated.([]any)
	if !isList && evaluated != nil {
		return stage.Outcome{}, gennaker.Errorf(gennaker.Invalid, "variables: must be a list, not %v", evaluated)
	}
	outputs, shown, err := e.variables(list, sources, inOrder)
	if err != nil {
		return stage.Outcome{}, err
	}
	out := stage.Done()
	if e.failed > 0 && truth(in.Stage.Context["failOnFailedExpressions"]) {
		out = stage.Fail("%s", e.first).WithHint("give each expression a value, as with ?:, or set failOnFailedExpressions to false")
	}
	out = out.WithContext(map[string]any{variablesKey: shown, sourcesKey: sources})
	if len(e.findings) > 0 {
		out = out.WithContext(map[string]any{summaryKey: e.findings})
	}
	return out.WithOutputs(outputs), nil
}

// evaluation evaluates the variables of a stage, and collects what failed.
type evaluation struct {
	in       stage.Input
	findings map[string]any // as in a stage's context
	failed   int
	first    string // failure
}

// eval evaluates v, which is at path.
func (e *evaluation) eval(v any, more map[string]any, path string) (_ any, ok bool) {
	out, summary := e.in.Eval(v, more)
	e.collect(stage.Findings(summary))
	if len(summary.Findings) > 0 && e.failed == 0 {
		f := summary.Findings[0]
		f.Path = path + f.Path
		e.first = f.String()
	}
	e.failed += len(summary.Findings)
	return out, len(summary.Findings) == 0
}

// collect adds findings to those that are known.
func (e *evaluation) collect(v any) {
	more, _ := v.(map[string]any)
	for text, entries := range more {
		list, _ := entries.([]any)
		known, _ := e.findings[text].([]any)
		e.findings[text] = append(known[:len(known):len(known)], list...)
	}
}

// variables returns the outputs of the variables in list, and the list to show,
// with the source of each. In order, each sees the values of those before it,
// and a text only is evaluated; one that has no value stays as it is written,
// with its description.
func (e *evaluation) variables(list []any, sources any, inOrder bool) (outputs map[string]any, shown []any, err error) {
	outputs, shown = map[string]any{}, make([]any, len(list))
	written, _ := sources.([]any)
	seen := map[string]any{}
	for i, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, nil, gennaker.Errorf(gennaker.Invalid, "variables[%d]: must be an object with key and value", i)
		}
		m = maps.Clone(m)
		source := m["value"]
		if i < len(written) {
			if w, ok := written[i].(map[string]any); ok {
				source = w["value"]
			}
		}
		if inOrder {
			e.one(m, seen, fmt.Sprintf("variables[%d].", i))
		}
		if source, ok := source.(string); ok {
			m["sourceValue"] = strings.ReplaceAll(source, "${", "{")
		}
		if key, _ := m["key"].(string); key != "" && m["value"] != nil {
			outputs[key] = m["value"]
		}
		shown[i] = m
	}
	return outputs, shown, nil
}

// one evaluates a variable, m at path, which sees others.
func (e *evaluation) one(m, seen map[string]any, path string) {
	_, isText := m["value"].(string)
	ok := !isText
	if isText {
		var both any
		both, ok = e.eval(map[string]any{"value": m["value"], "description": m["description"]}, seen, path)
		if v, isMap := both.(map[string]any); ok && isMap {
			m["value"] = v["value"]
			if m["description"] != nil {
				m["description"] = v["description"]
			}
		}
	}
	if key, _ := m["key"].(string); ok && key != "" {
		seen[key] = m["value"]
	}
}

package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
)

// assign returns the value of each variable of t: the config's, or else the
// default. What the config gives beyond is dropped.
//
// Source: Orca V2DefaultVariableAssignmentTransform.
func assign(t *Template, config map[string]any) (map[string]any, *Errors) {
	given, _ := config["variables"].(map[string]any)
	values := make(map[string]any, len(t.Variables))
	var missing, wrong []string
	var errs []Error
	for _, v := range t.Variables {
		value, ok := given[v.Name]
		if !ok {
			value = v.Default
		}
		values[v.Name] = value
		switch {
		case value == nil && v.Nullable:
		case value == nil && ok:
			errs = append(errs, Error{
				Message: malformed, Location: "configuration:variables." + v.Name,
				Cause:      fmt.Sprintf("variable '%s' supplied value is null but variable is not nullable", v.Name),
				Suggestion: "give it a value, or let the template say that it is nullable",
			})
		case value == nil:
			missing = append(missing, v.Name)
		case !fits(v.Type, value):
			wrong = append(wrong, fmt.Sprintf("%s (expected type '%s' found type '%s')", v.Name, v.Type, javaType(value)))
		}
	}
	if len(missing) > 0 {
		errs = append(errs, Error{
			Message: malformed, Location: "configuration:variables",
			Cause:      fmt.Sprintf("%s Missing variable values for: %s", label(config), strings.Join(missing, ", ")),
			Suggestion: "give values in \"variables\" of the pipeline, or defaults in the template",
		})
	}
	if len(wrong) > 0 {
		errs = append(errs, Error{
			Message: malformed, Location: "configuration:variables",
			Cause: fmt.Sprintf("%s Incorrectly defined variable(s): %s", label(config), strings.Join(wrong, ", ")),
		})
	}
	if len(errs) > 0 {
		return nil, refuse(errs...)
	}
	return values, nil
}

// label names a config in messages.
func label(config map[string]any) string {
	var parts []string
	for _, key := range []string{"application", "name", "id"} {
		if s, ok := config[key].(string); ok && s != "" {
			parts = append(parts, key+"='"+s+"'")
		}
	}
	if len(parts) == 0 {
		parts = []string{"unknown"}
	}
	return "[Pipeline Config: " + strings.Join(parts, ", ") + "]"
}

// fits reports whether a value is of a variable's type; case does not matter.
func fits(typ string, v any) bool {
	found := javaType(v)
	switch strings.ToLower(typ) {
	case "object":
		return true
	case "int":
		return found == "Integer" || found == "Double" && whole(v)
	case "bool":
		return found == "Boolean"
	case "float":
		return found == "Double"
	case "list":
		return found == "ArrayList"
	case "string":
		return found == "String"
	}
	return strings.EqualFold(typ, found)
}

// javaType returns the simple name of the class that Java has a value of JSON
// in: users see it in messages, and variables may name it as their type.
func javaType(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "String"
	case bool:
		return "Boolean"
	case []any:
		return "ArrayList"
	case map[string]any:
		return "LinkedHashMap"
	case float64:
		return "Double"
	case int64:
		return javaInteger(strconv.FormatInt(v, 10))
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "Double"
		}
		return javaInteger(v.String())
	}
	return fmt.Sprintf("%T", v)
}

func javaInteger(digits string) string {
	if _, err := strconv.ParseInt(digits, 10, 32); err == nil {
		return "Integer"
	}
	if _, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return "Long"
	}
	return "BigInteger"
}

// whole reports whether a floating number has no fraction.
func whole(v any) bool {
	f, ok := v.(float64)
	if n, isNumber := v.(json.Number); isNumber {
		var err error
		f, err = n.Float64()
		ok = err == nil
	}
	return ok && f == math.Trunc(f)
}

// Finding is an expression that has no value.
type Finding struct {
	Path       string // where the text is, in what was evaluated
	Expression string // the text without ${ }
	Message    string // what was found, in one sentence
	Failed     bool   // it can have none, rather than being null now
}

// Evaluator returns v with the values of its expressions, seen from root. What
// it cannot evaluate stays as it is written, and is a Finding; a name that is
// not there is null. It changes neither of them.
type Evaluator func(v any, root map[string]any) (any, []Finding)

// render evaluates the variables of t: a default may be an expression over the
// trigger and over other variables. What has no value stays as it is written.
func render(t *Template, config, trigger map[string]any, evaluate Evaluator) (*Template, []Error) {
	given, _ := config["variables"].(map[string]any)
	root := make(map[string]any, len(t.Variables)+len(given)+3)
	for _, v := range t.Variables {
		if v.Default != nil {
			root[v.Name] = v.Default
		}
	}
	maps.Copy(root, given)
	root["application"], root["trigger"], root["pipelineTemplate"] = config["application"], trigger, t.Doc
	out := *t
	out.Variables = make([]Variable, len(t.Variables))
	var warnings []Error
	for i, v := range t.Variables {
		if v.Default != nil {
			value, findings := evaluate(v.Default, root)
			v.Default = value
			for _, f := range findings {
				warnings = append(warnings, Error{
					Severity: Warn, Message: "the default of variable '" + v.Name + "' has an expression without a value",
					Location: "template:variables." + v.Name, Cause: f.Message,
				})
			}
		}
		out.Variables[i] = v
	}
	return &out, warnings
}

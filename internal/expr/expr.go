// Package expr evaluates the expressions in pipelines, ${ … }. It is pure.
//
// It knows plain references to parameters: ${ parameters.name },
// ${ parameters['name'] }, and both behind trigger. What it does not know stays
// as it is written, as an unresolvable expression does in Spinnaker.
package expr

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
)

// reference is ${ [trigger.]parameters.name } in its spellings.
var reference = regexp.MustCompile(`\$\{\s*(?:trigger\.|trigger\s*)?(?:parameters|\[["']parameters["']\])` +
	`(?:\.([A-Za-z_][A-Za-z0-9_]*)|\[\s*["']([^"'\]]+)["']\s*\])\s*\}`)

// Parameters returns v with every reference to a parameter replaced. A string
// that is one reference and nothing else becomes the parameter's value; within
// text the value is written out. A parameter that is not there leaves the
// reference as it is.
//
// Shape: v is JSON of maps, slices and scalars; the result shares no changed
// part with it.
func Parameters(v any, parameters map[string]any) any {
	switch v := v.(type) {
	case string:
		return replace(v, parameters)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			key, ok := replace(k, parameters).(string)
			if !ok {
				key = k
			}
			out[key] = Parameters(x, parameters)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = Parameters(x, parameters)
		}
		return out
	}
	return v
}

func replace(s string, parameters map[string]any) any {
	if m := reference.FindStringSubmatch(s); m != nil && m[0] == s {
		if v, ok := parameters[m[1]+m[2]]; ok {
			return v
		}
		return s
	}
	return reference.ReplaceAllStringFunc(s, func(ref string) string {
		m := reference.FindStringSubmatch(ref)
		v, ok := parameters[m[1]+m[2]]
		if !ok {
			return ref
		}
		return text(v)
	})
}

// text writes a value as Java's string conversion would for scalars, and as
// JSON for the rest.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

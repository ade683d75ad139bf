// Package expr is the language of the expressions in pipelines, ${ … }: Spring's
// expression language as Spinnaker's pipelines use it. It is pure.
//
//	out, summary := expr.Evaluate(stage, expr.Env{Root: root, Now: now})
//	for _, f := range summary.Findings {
//		fmt.Println(f) // comments: byte 12: there is no stage named 'Deploy prod'; did you mean …
//	}
//
// Evaluate evaluates what it can and leaves the rest as it is written, with a
// reason and a position for each. Check finds what can never be right without
// evaluating. Values are nil, bool, int64, float64, string, []any and
// map[string]any; there is no reflection over Go values, so an expression can
// call nothing but what the tables in this package name. Time, data and depth
// are bounded.
//
// What differs from Spinnaker: whole numbers have 64 bits and do not wrap around,
// maps are ordered by key, and sentences in the summary are our own.
//
// Not yet used: pipelines that run know only Parameters, plain references to
// parameters; another expression in them stays as it is written.
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
		return paramText(v)
	})
}

// paramText writes a value as Java's string conversion would for scalars, and as
// JSON for the rest.
func paramText(v any) string {
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

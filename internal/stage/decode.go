package stage

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"

	"github.com/gennaker/gennaker"
)

// Decode reads a stage's configuration from its context, as leniently as
// Spinnaker does: numbers and booleans may be strings, a single value may stand
// for a list, and keys that C does not have are left alone.
//
// Errors: Invalid, with a Problem for each field of another type.
func Decode[C any](context map[string]any) (C, error) {
	var c C
	problems := decode(context, &c, nil)
	if len(problems) > 0 {
		return c, &gennaker.Error{Kind: gennaker.Invalid, Message: problems[0].String(), Problems: problems}
	}
	return c, nil
}

// Check returns a Problem for each field of context that C cannot read. Strings
// that hold an expression fit everywhere: they are checked when evaluated.
func Check[C any](context map[string]any) []gennaker.Problem {
	var c C
	return decode(context, &c, skipExpressions)
}

func decode(context map[string]any, into any, hook mapstructure.DecodeHookFunc) []gennaker.Problem {
	dec, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		TagName: "json", Result: into, WeaklyTypedInput: true, Squash: true, DecodeHook: hook,
	})
	if err == nil {
		err = dec.Decode(context)
	}
	if err == nil {
		return nil
	}
	found := problems(err)
	slices.SortStableFunc(found, func(a, b gennaker.Problem) int { return strings.Compare(a.Path, b.Path) })
	return found
}

// problems takes mapstructure's tree of errors apart.
func problems(err error) []gennaker.Problem {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []gennaker.Problem
		for _, e := range many.Unwrap() {
			out = append(out, problems(e)...)
		}
		return out
	}
	de, ok := err.(*mapstructure.DecodeError) //nolint:errorlint // the tree is walked level by level
	if !ok {
		if inner := errors.Unwrap(err); inner != nil {
			return problems(inner)
		}
		return []gennaker.Problem{{Message: err.Error()}}
	}
	if inner := problems(de.Unwrap()); len(inner) > 0 && inner[0].Path != "" {
		return inner
	}
	return []gennaker.Problem{{Path: strings.TrimPrefix(de.Name(), "."), Message: describe(de.Unwrap())}}
}

// describe says of a value what it must be, in the words of JSON.
func describe(err error) string {
	var want reflect.Value
	var got any
	if e, ok := errors.AsType[*mapstructure.ParseError](err); ok {
		want, got = e.Expected, e.Value
	} else if e, ok := errors.AsType[*mapstructure.UnconvertibleTypeError](err); ok {
		want, got = e.Expected, e.Value
	}
	text, err2 := json.Marshal(got)
	if strings.HasPrefix(err.Error(), "expected a map or struct") {
		return "must be an object"
	}
	if !want.IsValid() || err2 != nil {
		return err.Error()
	}
	const longest = 60
	if len(text) > longest {
		text = append(text[:longest], "…"...)
	}
	return fmt.Sprintf("must be %s, not %s", jsonKind(want.Type()), text)
}

// jsonKind names what a Go type reads from JSON.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return jsonKind(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	default:
		return "a number"
	}
}

func skipExpressions(from, to reflect.Type, v any) (any, error) {
	if s, ok := v.(string); ok && from.Kind() == reflect.String && to.Kind() != reflect.String && strings.Contains(s, "${") {
		return reflect.Zero(to).Interface(), nil
	}
	return v, nil
}

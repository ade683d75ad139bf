package stage

import (
	"errors"
	"reflect"
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
	return problems(err)
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
	if de, ok := errors.AsType[*mapstructure.DecodeError](err); ok {
		if inner := problems(de.Unwrap()); len(inner) > 0 && inner[0].Path != "" {
			return inner
		}
		return []gennaker.Problem{{Path: strings.TrimPrefix(de.Name(), "."), Message: de.Unwrap().Error()}}
	}
	return []gennaker.Problem{{Message: err.Error()}}
}

func skipExpressions(from, to reflect.Type, v any) (any, error) {
	if s, ok := v.(string); ok && from.Kind() == reflect.String && to.Kind() != reflect.String && strings.Contains(s, "${") {
		return reflect.Zero(to).Interface(), nil
	}
	return v, nil
}

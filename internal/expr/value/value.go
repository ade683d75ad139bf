package value

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gennaker/gennaker/internal/expr/java"
)

// Object is a map that stands for one of Spinnaker's own records, such as an
// execution or a stage: its names are fixed, so that one it does not have is an
// error even where unknown names are null.
type Object map[string]any

// The values that are not JSON: Class is T(name), AsIs what #doNotEval was given. They exist while an expression is evaluated,
// and become JSON in its result.
type (
	Class  string // T(name): the short name of an allowed type
	moment struct {
		time.Time
		kind Class // Date, Instant, LocalDate or LocalDateTime
	}
	uuid    string
	pattern string // of a SimpleDateFormat
	unit    string // of ChronoUnit
	weekday time.Weekday
	AsIs    struct{ Value any } // what #doNotEval was given
)

// Normal returns v as one of the types that the evaluator knows. Only the value
// itself is converted, what it contains later.
func Normal(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, []any, map[string]any, Object,
		Class, moment, uuid, pattern, unit, weekday, adjuster, *java.Random, AsIs:
		return v, nil
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i, nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("%s is too large a number", v)
		}
		return f, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case float32:
		return float64(v), nil
	case time.Time:
		return moment{v, "Date"}, nil
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out, nil
	case []map[string]any:
		out := make([]any, len(v))
		for i, m := range v {
			out[i] = m
		}
		return out, nil
	case map[string]string:
		out := make(map[string]any, len(v))
		for k, s := range v {
			out[k] = s
		}
		return out, nil
	}
	return nil, fmt.Errorf("a value of Go's type %T is not one that expressions know", v)
}

// Describe says what a value is, for messages.
func Describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return "the number " + strconv.FormatInt(v, 10)
	case float64:
		return "the number " + java.FormatDouble(v)
	case string:
		return "the text '" + Shorten(v) + "'"
	case []any:
		return "a list of " + strconv.Itoa(len(v))
	case map[string]any, Object:
		return "a map"
	case moment:
		if v.kind == "Instant" {
			return "an Instant"
		}
		return "a " + string(v.kind)
	case Class:
		return "the type " + string(v)
	case uuid:
		return "a UUID"
	case pattern:
		return "a SimpleDateFormat"
	case unit:
		return "a ChronoUnit"
	case weekday:
		return "a DayOfWeek"
	case *java.Random:
		return "a Random"
	case adjuster:
		return "a TemporalAdjuster"
	}
	return "a value"
}

// Shorten cuts a text to what a message has room for.
func Shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// Entries returns v as a map, if it is one.
func Entries(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case map[string]any:
		return v, true
	case Object:
		return v, true
	}
	return nil, false
}

// JavaString writes a value as Java's toString does. Maps are written in the
// order of their keys.
func (r *Work) JavaString(v any, depth int) (string, error) {
	v, err := Normal(v)
	if err != nil {
		return "", err
	}
	if err := r.Descend(depth); err != nil {
		return "", err
	}
	var s string
	switch v := v.(type) {
	case []any:
		s, err = r.joined(v, depth)
		s = "[" + s + "]"
	case map[string]any:
		s, err = r.pairs(v, depth)
	case Object:
		s, err = r.pairs(v, depth)
	case unit:
		s = unitStrings[v]
	default:
		s = ScalarString(v)
	}
	if err != nil {
		return "", err
	}
	return s, r.Spend(len(s))
}

func (r *Work) joined(items []any, depth int) (string, error) {
	parts := make([]string, len(items))
	for i, x := range items {
		var err error
		if parts[i], err = r.JavaString(x, depth+1); err != nil {
			return "", err
		}
	}
	return strings.Join(parts, ", "), nil
}

func (r *Work) pairs(m map[string]any, depth int) (string, error) {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		s, err := r.JavaString(m[k], depth+1)
		if err != nil {
			return "", err
		}
		parts = append(parts, k+"="+s)
	}
	return "{" + strings.Join(parts, ", ") + "}", nil
}

// ScalarString is toString of what has no parts; what has is empty.
func ScalarString(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return java.FormatDouble(v)
	case moment:
		return v.String()
	case uuid:
		return string(v)
	case Class:
		return "class " + string(v)
	case unit:
		return string(v)
	case weekday:
		return strings.ToUpper(time.Weekday(v).String())
	case pattern:
		return "SimpleDateFormat"
	}
	return ""
}

// Converted writes a value as Spring converts it to a text, as a part of a
// longer one or as an argument: lists without brackets, maps not at all.
func (r *Work) Converted(v any, depth int) (string, error) {
	v, err := Normal(v)
	if err != nil {
		return "", err
	}
	if err := r.Descend(depth); err != nil {
		return "", err
	}
	switch v := v.(type) {
	case map[string]any, Object:
		return "", Refuse("write #toJson(…) around it", "a map cannot be part of a text")
	case AsIs:
		return "", Refuse("write #toJson(#doNotEval(…))", "the result of #doNotEval cannot be part of a text")
	case *java.Random, Class, pattern, adjuster:
		return "", Refuse("call a method of it", "%s cannot be part of a text", Describe(v))
	case nil:
		return "null", nil // within a list
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			if parts[i], err = r.Converted(x, depth+1); err != nil {
				return "", err
			}
		}
		s := strings.Join(parts, ",")
		return s, r.Spend(len(s))
	}
	s := ScalarString(v)
	return s, r.Spend(len(s))
}

// ToBool converts as Spring does: a text may say what it is.
func ToBool(v any) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true", "on", "yes", "1":
			return true, nil
		case "false", "off", "no", "0":
			return false, nil
		}
	}
	return false, Refuse("compare it with something, as in == 'v1' or != null", "%s is neither true nor false", Describe(v))
}

// ToInt converts an argument where a whole number is wanted.
func ToInt(v any) (int64, error) {
	switch v := v.(type) {
	case int64:
		return v, nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
	case string:
		if i, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s is not a whole number", Describe(v))
}

// toFloat converts an argument where a number is wanted.
func toFloat(v any) (float64, error) {
	switch v := v.(type) {
	case int64:
		return float64(v), nil
	case float64:
		return v, nil
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return f, nil
		}
	}
	return 0, fmt.Errorf("%s is not a number", Describe(v))
}

// Export returns v as JSON: a copy in which nothing is shared with the root.
func (r *Work) Export(v any, depth int) (any, error) {
	v, err := Normal(v)
	if err != nil {
		return nil, err
	}
	if err := r.Descend(depth); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			if out[i], err = r.Export(x, depth+1); err != nil {
				return nil, err
			}
		}
		return out, r.Spend(16 * len(v))
	case map[string]any:
		return r.exportMap(v, depth)
	case Object:
		return r.exportMap(v, depth)
	case moment:
		if v.kind == "Date" {
			return v.UnixMilli(), nil
		}
		return v.String(), nil
	case uuid, unit, weekday:
		return ScalarString(v), nil
	case Class, pattern, adjuster, *java.Random:
		return nil, Refuse("call a method of it", "%s cannot be the result of an expression", Describe(v))
	case AsIs:
		return r.Export(v.Value, depth+1)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s cannot be the result of an expression", java.FormatDouble(v))
		}
	}
	return v, nil
}

func (r *Work) exportMap(m map[string]any, depth int) (any, error) {
	out := make(map[string]any, len(m))
	for k, x := range m {
		x, err := r.Export(x, depth+1)
		if err != nil {
			return nil, err
		}
		out[k] = x
	}
	return out, r.Spend(32 * len(m))
}

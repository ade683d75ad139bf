package deck

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A field is a place in an answer, and which types of JSON may be there.
type field struct {
	path  string
	types []string
	seen  bool // some answer had it
}

// check returns what is wrong with an answer.
func (r *route) check(answer any) (wrong []string) {
	for i := range r.fields {
		if problem := r.fields[i].in(answer, strings.TrimPrefix(r.fields[i].path, ".")); problem != "" {
			wrong = append(wrong, r.fields[i].path+" "+problem)
		}
	}
	return wrong
}

// in looks for what rest of the path leads to, in v.
func (f *field) in(v any, rest string) (problem string) {
	switch {
	case rest == "":
		kind, anything := kindOf(v), slices.Contains(f.types, "any")
		f.seen = f.seen || v != nil || anything || slices.Contains(f.types, "nothing")
		if !anything && !slices.Contains(f.types, kind) {
			return fmt.Sprintf("is %s, want %s", kind, strings.Join(f.types, " or "))
		}
		return ""
	case strings.HasPrefix(rest, "[]"):
		list, ok := v.([]any)
		if !ok {
			return "is in " + kindOf(v) + ", not in a list"
		}
		for _, e := range list {
			if problem := f.in(e, strings.TrimPrefix(rest[2:], ".")); problem != "" {
				return problem
			}
		}
		return ""
	case strings.HasPrefix(rest, "{}"):
		o, ok := v.(object)
		if !ok {
			return "is in " + kindOf(v) + ", not in an object"
		}
		for _, e := range o {
			if problem := f.in(e, strings.TrimPrefix(rest[2:], ".")); problem != "" {
				return problem
			}
		}
		return ""
	}
	end := strings.IndexAny(rest, ".[{")
	if end < 0 {
		end = len(rest)
	}
	name, optional := strings.CutSuffix(rest[:end], "?")
	o, ok := v.(object)
	if !ok {
		return "is in " + kindOf(v) + ", not in an object"
	}
	e, ok := o[strings.ReplaceAll(name, ":", ".")]
	if (!ok || e == nil) && optional {
		return ""
	}
	if !ok {
		return "is absent"
	}
	return f.in(e, strings.TrimPrefix(rest[end:], "."))
}

// kindOf returns the JSON type of a value; "nothing" is null, and no body.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// TestFields sees that the table finds what is wrong.
func TestFields(t *testing.T) {
	t.Parallel()
	answer := object{"a": []any{object{"b": "c", "d": nil}, object{"b": 1.0}}, "e": object{"f": object{"g": true}}, "h.i": 1.0}
	for _, c := range []struct{ path, types, want string }{
		{"a", "array", ""},
		{"a[].b", "string|number", ""},
		{"a[].b", "string", "is number, want string"},
		{"a[].d", "string", "is nothing, want string"},
		{"a[].d?", "string", ""},
		{"a[].x", "string", "is absent"},
		{"e{}.g", "boolean", ""},
		{"e[].g", "boolean", "is in object, not in a list"},
		{"e.f.g.h", "string", "is in boolean, not in an object"},
		{"h:i", "number", ""},
		{".", "array", "is object, want array"},
	} {
		f := field{path: c.path, types: strings.Split(c.types, "|")}
		if got := f.in(answer, strings.TrimPrefix(c.path, ".")); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.path, c.types, got, c.want)
		}
	}
}

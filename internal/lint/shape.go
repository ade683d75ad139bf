package lint

import (
	"reflect"
	"strings"
)

// shape is what may be within a field.
type shape struct {
	fields func() map[string]shape // nil if it has no fields that are known
	list   bool                    // it is a list of what has these fields
}

// structFields returns the fields of a configuration, by their names in JSON;
// those of embedded structs are its own. It is nil for what is no struct.
func structFields(t reflect.Type) map[string]shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	out := map[string]shape{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			for k, v := range structFields(f.Type) {
				if _, ok := out[k]; !ok {
					out[k] = v
				}
			}
		case !f.IsExported() || name == "-":
		case name == "":
			out[f.Name] = shapeOf(f.Type)
		default:
			out[name] = shapeOf(f.Type)
		}
	}
	return out
}

func shapeOf(t reflect.Type) shape {
	var s shape
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		s.list = s.list || t.Kind() == reflect.Slice
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct && t.NumField() > 0 {
		s.fields = func() map[string]shape { return structFields(t) } // when asked: a type may contain itself
	}
	return s
}

package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

var update = flag.Bool("update", false, "write openapi.json")

// TestOpenAPI compares openapi.json with the table of routes.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	got := describe(t, api.New(newWorld(t).config()).Routes())
	if *update {
		if err := os.WriteFile("openapi.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("openapi.json is not the table of routes; make gen writes it:\n%s", diff)
	}
}

// object is a part of the description.
type object = map[string]any

// describe returns the table of routes as OpenAPI 3.1.
func describe(t *testing.T, routes []api.Route) []byte {
	t.Helper()
	d := newDescriber(t)
	paths := object{}
	for _, r := range routes {
		at := strings.ReplaceAll(strings.TrimSuffix(r.Pattern, "{$}"), "...}", "}")
		if paths[at] == nil {
			paths[at] = object{}
		}
		paths[at].(object)[strings.ToLower(r.Method)] = d.operation(r)
	}
	text, err := json.MarshalIndent(object{
		"openapi": "3.1.0",
		"info": object{
			"title":       "Gennaker",
			"version":     "1",
			"description": "The paths at the root are those of Spinnaker's Gate, with its shapes; those under /api/v1 are ours.",
			"license":     object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"paths":      paths,
		"components": object{"schemas": d.schemas},
	}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.ReplaceAll(text, []byte("#/$defs/"), []byte("#/components/schemas/")), '\n')
}

// describer makes schemas of types.
type describer struct {
	t       *testing.T
	reflect *jsonschema.Reflector
	types   map[string]reflect.Type
	schemas object
}

func newDescriber(t *testing.T) *describer {
	t.Helper()
	d := &describer{t: t, types: map[string]reflect.Type{}, schemas: object{}}
	d.reflect = &jsonschema.Reflector{Anonymous: true, AllowAdditionalProperties: true, Mapper: d.wire, Namer: d.name}
	const module = "github.com/gennaker/gennaker"
	for dir, pkg := range map[string]string{"../..": module, ".": path.Join(module, "internal/api"), "../lint": path.Join(module, "internal/lint")} {
		if err := d.reflect.AddGoComments(pkg, dir); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// name gives every type one name, and every name one type.
func (d *describer) name(t reflect.Type) string {
	name := t.Name()
	if name == "" {
		return ""
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	switch {
	case strings.HasSuffix(t.PkgPath(), "/template"):
		name = "Template" + name
	case t == reflect.TypeFor[time.Time]():
		name = "DateTime" // beside ours, which is a number
	}
	if old := d.types[name]; old != nil && old != t {
		d.t.Errorf("%v and %v have one name in the description", old, t)
	}
	d.types[name] = t
	return name
}

// wire describes types whose JSON is not what their fields say.
func (d *describer) wire(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[gennaker.Time]():
		return &jsonschema.Schema{Description: "milliseconds since 1970", AnyOf: []*jsonschema.Schema{{Type: "integer"}, {Type: "null"}}}
	case reflect.TypeFor[gennaker.Pause]():
		s := d.plain(reflect.TypeFor[struct {
			PausedBy   string        `json:"pausedBy,omitzero"`
			PauseTime  gennaker.Time `json:"pauseTime,omitzero"`
			ResumedBy  string        `json:"resumedBy,omitzero"`
			ResumeTime gennaker.Time `json:"resumeTime,omitzero"`
			Paused     bool          `json:"paused"`
			PausedMS   int64         `json:"pausedMs"`
		}]())
		return s
	case reflect.TypeFor[gennaker.Trigger]():
		return &jsonschema.Schema{Type: "object", Description: "Why an execution began; what its type has besides stands beside these.", Required: []string{"type"},
			AdditionalProperties: jsonschema.TrueSchema, Properties: jsonschema.NewProperties()}
	case reflect.TypeFor[json.RawMessage]():
		return &jsonschema.Schema{}
	}
	return nil
}

func (d *describer) plain(t reflect.Type) *jsonschema.Schema {
	r := &jsonschema.Reflector{Anonymous: true, AllowAdditionalProperties: true, DoNotReference: true, Mapper: d.wire}
	s := r.ReflectFromType(t)
	s.Version = ""
	return s
}

// schema returns the schema of a type, and keeps those that it is made of.
func (d *describer) schema(t reflect.Type) any {
	s := d.reflect.ReflectFromType(t)
	for name, def := range s.Definitions {
		d.schemas[name] = d.optional(d.types[name], def)
	}
	s.Version, s.Definitions = "", nil
	return s
}

// optional makes the fields of embedded pointers optional: they may be nil.
func (d *describer) optional(t reflect.Type, s *jsonschema.Schema) *jsonschema.Schema {
	if t == nil || t.Kind() != reflect.Struct {
		return s
	}
	for f := range t.Fields() {
		if f.Anonymous && f.Type.Kind() == reflect.Pointer {
			inner := d.plain(f.Type.Elem())
			s.Required = slices.DeleteFunc(s.Required, func(name string) bool { return slices.Contains(inner.Required, name) })
		}
	}
	return s
}

// operation describes a route.
func (d *describer) operation(r api.Route) object {
	op := object{"summary": r.Does, "operationId": operationID(r), "x-permission": string(r.Permission), "responses": d.responses(r)}
	var parameters []object
	for segment := range strings.SplitSeq(strings.ReplaceAll(r.Pattern, "...}", "}"), "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok && name != "$}" {
			parameters = append(parameters, object{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": object{"type": "string"}})
		}
	}
	for _, name := range r.Query {
		p, ok := api.Parameters[name]
		if !ok {
			d.t.Errorf("%s %s reads %s, which is not described", r.Method, r.Pattern, name)
		}
		schema := object{"type": p.Type}
		if p.Type == "array" {
			schema["items"] = object{"type": "string"}
		}
		parameters = append(parameters, object{"name": name, "in": "query", "description": p.Meaning, "schema": schema})
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	switch body := r.Handler.Body; body {
	case nil:
	case reflect.TypeFor[api.Text]():
		op["requestBody"] = object{"content": object{"*/*": object{}}}
	case reflect.TypeFor[*gennaker.Document]():
		op["requestBody"] = object{"content": object{"application/json": object{"schema": object{"type": "object"}}}}
	default:
		op["requestBody"] = object{"content": object{"application/json": object{"schema": d.schema(body)}}}
	}
	return op
}

func operationID(r api.Route) string {
	words := strings.FieldsFunc(r.Pattern, func(c rune) bool { return strings.ContainsRune("/{}.-_$", c) })
	var id strings.Builder
	id.WriteString(strings.ToLower(r.Method))
	for _, w := range words {
		id.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return id.String()
}

// responses describes what a route answers, by status.
func (d *describer) responses(r api.Route) object {
	answer := object{"description": http.StatusText(r.Handler.Status)}
	if r.Handler.Answer != nil {
		content := object{}
		if r.Handler.Answer.Kind() != reflect.String {
			content["schema"] = d.schema(r.Handler.Answer)
		}
		answer["content"] = object{r.Handler.Media: content}
	}
	out := object{strconv.Itoa(r.Handler.Status): answer}
	if r.Method == http.MethodGet && r.Handler.Status == http.StatusOK && r.Handler.Answer != nil && !r.Handler.Stream {
		out["304"] = object{"description": http.StatusText(http.StatusNotModified)}
	}
	bodies := map[int][]reflect.Type{} // a body of its own does not hide the usual one
	for status, body := range r.Failures {
		bodies[status] = append(bodies[status], body)
	}
	usual := reflect.TypeFor[api.ErrorBody]()
	for _, k := range append(r.Kinds(), gennaker.Internal) {
		if status := k.HTTPStatus(); !slices.Contains(bodies[status], usual) {
			bodies[status] = append(bodies[status], usual)
		}
	}
	for status, types := range bodies {
		schemas := make([]any, len(types))
		for i, body := range types {
			schemas[i] = d.schema(body)
		}
		schema := schemas[0]
		if len(schemas) > 1 {
			schema = object{"anyOf": schemas}
		}
		out[strconv.Itoa(status)] = object{"description": http.StatusText(status), "content": object{"application/json": object{"schema": schema}}}
	}
	return out
}

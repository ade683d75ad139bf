// Package schema describes what stages read, as JSON Schema: forms and
// completion are made from it, so a new stage needs no code of its own in a
// user interface.
//
//	catalog := schema.Of(registry)
//	catalog.Stages[0].Schema["properties"]
//
// Types, keys and choices come from the configurations by reflection. What the
// fields are for stands behind them in the source; a test writes it into
// fields.json, from where docs/reference/stages.md has it too.
package schema

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Catalog describes the stage types that a pipeline may hold, sorted.
type Catalog struct {
	Stages []StageType    `json:"stages"`
	Common map[string]any `json:"common"` // schema of what every stage may have
}

// StageType describes one stage type.
type StageType struct {
	Type        string         `json:"type"`
	Aliases     []string       `json:"aliases"`
	Label       string         `json:"label"`                // for people
	Description string         `json:"description,omitzero"` // what it does, in a sentence; of a type that the configuration makes, none
	Schema      map[string]any `json:"schema"`               // JSON Schema 2020-12 of its own fields
	Tasks       []string       `json:"tasks"`
}

// dialect is what the schemas are written in.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// maxDepth bounds structs within structs; none is that deep.
const maxDepth = 8

// comments holds what fields are for: by struct, as "internal/stage/control.waitConfig",
// and by key. A field that is not in it is Gennaker's own.
//
//go:embed fields.json
var comments []byte

// Fields returns what the fields of structs are for: by struct, as
// "internal/stage/control.waitConfig", and by key.
func Fields() map[string]map[string]string {
	var out map[string]map[string]string
	if err := json.Unmarshal(comments, &out); err != nil {
		panic("schema: fields.json is broken: " + err.Error())
	}
	return out
}

// Of describes the types of r.
func Of(r *stage.Registry) Catalog {
	w := writer{Fields()}
	out := Catalog{Common: w.object(0, reflect.TypeFor[Common]())}
	for _, name := range r.Types() {
		d, err := r.Find(name)
		if err != nil {
			continue // Types are known
		}
		t := StageType{Type: name, Aliases: append([]string{}, d.Aliases...), Label: label(name), Description: descriptions[name], Tasks: []string{}}
		t.Schema = w.object(0, slices.Concat([]reflect.Type{d.Config()}, d.Reads)...)
		for _, s := range d.Steps {
			t.Tasks = append(t.Tasks, s.Name)
		}
		out.Stages = append(out.Stages, t)
	}
	nest(out.Stages)
	return out
}

// Structs returns the structs that the types of r are described by, by name, as
// in Fields.
func Structs(r *stage.Registry) []string {
	seen := map[string]bool{}
	note(seen, 0, reflect.TypeFor[Common]())
	for _, name := range r.Types() {
		if d, err := r.Find(name); err == nil {
			note(seen, 0, slices.Concat([]reflect.Type{d.Config()}, d.Reads)...)
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func note(seen map[string]bool, depth int, types ...reflect.Type) {
	for _, t := range types {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t.NumField() == 0 || depth > maxDepth {
			continue
		}
		seen[nameOf(t)] = true
		for f := range t.Fields() {
			if _, ok := keyOf(f); ok || f.Anonymous {
				note(seen, depth+1, f.Type)
			}
		}
	}
}

// nameOf returns the name of a struct with its package, as in Fields.
func nameOf(t reflect.Type) string {
	module := reflect.TypeFor[gennaker.Status]().PkgPath()
	if t.PkgPath() == module {
		return "." + t.Name()
	}
	return strings.TrimPrefix(t.PkgPath(), module+"/") + "." + t.Name()
}

func keyOf(f reflect.StructField) (key string, ok bool) {
	key, _, _ = strings.Cut(f.Tag.Get("json"), ",")
	return key, key != "" && key != "-"
}

// nest says what the entries of clusters are, whose fields another type reads.
//
// Source: the clusters of a deploy stage become createServerGroup stages.
func nest(all []StageType) {
	find := func(name string) map[string]any {
		i := slices.IndexFunc(all, func(t StageType) bool { return t.Type == name })
		if i < 0 {
			return nil
		}
		return all[i].Schema
	}
	deploy, create := find("deploy"), find("createServerGroup")
	if deploy == nil || create == nil {
		return
	}
	entry := maps.Clone(create)
	delete(entry, "$schema")
	fields, _ := deploy["properties"].(*properties)
	if list := fields.of["clusters"]; list != nil {
		list["items"] = entry
	}
	if one := fields.of["cluster"]; one != nil {
		one["properties"] = entry["properties"]
	}
}

// properties are fields in the order in which forms show them, which is that of
// the source.
type properties struct {
	keys []string
	of   map[string]map[string]any
}

// MarshalJSON writes an object whose keys are in order.
func (p *properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range p.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(p.of[key])
		if err != nil {
			return nil, fmt.Errorf("write the schema of %s: %w", key, err)
		}
		fmt.Fprintf(&b, "%q:%s", key, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// writer writes schemas.
type writer struct{ fields map[string]map[string]string }

// object describes structs as one object: of fields with the same key the first
// counts.
func (w writer) object(depth int, types ...reflect.Type) map[string]any {
	fields := &properties{of: map[string]map[string]any{}}
	for _, t := range types {
		w.add(fields, depth, t)
	}
	out := map[string]any{"type": "object", "properties": fields}
	if depth == 0 {
		out["$schema"] = dialect
	}
	return out
}

func (w writer) add(into *properties, depth int, t reflect.Type) {
	for f := range t.Fields() {
		key, ok := keyOf(f)
		if f.Anonymous && !ok {
			w.add(into, depth, f.Type)
			continue
		}
		comment, said := w.fields[nameOf(t)][key]
		if !ok || !said || into.of[key] != nil {
			continue
		}
		p := w.value(f.Type, depth+1)
		if choices := f.Tag.Get("enum"); choices != "" {
			delete(p, "type")
			p["anyOf"] = []any{map[string]any{"enum": strings.Split(choices, "|")}, map[string]any{"type": "string", "pattern": `\$\{`}}
		}
		if comment != "" {
			p["description"] = comment
		}
		if v := defaultOf(f.Type, comment); v != nil {
			p["default"] = v
		}
		into.keys, into.of[key] = append(into.keys, key), p
	}
}

// value describes a type. An expression is text, wherever it stands.
func (w writer) value(t reflect.Type, depth int) map[string]any {
	or := func(kind string) map[string]any { return map[string]any{"type": []string{kind, "string"}} }
	switch t.Kind() {
	case reflect.Pointer:
		return w.value(t.Elem(), depth)
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return or("boolean")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return or("integer")
	case reflect.Float32, reflect.Float64:
		return or("number")
	case reflect.Slice, reflect.Array:
		out := or("array")
		out["items"] = w.value(t.Elem(), depth)
		return out
	case reflect.Map:
		out := or("object")
		out["additionalProperties"] = w.value(t.Elem(), depth)
		return out
	case reflect.Struct:
		if depth > maxDepth {
			return or("object")
		}
		out := w.object(depth, t)
		out["type"] = []string{"object", "string"}
		return out
	default:
		return map[string]any{} // anything
	}
}

// standard matches a default in what a field is for.
var standard = regexp.MustCompile(`\bdefault (true|false|\d+|[A-Z]+)\b`)

// defaultOf reads the default of a field out of what it is for; nil if it says none.
func defaultOf(t reflect.Type, comment string) any {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	m := standard.FindStringSubmatch(comment)
	if m == nil {
		return nil
	}
	var v any
	if json.Unmarshal([]byte(m[1]), &v) != nil {
		v = m[1]
	}
	switch v.(type) {
	case bool:
		if t.Kind() == reflect.Bool {
			return v
		}
	case float64:
		if t.Kind() == reflect.Int || t.Kind() == reflect.Int64 || t.Kind() == reflect.Float64 {
			return v
		}
	case string:
		if t.Kind() == reflect.String {
			return v
		}
	}
	return nil
}

// label writes a type as words: "Deploy manifest" for deployManifest.
func label(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case i == 0:
			b.WriteRune(unicode.ToUpper(r))
		case unicode.IsUpper(r):
			b.WriteByte(' ')
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

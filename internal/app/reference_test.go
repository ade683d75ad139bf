package app_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/app"
	stages "github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/schema"
)

var update = flag.Bool("update", false, "rewrite the pages of docs/reference")

const root = "../.."

// comparePage holds that a page of docs/reference is got; -update writes it.
func comparePage(t *testing.T, name, got string) {
	t.Helper()
	compareFile(t, "docs/reference/"+name, got)
}

// compareFile holds that a file, by its path from the root, is got.
func compareFile(t *testing.T, name, got string) {
	t.Helper()
	page := filepath.Join(root, name)
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil { //nolint:gosec // a page that everyone may read
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("%s is old; run go test ./internal/app -run Reference -update\n%s", name, d)
	}
}

// typeName is a struct type of the source: the directory of its package, and
// its name.
type typeName struct{ dir, name string }

// field is one row of a table of fields.
type field struct {
	key, typ, doc string
	of            []typeName // struct types that typ mentions
}

// source finds struct types in the source text.
type source struct {
	t     *testing.T
	files map[string][]*ast.File // by directory
}

func (s source) structOf(n typeName) *ast.StructType {
	if s.files[n.dir] == nil {
		entries, err := os.ReadDir(filepath.Join(root, n.dir))
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
				f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, n.dir, e.Name()), nil, parser.ParseComments)
				if err != nil {
					s.t.Fatal(err)
				}
				s.files[n.dir] = append(s.files[n.dir], f)
			}
		}
	}
	for _, f := range s.files[n.dir] {
		if o := f.Scope.Lookup(n.name); o != nil {
			if spec, ok := o.Decl.(*ast.TypeSpec); ok {
				st, _ := spec.Type.(*ast.StructType)
				return st
			}
		}
	}
	return nil
}

// fields returns what users may write of a struct: embedded structs in place.
func (s source) fields(n typeName) []field {
	var out []field
	for _, f := range s.own(n) {
		if f.key == "" {
			for _, e := range f.of {
				out = append(out, s.fields(e)...)
			}
			continue
		}
		out = append(out, f)
	}
	return out
}

// own returns what users may write of a struct, without what has no name in
// JSON and what is Gennaker's own ("ours"); an embedded struct has no key.
func (s source) own(n typeName) []field {
	var out []field
	st := s.structOf(n)
	if st == nil {
		s.t.Fatalf("no struct %s in %s", n.name, n.dir)
	}
	for _, f := range st.Fields.List {
		if len(f.Names) == 0 {
			_, of := s.describe(n.dir, f.Type)
			out = append(out, field{of: of})
			continue
		}
		if f.Tag == nil {
			continue
		}
		key, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
		doc := strings.TrimSpace(strings.ReplaceAll(f.Comment.Text(), "\n", " "))
		if key == "" || key == "-" || strings.HasPrefix(doc, "ours") {
			continue
		}
		if doc == "" {
			s.t.Errorf("%s.%s (%s) needs a comment behind it, for the reference page", n.dir, n.name, key)
		}
		typ, of := s.describe(n.dir, f.Type)
		out = append(out, field{key, typ, doc, of})
	}
	return out
}

// describe returns a type in the words of JSON, and the structs in it.
func (s source) describe(dir string, e ast.Expr) (string, []typeName) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return s.describe(dir, e.X)
	case *ast.ArrayType:
		typ, of := s.describe(dir, e.Elt)
		return "list of " + typ, of
	case *ast.MapType:
		return "object", nil
	case *ast.SelectorExpr:
		pkg := e.X.(*ast.Ident).Name
		if pkg == "gennaker" {
			return s.describe(".", e.Sel)
		}
		return s.describe(path.Join("internal", pkg), e.Sel)
	case *ast.Ident:
		words := map[string]string{"string": "string", "bool": "true or false", "int": "number", "float64": "number", "any": "anything"}
		if w := words[e.Name]; w != "" {
			return w, nil
		}
		if n := (typeName{dir, e.Name}); s.structOf(n) != nil {
			return "[" + title(e.Name) + "](#" + strings.ToLower(title(e.Name)) + ")", []typeName{n}
		}
		return "string", nil
	}
	s.t.Fatalf("a field of %s has a type %T, which has no words", dir, e)
	return "", nil
}

func title(name string) string {
	name = strings.TrimSuffix(name, "Config")
	return strings.ToUpper(name[:1]) + name[1:]
}

func writeFields(b *strings.Builder, fields []field) {
	b.WriteString("| field | type | what |\n| --- | --- | --- |\n")
	seen := map[string]bool{}
	for _, f := range fields {
		if !seen[f.key] {
			seen[f.key] = true
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.key, f.typ, strings.ReplaceAll(f.doc, "|", "\\|"))
		}
	}
}

// writeTypes writes a section for each struct that fields mention, and for those
// that these mention.
func (s source) writeTypes(b *strings.Builder, fields []field) {
	var all []typeName
	for i := 0; i < len(fields); i++ {
		for _, n := range fields[i].of {
			if !slices.Contains(all, n) {
				all = append(all, n)
				fields = append(fields, s.fields(n)...)
			}
		}
	}
	slices.SortFunc(all, func(x, y typeName) int { return strings.Compare(title(x.name), title(y.name)) })
	for _, n := range all {
		fmt.Fprintf(b, "\n### %s\n\n", title(n.name))
		writeFields(b, s.fields(n))
	}
}

// registry returns the stage types of a real server.
func registry(t *testing.T) *stages.Registry {
	t.Helper()
	var r *stages.Registry
	a, err := app.New(t.Context(), app.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Stages: func(all *stages.Registry) { r = all }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return r
}

const stagesIntro = `# Stage types

This page is made from the code; ` + "`go test ./internal/app -run Reference -update`" + `
writes it. Fields that Gennaker sets itself are left out. Names of types, fields
and tasks are Spinnaker's. Fields may hold expressions of the form
` + "`${parameters.name}`" + `; other expressions are not evaluated.
` + "`GET /api/v1/stages`" + ` answers with the same as JSON Schema.

## Every stage

`

// TestStagesReference holds docs/reference/stages.md.
func TestStagesReference(t *testing.T) {
	t.Parallel()
	r, s := registry(t), source{t, map[string][]*ast.File{}}
	var b strings.Builder
	b.WriteString(stagesIntro)
	all := s.fields(named(reflect.TypeFor[schema.Common]()))
	writeFields(&b, all)
	b.WriteString("\n")
	for _, about := range schema.Of(r).Stages {
		d, err := r.Find(about.Type)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "## %s\n\n%s\n\n", about.Type, about.Description)
		if about.Description == "" {
			t.Errorf("%s has no description", about.Type)
		}
		if len(d.Aliases) > 0 {
			fmt.Fprintf(&b, "Also called `%s`.\n\n", strings.Join(d.Aliases, "`, `"))
		}
		var fields []field
		for _, c := range append([]reflect.Type{d.Config()}, d.Reads...) {
			if c.NumField() > 0 {
				fields = append(fields, s.fields(named(c))...)
			}
		}
		switch all = append(all, fields...); {
		case about.Type == "cloneServerGroup":
			b.WriteString("The fields of [createServerGroup](#createservergroup); those that are not set are the source's.\n\n")
		case len(fields) > 0:
			writeFields(&b, fields)
			b.WriteString("\n")
		}
		if len(about.Tasks) > 0 {
			fmt.Fprintf(&b, "Tasks: `%s`.\n\n", strings.Join(about.Tasks, "`, `"))
		}
	}
	b.WriteString("## Types of fields\n")
	s.writeTypes(&b, all)
	comparePage(t, "stages.md", b.String())
}

// named returns where a struct stands in the source.
func named(t reflect.Type) typeName {
	return typeName{cmp.Or(strings.TrimPrefix(strings.TrimPrefix(t.PkgPath(), reflect.TypeFor[gennaker.Status]().PkgPath()), "/"), "."), t.Name()}
}

// TestFieldsReference holds what the schemas of stages say of their fields.
func TestFieldsReference(t *testing.T) {
	t.Parallel()
	s, fields := source{t, map[string][]*ast.File{}}, map[string]map[string]string{}
	for _, name := range schema.Structs(registry(t)) {
		dir, name, _ := strings.Cut(name, ".")
		of := map[string]string{}
		for _, f := range s.own(typeName{cmp.Or(dir, "."), name}) {
			if f.key != "" {
				of[f.key] = f.doc
			}
		}
		fields[dir+"."+name] = of
	}
	got, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compareFile(t, "internal/stage/schema/fields.json", string(got)+"\n")
}

// TestServerGroupReference holds docs/reference/server-group.md.
func TestServerGroupReference(t *testing.T) {
	t.Parallel()
	s := source{t, map[string][]*ast.File{}}
	var b strings.Builder
	b.WriteString("# Server groups of the local provider\n\nThis page is made from gennaker.ServerGroupSpec; `go test ./internal/app -run Reference -update`\n" +
		"writes it. These are the fields of a cluster entry of a `deploy` stage for account `local`, beside those of its\n" +
		"strategy (see [createServerGroup](stages.md#createservergroup)).\n\n")
	fields := s.fields(typeName{".", "ServerGroupSpec"})
	writeFields(&b, fields)
	s.writeTypes(&b, fields)
	comparePage(t, "server-group.md", b.String())
}

package app_test

import (
	"context"
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

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/app"
	stages "github.com/gennaker/gennaker/internal/stage"
)

var update = flag.Bool("update", false, "rewrite the pages of docs/reference")

const root = "../.."

// comparePage holds that a page of docs/reference is got; -update writes it.
func comparePage(t *testing.T, name, got string) {
	t.Helper()
	page := filepath.Join(root, "docs", "reference", name)
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil { //nolint:gosec // a page that everyone may read
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("docs/reference/%s is old; run go test ./internal/app -run Reference -update\n%s", name, diff)
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

// fields returns what users may write of a struct: embedded structs in place,
// without what has no name in JSON and what is Gennaker's own ("ours").
func (s source) fields(n typeName) []field {
	var out []field
	st := s.structOf(n)
	if st == nil {
		s.t.Fatalf("no struct %s in %s", n.name, n.dir)
	}
	for _, f := range st.Fields.List {
		if len(f.Names) == 0 {
			_, of := s.describe(n.dir, f.Type)
			for _, e := range of {
				out = append(out, s.fields(e)...)
			}
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
		out = append(out, field{key, typ, strings.ReplaceAll(doc, "|", "\\|"), of})
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
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", f.key, f.typ, f.doc)
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

## Every stage

| field | type | what |
| --- | --- | --- |
| ` + "`type`" + ` | string | one of the types below |
| ` + "`refId`" + ` | string | name of the stage in the pipeline |
| ` + "`requisiteStageRefIds`" + ` | list of string | stages that must end before this one starts |
| ` + "`name`" + ` | string | for people; default the type |
| ` + "`failPipeline`" + ` | true or false | false stops only this branch if the stage fails |
| ` + "`continuePipeline`" + ` | true or false | true goes on if the stage fails |
| ` + "`completeOtherBranchesThenFail`" + ` | true or false | with failPipeline false: the execution fails at its end |
| ` + "`allowSiblingStagesToContinueOnFailure`" + ` | true or false | of a synthetic stage: those beside it go on if it fails |
| ` + "`stageTimeoutMs`" + ` | number | milliseconds that the stage may take; instead of the tasks' own limits |
| ` + "`markSuccessfulOnTimeout`" + ` | true or false | true makes a timeout a success |

`

// TestStagesReference holds docs/reference/stages.md.
func TestStagesReference(t *testing.T) {
	t.Parallel()
	r, s := registry(t), source{t, map[string][]*ast.File{}}
	// what a type reads beside the configuration that it was added with
	more := map[string][]typeName{
		"createServerGroup": {{"internal/stage/deploy", "createConfig"}, {".", "ServerGroupSpec"}},
		"cloneServerGroup":  {{"internal/stage/deploy", "createConfig"}, {".", "ServerGroupSpec"}},
	}
	failFast := map[string]bool{"createServerGroup": true, "cloneServerGroup": true, "enableServerGroup": true}
	var b strings.Builder
	var all []field
	b.WriteString(stagesIntro)
	for _, name := range r.Types() {
		d, err := r.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "## %s\n\n", name)
		if len(d.Aliases) > 0 {
			fmt.Fprintf(&b, "Also called `%s`.\n\n", strings.Join(d.Aliases, "`, `"))
		}
		var fields []field
		if c := d.Config(); c.NumField() > 0 {
			fields = s.fields(typeName{strings.TrimPrefix(strings.TrimPrefix(c.PkgPath(), reflect.TypeFor[gennaker.Status]().PkgPath()), "/"), c.Name()})
		}
		for _, n := range more[name] {
			fields = append(fields, s.fields(n)...)
		}
		if failFast[name] {
			fields = append(fields, field{"failFast", "true or false", "false waits for instances that end again and again until the timeout; default true", nil})
		}
		switch all = append(all, fields...); {
		case name == "cloneServerGroup":
			b.WriteString("The fields of [createServerGroup](#createservergroup); those that are not set are the source's.\n\n")
		case len(fields) > 0:
			writeFields(&b, fields)
			b.WriteString("\n")
		}
		var steps []string
		for _, step := range d.Steps {
			steps = append(steps, step.Name)
		}
		if len(steps) > 0 {
			fmt.Fprintf(&b, "Tasks: `%s`.\n\n", strings.Join(steps, "`, `"))
		}
	}
	b.WriteString("## Types of fields\n")
	s.writeTypes(&b, all)
	comparePage(t, "stages.md", b.String())
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

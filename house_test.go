package gennaker_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gennaker/gennaker"

// layers lists, for each package, the packages of this module that it may
// import: "." is the domain, "*" is every package. ARCHITECTURE.md shows the
// same table, and a package that is missing here fails.
var layers = map[string][]string{
	".":                                      {},
	"client":                                 {"."},
	"examples":                               {},
	"internal/expr":                          {"internal/expr/java", "internal/expr/syntax", "internal/expr/value"},
	"internal/expr/value":                    {"internal/expr/java", "internal/expr/regex", "internal/near"},
	"internal/expr/java":                     {},
	"internal/expr/regex":                    {},
	"internal/expr/syntax":                   {},
	"internal/flow":                          {"."},
	"internal/strategy":                      {"."},
	"internal/window":                        {"."},
	"internal/near":                          {},
	"internal/cron":                          {"."},
	"internal/event":                         {"."},
	"internal/lint":                          {".", "internal/expr", "internal/expr/syntax", "internal/near", "internal/stage", "internal/window"},
	"internal/simulate":                      {".", "internal/engine", "internal/expr", "internal/launch", "internal/provider", "internal/provider/fake", "internal/stage", "internal/stage/bind", "internal/stage/control", "internal/stage/deploy", "internal/stage/manifest"},
	"internal/stage":                         {".", "internal/expr", "internal/near"},
	"internal/stage/schema":                  {".", "internal/stage"},
	"internal/stage/bind":                    {".", "internal/artifact/match", "internal/stage"},
	"internal/stage/bake":                    {".", "internal/artifact/match", "internal/bake", "internal/stage"},
	"internal/stage/control":                 {".", "internal/stage", "internal/window"},
	"internal/stage/deploy":                  {".", "internal/stage", "internal/provider", "internal/strategy"},
	"internal/stage/document":                {".", "internal/stage", "internal/template"},
	"internal/stage/remote":                  {".", "internal/egress", "internal/stage"},
	"internal/stage/manifest":                {".", "internal/properties", "internal/provider", "internal/stage", "internal/strategy"},
	"internal/stage/job":                     {".", "internal/properties", "internal/provider", "internal/stage"},
	"internal/launch":                        {".", "internal/artifact/match", "internal/expr", "internal/stage", "internal/stage/bind", "internal/stage/control"},
	"internal/engine":                        {".", "internal/expr", "internal/flow", "internal/stage"},
	"internal/store":                         {".", "internal/durable", "internal/flow", "internal/engine", "internal/template"},
	"internal/template":                      {"."},
	"internal/bake":                          {"."},
	"internal/properties":                    {},
	"internal/seal":                          {".", "internal/durable"},
	"internal/durable":                       {},
	"internal/provider":                      {"."},
	"internal/provider/providertest":         {".", "internal/provider"},
	"internal/provider/fake":                 {".", "internal/provider", "internal/provider/kubernetes/manifest"},
	"internal/provider/local":                {".", "internal/provider", "internal/node"},
	"internal/provider/kubernetes":           {".", "internal/provider", "internal/provider/kubernetes/cluster", "internal/provider/kubernetes/inventory", "internal/provider/kubernetes/manifest"},
	"internal/provider/kubernetes/access":    {".", "internal/provider/kubernetes/manifest"},
	"internal/provider/kubernetes/cluster":   {".", "internal/near"},
	"internal/provider/kubernetes/diagnose":  {},
	"internal/provider/kubernetes/inventory": {".", "internal/provider", "internal/provider/kubernetes/diagnose", "internal/provider/kubernetes/manifest", "internal/provider/kubernetes/slim"},
	"internal/provider/kubernetes/manifest":  {"."},
	"internal/provider/kubernetes/slim":      {},
	"internal/artifact":                      {".", "internal/durable"},
	"internal/artifact/fetch":                {".", "internal/artifact/fetch/cache", "internal/artifact/fetch/gitrepo", "internal/seal"},
	"internal/artifact/fetch/cache":          {"."},
	"internal/artifact/fetch/gitrepo":        {"."},
	"internal/artifact/match":                {".", "internal/expr"},
	"internal/egress":                        {"."},
	"internal/node":                          {".", "internal/artifact", "internal/durable", "internal/node/balancer", "internal/node/health", "internal/node/logfile", "internal/node/process", "internal/node/shim", "internal/node/state"},
	"internal/node/balancer":                 {"."},
	"internal/node/health":                   {"."},
	"internal/node/logfile":                  {},
	"internal/node/process":                  {},
	"internal/node/shim":                     {".", "internal/durable", "internal/node/process", "internal/node/state"},
	"internal/node/state":                    {".", "internal/durable"},
	"internal/api":                           {"."},
	"internal/api/apitest":                   {".", "internal/api"},
	"internal/api/document":                  {".", "internal/api", "internal/api/execution", "internal/lint", "internal/template"},
	"internal/api/execution":                 {".", "internal/api", "internal/event", "internal/expr"},
	"internal/api/meta":                      {".", "internal/api", "internal/cron", "internal/expr", "internal/stage/schema"},
	"internal/api/fleet":                     {".", "internal/api", "internal/provider", "internal/provider/kubernetes/manifest"},
	"internal/observe":                       {"."},
	"internal/cli":                           {".", "client", "internal/near", "internal/cli/show"},
	"internal/cli/show":                      {"."},
	"internal/app":                           {"*"},
	"internal/app/storm":                     {},
	"internal/bench":                         {"*"},
	"internal/demo":                          {".", "client", "internal/artifact", "internal/demo/load", "internal/durable"},
	"internal/demo/hello":                    {},
	"internal/demo/load":                     {"."},
	"ui":                                     {},
	"cmd/gennaker":                           {"*"},
	"e2e/deck":                               {},
	"e2e/fleet":                              {},
	"e2e/figures":                            {},
	"e2e/gateway":                            {},
	"e2e/product":                            {".", "client", "internal/api/apitest"},
	"e2e/scenario":                           {},
	"e2e/zeroloss":                           {},
	"e2e/lab":                                {},
}

// external names dependencies that only some packages may import, with the
// reason. "x/..." is x and the packages below it.
var external = map[string]struct {
	packages []string
	reason   string
}{
	"modernc.org/sqlite":            {[]string{"internal/store", "internal/bench"}, "SQL is behind the store's interfaces"},
	"github.com/spf13/cobra":        {[]string{"internal/cli", "cmd/gennaker"}, "only the command line knows cobra"},
	"github.com/stretchr":           {nil, "tests use the standard library and go-cmp"},
	"github.com/pkg/errors":         {nil, "errors are wrapped with fmt.Errorf"},
	"github.com/go-viper":           {[]string{"internal/stage"}, "stage.Decode is the one place that reads open JSON into structs"},
	"golang.org/x/sys/unix":         {[]string{"internal/node", "internal/node/logfile", "internal/node/process", "internal/store"}, "the rest is portable"},
	"github.com/HdrHistogram":       {[]string{"internal/demo/load", "internal/bench"}, "histograms are for measuring, not for serving"},
	"pgregory.net/rapid":            {nil, "properties are tests"},
	"github.com/google/go-cmp":      {[]string{"internal/provider/providertest"}, "comparisons are tests"},
	"github.com/invopop":            {nil, "a test writes the description of the API"},
	"github.com/santhosh-tekuri":    {[]string{"internal/api/apitest"}, "answers are held to their description in tests"},
	"github.com/rogpeppe":           {nil, "scripts are tests"},
	"golang.org/x/tools":            {nil, "only tests read archives"},
	"golang.org/x/mod/sumdb":        {[]string{"internal/artifact"}, "the digest of a directory has one definition"},
	"sigs.k8s.io/yaml":              {[]string{"internal/app", "internal/cli", "internal/simulate"}, "the API speaks JSON; files of people may be YAML"},
	"go.yaml.in/yaml":               {[]string{"internal/cli", "internal/expr/value", "internal/simulate", "internal/artifact/fetch", "internal/provider/kubernetes/manifest"}, "the server speaks JSON; expressions have #readYaml; indexes of charts and manifests are YAML"},
	"github.com/ohler55/ojg":        {[]string{"internal/stage/remote"}, "JSON paths are for the answers of webhooks"},
	"github.com/oklog/ulid":         {[]string{"internal/engine", "internal/launch", "internal/bench", "internal/observe"}, "IDs are given in one place; traces have those of their executions"},
	"golang.org/x/term":             {[]string{"internal/cli/show", "cmd/gennaker"}, "only the command line knows terminals"},
	"github.com/go-git":             {[]string{"internal/artifact/fetch/gitrepo"}, "repositories are read in one place"},
	"golang.org/x/crypto/ssh":       {[]string{"internal/artifact/fetch/gitrepo"}, "only repositories are read over ssh"},
	"github.com/aws":                {[]string{"internal/artifact/fetch"}, "signatures for S3, and nothing else of the SDK"},
	"cuelabs.dev/go/oci":            {[]string{"internal/artifact/fetch"}, "registries are read in one place"},
	"github.com/Masterminds/semver": {[]string{"internal/artifact/fetch"}, "ranges of versions are Helm's"},
	"github.com/rclone":             {nil, "the S3 server is for tests"},
	"k8s.io":                        {[]string{"internal/provider/kubernetes/...", "e2e/..."}, "one package tree knows Kubernetes"},
	"sigs.k8s.io/gateway-api":       {[]string{"internal/provider/kubernetes/...", "e2e/..."}, "one package tree knows Kubernetes"},
	"github.com/fluxcd":             {[]string{"internal/provider/kubernetes/..."}, "the readiness of objects is the cluster's"},
	"sigs.k8s.io/kustomize":         {[]string{"internal/bake"}, "manifests are baked in one place"},
	"github.com/prometheus":         {[]string{"internal/observe"}, "metrics are made in one place"},
	"go.opentelemetry.io":           {[]string{"internal/observe"}, "traces are made in one place"},
	"golang.org/x/time/rate":        {[]string{"internal/api"}, "only requests are limited"},
	"helm.sh/helm":                  {[]string{"internal/bake"}, "manifests are baked in one place"},
}

// The house limits, over production code.
const (
	maxFuncLines    = 80
	maxFileLines    = 700
	maxPackageLines = 4000
	maxPackageFiles = 40
	maxMethods      = 8  // in one interface
	maxDirectDeps   = 44 // eight are what speaks Kubernetes, five what metrics and traces are made of: client-go is three modules, OpenTelemetry four
)

// larger lists the places that exceed a limit, each with its reason.
var larger = map[string]string{
	"internal/cli": "a file per noun, all on one session",
}

type goPackage struct {
	ImportPath, Dir string
	GoFiles         []string
	TestGoFiles     []string
	XTestGoFiles    []string
	Imports         []string
}

// packages lists the packages of this module, keyed by path relative to it.
func packages(t *testing.T) map[string]goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	pkgs := map[string]goPackage{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs[relative(p.ImportPath)] = p
	}
}

func relative(path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}

func TestLayers(t *testing.T) {
	t.Parallel()
	pkgs := packages(t)
	for _, name := range slices.Sorted(maps.Keys(pkgs)) {
		allowed, known := layers[name]
		if !known {
			t.Errorf("%s: say in layers what it may import", name)
			continue
		}
		for _, imp := range pkgs[name].Imports {
			inside := imp == module || strings.HasPrefix(imp, module+"/")
			if inside && !slices.Contains(allowed, relative(imp)) && !slices.Contains(allowed, "*") {
				t.Errorf("%s must not import %s", name, relative(imp))
			}
			if name == "." && strings.Contains(imp, ".") {
				t.Errorf("the domain imports %s; it may import the standard library only", imp)
			}
			for prefix, rule := range external {
				if strings.HasPrefix(imp, prefix) && !slices.ContainsFunc(rule.packages, covers(name)) {
					t.Errorf("%s must not import %s: %s", name, imp, rule.reason)
				}
			}
		}
	}
	for name := range layers {
		if _, ok := pkgs[name]; !ok {
			t.Errorf("layers names %s, which does not exist", name)
		}
	}
}

// covers returns whether a pattern of external means the package: its name, or
// "x/..." for x and what is below it.
func covers(pkg string) func(pattern string) bool {
	return func(pattern string) bool {
		tree, ok := strings.CutSuffix(pattern, "/...")
		return pattern == pkg || ok && (tree == pkg || strings.HasPrefix(pkg, tree+"/"))
	}
}

// TestPureLayers holds the packages that decide to what they are given: no
// clock, no randomness, no goroutine, no I/O.
func TestPureLayers(t *testing.T) {
	t.Parallel()
	pkgs := packages(t)
	banned := []string{"os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "database/sql", "os/exec", "io/fs", "sync"}
	for _, name := range []string{".", "internal/flow", "internal/strategy", "internal/artifact/match", "internal/window", "internal/near", "internal/template", "internal/lint", "internal/expr", "internal/expr/java", "internal/expr/regex", "internal/expr/syntax", "internal/expr/value", "internal/provider/kubernetes/diagnose", "internal/provider/kubernetes/manifest", "internal/provider/kubernetes/slim"} {
		for _, imp := range pkgs[name].Imports {
			if slices.Contains(banned, imp) {
				t.Errorf("%s is pure and must not import %s", name, imp)
			}
		}
		eachFile(t, pkgs[name], pkgs[name].GoFiles, func(fset *token.FileSet, f *ast.File, _ []byte) {
			ast.Inspect(f, func(n ast.Node) bool {
				if g, ok := n.(*ast.GoStmt); ok {
					t.Errorf("%s: a pure package starts a goroutine", fset.Position(g.Pos()))
				}
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "After", "Sleep"}, s.Sel.Name) {
						t.Errorf("%s: a pure package reads the clock", fset.Position(s.Pos()))
					}
				}
				return true
			})
		})
	}
}

// eachFile parses files of a package.
func eachFile(t *testing.T, p goPackage, files []string, do func(*token.FileSet, *ast.File, []byte)) {
	t.Helper()
	fset := token.NewFileSet()
	for _, name := range files {
		path := filepath.Join(p.Dir, name)
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(fset, path, src, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		do(fset, f, src)
	}
}

// TestSource holds the production code to the house style.
func TestSource(t *testing.T) {
	t.Parallel()
	for name, p := range packages(t) {
		docs, total := 0, 0
		eachFile(t, p, p.GoFiles, func(fset *token.FileSet, f *ast.File, src []byte) {
			if f.Doc != nil {
				docs++
			}
			lines := bytes.Count(src, []byte("\n"))
			total += lines
			limit(t, name+"/"+filepath.Base(fset.Position(f.Pos()).Filename), "lines", lines, maxFileLines)
			for _, d := range f.Decls {
				checkDecl(t, fset, name, d)
			}
		})
		if docs != 1 {
			t.Errorf("%s: %d package comments, want 1", name, docs)
		}
		limit(t, name, "lines", total, maxPackageLines)
		limit(t, name, "files", len(p.GoFiles), maxPackageFiles)
	}
}

func limit(t *testing.T, place, what string, n, most int) {
	t.Helper()
	if n > most && larger[place] == "" {
		t.Errorf("%s has %d %s, more than %d: make it smaller, or say in larger why not", place, n, what, most)
	}
}

func checkDecl(t *testing.T, fset *token.FileSet, pkg string, d ast.Decl) {
	t.Helper()
	switch d := d.(type) {
	case *ast.FuncDecl:
		at := fset.Position(d.Pos())
		limit(t, pkg+"."+d.Name.Name, "lines", fset.Position(d.End()).Line-at.Line+1, maxFuncLines)
		if d.Recv == nil && d.Name.Name == "init" {
			t.Errorf("%s: no init functions: register in one visible list", at)
		}
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			t.Errorf("%s: %s has no doc comment", at, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				checkType(t, fset, pkg, d, s)
			case *ast.ValueSpec:
				checkValue(t, fset, d, s)
			}
		}
	}
}

// standard holds methods of interfaces of the standard library, which need no
// comment of their own.
var standard = []string{"Error", "Unwrap", "String", "Len", "Less", "MarshalJSON", "UnmarshalJSON", "Write", "Read", "Close"}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && id.IsExported() && !slices.Contains(standard, d.Name.Name)
}

func checkType(t *testing.T, fset *token.FileSet, pkg string, d *ast.GenDecl, s *ast.TypeSpec) {
	t.Helper()
	at := fset.Position(s.Pos())
	if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
		t.Errorf("%s: %s has no doc comment", at, s.Name.Name)
	}
	if it, ok := s.Type.(*ast.InterfaceType); ok {
		limit(t, pkg+"."+s.Name.Name, "methods", it.Methods.NumFields(), maxMethods)
	}
}

// constant matches what a package variable may hold: values that nothing
// changes afterwards; sync.OnceValues is one that is made at first use.
var constant = regexp.MustCompile(`^(errors\.New|fmt\.Errorf|regexp\.MustCompile|gennaker\.Errorf|strings\.NewReplacer|sync\.OnceValues)$`)

// checkValue allows package variables that are errors, patterns, tables and
// embedded files: nothing that changes.
func checkValue(t *testing.T, fset *token.FileSet, d *ast.GenDecl, s *ast.ValueSpec) {
	t.Helper()
	if d.Tok != token.VAR {
		return
	}
	for i, name := range s.Names {
		if name.Name == "_" || isEmbed(d.Doc) || isEmbed(s.Doc) {
			continue
		}
		if len(s.Values) <= i {
			t.Errorf("%s: package variable %s has no value: it can only be one that changes", fset.Position(s.Pos()), name.Name)
			continue
		}
		switch v := s.Values[i].(type) {
		case *ast.CallExpr:
			var b strings.Builder
			if err := format.Node(&b, fset, v.Fun); err != nil {
				t.Fatal(err)
			}
			if !constant.MatchString(b.String()) {
				t.Errorf("%s: package variable %s comes from %s: pass it instead", fset.Position(s.Pos()), name.Name, b.String())
			}
		case *ast.CompositeLit, *ast.BasicLit, *ast.BinaryExpr:
		default:
			t.Errorf("%s: package variable %s is not a constant table", fset.Position(s.Pos()), name.Name)
		}
	}
}

func isEmbed(g *ast.CommentGroup) bool {
	return g != nil && slices.ContainsFunc(g.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed") })
}

// TestAssignments finds package variables that are assigned to: tables are
// tables because nothing writes to them.
func TestAssignments(t *testing.T) {
	t.Parallel()
	for name, p := range packages(t) {
		vars := map[string]bool{}
		eachFile(t, p, p.GoFiles, func(_ *token.FileSet, f *ast.File, _ []byte) {
			for _, d := range f.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
					for _, s := range g.Specs {
						if v, ok := s.(*ast.ValueSpec); ok {
							for _, n := range v.Names {
								vars[n.Name] = n.Name != "_"
							}
						}
					}
				}
			}
		})
		eachFile(t, p, p.GoFiles, func(fset *token.FileSet, f *ast.File, _ []byte) {
			ast.Inspect(f, func(n ast.Node) bool {
				a, ok := n.(*ast.AssignStmt)
				if !ok || a.Tok == token.DEFINE {
					return true
				}
				for _, lhs := range a.Lhs {
					if x, ok := lhs.(*ast.IndexExpr); ok {
						lhs = x.X
					}
					if id, ok := lhs.(*ast.Ident); ok && vars[id.Name] && isPackageVar(f, id) {
						t.Errorf("%s: %s changes the package variable %s", fset.Position(a.Pos()), name, id.Name)
					}
				}
				return true
			})
		})
	}
}

// isPackageVar reports whether id is not a local name: the parser resolves
// local names to their declaration within the file.
func isPackageVar(f *ast.File, id *ast.Ident) bool {
	if id.Obj == nil {
		return true // declared in another file of the package
	}
	v, ok := id.Obj.Decl.(*ast.ValueSpec)
	if !ok {
		return false
	}
	return slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		g, ok := d.(*ast.GenDecl)
		return ok && slices.Contains(g.Specs, ast.Spec(v))
	})
}

// TestTests holds tests to the house style: they wait for events, not for time,
// and none is skipped without a reason that names what is missing.
func TestTests(t *testing.T) {
	t.Parallel()
	for name, p := range packages(t) {
		eachFile(t, p, append(slices.Clone(p.TestGoFiles), p.XTestGoFiles...), func(fset *token.FileSet, f *ast.File, src []byte) {
			fake := bytes.Contains(src, []byte("synctest.Test("))
			ast.Inspect(f, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				x, ok := s.X.(*ast.Ident)
				if ok && x.Name == "time" && s.Sel.Name == "Sleep" && !fake {
					t.Errorf("%s: %s: a test sleeps in real time: wait for an event", fset.Position(s.Pos()), name)
				}
				return true
			})
		})
	}
}

// TestFormat is gofmt -l.
func TestFormat(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		files := slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles)
		eachFile(t, p, files, func(fset *token.FileSet, f *ast.File, src []byte) {
			if out, err := format.Source(src); err != nil || !bytes.Equal(out, src) {
				t.Errorf("%s is not formatted: run gofmt -w", fset.Position(f.Pos()).Filename)
			}
		})
	}
}

// TestLeftovers finds notes of work that is not done, and paths of somebody's
// machine.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	note := regexp.MustCompile(`\b(` + "TO" + `DO|FIX` + `ME|XX` + `X)\b|not ` + `implemented`)
	for _, p := range packages(t) {
		files := slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles)
		eachFile(t, p, files, func(fset *token.FileSet, _ *ast.File, src []byte) {
			for i, line := range bytes.Split(src, []byte("\n")) {
				if note.Match(line) {
					t.Errorf("%s: line %d: do it now, or file an issue: %s", p.ImportPath, i+1, line)
				}
			}
		})
	}
}

// TestDependencies bounds the direct dependencies, and wants a line for each in
// docs/dependencies.md.
func TestDependencies(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all").Output()
	if err != nil {
		t.Fatalf("go list -m: %v", err)
	}
	deps := strings.Fields(string(out))
	if len(deps) > maxDirectDeps {
		t.Errorf("%d direct dependencies, more than %d", len(deps), maxDirectDeps)
	}
	doc, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deps {
		if !bytes.Contains(doc, []byte(d)) {
			t.Errorf("docs/dependencies.md says nothing of %s", d)
		}
	}
}

// TestArchitectureTable compares the table in ARCHITECTURE.md with layers.
func TestArchitectureTable(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|[^|]*\\| ([^|]*) \\|$")
	got := map[string]string{}
	for _, m := range row.FindAllSubmatch(doc, -1) {
		got[string(m[1])] = string(m[2])
	}
	for _, name := range slices.Sorted(maps.Keys(layers)) {
		want := "nothing"
		switch {
		case slices.Contains(layers[name], "*"):
			want = "everything"
		case len(layers[name]) > 0:
			list := slices.Sorted(slices.Values(layers[name]))
			for i := range list {
				list[i] = "`" + list[i] + "`"
			}
			want = strings.Join(list, ", ")
		}
		if got[name] != want {
			t.Errorf("ARCHITECTURE.md says that %s may import %q, layers says %q; the row is\n%s", name, got[name], want,
				fmt.Sprintf("| `%s` | … | %s |", name, want))
		}
	}
}

package app_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/expr/syntax"
	stages "github.com/gennaker/gennaker/internal/stage"
)

// tally counts what became of the definitions, and of what is in them.
type tally struct {
	files, saved, planned       int
	refused                     int // for a type that is not known
	known, knownRan             int // definitions of types that run here; those that ran to SUCCEEDED
	others, othersRan           int // definitions in which waits stood in; those that ran to SUCCEEDED
	ends                        map[string]int
	types                       map[string]*typeTally
	texts, parts, valued, wrong int               // of expressions
	features                    map[string][2]int // → expressions that have it, and those of them with a value
	reasons                     map[string]int    // why expressions have none
}

// typeTally counts what became of the stages of a type.
type typeTally struct {
	definitions, stages int
	simulated, served   int            // that SUCCEEDED in one of the runs
	asWritten           int            // that did without help
	why                 map[string]int // why others did not without help
	unknown, standIn    bool
}

func newTally() *tally {
	return &tally{ends: map[string]int{}, types: map[string]*typeTally{}, features: map[string][2]int{}, reasons: map[string]int{}}
}

func (sum *tally) of(kind string) *typeTally {
	if sum.types[kind] == nil {
		sum.types[kind] = &typeTally{why: map[string]int{}}
	}
	return sum.types[kind]
}

// definition counts a definition with stages of those types, by refId.
func (sum *tally) definition(types map[string]string) {
	seen := map[string]bool{}
	for _, kind := range types {
		sum.of(kind).stages++
		if !seen[kind] {
			seen[kind] = true
			sum.of(kind).definitions++
		}
	}
}

// outcome counts what the runs of a definition came to; those after asWritten had
// help.
func (sum *tally) outcome(types map[string]string, away map[string]bool, simulated, served []outcome, asWritten int) {
	last := served[len(served)-1]
	switch ok := last.status == gennaker.Succeeded; {
	case len(away) > 0:
		sum.others++
		if ok {
			sum.othersRan++
		}
	default:
		sum.known++
		if ok {
			sum.knownRan++
		}
	}
	succeeded := func(runs []outcome, ref string) bool {
		return slices.ContainsFunc(runs, func(o outcome) bool { return o.stages[ref] == gennaker.Succeeded })
	}
	for ref, kind := range types {
		n := sum.of(kind)
		if away[kind] {
			n.standIn = true
			continue
		}
		if succeeded(simulated, ref) {
			n.simulated++
		}
		if succeeded(served, ref) {
			n.served++
		}
		first := served[0]
		switch why := first.why[ref]; {
		case succeeded(served[:asWritten], ref):
			n.asWritten++
		case why == "":
			n.why[fmt.Sprintf("%s, behind one that failed", first.stages[ref])]++
		default:
			n.why[fmt.Sprintf("%s: %s", first.stages[ref], general(why))]++
		}
	}
	if last.status != gennaker.Succeeded {
		for ref, kind := range types {
			if why := last.why[ref]; last.stages[ref].Halt() {
				sum.ends[fmt.Sprintf("%s at `%s`: %s", last.status, kind, general(why))]++
			}
		}
	}
}

var (
	quoted = regexp.MustCompile(`"[^"]*"|\$\{[^}]*\}|\b\S+/\S+-v\d+\b`)
	after  = regexp.MustCompile(`; .*`)
)

// general returns a reason without what is of one definition only.
func general(why string) string {
	return strings.ReplaceAll(after.ReplaceAllString(quoted.ReplaceAllString(why, "…"), ""), "|", "\\|")
}

// expressions evaluates the expressions of the stages of a definition, each as
// its stage in an execution sees it.
func (sum *tally) expressions(w *world, x gennaker.Execution, list []gennaker.StageConfig) {
	w.t.Helper()
	ids := map[string]string{}
	for _, st := range x.Stages {
		if st.ParentStageID == "" {
			ids[st.RefID] = st.ID
		}
	}
	for _, st := range list {
		for _, text := range texts(st.Context) {
			sum.texts++
			sum.wrong += len(expr.Check(text, nil))
			parts, err := syntax.Split(text)
			if err != nil {
				w.t.Errorf("%s: %v", x.Name, err)
				continue
			}
			for _, p := range parts {
				if p.Expression {
					sum.expression(w, x.ID, ids[st.RefID], p.Text)
				}
			}
		}
	}
}

// texts returns the texts in v that have expressions.
func texts(v any) (out []string) {
	switch v := v.(type) {
	case object:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, texts(v[k])...)
		}
	case []any:
		for _, x := range v {
			out = append(out, texts(x)...)
		}
	case string:
		if strings.Contains(v, "${") {
			out = append(out, v)
		}
	}
	return out
}

// expression parses and evaluates one expression.
func (sum *tally) expression(w *world, execution, stage, text string) {
	w.t.Helper()
	root, syntaxErr := syntax.Parse(text)
	if syntaxErr != nil {
		w.t.Errorf("${%s}: %v", text, syntaxErr)
		return
	}
	sum.parts++
	got, err := w.EvaluateExpression(w.ctx, execution, stage, "${"+text+"}")
	if err != nil {
		w.t.Errorf("${%s}: %v", text, err)
		return
	}
	if len(got.Findings) == 0 {
		sum.valued++
	} else {
		sum.reasons[got.Findings[0].Message]++
	}
	found := map[string]bool{}
	featuresIn(root, found)
	for f := range found {
		n := sum.features[f]
		n[0]++
		if len(got.Findings) == 0 {
			n[1]++
		}
		sum.features[f] = n
	}
}

// constructs are the features that the page lists even if no expression has them.
var constructs = []string{
	"`a ?: b`", "`a ? b : c`", "`a?.b`", "`list.?[condition]`", "`list.^[condition]`, `list.$[condition]`", "`list.![each]`",
	"`a['key']`", "`list[0]`", "`a[b]`", "`a == b` and other comparisons", "`a && b`, `a || b`, `!a`", "`a + b` and other arithmetic",
	"`a matches 'pattern'`", "`a instanceof b`, `a between b`", "`{a, b}`, `{a: b}`", "`T(type)`", "`new type()`", "`a.method()`",
	"`parameters`", "`trigger`", "`execution`", "`templateVariables`", "another name",
}

// featuresIn collects the features of an expression from its syntax tree.
func featuresIn(n syntax.Node, found map[string]bool) {
	if n == nil {
		return
	}
	if f := featureOf(n); f != "" {
		found[f] = true
	}
	for _, x := range syntax.Children(n) {
		featuresIn(x, found)
	}
}

func featureOf(n syntax.Node) string {
	switch n := n.(type) {
	case *syntax.Elvis:
		return "`a ?: b`"
	case *syntax.Conditional:
		return "`a ? b : c`"
	case *syntax.Selection:
		if n.Which == '?' {
			return "`list.?[condition]`"
		}
		return "`list.^[condition]`, `list.$[condition]`"
	case *syntax.Projection:
		return "`list.![each]`"
	case *syntax.Index:
		key, _ := n.Key.(*syntax.Literal)
		if key == nil {
			return "`a[b]`"
		}
		if _, ok := key.Value.(string); ok {
			return "`a['key']`"
		}
		return "`list[0]`"
	case *syntax.Unary:
		if n.Op == "!" {
			return "`a && b`, `a || b`, `!a`"
		}
		return "`a + b` and other arithmetic"
	case *syntax.Binary:
		return operators[n.Op]
	case *syntax.List, *syntax.Mapping:
		return "`{a, b}`, `{a: b}`"
	case *syntax.TypeRef:
		return "`T(type)`"
	case *syntax.Construct:
		return "`new type()`"
	case *syntax.Method:
		return "`a.method()`"
	case *syntax.Function:
		return "`#" + n.Name + "`"
	case *syntax.Property:
		if n.Safe {
			return "`a?.b`"
		}
		if name := "`" + n.Name + "`"; n.Target == nil && slices.Contains(constructs, name) {
			return name
		}
		if n.Target == nil {
			return "another name"
		}
	}
	return ""
}

var operators = map[string]string{
	"==": "`a == b` and other comparisons", "!=": "`a == b` and other comparisons", "<": "`a == b` and other comparisons",
	"<=": "`a == b` and other comparisons", ">": "`a == b` and other comparisons", ">=": "`a == b` and other comparisons",
	"&&": "`a && b`, `a || b`, `!a`", "||": "`a && b`, `a || b`, `!a`",
	"+": "`a + b` and other arithmetic", "-": "`a + b` and other arithmetic", "*": "`a + b` and other arithmetic",
	"/": "`a + b` and other arithmetic", "%": "`a + b` and other arithmetic", "^": "`a + b` and other arithmetic",
	"matches": "`a matches 'pattern'`", "instanceof": "`a instanceof b`, `a between b`", "between": "`a instanceof b`, `a between b`",
}

// page writes docs/reference/compatibility.md.
func (sum *tally) page(types *stages.Registry) string {
	var b strings.Builder
	b.WriteString(`# Real pipelines

This page is made by ` + "`go test ./internal/app -run Corpus -update`" + `, from pipelines and
templates of public repositories, which are not part of Gennaker. Of them it has
only names of stage types, messages and counts.

`)
	fmt.Fprintf(&b, "| definitions | %d |\n| --- | ---: |\n| saved, and read back as they were | %d |\n| linted and planned by a server | %d |\n", sum.files, sum.saved, sum.planned)
	fmt.Fprintf(&b, "| refused at the start for a stage type that is not known | %d |\n| of types that run here only, run to `SUCCEEDED` | %d of %d |\n", sum.refused, sum.knownRan, sum.known)
	fmt.Fprintf(&b, "| with waits in place of other types, run to `SUCCEEDED` | %d of %d |\n", sum.othersRan, sum.others)
	for _, how := range slices.Sorted(maps.Keys(sum.ends)) {
		fmt.Fprintf(&b, "| %s | %d |\n", how, sum.ends[how])
	}
	b.WriteString(help)
	b.WriteString("## Stage types\n\n| type | definitions | stages | `SUCCEEDED` in the simulation | on a server | here |\n| --- | ---: | ---: | ---: | ---: | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(sum.types)) {
		n := sum.types[name]
		if n.unknown {
			_, err := types.Find(name)
			first, _, _ := strings.Cut(fmt.Sprint(err), "; ")
			fmt.Fprintf(&b, "| `%s` | %d | %d | | | saved; refused at the start: %s |\n", name, n.definitions, n.stages, first)
			continue
		}
		if n.standIn {
			fmt.Fprintf(&b, "| `%s` | %d | %d | | | known; not run here, since it needs more than this test has |\n", name, n.definitions, n.stages)
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %d | %d | %d | %d | %s |\n", name, n.definitions, n.stages, n.simulated, n.served, n.here())
	}
	sum.expressionPage(&b)
	return b.String()
}

// help says what the definitions are given.
const help = `
Every definition is run twice, in the simulation of ` + "`gennaker pipeline plan`" + ` and on a real
server with providers in memory, and the statuses of all its stages are the same. Where one
fails, those beside it are not compared: chance decides how far they come.

For that the world has what a definition names, as the place that it is from would have:
accounts with their regions, load balancers, server groups that are to be replaced or
resized, clusters that know every kind, with the objects that are to be changed and the
Services that traffic moves to, the pipelines that it starts (each a trivial one, under the
ID that it names), and an earlier execution of those whose artifacts it looks for.
Parameters that have no value get one, and where there is a choice, each is tried; people
judge in favor, waits and windows are skipped, webhooks go to a server of the test, which
answers with the artifact that is expected. Of a template a pipeline is made with the
defaults of its variables.

Manifests that lie in GitHub or in Google's storage are fetched from a server of the test,
which has a Deployment for every file, with the name of the file and an image of that name.
What a definition leaves blank for whoever installs it, as ` + "`{%BUCKET_URI%}`" + `, is filled in. In
the simulation, which fetches nothing, such a stage is taken to succeed.

Two things are changed in a definition itself, and only where they must be. A stage of a
type that does not run here becomes a ` + "`wait`" + ` of the same name or, if others expect the
artifact of a ` + "`bakeManifest`" + `, an ` + "`evaluateArtifacts`" + ` that makes one like those above; it is
not counted below. And clusters of ` + "`deploy`" + ` that name an image of another cloud, or one that
a stage bakes, are refused as they are, since there is nothing to run in them: they run once
more with an ` + "`artifact`" + ` put in, and without ` + "`interestingHealthProviderNames`" + `, if they wait for
the word of another cloud: such a stage fails after two hours. The last column says what
becomes of stages as they are, and with that help.

`

// here says how stages of a type end as they are written, and why.
func (n *typeTally) here() string {
	if n.asWritten == n.stages {
		return "all succeed as they are"
	}
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(n.why)) {
		why = append(why, fmt.Sprintf("%d %s", n.why[reason], reason))
	}
	out := fmt.Sprintf("%d succeed as they are; %s", n.asWritten, strings.Join(why, "; "))
	if n.served > n.asWritten {
		out += fmt.Sprintf("; %d succeed with help", n.served-n.asWritten)
	}
	return out
}

func (sum *tally) expressionPage(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Expressions\n\nStages have %d texts with %d expressions; %d things in them can never be right.\n"+
		"Each was parsed, and evaluated by a server as its stage saw it at the end of the run above: %d have a value. The others:\n\n"+
		"| could not be evaluated, because | expressions |\n| --- | ---: |\n", sum.texts, sum.parts, sum.wrong, sum.valued)
	for _, why := range slices.Sorted(maps.Keys(sum.reasons)) {
		fmt.Fprintf(b, "| %s | %d |\n", strings.ReplaceAll(why, "|", "\\|"), sum.reasons[why])
	}
	b.WriteString("\nWhat is in them, from their syntax trees. What a feature gives that none of them has is held by the tests of the language.\n\n" +
		"| feature | expressions | evaluated | here |\n| --- | ---: | ---: | --- |\n")
	row := func(name, here string) {
		n := sum.features[name]
		if n[0] > 0 && n[1] == n[0] {
			here += "; all evaluated"
		}
		fmt.Fprintf(b, "| %s | %d | %d | %s |\n", strings.ReplaceAll(name, "|", "\\|"), n[0], n[1], here)
	}
	for _, name := range constructs {
		row(name, "built in")
	}
	known := expr.Functions()
	names := slices.Collect(maps.Keys(known))
	for f := range sum.features {
		if name, ok := strings.CutPrefix(strings.Trim(f, "`"), "#"); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		here := "built in"
		if f, ok := known[name]; !ok {
			here = "refused: there is no such function"
		} else if name == "canaryConfigNameToId" {
			here = "refused: #canaryConfigNameToId is not available here"
		} else if f.Call == nil {
			here = "given by the server"
		}
		row("`#"+name+"`", here)
	}
}

// checkCompatibility holds the shape of the page as it is committed.
func checkCompatibility(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "reference", "compatibility.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# Real pipelines\n", "\n## Stage types\n", "\n## Expressions\n", "| `wait` | "} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/reference/compatibility.md has no %q", want)
		}
	}
	for name := range expr.Functions() {
		if !strings.Contains(string(text), "\n| `#"+name+"` | ") {
			t.Errorf("docs/reference/compatibility.md has no function %s", name)
		}
	}
}

package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/client"
	"github.com/gennaker/gennaker/internal/app"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/simulate"
	stages "github.com/gennaker/gennaker/internal/stage"
)

// corpus is where real definitions lie: outside of this tree, and not everywhere.
const corpus = "../../../shared/corpus"

// tally counts what became of the definitions, and of what is in them.
type tally struct {
	files, saved, planned, complete, succeeded int

	ends      map[string]int      // "STATUS at type" → executions that did not succeed
	pipelines map[string]int      // stage type → pipelines that have it
	ran       map[string][2]int   // stage type → stages, and those of them that SUCCEEDED
	assumed   map[string]bool     // stage type → it is not simulated
	features  map[string]int      // feature of expressions → expressions that have it
	checked   int                 // texts with expressions
	wrong     map[string][]string // file → what can never be right in its expressions
}

// TestCorpus saves, reads back, lints and plans every real definition, runs them
// in a simulation, and holds docs/reference/compatibility.md.
func TestCorpus(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(corpus); errors.Is(err, fs.ErrNotExist) {
		t.Logf("there is no %s: only the shape of the page is tested", corpus)
		checkCompatibility(t)
		return
	}
	types, err := app.Types()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	sum := &tally{ends: map[string]int{}, pipelines: map[string]int{}, ran: map[string][2]int{}, assumed: map[string]bool{}, features: map[string]int{}, wrong: map[string][]string{}}
	for _, dir := range []string{"pipeline", "mpt-v2-template"} {
		files, err := filepath.Glob(filepath.Join(corpus, dir, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sum.files++
			if doc := w.saveAndCompare(file, text); doc != nil {
				sum.saved++
				w.try(sum, types, file, doc)
			}
		}
	}
	for file, all := range sum.wrong {
		t.Logf("%s: %s", file, strings.Join(all, "; "))
	}
	comparePage(t, "compatibility.md", sum.page(types))
	checkCompatibility(t)
}

// try plans a saved definition, and runs it in a simulation in which stages of
// unknown types succeed.
func (w *world) try(sum *tally, types *stages.Registry, file string, text []byte) {
	w.t.Helper()
	if _, err := w.PlanPipeline(w.ctx, client.PlanRequest{Pipeline: text}); err != nil {
		w.t.Errorf("%s cannot be planned: %v", file, err)
		return
	}
	sum.planned++
	p, err := gennaker.ParsePipeline(text)
	if err != nil {
		w.t.Errorf("%s: %v", file, err)
		return
	}
	sum.expressions(file, p.Doc.Value)
	script, seen := simulate.Script{}, map[string]bool{}
	for _, st := range p.Stages {
		if _, err := types.Resolve(st.Type, st.Context); err != nil {
			script[st.RefID] = []simulate.Ending{{Type: st.Type}}
		}
		if !seen[st.Type] {
			seen[st.Type] = true
			sum.pipelines[st.Type]++
		}
	}
	plan, err := simulate.Plan(w.ctx, simulate.World{
		Registry: types, Script: script, Now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC),
	}, p, gennaker.Trigger{Parameters: required(p)})
	if err != nil {
		w.t.Errorf("%s cannot be simulated: %v", file, err)
		return
	}
	if len(script) == 0 {
		sum.complete++
	}
	sum.add(file, plan, len(script) == 0, w.t)
}

// required returns values for the parameters that have none by themselves.
func required(p gennaker.Pipeline) map[string]any {
	out := map[string]any{}
	list, _ := p.Doc.Value["parameterConfig"].([]any)
	for _, v := range list {
		m, _ := v.(map[string]any)
		name, _ := m["name"].(string)
		if d, ok := m["default"]; name == "" || ok && d != "" {
			continue
		}
		out[name] = "1"
		if options, _ := m["options"].([]any); len(options) > 0 {
			first, _ := options[0].(map[string]any)
			out[name] = first["value"]
		}
	}
	return out
}

func (sum *tally) add(file string, plan gennaker.Plan, complete bool, t *testing.T) {
	at := "its start"
	for _, st := range plan.Stages {
		n := sum.ran[st.Type]
		n[0]++
		if st.Status == gennaker.Succeeded {
			n[1]++
		} else if at == "its start" && st.Status != gennaker.NotStarted && st.Status != gennaker.Skipped {
			at = "`" + st.Type + "`"
		}
		sum.ran[st.Type] = n
		if st.Assumed {
			sum.assumed[st.Type] = true
		}
	}
	switch {
	case !complete:
	case plan.Status == gennaker.Succeeded:
		sum.succeeded++
	default:
		ending := string(plan.Status)
		if ending == "" {
			ending = "refused"
		}
		sum.ends[fmt.Sprintf("%s at %s", ending, at)]++
		t.Logf("%s: %s %s", file, plan.Status, plan.Refused)
		for _, st := range plan.Stages {
			if st.Reason != "" {
				t.Logf("  %s: %s %s", st.Type, st.Status, st.Reason)
			}
		}
	}
}

// constructs are the features of the language that a text shows.
var constructs = []struct {
	name string
	in   *regexp.Regexp
}{
	{"`a ?: b`", regexp.MustCompile(`\?:`)},
	{"`a ? b : c`", regexp.MustCompile(`\?[^.:\[]+:`)},
	{"`a?.b`", regexp.MustCompile(`\?\.\w`)},
	{"`list.?[condition]`", regexp.MustCompile(`\.\?\[`)},
	{"`list.![each]`", regexp.MustCompile(`\.!\[`)},
	{"`list.^[condition]`", regexp.MustCompile(`\.\^\[`)},
	{"`a['key']`", regexp.MustCompile(`\['`)},
	{"`list[0]`", regexp.MustCompile(`\[\d+\]`)},
	{"`a == b` and other comparisons", regexp.MustCompile(`[=!<>]=|[<>]`)},
	{"`a && b`, `a || b`, `and`, `or`", regexp.MustCompile(`&&|\|\||\band\b|\bor\b`)},
	{"`a matches 'pattern'`", regexp.MustCompile(`\bmatches\b`)},
	{"`T(type)`", regexp.MustCompile(`\bT\(`)},
	{"`new type()`", regexp.MustCompile(`\bnew [\w.]+\(`)},
	{"`a.method()`", regexp.MustCompile(`\w\.\w+\(`)},
	{"`parameters.name`", regexp.MustCompile(`\bparameters\b`)},
	{"`trigger.name`", regexp.MustCompile(`\btrigger\b`)},
	{"`execution.name`", regexp.MustCompile(`\bexecution\b`)},
	{"`templateVariables.name`", regexp.MustCompile(`\btemplateVariables\b`)},
}

// call is a call of a function.
var call = regexp.MustCompile(`#(\w+)\(`)

// expressions checks the texts of a document that have expressions.
func (sum *tally) expressions(file string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			sum.expressions(file, v[k])
		}
	case []any:
		for _, x := range v {
			sum.expressions(file, x)
		}
	case string:
		if !strings.Contains(v, "${") {
			return
		}
		sum.checked++
		for _, c := range constructs {
			if c.in.MatchString(v) {
				sum.features[c.name]++
			}
		}
		for _, m := range call.FindAllStringSubmatch(v, -1) {
			sum.features["`#"+m[1]+"`"]++
		}
		for _, e := range expr.Check(v, nil) {
			sum.wrong[file] = append(sum.wrong[file], e.Message)
		}
	}
}

// page writes docs/reference/compatibility.md.
func (sum *tally) page(types *stages.Registry) string {
	var b strings.Builder
	b.WriteString("# Real pipelines\n\nThis page is made by `go test ./internal/app -run Corpus -update`, from pipelines and\n" +
		"templates of public repositories, which are not part of Gennaker. Of them it has\nonly names of stage types and counts.\n\n")
	fmt.Fprintf(&b, "| definitions | %d |\n| --- | ---: |\n| saved, and read back as they were | %d |\n| linted and planned by a server | %d |\n", sum.files, sum.saved, sum.planned)
	fmt.Fprintf(&b, "| with known stage types only | %d |\n| of these, run in a simulation to `SUCCEEDED` | %d |\n", sum.complete, sum.succeeded)
	for _, how := range slices.Sorted(maps.Keys(sum.ends)) {
		fmt.Fprintf(&b, "| of these, %s | %d |\n", how, sum.ends[how])
	}
	b.WriteString("\nThe simulation makes the accounts and load balancers that a pipeline names, lets\npeople judge in favor, gives required parameters a value, and has no other\n" +
		"pipelines to start. Definitions that a template has are saved as they are; their\nstages are within it, so none of them is counted below, and they end at their start.\n\n" +
		"## Stage types\n\n| type | definitions | stages | of them `SUCCEEDED` | here |\n| --- | ---: | ---: | ---: | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(sum.pipelines)) {
		here, ran := "works: stages of it succeeded", sum.ran[name]
		switch _, err := types.Find(name); {
		case err != nil:
			first, _, _ := strings.Cut(err.Error(), ";")
			here, _, _ = strings.Cut(first, "; the stage types")
			here, ran = "saved; refused at the start: "+here, [2]int{}
		case sum.assumed[name]:
			here = "known, not simulated: taken to succeed"
		case ran[1] == 0:
			here = "known; none succeeded in the simulation"
		}
		fmt.Fprintf(&b, "| `%s` | %d | %d | %d | %s |\n", name, sum.pipelines[name], ran[0], ran[1], here)
	}
	wrong := 0
	for _, all := range sum.wrong {
		wrong += len(all)
	}
	fmt.Fprintf(&b, "\n## Expressions\n\n%d texts have expressions; in them are %d that can never be right.\nWhat each feature gives is held by the tests of the language itself.\n\n"+
		"| feature | texts | here |\n| --- | ---: | --- |\n", sum.checked, wrong)
	for _, c := range constructs {
		fmt.Fprintf(&b, "| %s | %d | no error found |\n", strings.ReplaceAll(c.name, "|", "\\|"), sum.features[c.name])
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
		fmt.Fprintf(&b, "| `#%s` | %d | %s |\n", name, sum.features["`#"+name+"`"], here)
	}
	return b.String()
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

// saveAndCompare saves a definition under a name of its own, and returns what
// was saved; nil if that failed or came back otherwise.
func (w *world) saveAndCompare(file string, text []byte) []byte {
	w.t.Helper()
	read := func(text []byte) object {
		out := object{}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&out); err != nil {
			w.t.Fatalf("%s: %v", file, err)
		}
		return out
	}
	doc := read(text)
	if app, _ := doc["application"].(string); app == "" {
		doc["application"] = "corpus"
	}
	doc["name"] = filepath.Base(file) // several have the same one, and the same id
	delete(doc, "id")
	text, err := json.Marshal(doc)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.SaveAndLintPipeline(w.ctx, text, false); err != nil {
		w.t.Errorf("%s cannot be saved: %v", file, err)
		return nil
	}
	p, err := w.Pipeline(w.ctx, doc["application"].(string), filepath.Base(file))
	if err != nil {
		w.t.Errorf("%s cannot be read: %v", file, err)
		return nil
	}
	got := read(p.Document)
	for _, m := range []object{doc, got} {
		maps.DeleteFunc(m, func(k string, _ any) bool {
			return k == "id" || k == "index" || k == "updateTs" || k == "lastModified" || k == "lastModifiedBy"
		})
	}
	if diff := cmp.Diff(doc, got); diff != "" {
		w.t.Errorf("%s changed: %s", file, diff)
		return nil
	}
	return text
}

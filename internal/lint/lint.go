// Package lint finds what is wrong with a pipeline before it runs: expressions
// that cannot be read, names that nothing has, fields that nobody reads. It is
// pure.
//
//	for _, w := range lint.Lint(p, lint.Known{Stages: registry}) {
//		fmt.Println(w) // line 7, column 22: stages[1].waitTime: there is no parameter 'tme'
//	}
//
// Nothing that it finds keeps a pipeline from being saved: what Spinnaker takes
// is taken. Names are looked up as far as they are written out; one that is made
// by an expression is not judged.
package lint

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/stage"
)

// Severity is how bad a Warning is.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"   // it cannot work
	Suspect Severity = "warning" // it is hardly what was meant
	Info    Severity = "info"    // good to know
)

// Warning is something in a pipeline that its author should look at.
type Warning struct {
	gennaker.Problem
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"`            // one of Rules
	Hint     string   `json:"hint,omitzero"`   // what would be right
	Offset   int      `json:"offset,omitzero"` // in bytes, within the string at Path
}

// Known is what is known beside the pipeline. Rules that need what is not there
// are left out.
type Known struct {
	Stages    *stage.Registry
	Functions map[string]expr.Function // that expressions can call beside the built-in ones
	// Pipeline returns nil for a pipeline that exists, NotFound for one that
	// does not, another error if it is not known.
	Pipeline func(application, nameOrID string) error
}

// maxWarnings bounds what is found in one pipeline.
const maxWarnings = 200

// Text returns what is wrong with the text of a pipeline, or of a template of
// pipelines, in its order: why it could not be saved, too.
//
// Errors: as [gennaker.ParseDocument], for what is no JSON object.
func Text(text []byte, k Known) ([]Warning, error) {
	p, err := gennaker.ParsePipeline(text)
	if p.Doc == nil {
		return nil, err
	}
	if found, ok := template(p.Doc, k); ok {
		return found, nil
	}
	return ordered(append(Lint(p, k), refused(err)...)), nil
}

// Lint returns what is wrong with p, in the order of its text.
func Lint(p gennaker.Pipeline, k Known) []Warning {
	if p.Doc == nil {
		return nil
	}
	return newLinter(p, k).lint()
}

// refused returns what ParsePipeline said as warnings.
func refused(err error) []Warning {
	e, ok := errors.AsType[*gennaker.Error](err)
	if !ok {
		return nil
	}
	var out []Warning
	for _, p := range e.Problems[:min(len(e.Problems), maxWarnings)] {
		out = append(out, Warning{Problem: p, Severity: Error, Rule: ruleDefinition})
	}
	return out
}

// template lints the pipeline within a template; ok is whether doc is one.
func template(doc *gennaker.Document, k Known) (found []Warning, ok bool) {
	const key = "pipeline"
	inner, isObject := doc.Value[key].(map[string]any)
	if !isObject || doc.Value["schema"] != "v2" || doc.Value["stages"] != nil {
		return nil, false
	}
	inner = maps.Clone(inner)
	for _, k := range []string{"name", "application"} { // which a template need not have
		if inner[k] == nil {
			inner[k] = "template"
		}
	}
	text, err := json.Marshal(inner)
	if err != nil {
		return nil, true // it came from JSON
	}
	p, err := gennaker.ParsePipeline(text)
	if p.Doc == nil {
		return nil, true
	}
	l := newLinter(p, k)
	l.variables = map[string]bool{}
	variables, _ := doc.Value["variables"].([]any)
	for _, v := range variables {
		m, _ := v.(map[string]any)
		if name, ok := m["name"].(string); ok {
			l.variables[name] = true
		}
	}
	for _, w := range append(l.lint(), refused(err)...) {
		w.Path = strings.TrimSuffix(key+"."+w.Path, ".")
		w.Problem.Line, w.Column = 0, 0
		w.Problem = doc.Locate([]gennaker.Problem{w.Problem})[0]
		if w.Offset > 0 {
			w.Line, w.Column = doc.Within(w.Path, w.Offset)
		}
		found = append(found, w)
	}
	return ordered(found), true
}

// ordered puts warnings in the order of the text, each once.
func ordered(all []Warning) []Warning {
	slices.SortStableFunc(all, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Path, b.Path), strings.Compare(a.Rule, b.Rule))
	})
	return slices.Compact(all)
}

// Strict returns all with every warning an error.
func Strict(all []Warning) []Warning {
	out := slices.Clone(all)
	for i := range out {
		if out[i].Severity == Suspect {
			out[i].Severity = Error
		}
	}
	return out
}

// linter is the work on one pipeline.
type linter struct {
	gennaker.Pipeline
	known     Known
	templated bool                               // the rest of it is in a template
	byRef     map[string]int                     // index of the first stage with a refId
	before    [][]bool                           // for each stage, those that end before it begins; nil is not yet known
	variables map[string]bool                    // of a template whose pipeline this is; nil for others
	declared  map[string]int                     // index of the first parameter with a name
	names     []string                           // of the parameters
	called    map[expr.NameKind]map[string][]int // the stages of a label
	unsure    bool                               // whether a stage's name is made by an expression
	children  map[string]error                   // what known.Pipeline said
	found     []Warning
}

func newLinter(p gennaker.Pipeline, k Known) *linter {
	l := &linter{
		Pipeline: p, known: k, before: make([][]bool, len(p.Stages)),
		byRef: map[string]int{}, declared: map[string]int{}, children: map[string]error{},
		called: map[expr.NameKind]map[string][]int{expr.NameStage: {}, expr.NameStageRef: {}},
	}
	l.templated = p.Doc.Value["type"] == "templatedPipeline" || p.Doc.Value["schema"] == "v2" && p.Doc.Value["template"] != nil
	for i, s := range p.Stages {
		if _, ok := l.byRef[s.RefID]; !ok && s.RefID != "" {
			l.byRef[s.RefID] = i
		}
		l.unsure = l.unsure || dynamic(s.Name)
		for kind, labels := range l.called {
			labels[l.label(i, kind)] = append(labels[l.label(i, kind)], i)
		}
	}
	return l
}

func (l *linter) lint() []Warning {
	l.pipeline()
	for i := range l.Stages {
		l.stage(i)
	}
	l.artifacts()
	l.texts()
	return ordered(l.found)
}

// full reports whether more than enough was found.
func (l *linter) full() bool { return len(l.found) >= maxWarnings }

// add notes a warning about what is at path.
func (l *linter) add(s Severity, rule, path, hint, format string, args ...any) {
	if l.full() {
		return
	}
	p := l.Doc.Locate([]gennaker.Problem{{Path: path, Message: fmt.Sprintf(format, args...)}})[0]
	l.found = append(l.found, Warning{Problem: p, Severity: s, Rule: rule, Hint: hint})
}

// ancestors returns for each stage whether it ends before stage i begins.
func (l *linter) ancestors(i int) []bool {
	if l.before[i] == nil {
		seen := make([]bool, len(l.Stages))
		for open := []int{i}; len(open) > 0; {
			at := open[len(open)-1]
			open = open[:len(open)-1]
			for _, ref := range l.Stages[at].Requires {
				if j, ok := l.byRef[ref]; ok && !seen[j] {
					seen[j], open = true, append(open, j)
				}
			}
		}
		l.before[i] = seen
	}
	return l.before[i]
}

// raw returns stage i as it is written; nil if it is no object.
func (l *linter) raw(i int) map[string]any {
	list, _ := l.Doc.Value["stages"].([]any)
	if i >= len(list) {
		return nil
	}
	m, _ := list[i].(map[string]any)
	return m
}

func stagePath(i int) string { return fmt.Sprintf("stages[%d]", i) }

// dynamic reports whether a name is made by an expression.
func dynamic(name string) bool { return strings.Contains(name, "${") }

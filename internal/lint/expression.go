package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/expr/syntax"
	"github.com/gennaker/gennaker/internal/stage"
)

// foreign reports whether a field holds what is written in another language,
// which may have ${ } of its own.
func foreign(key string) bool {
	return key == "manifests" || key == "manifest" || key == "patchBody" || key == "command"
}

// outside is the stage of what is in no stage.
const outside = -1

// place is where a text with expressions stands.
type place struct {
	path    string
	stage   int // its index, or outside
	offset  int // of a position in the document, from one in the text
	foreign bool
	key     bool // the text is a key of what is at path
}

// texts checks the expressions of the whole document.
func (l *linter) texts() {
	for _, key := range slices.Sorted(maps.Keys(l.Doc.Value)) {
		v := l.Doc.Value[key]
		list, isList := v.([]any)
		if key != "stages" || !isList {
			l.value(v, place{path: key, stage: outside})
			continue
		}
		for i, x := range list {
			l.value(x, place{path: stagePath(i), stage: i})
		}
	}
}

func (l *linter) value(v any, at place) {
	switch v := v.(type) {
	case string:
		if dynamic(v) {
			l.text(v, at)
		}
	case []any:
		for i, x := range v {
			in := at
			in.path = fmt.Sprintf("%s[%d]", at.path, i)
			l.value(x, in)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if foreign(key) && v["skipExpressionEvaluation"] == true {
				continue
			}
			in := at
			in.path, in.foreign = at.path+"."+key, at.foreign || foreign(key)
			if dynamic(key) {
				named := in
				named.key = true
				l.text(key, named)
			}
			text, ok := v[key].(string)
			if ok && bare(v, key) && strings.TrimSpace(text) != "" {
				if braced := stage.Braced(text); braced != text {
					in.offset = -len("${")
					text = braced
				}
				l.text(text, in)
				continue
			}
			l.value(v[key], in)
		}
	}
}

// bare reports whether a field of an object is an expression that may be without
// ${ }: the condition of a stage, or a precondition.
func bare(m map[string]any, key string) bool {
	return key == "expression" && (m["type"] == "expression" || m["failureMessage"] != nil || len(m) == 1)
}

// at adds a warning about a byte of a text.
func (l *linter) at(s Severity, rule string, p place, pos int, hint, format string, args ...any) {
	before := len(l.found)
	l.add(s, rule, p.path, hint, format, args...)
	if len(l.found) > before && !p.key {
		w := &l.found[before]
		w.Offset = max(pos+p.offset, 0)
		w.Line, w.Column = l.Doc.Within(p.path, w.Offset)
	}
}

// text checks the expressions of a text, and what they refer to.
func (l *linter) text(text string, at place) {
	for _, e := range expr.Check(text, l.known.Functions) {
		rule, severity := ruleName, Error
		if e.Syntax {
			rule = ruleSyntax
		}
		if at.foreign {
			severity = Suspect
		}
		l.at(severity, rule, at, e.Pos, e.Hint, "%s", e.Message)
	}
	for _, n := range expr.Names(text) {
		l.refer(n, at)
	}
}

// refer looks for what an expression names.
func (l *linter) refer(n expr.Name, at place) {
	if l.templated || l.full() {
		return // it may be in the template
	}
	severity := Suspect
	if n.Optional {
		severity = Info
	}
	switch n.Kind {
	case expr.NameParameter:
		if _, ok := l.declared[n.Name]; !ok {
			l.at(severity, ruleParameter, at, n.Pos, meant(n.Name, l.names, "declare it in parameterConfig"),
				"the pipeline declares no parameter '%s'", shorten(n.Name))
		}
	case expr.NameTemplateVariable:
		if l.variables == nil {
			l.at(severity, ruleVariable, at, n.Pos, "use a parameter, or make the pipeline from a template",
				"there is no template variable '%s', since the pipeline is made from no template", shorten(n.Name))
		} else if !l.variables[n.Name] {
			l.at(severity, ruleVariable, at, n.Pos, meant(n.Name, slices.Sorted(maps.Keys(l.variables)), "declare it in variables"),
				"the template declares no variable '%s'", shorten(n.Name))
		}
	case expr.NameStage, expr.NameStageRef:
		if !n.Optional {
			l.stageReference(n, at)
		}
	case expr.NamePipeline:
		if err := l.lookup(l.Application, n.Name); err != nil {
			l.at(severity, rulePipeline, at, n.Pos, gennaker.HintOf(err), "application %s has no pipeline '%s'", l.Application, shorten(n.Name))
		}
	case expr.NameRoot, expr.NameArtifact, expr.NameArtifactType: // known when it runs
	}
}

// made are the beginnings of names of stages that other stages make.
var made = []string{"Deploy in ", "Clone in ", "Bake in ", "Check precondition", "Precondition", "Try to get properties"}

// stageReference looks for a stage that is named at a place.
func (l *linter) stageReference(n expr.Name, at place) {
	if n.Name == "" || dynamic(n.Name) || l.full() {
		return
	}
	matches := l.called[n.Kind][n.Name]
	if len(matches) == 0 {
		l.noStage(n, at)
		return
	}
	if at.stage == outside {
		return
	}
	before := func(j int) bool { return j == at.stage || l.ancestors(at.stage)[j] }
	first := matches[0]
	switch {
	case !before(first) && slices.ContainsFunc(matches, before):
		l.at(Suspect, ruleStageTwice, at, n.Pos, "give each a name of its own, or use #stageByRefId",
			"%d stages are named '%s'; the first one is taken, which need not have ended", len(matches), shorten(n.Name))
	case !before(first):
		l.at(Suspect, ruleStageOrder, at, n.Pos, "let this stage wait for it, by its requisiteStageRefIds",
			"%s need not have ended when this is evaluated", l.stageName(first))
	case len(matches) > 1 && n.Kind == expr.NameStage:
		l.at(Info, ruleStageTwice, at, n.Pos, "give each a name of its own, or use #stageByRefId",
			"%d stages are named '%s'; the first one is taken", len(matches), shorten(n.Name))
	}
}

// label is what a name of a kind calls stage j.
func (l *linter) label(j int, k expr.NameKind) string {
	if k == expr.NameStageRef {
		return l.Stages[j].RefID
	}
	return l.Stages[j].Name
}

// noStage notes a stage that there is not, unless it may be one that is made
// when the pipeline runs.
func (l *linter) noStage(n expr.Name, at place) {
	if l.unsure || slices.ContainsFunc(made, func(prefix string) bool { return strings.HasPrefix(n.Name, prefix) }) {
		return
	}
	var labels []string
	for j := range l.Stages {
		if label := l.label(j, n.Kind); l.called[n.Kind][label][0] == j {
			labels = append(labels, label)
		}
	}
	what, otherwise := "named", "the pipeline has no stages"
	if n.Kind == expr.NameStageRef {
		what = "with the refId"
	}
	if most := labels[:min(len(labels), 10)]; len(most) > 0 {
		otherwise = "there are '" + strings.Join(most, "', '") + "'"
	}
	l.at(Error, ruleStageMissing, at, n.Pos, meant(n.Name, labels, otherwise), "there is no stage %s '%s'", what, shorten(n.Name))
}

// constant returns the value of an expression that has the same value whatever
// happens, and whether it is one.
func constant(text string) (any, bool) {
	if strings.TrimSpace(text) == "" {
		return nil, false
	}
	parts, err := syntax.Split(stage.Braced(strings.TrimSpace(text)))
	if err != nil || len(parts) != 1 || !parts[0].Expression {
		return nil, false
	}
	root, err := syntax.Parse(parts[0].Text)
	if err != nil || !fixed(root) {
		return nil, false
	}
	v, summary := expr.Evaluate("${"+parts[0].Text+"}", expr.Env{Limits: expr.Limits{Steps: 1_000}})
	if s, ok := v.(string); ok && (strings.EqualFold(s, "true") || strings.EqualFold(s, "false")) {
		v = strings.EqualFold(s, "true")
	}
	return v, len(summary.Findings) == 0
}

// fixed reports whether n is made of literals and operators alone.
func fixed(n syntax.Node) bool {
	switch n.(type) {
	case *syntax.Literal, *syntax.Unary, *syntax.Binary, *syntax.Conditional, *syntax.Elvis, nil:
		return !slices.ContainsFunc(syntax.Children(n), func(x syntax.Node) bool { return !fixed(x) })
	}
	return false
}

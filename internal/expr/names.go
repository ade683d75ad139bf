package expr

import (
	"slices"
	"strings"

	"github.com/gennaker/gennaker/internal/expr/syntax"
)

// NameKind says what a Name is the name of.
type NameKind string

// The kinds of names.
const (
	NameRoot             NameKind = "root"             // x or #root.x: trigger, parameters and the like too
	NameParameter        NameKind = "parameter"        // parameters.x, trigger.parameters['x']
	NameTemplateVariable NameKind = "templateVariable" // templateVariables.x
	NameStage            NameKind = "stage"            // #stage('x'), execution.stages.?[name == 'x']: a name or an ID
	NameStageRef         NameKind = "stageRef"         // #stageByRefId('x')
	NameArtifact         NameKind = "artifact"         // #triggerResolvedArtifact('x')
	NameArtifactType     NameKind = "artifactType"     // #triggerResolvedArtifactByType('x')
	NamePipeline         NameKind = "pipeline"         // #pipelineId('x')
)

// Name is something that an expression names.
type Name struct {
	Kind NameKind
	Name string
	Pos  int // of the name or the text that has it, in bytes from the start of the text
	// Optional is whether the expression provides for there being none, as in
	// x ?: 'default', x?.y, x != null and #stageExists('x').
	Optional bool
}

// Names returns what the expressions of a text name, in the order of the text.
// Names that are computed, and those of elements within selections, are left
// out, and so is an expression that cannot be read.
//
// A condition that is written without ${ }, as in stageEnabled, is given as
// "${" + condition + "}"; positions are then two more.
func Names(text string) []Name {
	if !strings.Contains(text, "${") {
		return nil
	}
	parts, err := syntax.Split(text)
	if err != nil {
		return nil
	}
	var out []Name
	for _, p := range parts {
		if !p.Expression {
			continue
		}
		root, err := syntax.Parse(p.Text)
		if err != nil {
			continue
		}
		s := namer{offset: p.Pos}
		s.node(root, false)
		out = append(out, s.found...)
	}
	slices.SortStableFunc(out, func(a, b Name) int { return a.Pos - b.Pos })
	return out
}

// namedBy are the functions whose first argument is a name.
var namedBy = map[string]NameKind{
	"stage": NameStage, "stageExists": NameStage, "judgment": NameStage, "judgement": NameStage, "deployedServerGroups": NameStage,
	"manifestLabelValue": NameStage, "cfServiceKey": NameStage, "stageByRefId": NameStageRef, "triggerResolvedArtifact": NameArtifact,
	"triggerResolvedArtifactByType": NameArtifactType, "pipelineId": NamePipeline, "pipelineIdOrNull": NamePipeline,
}

// namer collects the names of one expression.
type namer struct {
	found  []Name
	offset int
	inside int // selections around
}

func (s *namer) add(kind NameKind, name string, at int, optional bool) {
	s.found = append(s.found, Name{kind, name, at + s.offset, optional})
}

// node visits n; optional is whether n may be null or absent.
func (s *namer) node(n syntax.Node, optional bool) {
	if name, target, at, safe, ok := memberOf(n); ok {
		s.member(name, target, at, optional)
		s.rest(n, target, safe)
		return
	}
	switch n := n.(type) {
	case nil:
		return
	case *syntax.Function:
		s.function(n)
	case *syntax.Method:
		s.method(n)
		return
	case *syntax.Elvis:
		s.node(n.X, true)
		s.node(n.Y, optional)
		return
	case *syntax.Binary:
		aware := (n.Op == "==" || n.Op == "!=") && (isNull(n.X) || isNull(n.Y))
		s.node(n.X, aware)
		s.node(n.Y, aware)
		return
	case *syntax.Selection:
		s.selection(n)
		s.element(n.Target, n.Cond, n.Safe)
		return
	case *syntax.Projection:
		s.element(n.Target, n.Each, n.Safe)
		return
	}
	for _, x := range syntax.Children(n) {
		s.node(x, false)
	}
}

func (s *namer) element(target, each syntax.Node, optional bool) {
	s.node(target, optional)
	s.inside++
	s.node(each, false)
	s.inside--
}

// rest visits what is within a member: its target, unless that is the root, and
// a key that is computed.
func (s *namer) rest(n, target syntax.Node, optional bool) {
	if target != nil && !isRoot(target) {
		s.node(target, optional)
	}
	if i, ok := n.(*syntax.Index); ok {
		if _, bare := i.Key.(*syntax.Property); !bare {
			s.node(i.Key, false)
		}
	}
}

// memberOf returns what n names in its target: target.name, target['name'] or
// target[name].
func memberOf(n syntax.Node) (name string, target syntax.Node, at int, safe, ok bool) {
	switch n := n.(type) {
	case *syntax.Property:
		return n.Name, n.Target, n.At(), n.Safe, true
	case *syntax.Index:
		switch key := n.Key.(type) {
		case *syntax.Literal:
			name, ok := key.Value.(string)
			return name, n.Target, key.At(), n.Safe, ok
		case *syntax.Property:
			return key.Name, n.Target, key.At(), n.Safe, key.Target == nil && n.Target != nil
		}
	}
	return "", nil, 0, false, false
}

// member finds what a member of a target is the name of, if anything.
func (s *namer) member(name string, target syntax.Node, at int, optional bool) {
	switch {
	case isRoot(target), target == nil && s.inside == 0:
		s.add(NameRoot, name, at, optional)
	case s.path(target, "parameters"), s.path(target, "trigger", "parameters"), s.path(target, "execution", "trigger", "parameters"):
		s.add(NameParameter, name, at, optional)
	case s.path(target, "templateVariables"), s.path(target, "execution", "templateVariables"):
		s.add(NameTemplateVariable, name, at, optional)
	}
}

// path reports whether n is names of the root within each other.
func (s *namer) path(n syntax.Node, names ...string) bool {
	for i := len(names) - 1; i >= 0; i-- {
		name, target, _, _, ok := memberOf(n)
		if !ok || name != names[i] {
			return false
		}
		n = target
	}
	return isRoot(n) || n == nil && s.inside == 0
}

func (s *namer) function(n *syntax.Function) {
	args := n.Args
	if len(args) > 0 && withExecution[n.Name] && isExecution(args[0]) {
		args = args[1:]
	}
	kind, ok := namedBy[n.Name]
	if !ok {
		return
	}
	for i, a := range args {
		if i > 0 && n.Name != "deployedServerGroups" {
			return
		}
		if name, ok := text(a); ok {
			s.add(kind, name, a.At(), n.Name == "stageExists" || n.Name == "pipelineIdOrNull")
		}
	}
}

// method visits a call; parameters.containsKey('x') names a parameter.
func (s *namer) method(n *syntax.Method) {
	s.node(n.Target, n.Safe)
	for _, a := range n.Args {
		if name, ok := text(a); ok && n.Name == "containsKey" && n.Target != nil {
			s.member(name, n.Target, a.At(), true)
		}
		s.node(a, false)
	}
}

// selection finds the stages that execution.stages.?[name == 'x'] names.
func (s *namer) selection(n *syntax.Selection) {
	if s.path(n.Target, "execution", "stages") {
		s.stages(n.Cond)
	}
}

func (s *namer) stages(n syntax.Node) {
	b, ok := n.(*syntax.Binary)
	if !ok {
		return
	}
	if b.Op == "&&" || b.Op == "||" {
		s.stages(b.X)
		s.stages(b.Y)
		return
	}
	kinds := map[string]NameKind{"name": NameStage, "id": NameStage, "refId": NameStageRef}
	for _, side := range [][2]syntax.Node{{b.X, b.Y}, {b.Y, b.X}} {
		field, target, _, _, ok := memberOf(side[0])
		if v, this := target.(*syntax.Variable); !ok || target != nil && (!this || v.Name != "this") {
			continue
		}
		kind, known := kinds[field]
		if name, ok := text(side[1]); ok && known && b.Op == "==" {
			s.add(kind, name, side[1].At(), false)
		}
	}
}

func text(n syntax.Node) (string, bool) {
	l, ok := n.(*syntax.Literal)
	if !ok {
		return "", false
	}
	s, ok := l.Value.(string)
	return s, ok
}

func isNull(n syntax.Node) bool {
	l, ok := n.(*syntax.Literal)
	return ok && l.Value == nil
}

package lint

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/near"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/window"
)

// generic are the fields that every stage may have, and those that Deck writes
// into every stage.
//
// Source: Spinnaker orca StageExecutionImpl and deck's stage editors.
var generic = []string{
	"type", "name", "refId", "requisiteStageRefIds", "startTimeExpiry", "comments", "alias", "isNew", "group", "inject", "inherited",
	"failPipeline", "continuePipeline", "completeOtherBranchesThenFail", "failOnFailedExpressions",
	"allowSiblingStagesToContinueOnFailure", "markSuccessfulOnTimeout", "stageTimeoutMs", "overrideTimeout", "backoffPeriodMs",
	"stageEnabled", "restrictExecutionDuringTimeWindow", "restrictedExecutionWindow", "skipWindowText",
	"sendNotifications", "notifications", "selectedStageRoles", "skipExpressionEvaluation",
	"expectedArtifacts", "requiredArtifacts", "requiredArtifactIds", "cloudProvider", "cloudProviderType", "providerType", "user",
}

// open are the types whose fields are those of what they make, which is the
// provider's to know.
var open = map[string]bool{"createServerGroup": true, "cloneServerGroup": true}

// stage looks at stage i by itself.
func (l *linter) stage(i int) {
	s, m := l.Stages[i], l.raw(i)
	if m == nil {
		return
	}
	l.failure(i, m)
	l.window(i, m)
	l.condition(i, m)
	l.preconditions(i, m)
	l.secrets(i, m)
	if s.Type == "pipeline" || s.Type == "findArtifactFromExecution" {
		l.child(stagePath(i)+".pipeline", m["application"], m["pipeline"])
	}
	if d := l.definition(i); d != nil {
		l.values(i, d.Type)
		if known := structFields(d.Config()); known != nil && !open[d.Type] {
			l.fields(stagePath(i), m, known, true)
		}
	}
}

// definition returns the type of stage i, or nil if it has none that is known.
//
// Source: Spinnaker orca StageResolver, which looks at alias second.
func (l *linter) definition(i int) *stage.Definition {
	s := l.Stages[i]
	if l.known.Stages == nil || s.Type == "" {
		return nil
	}
	path := stagePath(i) + ".type"
	d, err := l.known.Stages.Find(s.Type)
	if alias, ok := s.Context["alias"].(string); err != nil && ok {
		if a, found := l.known.Stages.Find(alias); found == nil {
			return a
		}
	}
	if err != nil || d.Internal {
		types := l.known.Stages.Types()
		l.add(Error, ruleType, path, meant(s.Type, types, "known are "+near.List(s.Type, types)),
			"there is no stage type '%s': the pipeline can be saved, but not started", shorten(s.Type))
		return nil
	}
	if d.Type != s.Type {
		l.add(Info, ruleDeprecated, path, "write '"+d.Type+"'", "'%s' is another name of the stage type '%s'", s.Type, d.Type)
	}
	return d
}

// values notes the fields that the stage cannot read.
func (l *linter) values(i int, typ string) {
	s := l.Stages[i]
	s.Type = typ // which alias may name
	for _, p := range l.known.Stages.Check([]gennaker.StageConfig{s}) {
		l.add(Error, ruleValue, stagePath(i)+strings.TrimPrefix(p.Path, stagePath(0)), "", "%s", p.Message)
	}
}

// fields notes the keys of m that none of known is called. Those that are not
// even near to one are noted at the top only: within, Spinnaker has more than
// what is known here.
func (l *linter) fields(path string, m map[string]any, known map[string]shape, top bool) {
	names := slices.Sorted(maps.Keys(known))
	if top {
		names = append(names, generic...)
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if l.full() {
			return
		}
		at := path + "." + key
		switch i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, key) }); {
		case i >= 0:
			l.within(at, m[key], known[names[i]])
		case dynamic(key):
		default:
			if c := nearest(key, names); c != "" && m[c] == nil {
				l.add(Suspect, ruleField, at, "did you mean '"+c+"'?", "there is no field '%s'", shorten(key))
			} else if top {
				l.add(Info, ruleField, at, "", "nothing reads the field '%s' of this stage", shorten(key))
			}
		}
	}
}

// within looks into a field that has fields itself.
func (l *linter) within(path string, v any, s shape) {
	if s.fields == nil {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		if !s.list {
			l.fields(path, v, s.fields(), false)
		}
	case []any:
		for i, x := range v {
			if m, ok := x.(map[string]any); ok && s.list {
				l.fields(fmt.Sprintf("%s[%d]", path, i), m, s.fields(), false)
			}
		}
	}
}

// failure notes options that do not go together.
//
// Source: Spinnaker orca StageExecution.failureStatus.
func (l *linter) failure(i int, m map[string]any) {
	path := stagePath(i)
	on := func(key string) bool { return m[key] == true || m[key] == "true" }
	off := func(key string) bool { return m[key] == false || m[key] == "false" }
	switch {
	case on("continuePipeline") && on("failPipeline"):
		l.add(Suspect, ruleFailure, path+".continuePipeline", "set failPipeline to false, or continuePipeline to false",
			"failPipeline and continuePipeline are both true: continuePipeline wins, and a failure of the stage is ignored")
	case on("continuePipeline") && on("completeOtherBranchesThenFail"):
		l.add(Suspect, ruleFailure, path+".completeOtherBranchesThenFail", "set one of the two to false",
			"completeOtherBranchesThenFail has no effect, since continuePipeline ignores a failure of the stage")
	case on("completeOtherBranchesThenFail") && !off("failPipeline"):
		l.add(Suspect, ruleFailure, path+".completeOtherBranchesThenFail", "set failPipeline to false too",
			"completeOtherBranchesThenFail has no effect, since failPipeline stops all branches at once")
	}
}

func (l *linter) window(i int, m map[string]any) {
	if on := m["restrictExecutionDuringTimeWindow"]; on != true && on != "true" {
		return
	}
	path := stagePath(i) + ".restrictedExecutionWindow"
	switch rules, ok := m["restrictedExecutionWindow"].(map[string]any); {
	case !ok && m["restrictedExecutionWindow"] != nil:
		l.add(Error, ruleWindow, path, "", "must be an object, with days and whitelist")
	case !ok:
		l.add(Suspect, ruleWindow, stagePath(i)+".restrictExecutionDuringTimeWindow", "add restrictedExecutionWindow, with days and whitelist",
			"the stage is restricted to an execution window, and has none")
	default:
		_, err := window.Parse(rules, time.UTC)
		if e, ok := errors.AsType[*gennaker.Error](err); ok {
			for _, p := range e.Problems {
				l.add(Error, ruleWindow, strings.TrimSuffix(path+"."+p.Path, "."), e.Hint, "%s", p.Message)
			}
		}
	}
}

// condition notes a stage that never runs.
func (l *linter) condition(i int, m map[string]any) {
	c, _ := m["stageEnabled"].(map[string]any)
	text, ok := c["expression"].(string)
	if !ok || c["type"] != "expression" {
		return
	}
	if v, ok := constant(text); ok && v != true && v != nil {
		l.add(Suspect, ruleConstant, stagePath(i)+".stageEnabled.expression", "",
			"the condition is always %v: the stage never runs", v)
	}
}

// preconditions looks at what a checkPreconditions stage asks for.
func (l *linter) preconditions(i int, m map[string]any) {
	list, _ := m["preconditions"].([]any)
	for j, v := range list {
		c, _ := v.(map[string]any)
		context, _ := c["context"].(map[string]any)
		path := fmt.Sprintf("%s.preconditions[%d].context.", stagePath(i), j)
		switch c["type"] {
		case "expression":
			if text, ok := context["expression"].(string); ok {
				if v, ok := constant(text); ok && v != true {
					l.add(Suspect, ruleConstant, path+"expression", "", "the precondition is always %v, which fails", v)
				}
			}
		case "stageStatus":
			if name, ok := context["stageName"].(string); ok {
				l.stageReference(expr.Name{Kind: expr.NameStage, Name: name}, place{path: path + "stageName", stage: i})
			}
		}
	}
}

// shorten bounds a name in a message.
func shorten(s string) string {
	const longest = 80
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "…"
}

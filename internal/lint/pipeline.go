package lint

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gennaker/gennaker"
)

// pipelineFields are the fields of a pipeline.
//
// Source: Spinnaker front50 Pipeline, deck IPipeline, managed templates.
var pipelineFields = []string{
	"id", "name", "application", "index", "type", "schema", "description", "email", "stages", "triggers", "parameterConfig", "parameters",
	"notifications", "expectedArtifacts", "limitConcurrent", "maxConcurrentExecutions", "keepWaitingPipelines", "disabled",
	"respectQuietPeriod", "spelEvaluator", "tags", "roles", "locked", "manualStartAlert", "lastModifiedBy", "lastModified", "updateTs",
	"template", "variables", "exclude", "inherit", "strategy", "source", "appConfig", "executionEngine", "parallel", "plan", "trigger",
	"templateVariables", "config", "startTimeExpiry", "serviceAccount", "createdFrom", "pipelineConfigId", "metadata",
}

// pipeline looks at what is not in a stage.
func (l *linter) pipeline() {
	doc := l.Doc.Value
	for _, key := range slices.Sorted(maps.Keys(doc)) {
		if slices.Contains(pipelineFields, key) {
			continue
		}
		if c := nearest(key, pipelineFields); c != "" && doc[c] == nil {
			l.add(Suspect, ruleKey, key, "did you mean '"+c+"'?", "a pipeline has no field '%s'", shorten(key))
		}
	}
	if stages, ok := doc["stages"].([]any); len(stages) == 0 && (ok || doc["stages"] == nil) && !l.templated {
		l.add(Suspect, ruleEmpty, "stages", "add a stage", "the pipeline has no stages: it fails when it is started")
	}
	l.evaluator()
	l.parameters()
	l.triggers()
	for i, s := range l.Stages {
		if m := l.raw(i); s.Type == "bakeManifest" && m["templateRenderer"] == "HELM2" {
			l.add(Info, ruleDeprecated, stagePath(i)+".templateRenderer", "write 'HELM3'", "Helm 2 is no longer maintained")
		}
	}
}

func (l *linter) evaluator() {
	v, ok := l.Doc.Value["spelEvaluator"].(string)
	switch {
	case !ok || v == "" || v == "v3" || v == "v4":
	case v == "v2":
		l.add(Suspect, ruleDeprecated, "spelEvaluator", "write 'v4'", "the evaluator v2 is no more: expressions are evaluated as in v3")
	default:
		l.add(Suspect, ruleDeprecated, "spelEvaluator", "write 'v4'", "there is no evaluator '%s': expressions are evaluated as in v3", shorten(v))
	}
}

func (l *linter) parameters() {
	list, _ := l.Doc.Value["parameterConfig"].([]any)
	for i, v := range list {
		m, _ := v.(map[string]any)
		name, _ := m["name"].(string)
		if j, ok := l.declared[name]; ok {
			l.add(Suspect, ruleParameters, fmt.Sprintf("parameterConfig[%d].name", i), "",
				"'%s' is already the name of parameterConfig[%d], whose default is taken", shorten(name), j)
		} else if name != "" {
			l.declared[name] = i
			l.names = append(l.names, name)
		}
	}
	for i, v := range list {
		m, _ := v.(map[string]any)
		condition, _ := m["condition"].(map[string]any)
		name, _ := condition["parameter"].(string)
		if _, ok := l.declared[name]; !ok && name != "" && !l.full() {
			path := fmt.Sprintf("parameterConfig[%d].condition.parameter", i)
			l.add(Suspect, ruleParameter, path, meant(name, l.names, ""), "there is no parameter '%s'", shorten(name))
		}
	}
}

func (l *linter) triggers() {
	list, _ := l.Doc.Value["triggers"].([]any)
	for i, v := range list {
		if m, _ := v.(map[string]any); m["type"] == "pipeline" {
			l.child(fmt.Sprintf("triggers[%d].pipeline", i), m["application"], m["pipeline"])
		}
	}
}

// child notes a pipeline that does not exist.
func (l *linter) child(path string, application, pipeline any) {
	app, _ := application.(string)
	name, ok := pipeline.(string)
	if app == "" {
		app = l.Application
	}
	if !ok || name == "" || dynamic(name) || dynamic(app) || name == l.ID {
		return
	}
	if err := l.lookup(app, name); err != nil {
		l.add(Suspect, rulePipeline, path, gennaker.HintOf(err), "application %s has no pipeline '%s'", shorten(app), shorten(name))
	}
}

// maxLookups bounds how many pipelines are asked for.
const maxLookups = 100

// lookup returns an error for a pipeline that does not exist.
func (l *linter) lookup(application, nameOrID string) error {
	if l.known.Pipeline == nil {
		return nil
	}
	key := application + "\x00" + nameOrID
	err, ok := l.children[key]
	if !ok && len(l.children) < maxLookups {
		if err = l.known.Pipeline(application, nameOrID); err != nil && gennaker.KindOf(err) != gennaker.NotFound {
			err = nil
		}
		l.children[key] = err
	}
	return err
}

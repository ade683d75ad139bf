package expr

import (
	"maps"

	"github.com/gennaker/gennaker/internal/expr/value"
)

// Root returns what the expressions of a stage see: the stage's context, and
// beside it trigger, parameters and scmInfo. For a pipeline, Env.Execution adds
// execution:
//
//	env := expr.Env{Root: expr.Root(context, trigger), Now: now}
//	if isPipeline {
//		env.Execution = func() map[string]any { … }
//	}
//
// Shape: context is what the stage sees of its own and of its ancestors'
// outputs; trigger is the execution's trigger in JSON's form, nil if it has
// none. Neither is changed; the result shares its values with them.
// Source: Spinnaker's ContextParameterProcessor.
func Root(context, trigger map[string]any) map[string]any {
	root := make(map[string]any, len(context)+3)
	maps.Copy(root, context)
	if trigger != nil {
		root["trigger"] = trigger
	}
	if p, ok := value.Entries(at(trigger, "parameters")); ok && len(p) > 0 {
		root["parameters"] = p
	} else if root["parameters"] == nil {
		root["parameters"] = map[string]any{}
	}
	scm, _ := value.Normal(at(context, "buildInfo", "scm"))
	if len(value.Items(scm)) == 0 {
		scm, _ = value.Normal(at(trigger, "buildInfo", "scm"))
	}
	root["scmInfo"] = source(value.Items(scm))
	return root
}

// source returns the change that was built: of several the first that is not
// on a main branch.
func source(scm []any) any {
	for _, s := range scm {
		if branch := at(s, "branch"); branch != "master" && branch != "develop" {
			return s
		}
	}
	if len(scm) == 0 {
		return nil
	}
	return scm[0]
}

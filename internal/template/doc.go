// Package template is Spinnaker's managed pipeline templates, version 2: a
// template is a pipeline with variables, a config is a pipeline document that
// names a template and gives values. It is pure: what it needs of the world, it
// is given.
//
//	t, err := template.Parse(doc)            // what was saved or fetched
//	err = t.Check()                          // may it be saved?
//	planned, err := template.Plan(template.Input{Config: config, Template: &t, Evaluate: evaluate})
//	planned.Pipeline                         // an ordinary pipeline document
//
// Shape: documents are JSON of map[string]any, []any, string, bool, nil and
// json.Number, as gennaker.ParseDocument makes them; what is planned may also
// hold the int64 and float64 of expressions.
//
// Source: Spinnaker orca-pipelinetemplate (v2) and Front50's templates.
package template

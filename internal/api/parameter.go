package api

// Parameter is what a query parameter means, whatever route reads it.
type Parameter struct {
	Type    string // of JSON: "string", "integer", "boolean"; "array" may be repeated and hold several, with commas
	Meaning string
}

// Parameters are all query parameters.
var Parameters = map[string]Parameter{
	"application":          {"string", "the name of an application"},
	"cloudProvider":        {"string", "only of this cloud provider"},
	"clusters":             {"array", "only of these clusters, each as account:name"},
	"container":            {"string", "the name of a container; absent is the first"},
	"digest":               {"string", "of a copy of a template"},
	"execution":            {"string", "only of the execution with this ID"},
	"executionId":          {"string", "the ID of an execution"},
	"executionIds":         {"array", "only the executions with these IDs"},
	"expand":               {"boolean", "whether the answer holds everything, or a summary"},
	"expression":           {"string", "text with ${ }"},
	"follow":               {"boolean", "whether to go on with what is written from now on"},
	"id":                   {"string", "only the one with this ID"},
	"instance":             {"string", "the name of an instance; absent is the newest"},
	"limit":                {"integer", "how many at most"},
	"page":                 {"integer", "which page, the first being 1"},
	"pipelineConfigIds":    {"array", "only the executions of the pipelines with these IDs"},
	"pipelineLimit":        {"integer", "of how many pipelines at most"},
	"pipelineNameFilter":   {"string", "only of pipelines with this in their names, whatever the case"},
	"provider":             {"string", "only of this cloud provider"},
	"reason":               {"string", "why, in the words of who asks"},
	"requisiteStageRefIds": {"array", "the stages that come before"},
	"scopes":               {"array", "only templates for these scopes"},
	"skipPlanDependents":   {"boolean", "whether to leave out the plans of what uses the template"},
	"spelVersion":          {"string", "the version of the expression language: v3 or v4"},
	"staleCheck":           {"boolean", "whether to refuse a document that was not made from the stored one"},
	"statuses":             {"array", "only executions with these statuses"},
	"strict":               {"boolean", "whether a warning is an error"},
	"tag":                  {"string", "of a copy of a template"},
	"tail":                 {"integer", "how many bytes of the end"},
}

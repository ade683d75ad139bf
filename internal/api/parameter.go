package api

// Parameter is what a query parameter means, whatever route reads it.
type Parameter struct {
	Type    string // of JSON: "string", "integer", "boolean"; "array" may be repeated and hold several, with commas
	Meaning string
}

// Parameters are all query parameters.
var Parameters = map[string]Parameter{
	"account":              {"string", "only of this account"},
	"after":                {"string", "where to go on: next, of the page before"},
	"allowShortQuery":      {"boolean", "whether to search for a text of less than 3 characters"},
	"application":          {"string", "the name of an application"},
	"applications":         {"array", "only of these applications"},
	"cloudProvider":        {"string", "only of this cloud provider"},
	"cluster":              {"string", "only of this cluster"},
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
	"ids":                  {"array", "only the server groups with these IDs, each as account:region:name"},
	"includeDetails":       {"boolean", "whether the answer holds everything; it always does"},
	"instance":             {"string", "the name of an instance; absent is the newest"},
	"limit":                {"integer", "how many at most"},
	"onlyEnabled":          {"boolean", "whether to choose among the enabled ones only"},
	"owner":                {"string", "only those of this email address"},
	"page":                 {"integer", "which page, the first being 1"},
	"pageSize":             {"integer", "how many in a page"},
	"pipelineConfigIds":    {"array", "only the executions of the pipelines with these IDs"},
	"pipelineLimit":        {"integer", "of how many pipelines at most"},
	"pipelineNameFilter":   {"string", "only of pipelines with this in their names, whatever the case"},
	"platform":             {"string", "only what this source knows: front50, or a cloud provider; aws is all"},
	"provider":             {"string", "only of this cloud provider"},
	"q":                    {"string", "a text"},
	"reason":               {"string", "why, in the words of who asks"},
	"region":               {"string", "only of this region"},
	"requisiteStageRefIds": {"array", "the stages that come before"},
	"scopes":               {"array", "only templates for these scopes"},
	"skipPlanDependents":   {"boolean", "whether to leave out the plans of what uses the template"},
	"spelVersion":          {"string", "the version of the expression language: v3 or v4"},
	"staleCheck":           {"boolean", "whether to refuse a document that was not made from the stored one"},
	"startingAccountName":  {"string", "from which account on"},
	"status":               {"array", "only with these: up, down, starting, disabled, destroying, empty, unknown"},
	"statuses":             {"array", "only executions with these statuses"},
	"strict":               {"boolean", "whether a warning is an error"},
	"tag":                  {"string", "of a copy of a template"},
	"tail":                 {"integer", "how many bytes of the end"},
	"type":                 {"array", "only of these types"},
	"validateOldest":       {"boolean", "whether there must be another one than the oldest"},
}

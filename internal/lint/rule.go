package lint

// Rule is a kind of warning.
type Rule struct {
	Name     string
	Severity Severity // the usual one
	Doc      string   // what it finds, in one sentence
}

// The names of the rules.
const (
	ruleDefinition    = "definition"
	ruleSyntax        = "expression-syntax"
	ruleName          = "expression-name"
	ruleConstant      = "constant-condition"
	ruleStageMissing  = "stage-missing"
	ruleStageOrder    = "stage-order"
	ruleStageTwice    = "stage-ambiguous"
	ruleType          = "unknown-type"
	ruleField         = "unknown-field"
	ruleValue         = "field-value"
	ruleKey           = "pipeline-field"
	ruleParameter     = "parameter-missing"
	ruleParameters    = "parameter-twice"
	ruleVariable      = "variable-missing"
	ruleArtifact      = "artifact-missing"
	ruleArtifactOrder = "artifact-order"
	rulePipeline      = "pipeline-missing"
	ruleFailure       = "failure-options"
	ruleWindow        = "execution-window"
	ruleDeprecated    = "deprecated"
	ruleEmpty         = "no-stages"
	ruleSecret        = "secret-in-clear"
)

// Rules returns all rules, for the reference page.
func Rules() []Rule {
	return []Rule{
		{ruleDefinition, Error, "what no pipeline may be: it cannot be saved"},
		{ruleSyntax, Error, "an expression cannot be read; a warning within manifests, where other languages write `${ }` too"},
		{ruleName, Error, "an expression names a function, method or type that does not exist, or gives it a wrong number of arguments"},
		{ruleConstant, Suspect, "a condition has the same value whatever happens: a stage that never runs, a precondition that never holds"},
		{ruleStageMissing, Error, "an expression or a precondition names a stage that the pipeline does not have"},
		{ruleStageOrder, Suspect, "an expression names a stage that need not have ended when it is evaluated"},
		{ruleStageTwice, Info, "an expression names a stage by a name that several have: the first one is taken"},
		{ruleType, Error, "a stage has a type that this server does not know: the pipeline cannot be started"},
		{ruleField, Suspect, "a stage has a field that its type does not know; information only, unless a field of that type is spelled nearly so"},
		{ruleValue, Error, "a stage cannot read the value of a field"},
		{ruleKey, Suspect, "a field of the pipeline is spelled nearly as one that exists"},
		{ruleParameter, Suspect, "an expression names a parameter that the pipeline does not declare"},
		{ruleParameters, Suspect, "two parameters have one name"},
		{ruleVariable, Suspect, "an expression names a variable that the template does not declare, or the pipeline is made from no template"},
		{ruleArtifact, Error, "an artifact is asked for that nothing in the pipeline provides"},
		{ruleArtifactOrder, Suspect, "an artifact is asked for that a stage provides which need not have ended"},
		{rulePipeline, Suspect, "a stage or a trigger names a pipeline that does not exist"},
		{ruleFailure, Suspect, "options for the case that the stage fails contradict each other, or have no effect"},
		{ruleWindow, Error, "an execution window cannot be read"},
		{ruleDeprecated, Info, "what newer definitions write in another way"},
		{ruleSecret, Suspect, "a Secret's value is written into the pipeline, where everybody who may read the pipeline reads it, and its history keeps it"},
		{ruleEmpty, Suspect, "a pipeline without stages fails when it is started"},
	}
}

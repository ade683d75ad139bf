package control

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Clusters tells what is deployed.
type Clusters interface {
	// ServerGroups returns the server groups of a cluster, in all regions, by
	// name; none of a cluster that does not exist. An empty account is the only
	// one.
	// Errors: Invalid for an unknown account.
	ServerGroups(ctx context.Context, account, application, cluster string) ([]gennaker.ServerGroup, error)
}

// preconditionsConfig is the configuration of a checkPreconditions stage.
type preconditionsConfig struct {
	Preconditions []precondition `json:"preconditions"` // what must hold; all are checked at the same time
}

// precondition is one thing that must hold.
type precondition struct {
	Type          string              `json:"type" enum:"expression|stageStatus|clusterSize"` // expression, stageStatus or clusterSize
	FailPipeline  *bool               `json:"failPipeline"`                                   // false stops only this branch; default the stage's own
	CloudProvider string              `json:"cloudProvider"`                                  // not needed: the account knows it
	Context       preconditionContext `json:"context"`                                        // of its type
}

// preconditionContext is the configuration of a precondition, whatever its type.
type preconditionContext struct {
	Expression     any               `json:"expression"`                     // expression: what must be true, with or without ${ }
	FailureMessage string            `json:"failureMessage"`                 // expression: what to say if it is not
	StageName      string            `json:"stageName"`                      // stageStatus: the stage
	StageStatus    string            `json:"stageStatus"`                    // stageStatus: the status that it must have now
	Cluster        string            `json:"cluster"`                        // clusterSize: app-stack-detail
	Moniker        *gennaker.Moniker `json:"moniker"`                        // clusterSize: names the application
	Comparison     string            `json:"comparison" enum:"<|<=|==|>=|>"` // clusterSize: <, <=, ==, >= or >; default ==
	Expected       *int              `json:"expected"`                       // clusterSize: how many server groups in each region; default 1
	Credentials    string            `json:"credentials"`                    // clusterSize: the account
	Regions        []string          `json:"regions"`                        // clusterSize: where to count
	OnlyEnabled    bool              `json:"onlyEnabledServerGroups"`        // clusterSize: count only those that get requests
}

const (
	preconditionType = "preconditionType"
	typeExpression   = "expression"
	// preconditionTimeout bounds how long it is tried to read a cluster.
	preconditionTimeout = 5 * time.Minute
)

// checkPreconditions checks what must hold before the pipeline goes on: a stage
// of the same type before it for each precondition.
//
// Source: Spinnaker orca CheckPreconditionsStage.
func checkPreconditions(c Clusters) stage.Definition {
	return stage.Definition{
		Type: "checkPreconditions",
		Steps: []stage.Step{{
			Name: "checkPrecondition", Task: checkPrecondition{c}, Timeout: preconditionTimeout,
			If: func(in stage.Input) bool { return in.Stage.ParentStageID != "" },
		}},
		Before:   preconditions,
		Verbatim: written,
		RunsDry:  onlyExpressions,
	}
}

// written names what is left as it is written, so that who reads a failure reads
// the precondition, not that false is false, and a restart asks anew: the whole
// list in the stage, and in that of an expression the expression. A list that is
// itself an expression cannot wait.
func written(in stage.Input) []string {
	if in.Stage.ParentStageID == "" {
		if _, whole := in.Stage.Context["preconditions"].(string); whole {
			return nil
		}
		return []string{"preconditions"}
	}
	if in.Stage.Context[preconditionType] == typeExpression {
		return []string{"context"}
	}
	return nil
}

// onlyExpressions reports whether a check looks at nothing outside.
//
// Source: Spinnaker orca-dry-run.
func onlyExpressions(in stage.Input) bool {
	if in.Stage.ParentStageID != "" {
		return in.Stage.Context[preconditionType] == typeExpression
	}
	return !slices.ContainsFunc(listed(in), func(v any) bool {
		m, _ := v.(map[string]any)
		return m["type"] != typeExpression
	})
}

// listed returns the preconditions of a stage; one alone may stand for a list.
func listed(in stage.Input) []any {
	switch v := in.Stage.Context["preconditions"].(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// preconditions returns a stage for each precondition. Its context is the
// parent's with the precondition's over it: failPipeline too.
func preconditions(_ context.Context, in stage.Input) ([]gennaker.StageConfig, error) {
	if in.Stage.ParentStageID != "" {
		return nil, nil
	}
	if wrong := stage.Check[preconditionsConfig](in.Stage.Context); len(wrong) > 0 {
		return nil, &gennaker.Error{Kind: gennaker.Invalid, Message: wrong[0].String(), Problems: wrong}
	}
	var out []gennaker.StageConfig
	for i, v := range listed(in) {
		p, ok := v.(map[string]any)
		if !ok {
			return nil, gennaker.Errorf(gennaker.Invalid, "preconditions[%d]: must be an object with type and context", i)
		}
		c := maps.Clone(in.Stage.Context)
		for _, key := range []string{"preconditions", "stageEnabled", summaryKey} { // are answered
			delete(c, key)
		}
		maps.Copy(c, p)
		c[preconditionType] = p["type"]
		delete(c, "type")
		own, _ := p["context"].(map[string]any)
		inner := map[string]any{}
		for _, key := range []string{"cluster", "regions", "credentials"} {
			if v, ok := in.Stage.Context[key]; ok {
				inner[key] = v
			}
		}
		maps.Copy(inner, own)
		c["context"] = inner
		out = append(out, gennaker.StageConfig{
			Type: "checkPreconditions", Name: fmt.Sprintf("Check precondition (%v)", p["type"]), Context: c,
		})
	}
	return out, nil
}

type checkPrecondition struct{ clusters Clusters }

// Run checks one precondition, once: what does not hold now, fails.
func (t checkPrecondition) Run(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	inner, _ := in.Stage.Context["context"].(map[string]any)
	kind := in.Stage.Context[preconditionType]
	if kind == typeExpression {
		return checkExpression(in, inner), nil
	}
	c, err := stage.Decode[preconditionContext](inner)
	if err != nil {
		return stage.Outcome{}, err
	}
	switch kind {
	case "stageStatus":
		return checkStatus(in, c), nil
	case "clusterSize":
		return t.checkSize(ctx, c)
	default:
		return stage.Fail("no Precondition implementation for type %v", kind).
			WithHint("the types are expression, stageStatus and clusterSize; others come with plugins of Spinnaker, which do not run here"), nil
	}
}

// checkExpression holds if the expression is "true", without case. Expressions
// within its text are evaluated before the whole of it is: in '${tag}' == 'v1'
// the tag is put into the text.
//
// Source: Spinnaker orca ExpressionPreconditionTask, and StartStage before it.
func checkExpression(in stage.Input, inner map[string]any) stage.Outcome {
	source := "false"
	if e := inner["expression"]; e != nil {
		source = fmt.Sprint(e)
	}
	filled, _ := in.Eval(source, nil) // what has no value there has none below
	v, summary := in.Eval(stage.Braced(fmt.Sprint(filled)), nil)
	result := fmt.Sprint(v)
	if strings.HasPrefix(result, "${") && strings.HasSuffix(result, "}") {
		result = result[len("${") : len(result)-len("}")] // has no value: the text itself
	}
	inner = maps.Clone(inner)
	if inner == nil {
		inner = map[string]any{}
	}
	inner["expressionResult"] = result
	values := map[string]any{"context": inner}
	if len(summary.Findings) > 0 {
		values[summaryKey] = stage.Findings(summary)
	}
	if strings.EqualFold(result, "true") {
		return stage.Done().WithContext(values)
	}
	why := fmt.Sprintf("the precondition %s is %s", source, result)
	if len(summary.Findings) > 0 {
		why = fmt.Sprintf("the precondition %s could not be evaluated: %s", source, summary.Findings[0])
	}
	message, _ := in.Eval(cmp.Or(text(inner["failureMessage"]), text(in.Stage.Context["failureMessage"])), nil)
	if message := text(message); message != "" {
		why = message + " (" + why + ")"
	}
	return stage.Fail("%s", why).WithContext(values)
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// checkStatus holds if the first stage of that name has that status.
//
// Source: Spinnaker orca StageStatusPreconditionTask.
func checkStatus(in stage.Input, c preconditionContext) stage.Outcome {
	switch {
	case c.StageName == "":
		return stage.Fail("Stage name is required for preconditions of type stageStatus.")
	case c.StageStatus == "":
		return stage.Fail("Stage status is required for preconditions of type stageStatus.")
	}
	const ask = "${#stage(assertedStage)['status']}"
	v, summary := in.Eval(ask, map[string]any{"assertedStage": c.StageName})
	status, _ := v.(string)
	switch {
	case len(summary.Findings) > 0 || status == ask:
		out := stage.Fail("Failed to find stage %s in execution. Please specify a valid stage name", c.StageName)
		if len(summary.Findings) > 0 && summary.Findings[0].Hint != "" {
			out = out.WithHint("%s", summary.Findings[0].Hint)
		}
		return out
	case status != c.StageStatus:
		return stage.Fail("The status of stage %s was asserted to be %s, but was actually %s", c.StageName, c.StageStatus, status)
	}
	return stage.Done()
}

// checkSize holds if there are as many server groups as expected in each region.
//
// Source: Spinnaker orca ClusterSizePreconditionTask.
func (t checkPrecondition) checkSize(ctx context.Context, c preconditionContext) (stage.Outcome, error) {
	if t.clusters == nil {
		return stage.Fail("no Precondition implementation for type clusterSize: nothing can be deployed here"), nil
	}
	expected := 1
	if c.Expected != nil {
		expected = *c.Expected
	}
	comparison, application := cmp.Or(c.Comparison, "=="), gennaker.ParseServerGroupName(c.Cluster).App
	if c.Moniker != nil {
		application = cmp.Or(c.Moniker.App, application)
	}
	var wrong []string
	for what, is := range map[string]bool{
		"Missing cluster":                                   c.Cluster == "",
		"Unsupported comparison " + comparison:              holds[comparison] == nil,
		fmt.Sprint("Invalid value for expected ", expected): expected < 0,
		"Missing regions":                                   len(c.Regions) == 0,
	} {
		if is {
			wrong = append(wrong, what)
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return stage.Fail("Invalid configuration %s", strings.Join(wrong, ", ")), nil
	}
	groups, err := t.clusters.ServerGroups(ctx, c.Credentials, application, c.Cluster)
	if err != nil {
		return stage.Outcome{}, fmt.Errorf("read cluster %s: %w", c.Cluster, err)
	}
	var failures []string
	enabled := ""
	if c.OnlyEnabled {
		enabled = "enabled "
	}
	for _, region := range c.Regions {
		var names []string
		for _, g := range groups {
			if g.Region == region && (!c.OnlyEnabled || !g.Disabled) {
				names = append(names, g.Name)
			}
		}
		if !holds[comparison](len(names), expected) {
			failures = append(failures, fmt.Sprintf("expected %s %d %sserver groups in %s but found %d: [%s]",
				comparison, expected, enabled, region, len(names), strings.Join(names, ", ")))
		}
	}
	if len(failures) > 0 {
		return stage.Fail("Precondition check failed: %s", strings.Join(failures, ", ")).
			WithHint("clean up the cluster to have that number of server groups, or change the precondition"), nil
	}
	return stage.Done(), nil
}

// holds are the comparisons of clusterSize.
var holds = map[string]func(actual, expected int) bool{
	"<":  func(a, e int) bool { return a < e },
	"<=": func(a, e int) bool { return a <= e },
	"==": func(a, e int) bool { return a == e },
	">=": func(a, e int) bool { return a >= e },
	">":  func(a, e int) bool { return a > e },
}

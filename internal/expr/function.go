package expr

import (
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker/internal/expr/java"
	"github.com/gennaker/gennaker/internal/expr/syntax"

	"github.com/gennaker/gennaker/internal/expr/value"
)

// Function is what #name(…) calls.
type Function struct {
	Min, Max int // arguments; Max is -1 for any number
	// Call returns the value: JSON, in which json.Number and Object are allowed.
	// It has as many arguments as Min and Max say. Its error is shown to the
	// author of the pipeline, with the position of the call; an *Error can have
	// a hint. Nil makes a name known to Check, and the call an error.
	Call func(Call) (any, error)
}

// Call is one call of a Function.
type Call struct {
	Args []any // nil, bool, int64, float64, string, []any, map[string]any, Object or a value of ours
	Root map[string]any

	run *run
}

// Text returns an argument as a text, converted as Spring does. Null has none.
func (c Call) Text(i int) (string, error) { return c.run.TextArg(c.Args[i]) }

// Execution returns the execution, or nil if none is visible. It is not to be
// changed.
func (c Call) Execution() Object { return c.run.theExecution() }

// Spend counts bytes of data that the call made or looked through; its error,
// when too much was, is to be returned.
func (c Call) Spend(bytes int) error { return c.run.Spend(bytes) }

// elsewhere are functions of Spinnaker that need more than the execution. They
// are known to Check, and Env.Functions brings them where they are.
var elsewhere = map[string]Function{
	"pipelineId": {Min: 1, Max: 1}, "pipelineIdOrNull": {Min: 1, Max: 1}, "pipelineIdInApplication": {Min: 2, Max: 2},
	"applicationMetadata": {Min: 1, Max: 1}, "canaryConfigNameToId": {Min: 2, Max: 2}, "fetchReference": {Min: 1, Max: 1},
}

// builtin are the functions that every pipeline can call.
var builtin = map[string]Function{
	"alphanumerical": {1, 1, alphanumerical},
	"toInt":          {1, 1, func(c Call) (any, error) { return value.ParseWhole(c.Args, 32) }},
	"toFloat":        {1, 1, toFloat32},
	"toBoolean":      {1, 1, func(c Call) (any, error) { return value.ParseBoolean(c.run.Work, nil, c.Args) }},
	"toBase64": {1, 1, func(c Call) (any, error) {
		s, err := c.Text(0)
		return base64.StdEncoding.EncodeToString([]byte(s)), err
	}},
	"fromBase64": {1, 1, fromBase64},
	"toJson":     {1, 1, func(c Call) (any, error) { return c.run.ToJSON(c.Args[0]) }},
	"doNotEval":  {1, 1, func(c Call) (any, error) { return value.AsIs{Value: c.Args[0]}, nil }},
	"readJson": {1, 1, func(c Call) (any, error) {
		s, err := c.Text(0)
		if err != nil {
			return nil, err
		}
		return c.run.ReadJSON(s)
	}},
	"readYaml":    {1, 1, func(c Call) (any, error) { return c.readYAML(false) }},
	"readAllYaml": {1, 1, func(c Call) (any, error) { return c.readYAML(true) }},
	"fromUrl":     {1, 1, func(c Call) (any, error) { return c.fetch() }},
	"jsonFromUrl": {1, 1, func(c Call) (any, error) {
		s, err := c.fetch()
		if err != nil {
			return nil, err
		}
		return c.run.ReadJSON(s)
	}},
	"yamlFromUrl": {1, 1, func(c Call) (any, error) {
		s, err := c.fetch()
		if err != nil {
			return nil, err
		}
		return c.run.ReadYAML(s, false)
	}},
	"propertiesFromUrl": {1, 1, func(c Call) (any, error) {
		s, err := c.fetch()
		if err != nil {
			return nil, err
		}
		return java.ReadProperties(s), c.run.Spend(2 * len(s))
	}},
	"stage":        {1, 1, stageNamed},
	"stageExists":  {1, 1, func(c Call) (any, error) { return c.stage(byNameOrID) != nil, nil }},
	"stageByRefId": {1, 1, stageByRef},
	"currentStage": {0, 0, func(c Call) (any, error) {
		if s := c.run.theStage(); s != nil {
			return s, nil
		}
		return nil, value.Refuse("write #stage('…')", "no stage is being executed here")
	}},
	"currentUser":                   {0, 0, currentUser},
	"judgment":                      {1, 1, judgment},
	"judgement":                     {1, 1, judgment},
	"deployedServerGroups":          {0, -1, deployedServerGroups},
	"triggerResolvedArtifact":       {1, 1, func(c Call) (any, error) { return c.resolved("name") }},
	"triggerResolvedArtifactByType": {1, 1, func(c Call) (any, error) { return c.resolved("type") }},
	"resolvedArtifacts":             {0, 0, resolvedArtifacts},
	"manifestLabelValue":            {3, 3, manifestLabelValue},
	"cfServiceKey":                  {1, 1, serviceKey},
}

// lookup returns the function of a name.
func (r *run) lookup(name string) (Function, bool) {
	if f, ok := r.env.Functions[name]; ok {
		return f, true
	}
	if f, ok := builtin[name]; ok {
		return f, true
	}
	f, ok := elsewhere[name]
	return f, ok
}

func (r *run) function(n *syntax.Function) (any, *Error) {
	args, err := r.all(n.Args)
	if err != nil {
		return nil, err
	}
	// Functions that want the execution may be given it, as Spinnaker's are.
	if len(n.Args) > 0 && withExecution[n.Name] && isExecution(n.Args[0]) {
		args = args[1:]
	}
	return r.call(n.Name, args, n.At())
}

// withExecution are the functions whose first argument Spinnaker adds itself.
var withExecution = map[string]bool{
	"stage": true, "stageExists": true, "stageByRefId": true, "judgment": true, "judgement": true, "currentUser": true,
	"deployedServerGroups": true, "triggerResolvedArtifact": true, "triggerResolvedArtifactByType": true,
	"resolvedArtifacts": true, "manifestLabelValue": true, "cfServiceKey": true, "currentStage": true,
	"pipelineId": true, "pipelineIdOrNull": true, "canaryConfigNameToId": true,
}

func isExecution(n syntax.Node) bool {
	p, ok := n.(*syntax.Property)
	return ok && p.Name == "execution" && p.Target != nil && isRoot(p.Target)
}

func (r *run) call(name string, args []any, at int) (any, *Error) {
	f, ok := r.lookup(name)
	if !ok {
		return nil, unknownFunction(name, r.env.Functions, at)
	}
	if err := value.Arity("#"+name, f.Min, f.Max, len(args)); err != nil {
		return nil, placed(err, at)
	}
	if f.Call == nil {
		return nil, failure(at, "#%s is not available here", name).WithHint("it needs the server's data")
	}
	v, err := f.Call(Call{args, r.root(), r})
	if e, ok := errors.AsType[*Error](err); ok {
		return nil, failure(at, "%s", e.Message).WithHint("%s", e.Hint)
	}
	if err != nil {
		return nil, placed(err, at)
	}
	return r.member(v, at)
}

func unknownFunction(name string, more map[string]Function, at int) *Error {
	names := slices.Concat(slices.Sorted(maps.Keys(builtin)), slices.Sorted(maps.Keys(elsewhere)), slices.Sorted(maps.Keys(more)))
	err := failure(at, "there is no function #%s", value.Shorten(name))
	if name == "doesNotContain" {
		return err.WithHint("write !list.contains(x)")
	}
	return err.WithHint("%s", value.Suggest(name, names))
}

func alphanumerical(c Call) (any, error) {
	s, err := c.Text(0)
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s), err
}

// toFloat32 is Float.valueOf: the decimal that is nearest in 32 bits.
func toFloat32(c Call) (any, error) {
	s := value.ScalarString(c.Args[0])
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 32)
	if err != nil {
		return nil, value.Refuse("a number is written like 7.5", "%s is not a number", value.Describe(c.Args[0]))
	}
	return strconv.ParseFloat(strconv.FormatFloat(f, 'g', -1, 32), 64)
}

func fromBase64(c Call) (any, error) {
	s, err := c.Text(0)
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, value.Refuse("base64 has A to Z, a to z, 0 to 9, + and /, padded with =", "%s is not base64", value.Describe(s))
	}
	return strings.ToValidUTF8(string(b), "\ufffd"), nil
}

func (c Call) fetch() (string, error) {
	url, err := c.Text(0)
	if err != nil {
		return "", err
	}
	if c.run.env.Fetch == nil {
		return "", value.Refuse("use a webhook stage or an artifact", "expressions may not fetch from URLs here")
	}
	s, err := c.run.env.Fetch(url)
	if err != nil {
		return "", err
	}
	return s, c.run.Spend(len(s))
}

// readYAML is readYAML of an argument.
func (c Call) readYAML(all bool) (any, error) {
	s, err := c.Text(0)
	if err != nil {
		return nil, err
	}
	return c.run.ReadYAML(s, all)
}

package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
)

// Keys of a stage's context that every stage may have.
const (
	summaryKey  = "expressionEvaluationSummary"
	windowKey   = "restrictExecutionDuringTimeWindow"
	windowRules = "restrictedExecutionWindow"
	skipKey     = "skipReason"
)

// WindowType is the type of the stage that waits for a stage's execution
// window.
const WindowType = windowKey

// Prepared is what a stage that starts is going to do.
type Prepared struct {
	Context    map[string]any         // of the stage, evaluated
	Drop       []string               // keys that are no more in it
	Skip       bool                   // its condition is not true
	Steps      []Step                 // those whose If holds
	Before     []gennaker.StageConfig // stages before its steps, each with a RefID
	Windowed   bool                   // the first of Before waits for the execution window
	Unresolved bool                   // an expression in Context has no value
}

// Prepare asks whether a stage is to run, evaluates its context, and plans its
// steps and the stages before them. Runtimes call it when the stage starts.
//
// Source: execution model, sections 5 (StartStage), 10 and 12.
func (d *Definition) Prepare(ctx context.Context, in Input) (Prepared, error) {
	was := in.Stage.Context
	if on, why := in.enabled(); !on {
		return Prepared{Context: merge(was, map[string]any{skipKey: why}), Skip: true}, nil
	}
	if d.Start != nil {
		in.Stage.Context = d.Start(was)
	}
	p := Prepared{}
	p.Context, p.Unresolved = d.Evaluate(in)
	if d.ManualSkip != nil && d.ManualSkip(p.Context) {
		p.Context = merge(p.Context, map[string]any{"canManuallySkip": true})
	}
	for k := range was {
		if _, ok := p.Context[k]; !ok {
			p.Drop = append(p.Drop, k)
		}
	}
	in.Stage.Context = p.Context
	p.Steps = d.steps(in)
	return p, d.before(ctx, in, &p)
}

// enabled reports whether a stage is to run; if it is not, why.
//
// Source: Orca OptionalStageSupport.
func (in Input) enabled() (on bool, why string) {
	condition, _ := in.Stage.Context["stageEnabled"].(map[string]any)
	if in.Execution.Type != gennaker.TypePipeline || condition["type"] != "expression" || condition["expression"] == nil {
		return true, ""
	}
	text := strings.TrimSpace(fmt.Sprint(condition["expression"]))
	if text == "" {
		return true, ""
	}
	v, summary := in.Eval(Braced(text), nil)
	switch strings.ToLower(fmt.Sprint(v)) {
	case "true":
		return true, ""
	case "false":
		return false, fmt.Sprintf("its condition %s is false", text)
	}
	if len(summary.Findings) > 0 {
		return false, fmt.Sprintf("its condition %s could not be evaluated: %s", text, summary.Findings[0])
	}
	return false, fmt.Sprintf("its condition %s is neither true nor false, but %v", text, v)
}

// Braced returns text as an expression, ${text}, unless it is one already.
func Braced(text string) string {
	if strings.HasPrefix(text, "${") && strings.HasSuffix(text, "}") {
		return text
	}
	return "${" + text + "}"
}

// Eval evaluates the expressions in v as the stage sees them; more are names
// that come before the stage's own. Without Input.Evaluate it returns v.
func (in Input) Eval(v any, more map[string]any) (any, expr.Summary) {
	if in.Evaluate == nil {
		return v, expr.Summary{}
	}
	return in.Evaluate(v, more)
}

// Evaluate returns the stage's context with the values of its expressions, but
// for the keys that d.Verbatim names, and whether one has none: the context
// then says which, and why.
//
// Shape: the context is JSON with float64 numbers, as tasks expect it. It is
// the stage's own if there is nothing to evaluate.
func (d *Definition) Evaluate(in Input) (context map[string]any, unresolved bool) {
	context = in.Stage.Context
	if !HasExpression(context) {
		return plainObject(context), false
	}
	var verbatim []string
	if d.Verbatim != nil {
		verbatim = d.Verbatim(in)
	}
	open := maps.Clone(context)
	for _, k := range append(verbatim, summaryKey) {
		delete(open, k)
	}
	var started map[string]any // names that Start put there are not stored yet
	if d.Start != nil {
		started = context
	}
	v, summary := in.Eval(open, started)
	out, ok := v.(map[string]any)
	if !ok {
		return context, false
	}
	for _, k := range verbatim {
		if raw, ok := context[k]; ok {
			out[k] = raw
		}
	}
	if _, had := context[summaryKey]; had || len(summary.Findings) > 0 {
		out[summaryKey] = Findings(summary)
	}
	return plainObject(out), len(summary.Findings) > 0
}

// Findings returns what a stage's context says of an evaluation under
// expressionEvaluationSummary.
func Findings(s expr.Summary) map[string]any {
	out := map[string]any{}
	for text, entries := range s.Spinnaker() {
		list := make([]any, len(entries))
		for i, e := range entries {
			m := map[string]any{"level": string(e.Level), "timestamp": float64(e.Timestamp), "description": e.Description}
			if e.ExceptionType != "" {
				m["exceptionType"] = e.ExceptionType
			}
			list[i] = m
		}
		out[text] = list
	}
	return out
}

// HasExpression reports whether there is an expression anywhere in v, which is
// open JSON.
func HasExpression(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, "${")
	case map[string]any:
		for k, x := range v {
			if k != summaryKey && (strings.Contains(k, "${") || HasExpression(x)) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, HasExpression)
	}
	return false
}

func plainObject(m map[string]any) map[string]any {
	if out, changed := plain(m); changed {
		m, _ = out.(map[string]any)
	}
	return m
}

// plain returns v with all its numbers as float64, and whether it had others:
// if not, it is v itself.
func plain(v any) (_ any, changed bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v.String(), true
		}
		return f, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case map[string]any:
		out := v
		for k, x := range v {
			p, c := plain(x)
			if c && !changed {
				out, changed = maps.Clone(v), true
			}
			if c {
				out[k] = p
			}
		}
		return out, changed
	case []any:
		out := v
		for i, x := range v {
			p, c := plain(x)
			if c && !changed {
				out, changed = slices.Clone(v), true
			}
			if c {
				out[i] = p
			}
		}
		return out, changed
	}
	return v, false
}

// steps returns the steps of a stage that starts.
func (d *Definition) steps(in Input) []Step {
	if in.Execution.Trigger.DryRun && (d.RunsDry == nil || !d.RunsDry(in)) {
		return []Step{dryRun()}
	}
	var out []Step
	for _, s := range d.Steps {
		if s.If == nil || s.If(in) {
			out = append(out, s)
		}
	}
	return out
}

// dryRunStep is the name of the one step of a stage in a dry run.
const dryRunStep = "dryRun"

// dryRun does nothing, and succeeds.
func dryRun() Step {
	return Step{Name: dryRunStep, Task: TaskFunc(func(context.Context, Input) (Outcome, error) { return Done(), nil })}
}

// before plans the stages before the steps: the execution window first, on
// which those wait that would be first without it.
func (d *Definition) before(ctx context.Context, in Input, p *Prepared) (err error) {
	if d.Before != nil {
		if p.Before, err = d.Before(ctx, in); err != nil {
			return err
		}
	}
	for i := range p.Before {
		if c := &p.Before[i]; c.RefID == "" {
			c.RefID = strconv.Itoa(i + 1)
		}
	}
	if on := p.Context[windowKey]; d.Type == WindowType || on != true && on != "true" {
		return nil
	}
	for i := range p.Before {
		if c := &p.Before[i]; len(c.Requires) == 0 {
			c.Requires = []string{"0"}
		}
	}
	window := gennaker.StageConfig{RefID: "0", Type: WindowType, Name: WindowType, Context: maps.Clone(p.Context)}
	for _, k := range []string{windowKey, "stageTimeoutMs", "alias", "stageEnabled"} {
		delete(window.Context, k)
	}
	p.Before, p.Windowed = slices.Insert(p.Before, 0, window), true
	return nil
}

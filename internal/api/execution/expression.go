package execution

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"mime"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/expr"
)

// Place is where in an execution an expression is evaluated: as Stage sees it;
// else as a stage would that waits for those with the refIds After; else as one
// behind all others.
type Place struct {
	Execution string
	Stage     string // ID
	After     []string
}

// Expressions evaluates expressions in executions, which may be complete.
type Expressions interface {
	// Evaluate returns the value of a text, or the text if it has none, and
	// what could not be evaluated; more are names that come before all others.
	// Errors: NotFound.
	Evaluate(ctx context.Context, at Place, text string, more map[string]any) (any, expr.Summary, error)
}

// EvaluationBody is the value of an expression.
//
// Source: Spinnaker orca's TaskController; Findings is ours.
type EvaluationBody struct {
	Result   any                     `json:"result"`
	Detail   map[string][]expr.Entry `json:"detail,omitempty"` // by expression
	Findings []FindingBody           `json:"findings,omitempty"`
}

// FindingBody is why an expression has no value.
type FindingBody struct {
	Path       string     `json:"path,omitzero"` // the variable, of several
	Expression string     `json:"expression"`    // without ${ }
	Offset     int        `json:"offset"`        // in bytes, from the start of the text
	Level      expr.Level `json:"level"`
	Message    string     `json:"message"`
	Hint       string     `json:"hint,omitzero"`
}

// add notes what an evaluation of the text at path could not do.
func (b *EvaluationBody) add(path string, s expr.Summary) {
	for key, entries := range s.Spinnaker() {
		if b.Detail == nil {
			b.Detail = map[string][]expr.Entry{}
		}
		b.Detail[key] = entries
	}
	for _, f := range s.Findings {
		b.Findings = append(b.Findings, FindingBody{path, f.Expression, f.Pos, f.Level, f.Message, f.Hint})
	}
}

// evaluateExpression evaluates the query's expression as {stage} sees it, or as
// a stage behind all others would.
func (h handlers) evaluateExpression(r *api.Request) (*EvaluationBody, error) {
	return h.evaluate(r, r.Query("expression"))
}

// evaluateBody is evaluateExpression for one that is in the body: as it is, or
// in a JSON object.
func (h handlers) evaluateBody(r *api.Request, _ api.Text) (*EvaluationBody, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" {
		return h.evaluate(r, string(r.Text))
	}
	body, _, err := api.Decode[struct {
		Expression string `json:"expression"`
	}](r)
	if err != nil {
		return nil, err
	}
	return h.evaluate(r, body.Expression)
}

func (h handlers) evaluate(r *api.Request, text string) (*EvaluationBody, error) {
	if strings.TrimSpace(text) == "" {
		return nil, api.ErrQuery("expression", "is missing")
	}
	at := Place{Execution: r.PathValue("id"), Stage: r.PathValue("stage")}
	v, summary, err := h.Expressions.Evaluate(r.Context(), at, text, nil)
	if err != nil && at.Stage == "" {
		return nil, api.OrNotFound(err, "Pipeline not found (id: %s)", at.Execution)
	} else if err != nil {
		return nil, err
	}
	body := EvaluationBody{Result: v}
	body.add("", summary)
	return &body, nil
}

// LanguageBody is what expressions can name.
type LanguageBody struct {
	Functions []FunctionBody `json:"functions"`
	Types     []string       `json:"types"`
}

// FunctionBody is what expressions call as #name(…).
type FunctionBody struct {
	Name string `json:"name"`
	Min  int    `json:"min"` // arguments
	Max  int    `json:"max"` // -1 is any number
}

func (h handlers) language(*api.Request) (*LanguageBody, error) {
	body := LanguageBody{Types: expr.Types()}
	all := expr.Functions()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		body.Functions = append(body.Functions, FunctionBody{name, all[name].Min, all[name].Max})
	}
	return &body, nil
}

// variableBody is a variable of an evaluateVariables stage.
type variableBody struct {
	Key         string `json:"key"`
	Value       any    `json:"value"`
	SourceValue any    `json:"sourceValue,omitempty"` // as it was written, with { for ${
	Description string `json:"description,omitzero"`
}

// maxVariables bounds what one request evaluates.
const maxVariables = 1_000

// evaluateVariables evaluates variables as a stage evaluateVariables would that
// waits for requisiteStageRefIds: in v4 each sees those before it.
//
// Source: Spinnaker orca ExpressionUtils.
func (h handlers) evaluateVariables(r *api.Request, _ api.Text) (*EvaluationBody, error) {
	var list []variableBody
	dec := json.NewDecoder(bytes.NewReader(r.Text))
	dec.UseNumber()
	if err := dec.Decode(&list); err != nil {
		return nil, gennaker.Errorf(gennaker.Invalid, "the body must be a list of variables, each with key and value: %w", err)
	}
	if len(list) > maxVariables {
		return nil, gennaker.Errorf(gennaker.TooLarge, "%d variables are more than %d", len(list), maxVariables)
	}
	id := r.Query("executionId")
	if id == "" {
		id = r.PathValue("id")
	}
	x, err := h.find(r, id, gennaker.TypePipeline)
	if err != nil {
		return nil, err
	}
	version := r.Query("spelVersion")
	switch version {
	case "":
		version = x.SpelEvaluator
	case "v2", "v3", "v4":
	default:
		return nil, gennaker.Errorf(gennaker.Invalid, "SpEL evaluator version %.40s is not supported", version).WithHint("it is v3 or v4")
	}
	body, seen := EvaluationBody{}, map[string]any{}
	for i, v := range list {
		if text, ok := v.Value.(string); ok && strings.Contains(text, "${") {
			value, summary, err := h.Expressions.Evaluate(r.Context(), Place{Execution: id, After: r.List("requisiteStageRefIds")}, text, seen)
			if err != nil {
				return nil, api.OrNotFound(err, "Pipeline not found (id: %s)", id)
			}
			body.add(v.Key, summary)
			list[i].Value, list[i].SourceValue = value, strings.ReplaceAll(text, "${", "{")
		}
		if version == "v4" {
			seen[v.Key] = list[i].Value
		}
	}
	body.Result = api.OrEmpty(list)
	return &body, nil
}

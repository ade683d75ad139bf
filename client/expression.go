package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Evaluation is the value of a text with expressions.
type Evaluation struct {
	Result   json.RawMessage `json:"result"` // the text itself, if it has no value
	Findings []Finding       `json:"findings"`
}

// Finding is why an expression has no value.
type Finding struct {
	Path       string `json:"path"`       // the variable, of several
	Expression string `json:"expression"` // without ${ }
	Offset     int    `json:"offset"`     // in bytes, from the start of the text
	Level      string `json:"level"`      // ERROR, or INFO if the value is null
	Message    string `json:"message"`
	Hint       string `json:"hint"` // what would be right
}

// EvaluateExpression returns the value of a text as a stage of an execution sees
// it, or, without the ID of a stage, as one behind all others would.
//
// Errors: NotFound; Invalid for an empty text.
func (c *Client) EvaluateExpression(ctx context.Context, executionID, stageID, text string) (Evaluation, error) {
	var out Evaluation
	if stageID != "" { // Gate has it so
		err := c.get(ctx, path("pipelines", executionID, stageID, "evaluateExpression"), url.Values{"expression": {text}}, &out)
		return out, err
	}
	body := map[string]string{"expression": text}
	err := c.call(ctx, http.MethodPost, path("pipelines", executionID, "evaluateExpression"), nil, body, &out)
	return out, err
}

// Language is what expressions can name.
type Language struct {
	Functions []Function `json:"functions"` // by name
	Types     []string   `json:"types"`     // with their packages, where they need one
}

// Function is what expressions call as #name(…).
type Function struct {
	Name string `json:"name"`
	Min  int    `json:"min"` // arguments
	Max  int    `json:"max"` // -1 is any number
}

// ExpressionLanguage returns the functions and types of expressions.
func (c *Client) ExpressionLanguage(ctx context.Context) (Language, error) {
	var out Language
	err := c.get(ctx, "/api/v1/expressions", nil, &out)
	return out, err
}

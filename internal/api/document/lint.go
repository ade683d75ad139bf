package document

import (
	"context"
	"strconv"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
	"github.com/gennaker/gennaker/internal/lint"
)

// Linter finds what is wrong with pipelines that can be saved all the same.
type Linter interface {
	// Lint returns what is wrong with the text of a pipeline or of a template,
	// in its order. Errors: Invalid for what is no JSON object.
	Lint(ctx context.Context, text []byte) ([]lint.Warning, error)
}

// LintBody is what is found in a pipeline.
type LintBody struct {
	Warnings []lint.Warning `json:"warnings"`
}

// WarningsHeader counts the warnings of the pipeline that was saved, without
// those that are information only.
const WarningsHeader = "X-Gennaker-Warnings"

// lintPipeline says what is wrong with a pipeline, which is not saved. With
// strict every warning is an error.
func (h handlers) lintPipeline(r *api.Request, _ api.Text) (*LintBody, error) {
	strict, err := r.Flag("strict", false)
	if err != nil {
		return nil, err
	}
	found, err := h.Linter.Lint(r.Context(), r.Text)
	if err != nil {
		return nil, err
	}
	if strict {
		found = lint.Strict(found)
	}
	return &LintBody{api.OrEmpty(found)}, nil
}

// lintSaved lints the pipeline that is about to be saved. With strict it is
// refused for a warning.
func (h handlers) lintSaved(r *api.Request) ([]lint.Warning, error) {
	strict, err := r.Flag("strict", false)
	if err != nil {
		return nil, err
	}
	found, err := h.Linter.Lint(r.Context(), r.Text)
	if err != nil || !strict {
		return found, err
	}
	var problems []gennaker.Problem
	for _, w := range found {
		if w.Severity != lint.Info {
			problems = append(problems, w.Problem)
		}
	}
	if len(problems) == 0 {
		return found, nil
	}
	refusal := &gennaker.Error{Kind: gennaker.Invalid, Message: problems[0].String(), Problems: problems}
	return nil, refusal.WithHint("without strict it is saved all the same")
}

// warn says how many warnings there are.
func warn(r *api.Request, found []lint.Warning) {
	n := 0
	for _, w := range found {
		if w.Severity != lint.Info {
			n++
		}
	}
	r.Answer.Set(WarningsHeader, strconv.Itoa(n))
}

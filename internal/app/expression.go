package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/expr"
	"github.com/gennaker/gennaker/internal/store"
)

// functions are the functions of expressions that ask the catalog.
//
// Source: expressions reference, section 5.
func functions(ctx context.Context, db *store.DB) map[string]expr.Function {
	pipelineID := func(c expr.Call, application string) (any, error) {
		name, err := c.Text(0)
		if err != nil {
			return nil, err
		}
		p, err := db.Pipeline(ctx, application, name)
		if err != nil {
			return nil, err
		}
		return p.ID, nil
	}
	here := func(c expr.Call) (any, error) {
		application, _ := c.Execution()["application"].(string)
		if application == "" {
			return nil, errors.New("there is no execution here, and so no application")
		}
		return pipelineID(c, application)
	}
	return map[string]expr.Function{
		"pipelineId": {Min: 1, Max: 1, Call: here},
		"pipelineIdOrNull": {Min: 1, Max: 1, Call: func(c expr.Call) (any, error) {
			id, err := here(c)
			if gennaker.KindOf(err) == gennaker.NotFound {
				return nil, nil
			}
			return id, err
		}},
		"pipelineIdInApplication": {Min: 2, Max: 2, Call: func(c expr.Call) (any, error) {
			application, err := c.Text(1)
			if err != nil {
				return nil, err
			}
			return pipelineID(c, application)
		}},
		"applicationMetadata": {Min: 1, Max: 1, Call: func(c expr.Call) (any, error) {
			name, err := c.Text(0)
			if err != nil {
				return nil, err
			}
			a, err := db.Application(ctx, name)
			if err != nil {
				return nil, fmt.Errorf("read application %s: %w", name, err)
			}
			return a.Attrs, nil
		}},
		// There is no store of artifacts, and so nothing that refers to it.
		"fetchReference": {Min: 1, Max: 1, Call: func(c expr.Call) (any, error) { return c.Args[0], nil }},
	}
}

package document

import (
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// documents returns those of an application's pipelines, or of its strategies,
// as they are stored; of all applications for "".
func (h handlers) documents(r *api.Request, application string, strategies bool) ([]map[string]any, error) {
	all, err := h.Catalog.Pipelines(r.Context(), application)
	if err != nil {
		return nil, err
	}
	out := []map[string]any{}
	for _, p := range all {
		if p.Strategy() == strategies {
			out = append(out, p.Doc.Value)
		}
	}
	return out, nil
}

func (h handlers) allPipelines(r *api.Request) ([]map[string]any, error) {
	return h.documents(r, "", false)
}

func (h handlers) allStrategies(r *api.Request) ([]map[string]any, error) {
	return h.documents(r, "", true)
}

func (h handlers) strategies(r *api.Request) ([]map[string]any, error) {
	return h.documents(r, r.PathValue("app"), true)
}

// findStrategy looks for a name that matches, and then for an ID.
func (h handlers) findStrategy(r *api.Request, application, nameOrID string, matches func(a, b string) bool) (gennaker.Pipeline, error) {
	all, err := h.Catalog.Pipelines(r.Context(), application)
	if err != nil {
		return gennaker.Pipeline{}, err
	}
	var byID *gennaker.Pipeline
	for _, p := range all {
		switch {
		case !p.Strategy():
		case matches(p.Name, nameOrID):
			return p, nil
		case p.ID == nameOrID:
			byID = &p
		}
	}
	if byID != nil {
		return *byID, nil
	}
	return gennaker.Pipeline{}, gennaker.Errorf(gennaker.NotFound, "Strategy config (id: %s) not found for Application (id: %s)", nameOrID, application)
}

func equal(a, b string) bool { return a == b }

func (h handlers) strategy(r *api.Request) (map[string]any, error) {
	p, err := h.findStrategy(r, r.PathValue("app"), r.PathValue("name"), equal)
	if err != nil {
		return nil, err
	}
	return p.Doc.Value, nil
}

// parseStrategy reads the body, and marks it as what it is.
func parseStrategy(r *api.Request) (gennaker.Pipeline, error) {
	p, err := gennaker.ParsePipeline(r.Text)
	if err == nil {
		p.Doc.Value["strategy"] = true
	}
	return p, err
}

func (h handlers) saveStrategy(r *api.Request, _ api.Text) (api.Nothing, error) {
	p, err := parseStrategy(r)
	if err == nil {
		_, err = h.save(r, p, false)
	}
	return api.Nothing{}, err
}

func (h handlers) updateStrategy(r *api.Request, _ api.Text) (map[string]any, error) {
	p, err := parseStrategy(r)
	if err != nil {
		return nil, err
	}
	saved, err := h.replace(r, p)
	if err != nil {
		return nil, err
	}
	return saved.Doc.Value, nil
}

func (h handlers) deleteStrategy(r *api.Request) (api.Nothing, error) {
	app := r.PathValue("app")
	p, err := h.findStrategy(r, app, r.PathValue("name"), func(a, b string) bool { return strings.EqualFold(a, strings.TrimSpace(b)) })
	if err == nil {
		err = h.Catalog.DeletePipeline(r.Context(), app, p.ID, r.Caller.User)
	}
	return api.Nothing{}, err
}

// moveBody is the body of a change of a name.
type moveBody struct {
	Application string `json:"application"`
	From        string `json:"from"`
	To          string `json:"to"`
}

func (h handlers) movePipeline(r *api.Request, body moveBody) (api.Nothing, error) {
	return h.move(r, body, func() (gennaker.Pipeline, error) {
		p, err := h.Catalog.Pipeline(r.Context(), body.Application, body.From)
		return p, api.OrNotFound(err, "Pipeline configuration not found (nameOrId: %s)", body.From)
	})
}

func (h handlers) moveStrategy(r *api.Request, body moveBody) (api.Nothing, error) {
	return h.move(r, body, func() (gennaker.Pipeline, error) {
		return h.findStrategy(r, body.Application, body.From, equal)
	})
}

// move gives what find finds another name. It overwrites no other change.
func (h handlers) move(r *api.Request, body moveBody, find func() (gennaker.Pipeline, error)) (api.Nothing, error) {
	doc, err := r.Document()
	if err != nil {
		return api.Nothing{}, err
	}
	var problems []gennaker.Problem
	for _, field := range []struct{ name, value string }{{"application", body.Application}, {"from", body.From}, {"to", strings.TrimSpace(body.To)}} {
		if field.value == "" {
			problems = append(problems, gennaker.Problem{Path: field.name, Message: "is missing"})
		}
	}
	if len(problems) > 0 {
		return api.Nothing{}, doc.Invalid(problems)
	}
	if err := h.Access.Allow(r.Caller, api.Write, body.Application); err != nil {
		return api.Nothing{}, err
	}
	p, err := find()
	if err != nil {
		return api.Nothing{}, err
	}
	p.Name = strings.TrimSpace(body.To)
	_, err = h.Catalog.ReplacePipeline(r.Context(), p, r.Caller.User, updateTs(p))
	return api.Nothing{}, err
}

// updateTs returns when p was saved, as its document says it.
func updateTs(p gennaker.Pipeline) string {
	s, _ := p.Doc.Value["updateTs"].(string)
	return s
}

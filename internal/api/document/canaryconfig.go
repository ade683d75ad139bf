package document

import (
	"context"
	"fmt"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// CanaryConfigs keeps canary configs.
type CanaryConfigs interface {
	// CanaryConfigs returns all, by name.
	CanaryConfigs(ctx context.Context) ([]gennaker.CanaryConfig, error)
	// CanaryConfig returns one. Errors: NotFound.
	CanaryConfig(ctx context.Context, id string) (gennaker.CanaryConfig, error)
	// CreateCanaryConfig stores a new one, and returns it as it is stored.
	// Errors: Invalid if its ID or its name is taken.
	CreateCanaryConfig(ctx context.Context, c gennaker.CanaryConfig, user string) (gennaker.CanaryConfig, error)
	// UpdateCanaryConfig replaces one, and returns it as it is stored. Errors:
	// Invalid if there is none, or its name is taken.
	UpdateCanaryConfig(ctx context.Context, c gennaker.CanaryConfig, user string) (gennaker.CanaryConfig, error)
	// DeleteCanaryConfig deletes one. Errors: NotFound.
	DeleteCanaryConfig(ctx context.Context, id, user string) error
}

// CanaryConfigSummary is a canary config as lists show it.
//
// Source: Kayenta's index of canary configs.
type CanaryConfigSummary struct {
	ID           string        `json:"id"`
	Name         string        `json:"name"`
	Updated      gennaker.Time `json:"updatedTimestamp"`
	UpdatedISO   string        `json:"updatedTimestampIso"`
	Applications []string      `json:"applications"`
}

// CanaryConfigRef names the canary config that was saved.
type CanaryConfigRef struct {
	ID string `json:"canaryConfigId"`
}

// canaryConfigs lists those of one of the applications that are asked for.
func (h handlers) canaryConfigs(r *api.Request) ([]CanaryConfigSummary, error) {
	all, err := h.CanaryConfigs.CanaryConfigs(r.Context())
	if err != nil {
		return nil, err
	}
	wanted := r.List("application")
	out := []CanaryConfigSummary{}
	for _, c := range all {
		if len(wanted) > 0 && !slices.ContainsFunc(wanted, func(a string) bool { return slices.Contains(c.Applications, a) }) {
			continue
		}
		one := CanaryConfigSummary{ID: c.ID, Name: c.Name, Applications: api.OrEmpty(c.Applications)}
		one.UpdatedISO, _ = c.Attrs["updatedTimestampIso"].(string)
		_ = one.Updated.UnmarshalJSON(fmt.Append(nil, c.Attrs["updatedTimestamp"])) // checked when it was saved
		out = append(out, one)
	}
	return out, nil
}

func (h handlers) canaryConfig(r *api.Request) (map[string]any, error) {
	c, err := h.CanaryConfigs.CanaryConfig(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, api.OrNotFound(err, "Canary config not found (id: %s)", r.PathValue("id"))
	}
	return c.Attrs, nil
}

func (h handlers) createCanaryConfig(r *api.Request, doc *gennaker.Document) (*CanaryConfigRef, error) {
	return saveCanaryConfig(r, doc, h.CanaryConfigs.CreateCanaryConfig)
}

// updateCanaryConfig replaces the canary config {id}, whatever ID the body has.
func (h handlers) updateCanaryConfig(r *api.Request, doc *gennaker.Document) (*CanaryConfigRef, error) {
	doc.Value["id"] = r.PathValue("id")
	return saveCanaryConfig(r, doc, h.CanaryConfigs.UpdateCanaryConfig)
}

func saveCanaryConfig(r *api.Request, doc *gennaker.Document, save func(context.Context, gennaker.CanaryConfig, string) (gennaker.CanaryConfig, error)) (*CanaryConfigRef, error) {
	c, err := gennaker.NewCanaryConfig(doc.Value)
	if e, ok := err.(*gennaker.Error); ok { //nolint:errorlint // it is not wrapped
		refusal := *e
		refusal.Problems = doc.Locate(e.Problems)
		return nil, &refusal
	}
	saved, err := save(r.Context(), c, r.Caller.User)
	if err != nil {
		return nil, err
	}
	return &CanaryConfigRef{saved.ID}, nil
}

func (h handlers) deleteCanaryConfig(r *api.Request) (api.Nothing, error) {
	id := r.PathValue("id")
	return api.Nothing{}, api.OrNotFound(h.CanaryConfigs.DeleteCanaryConfig(r.Context(), id, r.Caller.User), "Canary config not found (id: %s)", id)
}

// JudgeBody is what a canary config may name as its judge.
type JudgeBody struct {
	Name    string `json:"name"`
	Visible bool   `json:"visible"`
}

func (h handlers) canaryJudges(*api.Request) ([]JudgeBody, error) {
	return []JudgeBody{{"NetflixACAJudge-v1.0", true}}, nil
}

// canaryAccounts are none: nothing is measured here.
func (h handlers) canaryAccounts(*api.Request) ([]map[string]any, error) {
	return []map[string]any{}, nil
}

// noCanaries answers for all that measures and judges.
func (h handlers) noCanaries(*api.Request) (api.Nothing, error) {
	return api.Nothing{}, gennaker.Errorf(gennaker.NotFound, "This server keeps canary configs, but does not judge canaries").
		WithHint("run the analysis in Kayenta, with the canary config as it is stored here")
}

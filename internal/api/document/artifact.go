package document

import (
	"context"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// ArtifactAccount is an account that artifacts are fetched with.
type ArtifactAccount struct {
	Name  string   `json:"name"`
	Types []string `json:"types"`
}

// Artifacts fetches artifacts.
type Artifacts interface {
	// Accounts returns the accounts, by name.
	Accounts() []ArtifactAccount
	// Fetch returns the content of an artifact, which is small. Errors: Invalid,
	// NotFound, Denied, TooLarge, Unavailable.
	Fetch(ctx context.Context, artifact map[string]any) ([]byte, error)
}

// Preconfigured are the stages that the configuration makes, as Gate shows them:
// objects with a type, a label and parameters.
type Preconfigured struct {
	Webhooks []any
	Jobs     []any
}

func (h handlers) artifactAccounts(*api.Request) ([]ArtifactAccount, error) {
	return api.OrEmpty(h.Artifacts.Accounts()), nil
}

// fetchArtifact answers with the content of the artifact in the body.
func (h handlers) fetchArtifact(r *api.Request, doc *gennaker.Document) (*api.Content, error) {
	text, err := h.Artifacts.Fetch(r.Context(), doc.Value)
	if err != nil {
		return nil, err
	}
	return &api.Content{Text: string(text)}, nil
}

func (h handlers) preconfiguredWebhooks(*api.Request) ([]any, error) {
	return api.OrEmpty(h.Preconfigured.Webhooks), nil
}

func (h handlers) preconfiguredJobs(*api.Request) ([]any, error) {
	return api.OrEmpty(h.Preconfigured.Jobs), nil
}

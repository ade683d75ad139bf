package api

import (
	"context"
	"net/http"

	"github.com/gennaker/gennaker"
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

func (s *Server) artifactAccounts(*request) (any, error) { return orEmpty(s.Artifacts.Accounts()), nil }

// fetchArtifact answers with the content of the artifact in the body.
func (s *Server) fetchArtifact(r *request) (any, error) {
	doc, err := gennaker.ParseDocument(r.text)
	if err != nil {
		return nil, err
	}
	text, err := s.Artifacts.Fetch(r.Context(), doc.Value)
	if err != nil {
		return nil, err
	}
	return content{status: http.StatusOK, header: http.Header{"Content-Type": {"application/octet-stream"}}, text: string(text)}, nil
}

func (s *Server) preconfiguredWebhooks(*request) (any, error) {
	return orEmpty(s.Preconfigured.Webhooks), nil
}

func (s *Server) preconfiguredJobs(*request) (any, error) { return orEmpty(s.Preconfigured.Jobs), nil }

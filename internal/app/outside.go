package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api/document"
	"github.com/gennaker/gennaker/internal/artifact/fetch"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/seal"
	"github.com/gennaker/gennaker/internal/stage/remote"
)

// outside is what asks machines outside, each under its own rules.
type outside struct {
	webhooks    *egress.Client
	expressions *egress.Client
	artifacts   artifacts
	key         *seal.Key // of what is stored sealed
}

// newOutside makes the clients. Errors: Invalid for settings that cannot be.
func newOutside(s Settings, dir string, log *slog.Logger) (o outside, err error) {
	options := egress.Options{CAFile: s.Webhook.CAFile, InsecureSkipVerify: s.Webhook.InsecureSkipVerify}
	rules, err := s.Webhook.rules(egress.ForWebhooks())
	if err != nil {
		return o, err
	}
	if o.webhooks, err = egress.New(rules, options); err != nil {
		return o, fmt.Errorf("webhook: %w", err)
	}
	if rules, err = s.Expression.rules(egress.ForExpressions()); err != nil {
		return o, err
	}
	if o.expressions, err = egress.New(rules, egress.Options{}); err != nil {
		return o, fmt.Errorf("expression: %w", err)
	}
	if len(s.DockerRegistry.Accounts) > 0 {
		s.Artifacts.DockerRegistry = s.DockerRegistry
	}
	if o.key, err = seal.Open(filepath.Join(dir, "seal.key")); err != nil {
		return o, err
	}
	o.artifacts.accounts, err = fetch.New(s.Artifacts, fetch.Options{
		Client: o.webhooks.HTTP(), Dial: o.webhooks.Dial, Dir: filepath.Join(dir, "artifacts"), Key: o.key, Log: log,
	})
	if err != nil {
		return o, fmt.Errorf("artifacts: %w", err)
	}
	return o, nil
}

// artifacts fetches what pipelines refer to: template.Fetcher.
type artifacts struct{ accounts *fetch.Accounts }

// Accounts returns the accounts: with Fetch, document.Artifacts.
func (a artifacts) Accounts() []document.ArtifactAccount {
	var out []document.ArtifactAccount
	for _, account := range a.accounts.Names() {
		out = append(out, document.ArtifactAccount(account))
	}
	return out
}

// preconfigured returns the stages that the settings make.
func (s Settings) preconfigured() (out document.Preconfigured) {
	for _, v := range remote.Views(s.Webhook.Preconfigured, nil, true) {
		out.Webhooks = append(out.Webhooks, v)
	}
	for _, j := range s.Job.preconfigured() {
		out.Jobs = append(out.Jobs, map[string]any{
			"type": j.Type, "label": j.Label, "description": j.Description, "parameters": j.Parameters, "producesArtifacts": j.ProducesArtifacts,
			"waitForCompletion": j.Wait == nil || *j.Wait, "cloudProvider": j.CloudProvider(),
		})
	}
	return out
}

// maxText bounds an artifact that is read whole, in bytes: a document.
const maxText = gennaker.MaxDocumentBytes

// open returns the content of an artifact, which the caller closes.
func (a artifacts) open(ctx context.Context, art gennaker.Artifact) (io.ReadCloser, error) {
	blob, err := a.accounts.Fetch(ctx, art, nil)
	if err != nil {
		return nil, err
	}
	return blob, nil
}

// unkept fetches manifests, which may hold secrets: no cache has them.
type unkept struct{ artifacts }

// Fetch returns the content of an artifact.
func (u unkept) Fetch(ctx context.Context, open map[string]any) ([]byte, error) {
	art, err := gennaker.ArtifactOf(open)
	if err != nil {
		return nil, err
	}
	return u.accounts.Read(ctx, art, maxManifests)
}

// maxManifests bounds the manifests of one artifact, in bytes; what they may be
// in the end, they bound themselves.
const maxManifests = 16 << 20

// Fetch returns the content of an artifact.
func (a artifacts) Fetch(ctx context.Context, open map[string]any) ([]byte, error) {
	art, err := gennaker.ArtifactOf(open)
	if err != nil {
		return nil, err
	}
	blob, err := a.accounts.Fetch(ctx, art, nil)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	text, err := io.ReadAll(io.LimitReader(blob, maxText+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read artifact %s: %w", art.Reference, err)
	case len(text) > maxText:
		return nil, gennaker.Errorf(gennaker.TooLarge, "artifact %s has more than %d bytes", art.Reference, maxText)
	}
	return text, nil
}

package app

import (
	"context"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/egress"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/stage/bake"
	"github.com/gennaker/gennaker/internal/stage/bind"
	"github.com/gennaker/gennaker/internal/stage/control"
	"github.com/gennaker/gennaker/internal/stage/deploy"
	"github.com/gennaker/gennaker/internal/stage/document"
	"github.com/gennaker/gennaker/internal/stage/job"
	"github.com/gennaker/gennaker/internal/stage/manifest"
	"github.com/gennaker/gennaker/internal/stage/remote"
)

// needs is what the stages need of the server.
type needs struct {
	pipelines   control.Pipelines
	fleet       *provider.Fleet
	history     bind.History
	application func(ctx context.Context, name string) (gennaker.Application, error)
	document    document.Config
	client      *egress.Client
	bake        bake.Config
	settings    Settings
	manifests   manifest.Fetcher
}

// register adds all stage types: the one list of them.
//
// Errors: Invalid for settings that cannot be.
func register(r *stage.Registry, n needs) error {
	produced := bind.Produced(n.history)
	location, err := n.settings.location()
	if err != nil {
		return err
	}
	control.Register(r, control.Config{Pipelines: n.pipelines, Clusters: n.fleet, BindProduced: produced, Location: location})
	deploy.Register(r, n.fleet, deploy.Config{Application: n.application})
	document.Register(r, n.document)
	bind.Register(r, n.history)
	webhooks := n.settings.Webhook.Config
	webhooks.Client, webhooks.BindProduced = n.client, produced
	webhooks.Secret = secret
	if err := remote.Register(r, webhooks); err != nil {
		return err
	}
	n.bake.Artifact, n.bake.BindProduced = bind.Artifact, produced
	bake.Register(r, n.bake)
	if err := n.settings.Job.check(); err != nil {
		return err
	}
	manifests := manifest.Config{
		Artifact: bind.Artifact, Artifacts: bind.Artifacts, Fetcher: n.manifests, Parse: parseManifests, BindProduced: produced, History: n.history,
	}
	manifest.Register(r, n.fleet, manifests)
	runJob := manifest.Job(n.fleet, manifests)
	job.Register(r, n.fleet, job.Config{BindProduced: produced, Preconfigured: n.settings.Job.preconfigured(), Manifest: &runJob})
	return nil
}

// Types returns the stage types that every server knows. Their stages do
// nothing: it is for simulations.
func Types() (*stage.Registry, error) {
	client, err := egress.New(egress.ForWebhooks(), egress.Options{})
	if err != nil {
		return nil, err
	}
	r := &stage.Registry{}
	return r, register(r, needs{client: client})
}

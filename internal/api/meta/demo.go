package meta

import (
	"context"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// Demo is a small world inside the server, with traffic.
type Demo interface {
	// Status returns how it is.
	Status() gennaker.DemoStatus
	// Start begins it, or goes on with one that stopped; one that runs is left
	// alone. Errors: Conflict.
	Start(ctx context.Context) (gennaker.DemoStatus, error)
	// Stop takes away what it made; nothing of one that is not there.
	Stop(ctx context.Context) (gennaker.DemoStatus, error)
}

func (h handlers) demo(*api.Request) (gennaker.DemoStatus, error) { return h.Demo.Status(), nil }
func (h handlers) startDemo(r *api.Request) (gennaker.DemoStatus, error) {
	return h.Demo.Start(r.Context())
}
func (h handlers) stopDemo(r *api.Request) (gennaker.DemoStatus, error) {
	return h.Demo.Stop(r.Context())
}

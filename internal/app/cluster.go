package app

import (
	"context"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/access"
)

// openCluster makes the provider of an account. Nothing is asked of the cluster
// before it runs.
func (a *App) openCluster(ctx context.Context, account access.Account) (place, error) {
	_, err := account.Client(ctx, secret)
	if err != nil {
		return place{}, err
	}
	return place{}, gennaker.Errorf(gennaker.Unavailable, "not wired")
}

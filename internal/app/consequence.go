package app

import (
	"context"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage/deploy"
)

// trafficGuards is fleet.Guards: what the stages ask.
type trafficGuards struct{ deploy.Config }

// Check refuses a loss that the stages would refuse.
func (g trafficGuards) Check(ctx context.Context, groups []gennaker.ServerGroup, loss map[string]int) error {
	return g.Guard(ctx, groups, loss)
}

package provider

import (
	"context"
	"slices"

	"github.com/gennaker/gennaker"
)

// ServerGroups returns the server groups of a cluster, in all regions, by name;
// none of a cluster that does not exist. An empty account is the only one.
//
// Errors: Invalid for an unknown account.
func (f Fleet) ServerGroups(ctx context.Context, account, application, cluster string) ([]gennaker.ServerGroup, error) {
	if all := f.Accounts(); account == "" && len(all) == 1 {
		account = all[0]
	}
	p, err := f.For(account)
	if err != nil {
		return nil, err
	}
	groups, err := p.ServerGroups(ctx, application)
	return slices.DeleteFunc(groups, func(g gennaker.ServerGroup) bool { return g.Cluster != cluster }), err
}

package app

import (
	"context"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// answering tells what runs in the accounts that answer: documents.Inventory.
type answering struct{ fleet *provider.Fleet }

// answerWithin bounds how long it waits for an account.
const answerWithin = 3 * time.Second

// ServerGroups returns the server groups of an application, and the accounts
// whose are not among them.
func (a answering) ServerGroups(ctx context.Context, application string) (groups []gennaker.ServerGroup, absent []string, err error) {
	all := a.fleet.All()
	for _, p := range all {
		found, failure := serverGroups(ctx, p, application)
		if failure != nil {
			absent, err = append(absent, p.Account.Name), failure
		}
		groups = append(groups, found...)
	}
	if len(absent) < len(all) {
		err = nil
	}
	return groups, absent, err
}

func serverGroups(ctx context.Context, p provider.Provider, application string) ([]gennaker.ServerGroup, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	return p.ServerGroups(ctx, application)
}

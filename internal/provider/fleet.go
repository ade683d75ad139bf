package provider

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gennaker/gennaker"
)

// Fleet is the accounts that there are, with their providers. Accounts come and
// go while the server runs. It is safe for concurrent use; the zero value is
// empty and ready to use.
type Fleet struct {
	mu        sync.RWMutex
	providers map[string]Provider
	missing   map[string]error
}

// NewFleet returns a fleet of the accounts of ps.
func NewFleet(ps ...Provider) *Fleet {
	f := &Fleet{}
	for _, p := range ps {
		f.Put(p)
	}
	return f
}

// Put adds an account, or takes the place of the one of that name.
func (f *Fleet) Put(p Provider) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.providers == nil {
		f.providers = map[string]Provider{}
	}
	f.providers[p.Account.Name] = p
	delete(f.missing, p.Account.Name)
}

// Miss makes an account known that cannot be used at this moment: who asks for
// it gets err, until it is put or removed. An error that is Unavailable lets
// tasks wait.
func (f *Fleet) Miss(account string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.missing == nil {
		f.missing = map[string]error{}
	}
	f.missing[account] = err
	delete(f.providers, account)
}

// Remove forgets an account; who has its provider may still use it.
func (f *Fleet) Remove(account string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.providers, account)
	delete(f.missing, account)
}

// For returns the provider of an account.
//
// Errors: Invalid, naming the known accounts; that of Miss.
func (f *Fleet) For(account string) (Provider, error) {
	f.mu.RLock()
	p, ok := f.providers[account]
	missing := f.missing[account]
	f.mu.RUnlock()
	switch {
	case ok:
		return p, nil
	case missing != nil:
		return Provider{}, missing
	}
	return Provider{}, gennaker.Errorf(gennaker.Invalid, "there is no account %q", account).
		WithHint("the accounts are %v", f.Accounts())
}

// Knows reports whether there is an account, be it one that cannot be used now.
func (f *Fleet) Knows(account string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, ok := f.providers[account]
	return ok || f.missing[account] != nil
}

// All returns the providers, by the names of their accounts.
func (f *Fleet) All() []Provider {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.SortedFunc(maps.Values(f.providers), func(a, b Provider) int {
		return strings.Compare(a.Account.Name, b.Account.Name)
	})
}

// Accounts returns the names of the accounts, sorted.
func (f *Fleet) Accounts() []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Sorted(maps.Keys(f.providers))
}

// ServerGroups returns the server groups of a cluster, in all regions, by name;
// none of a cluster that does not exist. An empty account is the only one.
//
// Errors: Invalid for an unknown account.
func (f *Fleet) ServerGroups(ctx context.Context, account, application, cluster string) ([]gennaker.ServerGroup, error) {
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

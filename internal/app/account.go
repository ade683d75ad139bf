package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/access"
)

// The sources of accounts.
const (
	sourceBuiltin       = "builtin"
	sourceConfiguration = "configuration"
	sourceStored        = "stored"
)

// place is a provider with what keeps it up to date.
type place struct {
	provider.Provider
	run func(ctx context.Context) // until ctx ends; nil is nothing to do
}

// accounts keeps the accounts while they come and go: fleet.Accounts.
type accounts struct {
	log   *slog.Logger
	fleet *provider.Fleet
	store accountStore
	open  func(ctx context.Context, a access.Account) (place, error)
	// watch tells of what changes in an account until ctx ends, and calls look when
	// that may be anything.
	watch func(ctx context.Context, p provider.Provider, look func())
	// changed is told of an account that is made, changed, removed, or whose state
	// is another.
	changed func(account string)

	mu         sync.Mutex
	background context.Context // of what runs; nil before the server does
	work       sync.WaitGroup
	entries    map[string]*entry
}

// accountStore keeps the settings of accounts: store.DB.
type accountStore interface {
	Accounts(ctx context.Context) ([]map[string]any, error)
	SaveAccount(ctx context.Context, name string, settings map[string]any, by string) error
	DeleteAccount(ctx context.Context, name, by string) error
}

// entry is an account that is in use.
type entry struct {
	source   string
	settings map[string]any
	account  gennaker.Account
	stop     context.CancelFunc
	stopped  chan struct{}

	mu    sync.Mutex
	state func() gennaker.AccountState
	seen  standing // what was told last
}

// standing is what of an account's state is news.
type standing struct {
	connected bool
	reason    string
}

// news reports whether the state is another than at the last call.
func (e *entry) news() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	state := e.state()
	now := standing{state.Connected, state.Reason}
	news := now != e.seen
	e.seen = now
	return news
}

func (e *entry) setState(f func() gennaker.AccountState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state = f
}

func (e *entry) view() gennaker.AccountView {
	e.mu.Lock()
	state := e.state
	e.mu.Unlock()
	account := e.account
	if account.Regions == nil { // clients do not expect null there
		account.Regions = []string{}
	}
	return gennaker.AccountView{Account: account, Source: e.source, Settings: e.settings, State: state()}
}

func connected() gennaker.AccountState { return gennaker.AccountState{Connected: true} }

// load reads the accounts of the configuration and the stored ones. It asks
// nothing of them, and until run is called they are there, but cannot be used
// yet: what was interrupted in them waits.
//
// Errors: Invalid for the configuration. A stored account that cannot be used
// any more is listed with the reason.
func (a *accounts) load(ctx context.Context, configured []map[string]any) error {
	a.entries = map[string]*entry{}
	for _, p := range a.fleet.All() {
		a.entries[p.Account.Name] = &entry{source: sourceBuiltin, account: p.Account, state: connected}
	}
	stored, err := a.store.Accounts(ctx)
	if err != nil {
		return err
	}
	for i, settings := range configured {
		account, err := parseAccount(settings)
		if err == nil && a.entries[account.Name] != nil {
			err = gennaker.Errorf(gennaker.Invalid, "there is an account %s already", account.Name)
		}
		if err != nil {
			return gennaker.Errorf(gennaker.Invalid, "kubernetes.accounts[%d]: %w", i, err)
		}
		a.entries[account.Name] = &entry{source: sourceConfiguration, settings: settings, account: account.Place(), state: connected}
	}
	for _, settings := range stored {
		name, _ := settings["name"].(string)
		if a.entries[name] == nil { // the configuration has the last word
			a.entries[name] = &entry{source: sourceStored, settings: settings, account: gennaker.Account{Name: name, Type: "kubernetes", CloudProvider: "kubernetes"}, state: connected}
		}
	}
	for name, e := range a.entries {
		if e.source != sourceBuiltin {
			a.fleet.Miss(name, connecting(name))
		}
	}
	return nil
}

// connecting is why an account cannot be used yet.
func connecting(name string) error {
	return gennaker.Errorf(gennaker.Unavailable, "the account %s is being connected", name)
}

// run keeps what is loaded up to date until ctx ends; accounts that are saved
// later too.
func (a *accounts) run(ctx context.Context) {
	a.mu.Lock()
	a.background = ctx
	for _, e := range a.entries {
		a.start(e)
	}
	a.mu.Unlock()
	<-ctx.Done()
	a.work.Wait()
}

// start keeps e up to date. Call it with mu.
func (a *accounts) start(e *entry) {
	if a.background == nil {
		return
	}
	var ctx context.Context
	ctx, e.stop = context.WithCancel(a.background)
	e.stopped = make(chan struct{})
	a.work.Go(func() {
		defer close(e.stopped)
		if e.source == sourceBuiltin {
			if p, err := a.fleet.For(e.account.Name); err == nil {
				a.watch(ctx, p, func() { a.look(e) })
			}
			return
		}
		a.keep(ctx, e)
		a.fleet.Miss(e.account.Name, connecting(e.account.Name)) // it comes back, or Delete forgets it
	})
}

// Bounds of the pauses between attempts to use an account.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// keep opens e until that succeeds: a file may appear, a secret be set.
func (a *accounts) keep(ctx context.Context, e *entry) {
	since := gennaker.At(time.Now())
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		account, err := parseAccount(e.settings)
		var p place
		if err == nil {
			p, err = a.open(ctx, account)
		}
		if err == nil {
			e.setState(stateOf(p))
			a.look(e)
			a.serve(ctx, p, func() { a.look(e) })
			return
		}
		a.log.WarnContext(ctx, "use an account", "account", e.account.Name, "error", err)
		a.fleet.Miss(e.account.Name, fmt.Errorf("use the account %s: %w", e.account.Name, err))
		e.setState(func() gennaker.AccountState {
			return gennaker.AccountState{Since: since, Reason: err.Error(), Hint: gennaker.HintOf(err)}
		})
		a.look(e)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// stateOf returns what tells the state of p.
func stateOf(p place) func() gennaker.AccountState {
	if p.State == nil {
		return connected
	}
	return p.State
}

// serve lets pipelines use p until ctx ends.
func (a *accounts) serve(ctx context.Context, p place, look func()) {
	var all sync.WaitGroup
	if p.run != nil {
		all.Go(func() { p.run(ctx) })
	}
	a.fleet.Put(p.Provider)
	a.watch(ctx, p.Provider, look)
	all.Wait()
}

// look tells of an account whose state is another than it was. It waits for
// nobody.
func (a *accounts) look(e *entry) {
	if e.news() {
		a.changed(e.account.Name)
	}
}

// parseAccount reads the settings of an account of a cluster.
func parseAccount(settings map[string]any) (access.Account, error) {
	var out access.Account
	text, err := json.Marshal(settings)
	if err == nil {
		err = strictly(text, &out)
	}
	if err != nil {
		return out, gennaker.Errorf(gennaker.Invalid, "the account is not as it should be: %w", err).
			WithHint("docs/reference/config.md has all settings of an account")
	}
	return out, out.Check()
}

// List returns all accounts.
func (a *accounts) List(context.Context) ([]gennaker.AccountView, error) {
	a.mu.Lock()
	entries := slices.Collect(maps.Values(a.entries))
	a.mu.Unlock()
	out := make([]gennaker.AccountView, len(entries))
	for i, e := range entries {
		out[i] = e.view()
	}
	slices.SortFunc(out, func(a, b gennaker.AccountView) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Get returns one account.
func (a *accounts) Get(_ context.Context, name string) (gennaker.AccountView, error) {
	a.mu.Lock()
	e := a.entries[name]
	a.mu.Unlock()
	if e == nil {
		return gennaker.AccountView{}, gennaker.Errorf(gennaker.NotFound, "Account not found (name: %s)", name)
	}
	return e.view(), nil
}

// Save makes an account or changes one.
func (a *accounts) Save(ctx context.Context, settings map[string]any, user string) (gennaker.AccountView, error) {
	account, err := storable(settings)
	if err != nil {
		return gennaker.AccountView{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.entries[account.Name]
	if err := changeable(old); err != nil {
		return gennaker.AccountView{}, err
	}
	if err := a.store.SaveAccount(ctx, account.Name, settings, user); err != nil {
		return gennaker.AccountView{}, err
	}
	a.end(old)
	e := &entry{source: sourceStored, settings: settings, account: account.Place(), state: func() gennaker.AccountState {
		return gennaker.AccountState{Reason: "it is being connected"}
	}}
	a.entries[account.Name] = e
	a.fleet.Miss(account.Name, connecting(account.Name))
	a.start(e)
	a.changed(account.Name)
	return e.view(), nil
}

// Delete forgets an account.
func (a *accounts) Delete(ctx context.Context, name, user string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.entries[name]
	if e == nil {
		return gennaker.Errorf(gennaker.NotFound, "Account not found (name: %s)", name)
	}
	if err := changeable(e); err != nil {
		return err
	}
	if err := a.store.DeleteAccount(ctx, name, user); err != nil {
		return err
	}
	a.end(e)
	a.fleet.Remove(name)
	delete(a.entries, name)
	a.changed(name)
	return nil
}

// end stops e and waits until nothing of it runs; nil is nothing.
func (a *accounts) end(e *entry) {
	if e != nil && e.stop != nil {
		e.stop()
		<-e.stopped
	}
}

// changeable refuses to change what was not stored by users.
func changeable(e *entry) error {
	switch {
	case e == nil || e.source == sourceStored:
		return nil
	case e.source == sourceBuiltin:
		return gennaker.Errorf(gennaker.Conflict, "the account %s is built in", e.account.Name)
	}
	return gennaker.Errorf(gennaker.Conflict, "the account %s is in the server's configuration", e.account.Name).
		WithHint("change it there, or choose another name")
}

// storable checks settings that come from a user: what would let one run
// commands on the server is for its configuration alone.
func storable(settings map[string]any) (access.Account, error) {
	account, err := parseAccount(settings)
	if err == nil && account.AllowExec {
		err = &gennaker.Error{
			Kind: gennaker.Denied, Message: "allowExec lets the server run commands, and can be set in its configuration only",
			Problems: []gennaker.Problem{{Path: "allowExec", Message: "can be set in the server's configuration only"}},
		}
	}
	return account, err
}

// Check tries the credentials of an account.
func (a *accounts) Check(ctx context.Context, settings map[string]any) (gennaker.AccountDiagnosis, error) {
	name, _ := settings["name"].(string)
	a.mu.Lock()
	e := a.entries[name]
	a.mu.Unlock()
	parse := storable
	if e != nil && e.source == sourceConfiguration {
		parse, settings = parseAccount, e.settings
	}
	account, err := parse(settings)
	if err != nil {
		return gennaker.AccountDiagnosis{}, fmt.Errorf("check account %s: %w", cmp.Or(name, "without a name"), err)
	}
	return account.Diagnose(ctx, secret), nil
}

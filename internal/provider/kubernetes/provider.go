// Package kubernetes is the provider of a Kubernetes cluster.
//
//	p, err := kubernetes.New(kubernetes.Config{Account: account, REST: config})
//	go p.Run(ctx)
//	fleet.Put(p.Provider())
//
// What is in the cluster is known from watches (package inventory); what an
// object is to be is decided without the cluster (package manifest); requests
// are made by package cluster. Here is what is between: the order of requests,
// and what makes each operation happen once.
//
// An operation leaves a mark of its key on what it changes, in the same request
// that changes it (annotation gennaker.io/operation). Called again after its
// answer was lost, it finds the mark. What must happen later, when no request
// can reach a pod any more, is marked by the label gennaker.io/pending, and
// carried out by Run, of this process or of the next one.
package kubernetes

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/cluster"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/inventory"
	"github.com/gennaker/gennaker/internal/provider/kubernetes/manifest"
)

// Config is a cluster, and how it is used.
type Config struct {
	Account        gennaker.Account
	REST           *rest.Config    // how it is reached; is not changed
	Version        string          // of this program, for the user agent
	Namespaces     []string        // only these; none is all
	OmitNamespaces []string        // all but these
	Kinds          []string        // as of inventory.Config
	OmitKinds      []string        // as of inventory.Config
	OnlyManaged    bool            // as of inventory.Config
	Custom         manifest.Custom // what kinds are to be taken for
	Settle         time.Duration   // how long proxies and gateways may take to follow a change of endpoints; 0 derives it
	Log            *slog.Logger    // nil means no log
}

// Provider is a cluster. It is safe for concurrent use.
type Provider struct {
	account   gennaker.Account
	config    Config
	log       *slog.Logger
	cluster   *cluster.Client
	inventory *inventory.Inventory

	deleted  memory
	shifting holds
	woken    chan struct{} // something is pending

	mu     sync.Mutex
	cancel context.CancelFunc // of Run; nil before
	closed bool
	done   chan struct{} // closed when Run has returned
}

// The contracts that a cluster fulfils.
var (
	_ provider.Operations    = (*Provider)(nil)
	_ provider.LoadBalancing = (*Provider)(nil)
	_ provider.Manifests     = (*Provider)(nil)
	_ provider.Routes        = (*Provider)(nil)
)

// New returns the provider of a cluster, of which nothing is asked before Run.
//
// Errors: Invalid for a configuration that can never work.
func New(c Config) (*Provider, error) {
	p := &Provider{
		account: c.Account, config: c, log: c.Log,
		woken: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	agent := "gennaker/" + cmp.Or(c.Version, "unknown")
	var err error
	if p.cluster, err = cluster.New(c.REST, agent); err != nil {
		return nil, err
	}
	p.inventory, err = inventory.New(inventory.Config{
		Account: c.Account.Name, REST: cluster.Config(c.REST, agent),
		Namespaces: c.Namespaces, OmitNamespaces: c.OmitNamespaces, Kinds: c.Kinds, OmitKinds: c.OmitKinds,
		OnlyManaged: c.OnlyManaged, Custom: c.Custom, Settle: c.Settle, Log: c.Log,
	})
	return p, err
}

// Provider returns p as a provider.
func (p *Provider) Provider() provider.Provider {
	return provider.Provider{
		Account: p.account, Inventory: p.inventory, Operations: p, LoadBalancing: p, Logs: p.inventory, Manifests: p, Routes: p,
		Resources: p.inventory,
	}
}

// Inventory returns what knows the cluster, for what providers in general do
// not have.
func (p *Provider) Inventory() *inventory.Inventory { return p.inventory }

// Run watches the cluster, and carries out what is pending in it, until ctx
// ends or Close is called. It is called once.
func (p *Provider) Run(ctx context.Context) {
	defer close(p.done)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	p.cancel = cancel
	if p.closed {
		cancel()
	}
	p.mu.Unlock()
	var all sync.WaitGroup
	all.Go(func() { p.inventory.Run(ctx) })
	all.Go(func() { p.carryOut(ctx) })
	all.Wait()
}

// Close ends Run, and waits until it has ended.
func (p *Provider) Close() error {
	p.mu.Lock()
	p.closed = true
	cancel := p.cancel
	p.mu.Unlock()
	if cancel == nil {
		return nil
	}
	cancel()
	<-p.done
	return nil
}

// everywhere returns the namespaces to look in; "" is all of them.
func (p *Provider) everywhere() []string {
	if len(p.config.Namespaces) > 0 {
		return p.config.Namespaces
	}
	return []string{""}
}

// allowed returns why the account may not be used in a namespace.
func (p *Provider) allowed(namespace string) error {
	only, omit := p.config.Namespaces, p.config.OmitNamespaces
	if namespace == "" || (len(only) == 0 || slices.Contains(only, namespace)) && !slices.Contains(omit, namespace) {
		return nil
	}
	e := gennaker.Errorf(gennaker.Denied, "the account %s is not for the namespace %s", p.account.Name, namespace)
	if len(only) > 0 {
		return e.WithHint("its namespaces are %s", strings.Join(only, ", "))
	}
	return e.WithHint("it leaves out %s", strings.Join(omit, ", "))
}

// resolve finds the kind of a reference, and whether it may be used.
//
// Errors: NotFound for another account; Invalid for a kind that the cluster
// does not have; Denied for a namespace that is not the account's.
func (p *Provider) resolve(ctx context.Context, ref gennaker.ManifestRef) (cluster.Ref, error) {
	if ref.Account != "" && ref.Account != p.account.Name {
		return cluster.Ref{}, gennaker.Errorf(gennaker.NotFound, "%s is in another account than %s", ref, p.account.Name)
	}
	if ref.Name == "" {
		return cluster.Ref{}, gennaker.Errorf(gennaker.Invalid, "the object has no name")
	}
	kind, err := p.cluster.Kind(ctx, ref.Kind)
	if err != nil {
		return cluster.Ref{}, err
	}
	r := cluster.Ref{Kind: kind, Name: ref.Name}
	if kind.Namespaced {
		r.Namespace = cmp.Or(ref.Location, "default")
	}
	return r, p.allowed(r.Namespace)
}

// holds are things of which one operation at a time is about.
type holds struct {
	mu    sync.Mutex
	taken map[string]bool
}

func (h *holds) take(what string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.taken[what] {
		return false
	}
	if h.taken == nil {
		h.taken = map[string]bool{}
	}
	h.taken[what] = true
	return true
}

func (h *holds) leave(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.taken, what)
}

package simulate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/provider/fake"
	"github.com/gennaker/gennaker/internal/stage"
)

// populate makes the accounts of the world, and what is in them.
func (s *Simulation) populate() error {
	made := map[string]*fake.Provider{}
	for _, a := range s.world.Accounts {
		made[a.Name] = s.addAccount(a)
	}
	for _, lb := range s.world.Balancers {
		if err := s.place(made, lb.Account).UpsertLoadBalancer(context.Background(), lb); err != nil {
			return fmt.Errorf("load balancer %s: %w", lb.Name, err)
		}
	}
	groups := slices.Clone(s.world.Groups)
	slices.SortStableFunc(groups, func(a, b gennaker.ServerGroup) int { return strings.Compare(a.Name, b.Name) })
	for _, g := range groups {
		if g.Destroying {
			continue
		}
		if err := s.place(made, g.Account).Adopt(g); err != nil {
			return fmt.Errorf("server group %s: %w", g.Name, err)
		}
	}
	for i, o := range s.world.Objects {
		if err := o.deploy(s.place(made, cmp.Or(o.Account, "k8s")), fmt.Sprintf("there/%d", i)); err != nil {
			return fmt.Errorf("object %d: %w", i+1, err)
		}
	}
	s.begun = true
	return nil
}

// place returns the account of that name, which is made if there is none.
func (s *Simulation) place(made map[string]*fake.Provider, account string) *fake.Provider {
	if made[account] == nil {
		made[account] = s.addAccount(gennaker.Account{Name: account})
	}
	return made[account]
}

// moves remembers what is done to server groups.
type moves struct {
	all  []move
	seen map[string]bool // keys of operations
}

// watch returns p with its operations remembered.
func (m *moves) watch(p provider.Provider) provider.Provider {
	p.Operations = watched{p.Operations, m}
	p.Manifests, p.Routes = watchedObjects{p.Manifests, m}, watchedRoutes{p.Routes, m}
	return p
}

// move is one thing that was done, and the ID of the stage that did it.
type move struct{ stage, text string }

func (m *moves) note(key string, err error, format string, args ...any) {
	if err != nil || m.seen[key] {
		return
	}
	if m.seen == nil {
		m.seen = map[string]bool{}
	}
	m.seen[key] = true
	text := fmt.Sprintf(format, args...)
	if len(m.all) > 0 && m.all[len(m.all)-1].text == text {
		return // who makes sure of it does it again
	}
	_, rest, _ := strings.Cut(key, "/") // execution, stage, run, task
	id, _, _ := strings.Cut(rest, "/")
	m.all = append(m.all, move{id, text})
}

type watched struct {
	provider.Operations
	moves *moves
}

// Create implements provider.Operations.
func (w watched) Create(ctx context.Context, key string, spec gennaker.ServerGroupSpec) (string, error) {
	name, err := w.Operations.Create(ctx, key, spec)
	w.moves.note(key, err, "create %s with %s", name, instances(spec.Capacity.Desired))
	return name, err
}

// Resize implements provider.Operations.
func (w watched) Resize(ctx context.Context, key string, ref gennaker.ServerGroupRef, to gennaker.Capacity) error {
	err := w.Operations.Resize(ctx, key, ref, to)
	w.moves.note(key, err, "resize %s to %s", ref.Name, instances(to.Desired))
	return err
}

// Enable implements provider.Operations.
func (w watched) Enable(ctx context.Context, key string, ref gennaker.ServerGroupRef) error {
	err := w.Operations.Enable(ctx, key, ref)
	w.moves.note(key, err, "enable %s", ref.Name)
	return err
}

// Disable implements provider.Operations.
func (w watched) Disable(ctx context.Context, key string, ref gennaker.ServerGroupRef, percent int) error {
	err := w.Operations.Disable(ctx, key, ref, percent)
	if percent >= 100 {
		w.moves.note(key, err, "disable %s", ref.Name)
		return err
	}
	w.moves.note(key, err, "disable %d %% of %s", percent, ref.Name)
	return err
}

// Destroy implements provider.Operations.
func (w watched) Destroy(ctx context.Context, key string, ref gennaker.ServerGroupRef) error {
	err := w.Operations.Destroy(ctx, key, ref)
	w.moves.note(key, err, "destroy %s", ref.Name)
	return err
}

// Terminate implements provider.Operations.
func (w watched) Terminate(ctx context.Context, key string, ref gennaker.ServerGroupRef, names []string) error {
	err := w.Operations.Terminate(ctx, key, ref, names)
	w.moves.note(key, err, "replace %s of %s", instances(len(names)), ref.Name)
	return err
}

func instances(n int) string {
	if n == 1 {
		return "1 instance"
	}
	return fmt.Sprintf("%d instances", n)
}

// supply makes the accounts and load balancers that a document names.
func (s *Simulation) supply(ctx context.Context, v any) error {
	switch v := v.(type) {
	case map[string]any:
		if err := s.supplyOne(ctx, v); err != nil {
			return err
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if err := s.supply(ctx, v[k]); err != nil {
				return err
			}
		}
	case []any:
		for _, x := range v {
			if err := s.supply(ctx, x); err != nil {
				return err
			}
		}
	}
	return nil
}

// supplyOne makes what one object names.
func (s *Simulation) supplyOne(ctx context.Context, m map[string]any) error {
	credentials, _ := m["credentials"].(string)
	account, _ := m["account"].(string)
	account = cmp.Or(credentials, account)
	if account == "" || stage.HasExpression(account) {
		return nil
	}
	p, err := s.fleet.For(account)
	if err != nil {
		s.addAccount(gennaker.Account{Name: account})
		if p, err = s.fleet.For(account); err != nil {
			return err
		}
	}
	if err := s.supplyObjects(account, m); err != nil {
		return err
	}
	wanted, _ := m["loadBalancers"].([]any)
	for _, v := range wanted {
		name, ok := v.(string)
		if !ok || stage.HasExpression(name) {
			continue
		}
		have, err := p.LoadBalancers(ctx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(have, func(lb gennaker.LoadBalancer) bool { return lb.Name == name }) {
			continue
		}
		lb := gennaker.LoadBalancer{Name: name, Account: account, Region: p.Account.Regions[0], Listen: fmt.Sprintf("127.0.0.1:%d", firstPort+len(have))}
		if err := p.UpsertLoadBalancer(ctx, lb); err != nil {
			return fmt.Errorf("make load balancer %s: %w", name, err)
		}
	}
	return nil
}

// firstPort is where the first load balancer listens that is made up; none does.
const firstPort = 20_000

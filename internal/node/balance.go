package node

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/node/state"
)

// maxListeners bounds the load balancers of a node.
const maxListeners = 1000

var balancerName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,200}$`)

// listener is a load balancer. It changes with creating and mu held.
type listener struct {
	rec    state.Balancer
	reason string        // why it does not listen
	over   chan struct{} // closed when another takes its place, or none
}

// open makes a load balancer known and lets it listen: now, or if the address
// is taken as soon as it is free.
func (n *node) open(rec state.Balancer) {
	l := &listener{rec: rec, over: make(chan struct{})}
	n.mu.Lock()
	n.balancers[rec.Name] = l
	n.mu.Unlock()
	err := n.bal.Listen(n.ctx, rec.Name, rec.Listen)
	if err == nil {
		return
	}
	n.note(l, err)
	n.work.Go(func() {
		for wait := firstBackoff; ; wait = min(2*wait, maxBackoff/3) {
			select {
			case <-n.ctx.Done():
				return
			case <-l.over:
				return
			case <-time.After(wait):
			}
			n.creating.Lock()
			select {
			case <-l.over:
			default:
				err = n.bal.Listen(n.ctx, rec.Name, rec.Listen)
				n.note(l, err)
			}
			n.creating.Unlock()
			if err == nil {
				return
			}
		}
	})
}

func (n *node) note(l *listener, err error) {
	n.mu.Lock()
	before := l.reason
	l.reason = ""
	if err != nil {
		l.reason = err.Error()
	}
	changed := l.reason != before
	n.mu.Unlock()
	if changed {
		n.Log.Warn("load balancer", "name", l.rec.Name, "listen", l.rec.Listen, "reason", cmp.Or(l.reason, "listens now"))
		n.hub.publish(l.rec.Application, "")
	}
}

// upsertBalancer makes a load balancer or changes it.
//
// Errors: Invalid for a name or address that cannot be; Conflict if the address
// is taken; TooLarge; Unavailable if it could not be made durable.
func (n *node) upsertBalancer(ctx context.Context, lb gennaker.LoadBalancer) error {
	if !balancerName.MatchString(lb.Name) {
		return gennaker.Errorf(gennaker.Invalid, "the load balancer name %.100q is not allowed: it must match %s", lb.Name, balancerName)
	}
	if lb.Region != Region && lb.Region != "" {
		return gennaker.Errorf(gennaker.Invalid, "there is no region %q", lb.Region).WithHint("the region is %s", Region)
	}
	n.creating.Lock()
	defer n.creating.Unlock()
	n.mu.RLock()
	old, count := n.balancers[lb.Name], len(n.balancers)
	n.mu.RUnlock()
	if old == nil && count >= maxListeners {
		return gennaker.Errorf(gennaker.TooLarge, "there are %d load balancers already", count)
	}
	if err := n.bal.Listen(ctx, lb.Name, lb.Listen); err != nil {
		return err
	}
	rec := state.Balancer{Name: lb.Name, Application: lb.Application, Listen: lb.Listen}
	if strings.HasSuffix(rec.Listen, ":0") {
		rec.Listen = n.bal.Addr(lb.Name) // the same after a restart
	}
	if err := n.store.SaveBalancer(rec); err != nil {
		if old != nil {
			_ = n.bal.Listen(ctx, lb.Name, old.rec.Listen)
		} else {
			_ = n.bal.Remove(ctx, lb.Name)
		}
		return err
	}
	n.mu.Lock()
	if old != nil {
		close(old.over)
	}
	n.balancers[lb.Name] = &listener{rec: rec, over: make(chan struct{})}
	n.mu.Unlock()
	n.route()
	n.hub.publish(lb.Application, "")
	return nil
}

// deleteBalancer removes a load balancer; its requests may finish.
//
// Errors: Conflict while server groups name it; Unavailable.
func (n *node) deleteBalancer(ctx context.Context, name string) error {
	n.creating.Lock()
	defer n.creating.Unlock()
	n.mu.RLock()
	l := n.balancers[name]
	n.mu.RUnlock()
	if l == nil {
		return nil
	}
	for _, g := range n.list() {
		if slices.Contains(g.spec.LoadBalancers, name) {
			return gennaker.Errorf(gennaker.Conflict, "load balancer %s is used by server group %s", name, g.name).
				WithHint("destroy its server groups first")
		}
	}
	if err := n.store.DeleteBalancer(name); err != nil {
		return err
	}
	n.mu.Lock()
	close(l.over)
	delete(n.balancers, name)
	n.mu.Unlock()
	n.hub.publish(l.rec.Application, "")
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	return n.bal.Remove(finish, name)
}

// loadBalancers returns all load balancers by name.
func (n *node) loadBalancers() []gennaker.LoadBalancer {
	n.mu.RLock()
	all := make([]gennaker.LoadBalancer, 0, len(n.balancers))
	for _, name := range slices.Sorted(maps.Keys(n.balancers)) {
		l := n.balancers[name]
		all = append(all, gennaker.LoadBalancer{
			Name: name, Region: Region, CloudProvider: CloudProvider, Application: l.rec.Application,
			Listen: l.rec.Listen, Reason: l.reason, ServerGroups: []gennaker.LoadBalancerServerGroup{},
		})
	}
	n.mu.RUnlock()
	groups := n.list()
	for i := range all {
		lb := &all[i]
		for _, g := range groups {
			if !slices.Contains(g.spec.LoadBalancers, lb.Name) {
				continue
			}
			lb.ServerGroups = append(lb.ServerGroups, g.member(lb.Name))
		}
		lb.Traffic = n.bal.Traffic(lb.Name, "")
	}
	return all
}

// member returns g as a load balancer sees it.
func (g *group) member(lb string) gennaker.LoadBalancerServerGroup {
	g.mu.Lock()
	disabled := g.rec.Disabled
	g.mu.Unlock()
	r := g.routed.Load()
	return gennaker.LoadBalancerServerGroup{
		Name: g.name, Region: Region, Disabled: disabled, Weight: r.weight,
		InService: len(r.targets), Traffic: g.n.bal.Traffic(lb, g.name),
	}
}

// plus adds figures; the latency is the mean over the requests of both.
func plus(a, b gennaker.Traffic) gennaker.Traffic {
	sum := gennaker.Traffic{
		Requests: a.Requests + b.Requests, Errors: a.Errors + b.Errors, InFlight: a.InFlight + b.InFlight,
	}
	if sum.Requests > 0 {
		sum.LatencyMS = (a.LatencyMS*float64(a.Requests) + b.LatencyMS*float64(b.Requests)) / float64(sum.Requests)
	}
	return sum
}

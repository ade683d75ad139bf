package app

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/event"
	"github.com/gennaker/gennaker/internal/provider"
	"github.com/gennaker/gennaker/internal/stage"
	"github.com/gennaker/gennaker/internal/store"
)

// documentChanged tells who listens to events.
func (a *App) documentChanged(c store.Change) {
	a.events.Publish(gennaker.Event{
		Type: gennaker.DocumentChanged, At: gennaker.At(time.Now()), Kind: c.Kind, Application: c.Application, Name: c.Name,
	})
}

// accountChanged tells who listens to events.
func (a *App) accountChanged(account string) {
	a.events.Publish(gennaker.Event{Type: gennaker.AccountChanged, At: gennaker.At(time.Now()), Account: account})
}

// watch wakes the tasks that wait for an application's fleet, and tells who
// listens to events: accounts.watch.
func (a *App) watch(ctx context.Context, p provider.Provider, look func()) {
	account := p.Account.Name
	p.Watch(ctx, func(c provider.Change) {
		if c.Application == "" {
			a.engine.SignalAll()
			look()
		} else {
			a.engine.Signal(stage.FleetTopic(account, c.Application))
		}
		for _, kind := range concerned(c) {
			a.events.Publish(gennaker.Event{
				Type: kind, At: gennaker.At(time.Now()), Application: c.Application, Account: account, Region: c.Region, Name: c.ServerGroup,
			})
		}
	})
}

// concerned returns the types of the events that a change is.
func concerned(c provider.Change) []gennaker.EventType {
	switch {
	case c.Application == "":
		return []gennaker.EventType{gennaker.ServerGroupChanged, gennaker.LoadBalancerChanged}
	case c.ServerGroup == "":
		return []gennaker.EventType{gennaker.LoadBalancerChanged}
	}
	return []gennaker.EventType{gennaker.ServerGroupChanged}
}

// measureEvery is how often traffic is measured.
const measureEvery = time.Second

// trafficMeter publishes how many requests server groups of an account got, while
// somebody follows the events.
type trafficMeter struct {
	events    *event.Log
	account   string
	balancers func(context.Context) ([]gennaker.LoadBalancer, error)
	last      map[string][]gennaker.TrafficSample // by application
}

// run measures until ctx ends. A node that does not answer is asked again.
func (m *trafficMeter) run(ctx context.Context) {
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if m.events.Followers() == 0 {
			m.last = nil
			continue
		}
		m.measure(ctx)
	}
}

func (m *trafficMeter) measure(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, measureEvery)
	defer cancel()
	balancers, err := m.balancers(ctx)
	if err != nil {
		return
	}
	now := m.samples(balancers)
	for application, samples := range now {
		if !slices.Equal(samples, m.last[application]) {
			m.events.Publish(gennaker.Event{
				Type: gennaker.TrafficMeasured, At: gennaker.At(time.Now()), Application: application, Account: m.account, Traffic: samples,
			})
		}
	}
	m.last = now
}

// samples returns what load balancers have counted, by the application of the
// server groups.
func (m *trafficMeter) samples(balancers []gennaker.LoadBalancer) map[string][]gennaker.TrafficSample {
	out := map[string][]gennaker.TrafficSample{}
	for _, lb := range balancers {
		for _, g := range lb.ServerGroups {
			application := strings.ToLower(gennaker.ParseServerGroupName(g.Name).App)
			out[application] = append(out[application], gennaker.TrafficSample{
				LoadBalancer: lb.Name, Account: m.account, Region: g.Region, ServerGroup: g.Name, Weight: g.Weight, InService: g.InService, Traffic: g.Traffic,
			})
		}
	}
	return out
}

// Package fake is a provider of server groups and jobs in memory, for tests of what
// deploys to one.
//
// It is strict: it refuses whatever a real provider refuses, and a key that is
// used for two different things. It is scripted: a [Script] says when instances
// become healthy, drain and stop, and [Provider.Fail], [Provider.Lose] and
// [Provider.Block] make operations fail before or after they acted. It is
// deterministic: there is no goroutine and no clock in it, so what is under way
// moves only when it is looked at or told to.
//
//	p := fake.New(fake.Config{})
//	fleet := provider.NewFleet(p.Provider())
//	p.Lose(fake.Create, 1) // acts, but the caller does not learn of it
//	...
//	p.Effects() // what was changed, in order, each with its key
package fake

import (
	"strconv"
	"sync"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/provider"
)

// Config is what a fake is made of. The zero value is the account "fake" with
// the region "local", where everything is complete at once.
type Config struct {
	Account gennaker.Account
	// Script says how a server group behaves; nil is the zero Script for all.
	Script func(spec gennaker.ServerGroupSpec) Script
	// Job says how a job behaves; nil is the zero JobScript for all.
	Job func(spec gennaker.JobSpec) JobScript
	// Artifacts holds the digest of each artifact that can be run, by reference.
	// With nil every reference and digest is right.
	Artifacts map[string]string
	// Manifest says how an object behaves; nil is the zero ManifestScript for all.
	Manifest func(m gennaker.Manifest) ManifestScript
	// Kinds are those that are known beside Kubernetes' own: "Gadget.example.com";
	// "*" is all.
	Kinds []string
	// Settle is how long gateways need to follow a route.
	Settle time.Duration
	// Now is the time of creation; nil leaves it out.
	Now func() time.Time
}

// Script is how the instances of a server group behave.
type Script struct {
	Start  Pace   // until they are healthy
	Drain  Pace   // until they have no requests in flight, once out of service
	Stop   Pace   // until a destroyed server group is gone, once drained
	Output string // what each writes at its start
}

// Pace is how long something takes. The zero Pace is at once.
type Pace struct {
	looks int // < 0 waits for Finish
	never bool
}

// AtOnce is complete as soon as it is begun.
func AtOnce() Pace { return Pace{} }

// AfterLooks is complete when the server group was read n times; the n-th sees
// it complete. Each look before reports a change to the watchers.
func AfterLooks(n int) Pace { return Pace{looks: n} }

// OnCommand is complete when [Provider.Finish] is called.
func OnCommand() Pace { return Pace{looks: -1} }

// Never is never complete. An instance that never becomes healthy is Down, with
// a reason.
func Never() Pace { return Pace{looks: -1, never: true} }

// Provider is the fake. All its methods are safe for concurrent use.
type Provider struct {
	config Config

	mu        sync.Mutex
	groups    map[gennaker.ServerGroupRef]*group
	balancers map[string]*balancer // by region/name
	jobs      map[string]*job
	sequences map[string]int // by region/cluster: next number
	instances int            // made so far
	keys      map[string]done
	effects   []Effect
	calls     map[Op]int
	faults    map[Op][]fault
	blocks    map[Op]*block
	watchers  map[*watcher]bool
	written   chan struct{} // closed and replaced when an instance wrote
	objects   map[string]*thing
	deployed  map[string]provider.Deployed // by key
	made      int                          // objects so far
}

type group struct {
	spec       gennaker.ServerGroupSpec
	script     Script
	ref        gennaker.ServerGroupRef
	moniker    gennaker.Moniker
	created    gennaker.Time
	instances  []*instance
	disabled   bool
	destroying bool
	stop       Pace
	requests   int64
	stopped    map[string][]byte // logs of instances that are gone
}

type instance struct {
	name     string
	healthy  bool
	start    Pace
	out      bool // gets no new requests
	draining bool
	drain    Pace
	leaving  bool
	replace  bool // by another, when it left
	state    gennaker.HealthState
	reason   string
	log      []byte
}

type balancer struct {
	gennaker.LoadBalancer
	turn int
}

// New returns an empty fake.
func New(c Config) *Provider {
	if c.Account.Name == "" {
		c.Account.Name = "fake"
	}
	if c.Account.CloudProvider == "" {
		c.Account.CloudProvider = "fake"
	}
	if c.Account.Type == "" {
		c.Account.Type = c.Account.CloudProvider
	}
	if c.Account.Regions == nil {
		c.Account.Regions = []string{"local"}
	}
	return &Provider{
		config:    c,
		groups:    map[gennaker.ServerGroupRef]*group{},
		balancers: map[string]*balancer{},
		jobs:      map[string]*job{},
		sequences: map[string]int{},
		keys:      map[string]done{},
		calls:     map[Op]int{},
		faults:    map[Op][]fault{},
		blocks:    map[Op]*block{},
		watchers:  map[*watcher]bool{},
		written:   make(chan struct{}),
		objects:   map[string]*thing{},
		deployed:  map[string]provider.Deployed{},
	}
}

// Provider returns p as a provider.
func (p *Provider) Provider() provider.Provider {
	return provider.Provider{Account: p.config.Account, Inventory: p, Operations: p, LoadBalancing: p, Logs: p, Jobs: p, Manifests: p, Routes: p}
}

// Finish completes whatever is under way in a server group, but for what is
// scripted never to be.
func (p *Provider) Finish(serverGroup string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.groups {
		if g.ref.Name == serverGroup {
			p.settle(g, Pace.command)
			p.changed(g)
		}
	}
}

// SetHealth makes a healthy instance show another state, with why; Up makes it
// healthy again. It panics if there is no such instance.
func (p *Provider) SetHealth(instance string, state gennaker.HealthState, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.groups {
		for _, i := range g.instances {
			if i.name != instance {
				continue
			}
			i.healthy = true
			i.state, i.reason = state, reason
			if state == gennaker.Up {
				i.state, i.reason = "", ""
			}
			p.changed(g)
			return
		}
	}
	panic("fake: there is no instance " + instance)
}

// command returns the pace after a Finish.
func (p Pace) command() Pace {
	if p.never {
		return p
	}
	return Pace{}
}

// look returns the pace after the server group was read.
func (p Pace) look() Pace {
	if p.looks > 0 {
		p.looks--
	}
	return p
}

// still returns the pace after nothing happened.
func (p Pace) still() Pace { return p }

func (p Pace) complete() bool { return p.looks == 0 }

// settle lets everything under way in g advance by step, and applies what is
// complete then.
func (p *Provider) settle(g *group, step func(Pace) Pace) {
	drained := true
	stay := g.instances[:0:0]
	var replace int
	for _, i := range g.instances {
		if !i.healthy {
			i.start = step(i.start)
			i.healthy = i.start.complete()
		}
		if i.draining {
			i.drain = step(i.drain)
			i.draining = !i.drain.complete()
		}
		drained = drained && !i.draining
		switch {
		case !i.leaving || i.draining:
			stay = append(stay, i)
		case i.replace:
			replace++
			fallthrough
		default:
			g.stopped[i.name] = i.log
		}
	}
	g.instances = stay
	for range replace {
		p.addInstance(g)
	}
	if g.destroying && drained {
		if g.stop = step(g.stop); g.stop.complete() {
			delete(p.groups, g.ref)
		}
	}
}

// pending reports whether looking at g changes it.
func (g *group) pending() bool {
	for _, i := range g.instances {
		if !i.healthy && i.start.looks > 0 || i.draining && i.drain.looks > 0 {
			return true
		}
	}
	return g.destroying && g.stop.looks > 0
}

func (p *Provider) addInstance(g *group) {
	p.instances++
	i := &instance{
		name:  g.ref.Name + "-i" + strconv.Itoa(p.instances),
		start: g.script.Start,
		out:   g.disabled,
		log:   []byte(g.script.Output),
	}
	i.healthy = i.start.complete()
	g.instances = append(g.instances, i)
	p.wrote()
}

// takeOut stops new requests to i.
func (g *group) takeOut(i *instance) {
	if i.out {
		return
	}
	i.out = true
	if i.healthy && !g.script.Drain.complete() {
		i.draining, i.drain = true, g.script.Drain
	}
}

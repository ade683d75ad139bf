package balancer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gennaker/gennaker"
)

// Table is the routing of every load balancer, by its name.
type Table map[string][]Group

// Group is a server group behind a load balancer.
type Group struct {
	Name    string
	Weight  int      // share, of the sum over the groups that have targets; at most 1,000,000 counts; 0 or less gets nothing
	Targets []Target // the instances in service, and only these
}

// Target is an instance in service.
type Target struct {
	ID      string // unique in the table, but for the same instance in several groups
	Address string // host:port
}

const (
	maxWeight   = 1_000_000
	keptFigures = 1_000 // groups that are not listed any more, per load balancer
	suspension  = time.Second
	latencyOver = 1_000 // requests that the mean latency looks back on
)

var (
	errDone = errors.New("balancer is closed")
	errCut  = errors.New("load balancer stopped before the request ended")
)

// target is an instance while it is listed or has requests. The balancer's lock
// guards it.
type target struct {
	id        string
	listed    int // places in the table
	inFlight  int64
	suspended time.Time              // after a dial that failed, others are preferred until then
	upgraded  map[*exchange]struct{} // connections that have become a tunnel
	waiters   []chan struct{}        // closed when it is drained
}

func (t *target) drained() bool { return t.listed == 0 && t.inFlight == 0 }

// endpoint is a target as one group lists it.
type endpoint struct {
	*target
	address string
}

// group is a server group of a pool. The balancer's lock guards it.
type group struct {
	name      string
	weight    int
	credit    int // of smooth weighted round robin
	next      int // where the search for the least busy endpoint begins
	endpoints []endpoint
	figures   figures
	unlisted  int64 // Set that dropped it, to forget the oldest first; 0 while listed
}

// pool is what one load balancer routes to. The balancer's lock guards it.
type pool struct {
	name    string
	inTable bool
	groups  map[string]*group // listed ones and those whose figures are kept
	active  []*group          // those with targets and a weight, in the table's order
	figures figures
}

// figures are what Traffic reports. The balancer's lock guards them.
type figures struct {
	requests, errors, inFlight, answered int64
	latency                              time.Duration
}

// finish counts a request that ended; firstByte is zero if it was not answered.
func (f *figures) finish(failed bool, firstByte time.Duration) {
	f.inFlight--
	f.requests++
	if failed {
		f.errors++
	}
	if firstByte > 0 {
		f.answered++
		f.latency += (firstByte - f.latency) / time.Duration(min(f.answered, latencyOver))
	}
}

func (f *figures) traffic() gennaker.Traffic {
	return gennaker.Traffic{
		Requests: f.requests, Errors: f.errors, InFlight: f.inFlight,
		LatencyMS: float64(f.latency) / float64(time.Millisecond),
	}
}

// choose returns where the next request goes: a group by its weight, then the
// endpoint in it with the fewest requests. Those in avoid are left out; those
// suspended at now too, unless no other is left.
func (p *pool) choose(now time.Time, avoid []*target) (*group, endpoint, bool) {
	for _, suspended := range []bool{false, true} {
		usable := func(e endpoint) bool {
			return (suspended || !now.Before(e.suspended)) && !slices.Contains(avoid, e.target)
		}
		var best *group
		total := 0
		for _, g := range p.active {
			if !slices.ContainsFunc(g.endpoints, usable) {
				continue
			}
			total += g.weight
			g.credit += g.weight
			if best == nil || g.credit > best.credit {
				best = g
			}
		}
		if best != nil {
			best.credit -= total
			return best, best.leastBusy(usable), true
		}
	}
	return nil, endpoint{}, false
}

// leastBusy returns the usable endpoint with the fewest requests in flight; of
// equals the one whose turn it is. There must be one.
func (g *group) leastBusy(usable func(endpoint) bool) endpoint {
	best := -1
	n := len(g.endpoints)
	for i := range n {
		at := (g.next + i) % n
		if usable(g.endpoints[at]) && (best < 0 || g.endpoints[at].inFlight < g.endpoints[best].inFlight) {
			best = at
		}
	}
	g.next = best + 1
	return g.endpoints[best]
}

// why says why no target could be chosen.
func (p *pool) why() string {
	for _, g := range p.groups {
		if len(g.endpoints) > 0 && g.weight <= 0 {
			return fmt.Sprintf("every server group of load balancer %s that has instances in service has weight 0", p.name)
		}
	}
	return fmt.Sprintf("load balancer %s has no instance in service", p.name)
}

// forget drops the figures of the groups that have been gone for longest.
func (p *pool) forget() {
	var gone []*group
	for _, g := range p.groups {
		if g.unlisted > 0 && g.figures.inFlight == 0 {
			gone = append(gone, g)
		}
	}
	if len(gone) <= keptFigures {
		return
	}
	slices.SortFunc(gone, func(a, b *group) int { return int(a.unlisted - b.unlisted) })
	for _, g := range gone[:len(gone)-keptFigures] {
		delete(p.groups, g.name)
	}
}

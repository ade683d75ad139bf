package inventory

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"

	"github.com/gennaker/gennaker"
)

// longestProbe is between two tries of an account whose server is away: one
// request, so that it may be soon.
const longestProbe = 5 * time.Second

// spread is over how long the watches of an account come back when its server
// does.
const spread = 300 * time.Millisecond

// gate keeps an account's watches from asking, each by itself, a server that
// is away: while it is shut one of them tries, ever more rarely, and when that
// one is answered all go through.
type gate struct {
	opened func() // told when the server is back
	heard  atomic.Int64

	mu      sync.Mutex
	err     error         // why it is shut
	since   time.Time     // when that changed
	asOf    time.Time     // when the server was last heard of, of a shut one
	open    chan struct{} // closed while it is open
	probe   chan struct{} // who holds its one place tries
	retries int
}

func (g *gate) init(opened func()) {
	g.opened, g.open, g.probe = opened, make(chan struct{}), make(chan struct{}, 1)
	close(g.open)
}

// hear notes that the server lives.
func (g *gate) hear() { g.heard.Store(time.Now().UnixNano()) }

// state returns why the gate is shut, nil if it is open, since when that is so,
// and when the server was last heard of.
func (g *gate) state() (err error, since, asOf time.Time) { //nolint:revive // the error is the state, not a failure
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err, g.since, g.asOf
}

// through asks the server when the gate is open, and again for as long as it is
// away. builtIn says that whoever answers "unavailable" is the server itself.
func through[T any](ctx context.Context, g *gate, builtIn bool, ask func() (T, error)) (T, error) {
	for {
		tried, err := g.pass(ctx)
		if err != nil {
			var none T
			return none, err
		}
		out, err := ask()
		if ctx.Err() == nil {
			if away(err, builtIn) {
				g.shut(err, tried)
			} else {
				g.answered()
			}
		}
		if tried {
			<-g.probe
		}
		if err == nil || ctx.Err() != nil || !away(err, builtIn) {
			return out, err
		}
	}
}

// pass waits until the server may be asked. Who is the one that tries holds the
// probe.
func (g *gate) pass(ctx context.Context) (tried bool, err error) {
	for first := true; ; first = false {
		g.mu.Lock()
		open := g.open
		g.mu.Unlock()
		select {
		case <-open:
			if !first {
				pause(ctx, rand.N(spread))
			}
			return false, ctx.Err()
		default:
		}
		select {
		case <-open:
		case <-ctx.Done():
			return false, ctx.Err()
		case g.probe <- struct{}{}:
			wait := g.wait()
			t := time.NewTimer(wait/2 + rand.N(wait))
			select {
			case <-t.C:
				return true, nil
			case <-open: // somebody else was answered
			case <-ctx.Done():
			}
			t.Stop()
			<-g.probe
		}
	}
}

// wait returns about how long to wait until the next try.
func (g *gate) wait() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return min(firstRetry<<min(g.retries, 10), longestProbe)
}

// shut closes the gate. Only who tried makes the next try later: when a server
// goes, all that were asking it say so at once.
func (g *gate) shut(err error, tried bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if tried {
		g.retries++
	}
	select {
	case <-g.open:
		g.open, g.since, g.retries = make(chan struct{}), time.Now(), 0
		if heard := g.heard.Load(); heard > 0 {
			g.asOf = time.Unix(0, heard)
		}
	default:
	}
	g.err = reason(err)
}

func (g *gate) answered() {
	g.hear()
	g.mu.Lock()
	was := g.err
	g.err, g.retries = nil, 0
	select {
	case <-g.open:
		if g.since.IsZero() {
			g.since = time.Now()
		}
	default:
		close(g.open)
		g.since = time.Now()
	}
	g.mu.Unlock()
	if was != nil {
		g.opened()
	}
}

// away returns whether err says that the cluster cannot be asked at all, by
// anybody or with these credentials, and not that it answered no.
func away(err error, builtIn bool) bool {
	if err == nil || discovery.IsGroupDiscoveryFailedError(err) {
		return false
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return true
	}
	switch status.Status().Code {
	case http.StatusUnauthorized:
		return true
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return builtIn
	}
	return false
}

// reason says in a sentence why a cluster is away.
func reason(err error) error {
	if apierrors.IsUnauthorized(err) {
		return gennaker.Errorf(gennaker.Unavailable, "the cluster refuses the credentials: %w", err).
			WithHint("renew them; what is shown is what was there before")
	}
	return gennaker.Errorf(gennaker.Unavailable, "the cluster does not answer: %w", err)
}

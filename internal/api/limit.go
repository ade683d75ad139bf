package api

import (
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/gennaker/gennaker"
)

// Rate is how many requests one caller may send. The zero value is no bound.
type Rate struct {
	PerSecond float64 // on average
	Burst     int     // at once; 0 means PerSecond, rounded up
}

// maxCallers bounds the callers that are remembered, twice.
const maxCallers = 10_000

// limiter counts the requests of callers: a token bucket for each.
//
// It remembers two generations. A caller that is heard of moves to the young
// one; when a bucket had time to fill up again, the young one becomes old and
// the old one is forgotten: nobody in it was short of anything. With more callers
// than it remembers that happens early, and a forgotten one has a full bucket.
type limiter struct {
	bound Rate

	mu         sync.Mutex
	young, old map[string]*rate.Limiter
	since      time.Time // of the young ones
}

func newLimiter(r Rate) *limiter {
	if r.PerSecond <= 0 {
		return nil
	}
	if r.Burst <= 0 {
		r.Burst = int(math.Ceil(r.PerSecond))
	}
	return &limiter{bound: r}
}

// wait returns how long a caller must wait before it may send a request at now;
// 0 counts it as sent.
func (l *limiter) wait(caller string, now time.Time) time.Duration {
	reservation := l.bucket(caller, now).ReserveN(now, 1)
	delay := reservation.DelayFrom(now)
	if delay > 0 {
		reservation.CancelAt(now)
	}
	return delay
}

func (l *limiter) bucket(caller string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	refill := time.Duration(float64(l.bound.Burst) / l.bound.PerSecond * float64(time.Second))
	if l.young == nil || len(l.young) >= maxCallers || now.Sub(l.since) > refill {
		l.old, l.young, l.since = l.young, map[string]*rate.Limiter{}, now
	}
	b := l.young[caller]
	if b == nil {
		if b = l.old[caller]; b == nil {
			b = rate.NewLimiter(rate.Limit(l.bound.PerSecond), l.bound.Burst)
		}
		l.young[caller] = b
	}
	return b
}

// limit counts a request of r's caller, and refuses it if there were too many.
//
// Errors: TooMany, with Retry-After in h.
func (s *Server) limit(h http.Header, r *Request) error {
	if s.limiter == nil {
		return nil
	}
	delay := s.limiter.wait(callerKey(r.Caller, r.RemoteAddr), time.Now())
	if delay <= 0 {
		return nil
	}
	seconds := int(math.Ceil(delay.Seconds()))
	h.Set("Retry-After", strconv.Itoa(seconds))
	return gennaker.Errorf(gennaker.TooMany, "more requests than this server takes from one caller, %g per second", s.Rate.PerSecond).
		WithHint("wait %d s, as the header Retry-After says", seconds)
}

// callerKey is by what a caller is counted: the user, or the address if that is
// not known. Who has an IPv6 address has all those of its network, of 64 bits.
func callerKey(c Caller, remote string) string {
	if c.User != "" && c.User != gennaker.Anonymous {
		return "user " + c.User
	}
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Unmap().Is4() {
		return host
	}
	network, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return network.String()
}

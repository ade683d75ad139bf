package inventory

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Bounds of a time to settle that is derived. In a cluster that is quick
// kube-proxies and gateways follow within a second or two.
const (
	leastSettle = 5 * time.Second
	mostSettle  = time.Minute
	lags        = 3                // it is as often the slowest lag
	remembered  = 10 * time.Minute // how long that counts, if nothing slower comes
)

// settle is how long a request may still arrive after an endpoint has gone. It
// is given, or derived from how the cluster keeps up: from when a pod was seen to
// leave a service by its labels until it was seen to be no endpoint of it. Who is
// told later of endpoints than we are, by the same watches, is no slower by
// orders of magnitude.
type settle struct {
	given   time.Duration // 0: derive it
	slowest time.Duration // lag seen lately
	at      time.Time     // when that was
}

// observe takes in a lag.
func (s *settle) observe(lag time.Duration, now time.Time) {
	if lag >= s.slowest || now.Sub(s.at) > remembered {
		s.slowest, s.at = lag, now
	}
}

// time returns the time to settle as of now.
func (s *settle) time(now time.Time) time.Duration {
	switch {
	case s.given > 0:
		return s.given
	case now.Sub(s.at) > remembered:
		return leastSettle
	}
	return min(max(leastSettle, lags*s.slowest), mostSettle)
}

// Settle returns how long a request may still arrive after an endpoint has gone,
// as far as is known now.
func (i *Inventory) Settle() time.Duration {
	i.index.mu.RLock()
	defer i.index.mu.RUnlock()
	return i.index.traffic.settle.time(time.Now())
}

// departing notes that the labels of a pod changed so that a service that routes
// to it no longer selects it: from now on its endpoint is late.
func (p *podTraffic) departing(x *index, was, is *corev1.Pod) {
	for _, m := range p.slices {
		o := x.kinds[serviceKind][key{Namespace: is.Namespace, Name: m.service}]
		if o == nil || !m.routed {
			continue
		}
		s, ok := o.meta.(*corev1.Service)
		if ok && selects(s.Spec.Selector, was.Labels) && !selects(s.Spec.Selector, is.Labels) {
			p.departs = time.Now()
		}
	}
}

// departed returns how late a departing pod ceases to be an endpoint, when a
// slice says m of it; false if it does not, or was not departing.
func (p *podTraffic) departed(slice key, m *mention, now time.Time) (time.Duration, bool) {
	if p.departs.IsZero() || m != nil && m.routed {
		return 0, false
	}
	for _, other := range p.slices {
		if other.routed && other.slice != slice {
			return 0, false
		}
	}
	lag := now.Sub(p.departs)
	p.departs = time.Time{}
	return lag, true
}

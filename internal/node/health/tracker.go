package health

import (
	"time"

	"github.com/gennaker/gennaker"
)

// Verdict is what many answers say.
type Verdict string

// The verdicts.
const (
	Pending   Verdict = "pending" // not healthy yet, and not old enough to be blamed
	Healthy   Verdict = "healthy"
	Unhealthy Verdict = "unhealthy"
)

// Tracker makes a verdict of answers. Not for concurrent use.
type Tracker struct {
	check    gennaker.HealthCheck
	launched time.Time
	verdict  Verdict
	reason   string
	good     int // in a row
	bad      int
}

// NewTracker returns a tracker for an instance launched at a time. An adopted
// instance begins as it was known.
func NewTracker(check gennaker.HealthCheck, launched time.Time, known Verdict) *Tracker {
	return &Tracker{check: WithDefaults(check), launched: launched, verdict: known}
}

// Observe takes one answer, "" for well, and returns the verdict and, unless it
// is Healthy, the reason for it.
func (t *Tracker) Observe(reason string, now time.Time) (Verdict, string) {
	if reason == "" {
		t.good++
		t.bad = 0
		if t.good >= t.check.HealthyThreshold {
			t.verdict, t.reason = Healthy, ""
		}
		return t.verdict, t.reason
	}
	t.good = 0
	if t.verdict != Healthy {
		t.reason = reason
	}
	grace := time.Duration(t.check.GraceSeconds) * time.Second
	if t.verdict == Pending && now.Sub(t.launched) < grace {
		return t.verdict, t.reason
	}
	t.bad++
	if t.bad >= t.check.UnhealthyThreshold {
		t.verdict, t.reason = Unhealthy, reason
	}
	return t.verdict, t.reason
}

// Next returns how long to wait before the next question: short while nothing
// is known, so that an instance that is ready is used at once.
func (t *Tracker) Next(now time.Time) time.Duration {
	interval := time.Duration(t.check.IntervalMS) * time.Millisecond
	if t.verdict != Pending {
		return interval
	}
	age := now.Sub(t.launched)
	return min(interval, max(25*time.Millisecond, age/8))
}

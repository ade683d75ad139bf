package manifest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/stage"
)

// Keys of contexts that tell how far objects have got; Spinnaker's.
const (
	messagesKey = "messages"
	failuresKey = "failureMessages"
	stablesKey  = "stableManifests"
	failedKey   = "failedManifests"
	warningsKey = "warnings"
	eventsKey   = "events"
)

// maxEvents bounds how many events of one object are kept.
const maxEvents = 20

// progress is how far the objects of a stage have got.
type progress struct {
	stable, failed, unstable   []gennaker.ManifestRef
	messages, failures, events []any
	warnings                   []any
	why, hint                  string // of the first that failed, or else is not stable
}

// stableConfig is what a wait for stability reads.
type stableConfig struct {
	Minutes  float64 `json:"stableManifestTimeoutMinutes"`
	FailFast bool    `json:"failFast"`
	Events   bool    `json:"includeEvents"`
	Timeout  float64 `json:"stageTimeoutMs"`
	Stable   []where `json:"stableManifests"`
	Warnings []any   `json:"warnings"`
}

// limit returns when the wait has lasted too long; zero if the runtime knows.
func (c stableConfig) limit(in stage.Input) time.Time {
	if c.Timeout > 0 && c.Minutes == 0 {
		return time.Time{}
	}
	d := stableTimeout
	if c.Minutes > 0 {
		d = time.Duration(c.Minutes * float64(time.Minute))
	}
	return in.TaskStart.Add(d)
}

// stabilize waits until the objects that the stage changed are stable. It fails
// when all of them have come to an end and one has failed.
//
// Source: Spinnaker's WaitForManifestStableTask; strategies, B6.
func (m *maker) stabilize(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[stableConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	d, err := readDeployed(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	s, err := m.look(ctx, d, c)
	if err != nil {
		return failed(err)
	}
	values, limit := s.context(c), c.limit(in)
	switch {
	case len(s.failed) > 0 && (len(s.unstable) == 0 || c.FailFast):
		return stage.Fail("%s", s.why).WithHint("%s", s.hint).WithContext(values), nil
	case len(s.unstable) == 0:
		values[stableKey] = true
		return stage.Done().WithContext(values), nil
	case !limit.IsZero() && !in.Now.Before(limit):
		return stage.Fail("%s after %s", s.why, in.Now.Sub(in.TaskStart).Round(time.Second)).WithHint("%s", s.hint).WithContext(values), nil
	}
	return waiting(in, d.Account, limit, d.Applications...).WithContext(values), nil
}

// look asks for the objects that were not stable yet.
func (m *maker) look(ctx context.Context, d deployed, c stableConfig) (s progress, err error) {
	p, err := m.provider(d.Account)
	if err != nil {
		return s, err
	}
	s.warnings = c.Warnings
	for _, ref := range d.refs() {
		if slices.ContainsFunc(c.Stable, func(w where) bool { return w.Location == ref.Location && w.Name == ref.ManifestName() }) {
			s.stable = append(s.stable, ref)
			continue
		}
		v, err := p.Manifest(ctx, ref)
		if err != nil {
			return s, fmt.Errorf("wait for %s to be stable: %w", ref.ManifestName(), err)
		}
		s.add(ref, v)
	}
	return s, nil
}

// add sorts an object in.
func (s *progress) add(ref gennaker.ManifestRef, v gennaker.ManifestView) {
	for _, w := range v.Warnings {
		if !slices.Contains(s.warnings, any(w)) {
			s.warnings = append(s.warnings, w)
		}
	}
	place := fmt.Sprintf("'%s' in '%s' for account %s", ref.ManifestName(), ref.Location, ref.Account)
	switch {
	case v.Status.Failed.State:
		why := cmp.Or(v.Reason, v.Status.Failed.Message)
		if len(s.failed) == 0 {
			s.why, s.hint = sentence(ref.ManifestName()+" failed", why), v.Hint
		}
		s.failed = append(s.failed, ref)
		s.failures = append(s.failures, fmt.Sprintf("%s: %s", place, cmp.Or(v.Status.Failed.Message, why)))
	case v.Status.Stable.State:
		s.stable = append(s.stable, ref)
	default:
		why := cmp.Or(v.Reason, v.Status.Stable.Message)
		if len(s.unstable)+len(s.failed) == 0 {
			s.why, s.hint = sentence(ref.ManifestName()+" is not stable", why), v.Hint
		}
		s.unstable = append(s.unstable, ref)
		s.messages = append(s.messages, sentence(place+": waiting for manifest to stabilize", why))
	}
	for _, e := range v.Events[:min(len(v.Events), maxEvents)] {
		s.events = append(s.events, object{
			"manifestName": ref.ManifestName(), "location": ref.Location, "kind": e.Kind, "name": e.Name, "type": e.Type,
			"reason": e.Reason, "message": e.Message, "count": e.Count,
		})
	}
}

// sentence is what with why, if that is known.
func sentence(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + strings.TrimSuffix(why, ".")
}

func (s progress) context(c stableConfig) object {
	list := func(v []any) []any {
		if v == nil {
			return []any{}
		}
		return v
	}
	refs := func(all []gennaker.ManifestRef) []any {
		out := []any{}
		for _, r := range all {
			out = append(out, object{"manifestName": r.ManifestName(), "location": r.Location})
		}
		return out
	}
	values := object{
		messagesKey: list(s.messages), failuresKey: list(s.failures), stablesKey: refs(s.stable), failedKey: refs(s.failed), warningsKey: list(s.warnings),
	}
	if c.Events {
		values[eventsKey] = list(s.events)
	}
	return values
}

// giveUp says why the objects did not become stable in time, and takes a new
// version that has traffic out of it: a stage that is canceled has no on-failure
// stages.
func (m *maker) giveUp(ctx context.Context, in stage.Input) (stage.Outcome, error) {
	c, err := stage.Decode[stableConfig](in.Stage.Context)
	if err != nil {
		return stage.Outcome{}, err
	}
	d, err := readDeployed(in)
	if err != nil {
		return stage.Outcome{}, err
	}
	s, err := m.look(ctx, d, c)
	if err != nil {
		return stage.Outcome{}, err
	}
	o := stage.Fail("%s", cmp.Or(s.why, "the objects became stable in the meantime")).WithHint("%s", s.hint).WithContext(s.context(c))
	return o, m.detach(ctx, in, d.refs())
}
